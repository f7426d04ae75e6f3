"""Each text of the pages has its Spanish, in its area's catalogue; none is left over or loses a fact."""

import inspect
import io
import re
from pathlib import Path

import pytest
from babel.messages.extract import extract
from babel.messages.pofile import read_po
from jinja2.ext import babel_extract

import dscplus_station
from dscplus_driver import errors as card_errors
from dscplus_station import catalogue
from dscplus_station.actor import Role
from dscplus_station.desk.rules import TOLD
from dscplus_station.desk.rules import Outcome as DeskOutcome
from dscplus_station.desk.states import DisposalState
from dscplus_station.devices.rules import AssignmentState
from dscplus_station.holds.rules import HoldState
from dscplus_station.lists.service import LISTINGS
from dscplus_station.losses.rules import ReportKind
from dscplus_station.orders.rules import OrderState
from dscplus_station.printing.rules import JobState
from dscplus_station.quarantine.rules import CAUSE_TOLD
from dscplus_station.returns.rules import ReturnReason, ReturnState
from dscplus_station.scans import rules as scans
from dscplus_station.sharing.rules import SharingState
from dscplus_station.slots import rules as slots
from dscplus_station.stock.rules import CardState
from dscplus_station.web.here import AT_A_PAGE
from dscplus_station.web.language import EVIDENCE, NAMES, saying
from dscplus_station.wording import Words, enum_text
from tests.web import said

PACKAGE = Path(dscplus_station.__file__).parent
WEB = PACKAGE / "web"
COMMON = "kiosk"
KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}
STATION = "station"
"""The area of what the rooms behind the pages say: refusals, alarms, reasons."""
AREAS = sorted({path.name for path in (WEB / "templates").iterdir() if path.is_dir()} | {STATION, EVIDENCE})


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
    told = {text for words in slots.WORDS.values() for text in (words.what, words.now)}
    told |= set(CAUSE_TOLD.values())
    told |= {value for name, value in vars(scans).items() if name.isupper() and isinstance(value, str)}
    told |= {text for module in said.modules() if module.startswith("parcels.") for text in marked_in(module)}
    return {text for text in told if re.search("[a-z]{3} ", text)}


def said_at_the_returns_desk():
    return set(TOLD.values())


FINDERS = ("desk.rules", "desk.diagnostics", "desk.runner", "personalise.rules", "personalise.runner")
"""What these find is kept as evidence, in English, and recognised where it is shown."""
NAMED = (
    CardState,
    OrderState,
    AssignmentState,
    HoldState,
    ReturnState,
    ReturnReason,
    ReportKind,
    JobState,
    DeskOutcome,
    SharingState,
    DisposalState,
    Role,
    slots.Phase,
)
"""The states and names that refusals mention; a member is translated by `enum_text`."""


def said_as_evidence():
    return {text for module in FINDERS for text in marked_in(module)}


def marked_in(module):
    """What a module says beside its errors and the deeds of its guards."""
    with said.modules()[module].open("rb") as file:
        found = extract("python", file, {"N_": None, "words": None})
        return {text for _line, message, _comments, _context in found for text in texts_in(message)}


def said_by_the_station():
    told = {text for module in [*said.behind_the_pages(), *said.pages()] for text in said.said_by(module)}
    told |= {enum_text(member) for enum in NAMED for member in enum} | set(LISTINGS)
    told |= {
        one.default_advice
        for one in vars(card_errors).values()
        if inspect.isclass(one) and issubclass(one, card_errors.DscError) and one.default_advice
    }
    return told - said_as_evidence() - said_at_the_bench()


ROOMS = {
    "returns": said_at_the_returns_desk,
    "bench": said_at_the_bench,
    STATION: said_by_the_station,
    EVIDENCE: said_as_evidence,
}


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
    if area == STATION:  # a state has its name in the lists, too
        known = {text: one for other in AREAS for text, one in catalogue_of(language, other).items()}
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


def test_nothing_that_the_station_says_is_filled_in_before_it_can_be_translated():
    assert [
        told for module in [*said.behind_the_pages(), *said.pages()] for told in said.spoilt_in(module)
    ] == []


def test_what_the_station_says_is_collected():
    """The collector sees every kind of text; and each module that is left out is there, and is reached."""
    told = said_by_the_station()
    assert "order {order} is {state}: it cannot become {following}" in told
    assert "undo a shipment" in told and "it is paused: press its pause key" in told
    assert "card {card} is in no slot for returns: plug it in" in told
    modules = [*said.behind_the_pages(), *said.pages()]
    reached = {name for module in modules for name in said.imported_by(module)}
    assert set(said.BEFORE_THE_PAGE) <= set(said.modules())
    assert set(said.BEFORE_THE_PAGE) <= reached | {
        name for one in said.pages() for name in said.imported_by(one)
    }


def test_no_page_tells_who_stands_there_to_type_a_command():
    """What the rooms advise at a terminal, a page says otherwise, of the same facts; also in English."""
    commands = {text for text in said_by_the_station() | said_at_the_bench() if "dsc-station" in text}
    assert set(AT_A_PAGE) == commands
    for text, instead in AT_A_PAGE.items():
        assert names(instead) <= names(text)
    for language in NAMES:
        told = [saying(language)(Words(text, **facts_of(text))) for text in AT_A_PAGE]
        assert [one for one in told if "dsc-station" in one or "`" in one] == []


def facts_of(text):
    return {name: "x" for pair in names(text) for name in pair if name}
