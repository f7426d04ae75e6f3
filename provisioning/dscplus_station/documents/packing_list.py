"""The packing list of a carrier and a day: what was handed over, to be counted and signed for."""

from dataclasses import dataclass
from datetime import date, datetime

from dscplus_station.catalogue import day
from dscplus_station.typesetting.barcodes import MODULE_MM, QUIET_MODULES, Symbology, bars, symbology_for
from dscplus_station.typesetting.fitting import wrap
from dscplus_station.typesetting.fonts import Face, require_printable
from dscplus_station.typesetting.paper import GREY, Align, Paper, Tag
from dscplus_station.wording import SOURCE_LANGUAGE, words

ROWS_A_PAGE = 17
_LEFT, _WIDTH = 15.0, 180.0
_FIRST_ROW, _ROW = 50.0, 12.0
_NUMBER, _ORDER, _COUNTRY, _TRACKING, _BARS = 0.0, 10.0, 57.0, 69.0, 118.0
_BARS_WIDTH = _WIDTH - _BARS


@dataclass(frozen=True)
class Parcel:
    """One parcel on the list; nobody's name, and no address: the carrier has them on the label."""

    order: str
    country: str
    tracking: str


@dataclass(frozen=True)
class PackingFacts:
    """What a packing list says."""

    issuer: str
    station: str
    carrier: str
    shipped_on: date
    parcels: tuple[Parcel, ...]


def packing_list(facts: PackingFacts, made_at: datetime) -> bytes:
    """Set a packing list as a PDF.

    Raises:
        BadInput: a text has letters that no font has.
    """
    tracking = [parcel.tracking for parcel in facts.parcels]
    require_printable(words("the packing list"), facts.issuer, facts.station, facts.carrier, *tracking)
    title = f"Packing list, {facts.carrier}, {day(SOURCE_LANGUAGE, facts.shipped_on)}"
    starts = range(0, len(facts.parcels), ROWS_A_PAGE)
    with Paper(title, SOURCE_LANGUAGE, made_at) as paper:
        for page, start in enumerate(starts, 1):
            paper.add_page()
            _head(paper, facts, page, len(starts))
            rows = facts.parcels[start : start + ROWS_A_PAGE]
            for number, parcel in enumerate(rows):
                _row(paper, _FIRST_ROW + number * _ROW, start + number + 1, parcel)
            if page == len(starts):
                _signature(paper, len(facts.parcels))
        return paper.content()


def _head(paper: Paper, facts: PackingFacts, page: int, pages: int) -> None:
    paper.line(_LEFT, 18, facts.issuer, 10)
    paper.line(_LEFT, 18, f"Page {page} of {pages}", 10, width=_WIDTH, align=Align.RIGHT, grey=GREY)
    title = wrap(f"Packing list: {facts.carrier}", _WIDTH, 16, face=Face.BOLD)[0]
    paper.line(_LEFT, 28, title, 16, face=Face.BOLD, tag=Tag.TITLE)
    count = f"{len(facts.parcels)} parcels" if len(facts.parcels) > 1 else "1 parcel"
    when = f"{day(SOURCE_LANGUAGE, facts.shipped_on)} · {count} · station {facts.station}"
    paper.line(_LEFT, 35, when, 10.5)
    for x, text in (
        (_NUMBER, "No."),
        (_ORDER, "Order"),
        (_COUNTRY, "To"),
        (_TRACKING, "Tracking number"),
    ):
        paper.line(_LEFT + x, _FIRST_ROW - 3, text, 9, face=Face.BOLD)
    paper.rule(_LEFT, _FIRST_ROW - 1, _WIDTH, thickness=0.4)


def _row(paper: Paper, y: float, number: int, parcel: Parcel) -> None:
    paper.line(_LEFT, y + 6.5, str(number), 9)
    _within(paper, _LEFT + _ORDER, y, _COUNTRY - _ORDER - 2, parcel.order)
    paper.line(_LEFT + _COUNTRY, y + 6.5, parcel.country, 9)
    _within(paper, _LEFT + _TRACKING, y, _BARS - _TRACKING - 2, parcel.tracking)
    if parcel.tracking.isascii():  # no barcode holds anything else
        symbology = symbology_for(parcel.tracking, _BARS_WIDTH)
        pattern, module = bars(parcel.tracking, symbology), MODULE_MM[symbology]
        width = (pattern.columns + 2 * QUIET_MODULES[symbology]) * module
        x = _LEFT + _WIDTH - width + QUIET_MODULES[symbology] * module
        height = _ROW - 4 if symbology is Symbology.CODE_128 else 0
        told = f"Barcode of tracking number {parcel.tracking}"
        paper.bars(x, y + 1.2, pattern, module, height, told)
    paper.rule(_LEFT, y + _ROW - 1, _WIDTH, 200, 0.1)


def _within(paper: Paper, x: float, y: float, width: float, text: str) -> None:
    """A text in the middle of its row: in one line, or in smaller ones."""
    lines = wrap(text, width, 9)
    if len(lines) == 1:
        paper.line(x, y + 6.5, text, 9)
    else:
        paper.paragraph(x, y + 0.8, width, text, 6.5)


def _signature(paper: Paper, count: int) -> None:
    y = _FIRST_ROW + ROWS_A_PAGE * _ROW + 7
    told = f"Handed over: {count}"
    paper.line(_LEFT, y, told, 10.5, face=Face.BOLD)
    for x, text in ((60.0, "Carrier: date, time, name, signature"),):
        paper.rule(_LEFT + x, y + 1, _WIDTH - x)
        paper.line(_LEFT + x, y + 5, text, 8, grey=GREY)
