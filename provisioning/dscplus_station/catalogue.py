"""Translations by gettext: `locale/LANGUAGE/LC_MESSAGES/AREA.po`. Another language is another such file.

The area `holder` is what holders of cards are written; the others are the kiosk's. English is the text in the
code. Catalogues are read as they are (`.po`), so that there is nothing to compile.
"""

import functools
import gettext
import importlib.resources
import io
from datetime import date, timedelta

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.units import format_unit

from dscplus_station.wording import SOURCE_LANGUAGE, written_day

HOLDER = "holder"
_FOLDER = importlib.resources.files("dscplus_station") / "locale"


@functools.cache
def languages() -> frozenset[str]:
    """The languages that a holder can be written to, as ISO 639-1 codes."""
    return frozenset({SOURCE_LANGUAGE} | {entry.name for entry in _FOLDER.iterdir() if entry.is_dir()})


def areas(language: str) -> list[str]:
    """The areas that have a catalogue in a language out of `languages()`."""
    if language == SOURCE_LANGUAGE:
        return []
    entries = (_FOLDER / language / "LC_MESSAGES").iterdir()
    return sorted(entry.name.removesuffix(".po") for entry in entries if entry.name.endswith(".po"))


@functools.cache
def texts(language: str, area: str) -> tuple[str, ...]:
    """The English texts that an area's catalogue has a translation of."""
    source = (_FOLDER / language / "LC_MESSAGES" / f"{area}.po").read_bytes()
    return tuple(str(message.id) for message in read_po(io.BytesIO(source), locale=language) if message.id)


@functools.cache
def translations(language: str, area: str = HOLDER) -> gettext.NullTranslations:
    """The catalogue of a language out of `languages()`; English has none and needs none."""
    if language == SOURCE_LANGUAGE:
        return gettext.NullTranslations()
    source = (_FOLDER / language / "LC_MESSAGES" / f"{area}.po").read_bytes()
    compiled = io.BytesIO()
    write_mo(compiled, read_po(io.BytesIO(source), locale=language))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def day(language: str, value: date) -> str:
    """A day as people write it: Fri 25 Dec 2026, vie 25 dic 2026."""
    return written_day(language, value)


def minutes(language: str, span: timedelta) -> str:
    """Whole minutes as people write them: 5 minutes, 1 minuto."""
    return format_unit(span // timedelta(minutes=1), "duration-minute", locale=Locale.parse(language))
