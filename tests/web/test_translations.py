"""Each text of the pages has its Spanish, in its area's catalogue; none is left over or loses a fact."""

import io
import re
from pathlib import Path

import pytest
from babel.messages.extract import extract
from babel.messages.pofile import read_po
from jinja2.ext import babel_extract

import dscplus_station
from dscplus_station import catalogue
from dscplus_station.desk.rules import TOLD
from dscplus_station.quarantine.rules import CAUSE_TOLD
from dscplus_station.scans import rules as scans
from dscplus_station.slots import rules as slots
from dscplus_station.web.language import NAMES

PACKAGE = Path(dscplus_station.__file__).parent
WEB = PACKAGE / "web"
COMMON = "kiosk"
KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}
AREAS = sorted({path.name for path in (WEB / "templates").iterdir() if path.is_dir()})


def texts_of(area):
    """The texts of an area: its templates, its module in `pages`; of the common area, all the rest."""
    found = texts_of_rooms(area)
    templates = sorted((WEB / "templates" / area).rglob("*.html"))
    modules = modules_of(area)
    if area == COMMON:
        templates += (WEB / "templates").glob("*.html")
        others = {module for other in AREAS if other != COMMON for module in modules_of(other)}
        modules = [path for path in WEB.rglob("*.py") if path not in others]
    for path in templates:
        options = {"trimmed": "false", "silent": "false", "extensions": "jinja2.ext.i18n"}
        for _line, _function, message, _comments in babel_extract(
            io.BytesIO(path.read_bytes()), list(KEYWORDS), [], options
        ):
            found |= texts_in(message)
    for path in modules:
        with path.open("rb") as file:
            for _line, message, _comments, _context in extract("python", file, KEYWORDS):
                found |= texts_in(message)
    return found


def texts_in(message):
    """What one call names: one text, a singular and its plural, or none where it names a variable."""
    return {message} if isinstance(message, str) else set(filter(None, message or ()))


def modules_of(area):
    pages = [WEB / "pages" / f"{area}.py", *(WEB / "pages").glob(f"{area}_*.py")]
    return [path for path in pages if path.exists()] + sorted((WEB / area).glob("*.py"))


def texts_of_rooms(area):
    """What the rooms behind a page say in words that are translated where they are shown."""
    return ROOMS[area]() if area in ROOMS else set()


def said_at_the_bench():
    said = {text for words in slots.WORDS.values() for text in (words.what, words.now)}
    said |= set(CAUSE_TOLD.values())
    said |= {value for name, value in vars(scans).items() if name.isupper() and isinstance(value, str)}
    for path in (PACKAGE / "parcels").glob("*.py"):
        with path.open("rb") as file:
            for _line, message, _comments, _context in extract("python", file, KEYWORDS | {"words": None}):
                said |= texts_in(message)
    return {text for text in said if re.search("[a-z]{3} ", text)}


def said_at_the_returns_desk():
    return set(TOLD.values())


ROOMS = {"returns": said_at_the_returns_desk, "bench": said_at_the_bench}


def catalogue_of(language, area):
    path = PACKAGE / "locale" / language / "LC_MESSAGES" / f"{area}.po"
    if not path.exists():
        return {}
    with path.open("rb") as file:
        return {text: one for one in read_po(file) if one.id for text in texts_in(one.id)}


OTHERS = sorted(set(NAMES) - {catalogue.SOURCE_LANGUAGE})


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("area", AREAS)
def test_each_text_is_translated(area, language):
    known = catalogue_of(language, COMMON) | catalogue_of(language, area)
    missing = sorted(text for text in texts_of(area) if text not in known or not known[text].string)
    assert missing == []


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("area", AREAS)
def test_no_translation_is_left_over_or_names_something_else(area, language):
    known = catalogue_of(language, area)
    assert sorted(set(known) - texts_of(area)) == []
    for text, message in known.items():
        strings = message.string if isinstance(message.string, tuple) else (message.string,)
        for string in strings:
            assert names(string) == names(str(message.id)), text


def names(text):
    return set(re.findall(r"%\((\w+)\)|\{(\w+)\}", text))


def test_there_is_something_to_translate():
    assert COMMON in AREAS and len(texts_of(COMMON)) > 20
