"""One catalogue a language for what every room writes to holders: complete, and without leftovers."""

import string
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

import dscplus_station
from dscplus_station import catalogue
from dscplus_station.documents import texts as documents
from dscplus_station.interim import texts as interim
from dscplus_station.limits import texts as limits
from dscplus_station.notices.texts import WORDINGS
from dscplus_station.returns import texts as returns

TEXTS = {
    "documents": list(documents.TEXTS),
    "interim": [text for name, text in vars(interim).items() if name.isupper()],
    "returns": list(returns.TEXTS),
    "limits": [limits.CODE],
    "notices": [text for one in WORDINGS.values() for text in (one.subject, one.body, one.short)],
}
"""By room: a room that writes to holders has a file `texts.py`."""

translated = pytest.mark.parametrize("language", sorted(catalogue.languages() - {"en"}))


def test_no_room_that_writes_is_left_out():
    rooms = {path.parent.name for path in Path(dscplus_station.__file__).parent.glob("*/texts.py")}
    assert rooms == set(TEXTS)
    assert all(TEXTS.values())


@translated
@pytest.mark.parametrize("text", [text for texts in TEXTS.values() for text in texts])
def test_every_text_is_translated_and_names_the_same_things(text, language):
    translation = catalogue.translations(language).gettext(text)
    assert translation != text
    assert fields(translation) == fields(text)


@translated
def test_no_catalogue_keeps_a_text_that_nobody_uses(language):
    path = catalogue._FOLDER / language / "LC_MESSAGES" / "holder.po"
    with path.open("rb") as file:
        known = {message.id for message in read_po(file) if message.id}
    assert known == {text for texts in TEXTS.values() for text in texts}


def fields(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}
