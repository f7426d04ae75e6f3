"""The label of an envelope: to whom, which order and card, from which slot; of no carrier."""

from dataclasses import dataclass

from babel import Locale

from dscplus_station.errors import BadInput
from dscplus_station.scans.rules import label_code
from dscplus_station.typesetting.barcodes import Symbology
from dscplus_station.typesetting.fitting import Fitted, fit, line_height
from dscplus_station.typesetting.fonts import Face, require_printable
from dscplus_station.typesetting.plan import Box, Plan, Words, code_within, frame
from dscplus_station.wording import words

LABEL_MM = (100.0, 70.0)
MARGIN_MM = 5.0
_NAME_SIZES = (16.0, 14.0, 12.0, 10.0, 8.5, 7.0)
_ADDRESS_SIZES = (13.0, 12.0, 11.0, 10.0, 9.0, 8.0, 7.0)
_SMALL_SIZES = (9.0, 8.0, 7.0, 6.0)
_MATRIX_MM = 18.0
"""Width of a Data Matrix with what is to stay white beside it."""
_WIDTH_MM = LABEL_MM[0] - 2 * MARGIN_MM
_NAME_MM, _BOTH_MM = 16.0, 37.5
"""Heights that the name, and name and address together, have to fit into."""


@dataclass(frozen=True)
class LabelFacts:
    """What a label says. `copy` counts an order's printings for one card; `slot` None: from no slot."""

    issuer: str
    order: str
    serial_number: str
    copy: int
    name: str
    address: str
    country: str
    slot: str | None


def country_name(code: str) -> str:
    """A country as the postal services of all countries read it: in English capitals (UPU, Letter Post)."""
    return str(Locale("en").territories.get(code, code)).upper()


def address_lines(address: str) -> str:
    """An address line by line: a file's one-line address is broken at its commas."""
    if "\n" in address:
        return address
    return "\n".join(part.strip() for part in address.split(",") if part.strip())


def label(facts: LabelFacts) -> Plan:
    """What stands where on a label.

    Raises:
        BadInput: a character that no font has, or an address too long for a label.
    """
    require_printable(words("order {order}", order=facts.order), facts.name, facts.address, facts.issuer)
    slot_width = 27.0 if facts.slot is not None else 0.0
    name = _fitted(facts, facts.name, _WIDTH_MM, _NAME_MM, _NAME_SIZES, face=Face.BOLD)
    top = 15.0
    below = top + len(name.lines) * line_height(name.size_pt) + 0.5
    country = country_name(facts.country)
    joined = ", ".join(facts.address.split("\n"))
    remaining = top + _BOTH_MM - below
    address = fit(
        f"{address_lines(facts.address)}\n{country}", _WIDTH_MM, remaining, _ADDRESS_SIZES
    ) or _fitted(
        facts,
        f"{joined}\n{country}",
        _WIDTH_MM,
        remaining,
        _ADDRESS_SIZES,
    )
    issuer = _fitted(facts, facts.issuer, _WIDTH_MM - slot_width - 2, 7.5, (8.0, 7.0, 6.0))
    items: list[Words | Box] = [*_lines(issuer, MARGIN_MM, 4.5), Box(0, 14.0, LABEL_MM[0], 0.4)]
    items += _lines(name, MARGIN_MM, top, face=Face.BOLD)
    items += _lines(address, MARGIN_MM, below)
    items.append(Box(0, 53.0, LABEL_MM[0], 0.4))
    if facts.slot is not None:
        left = LABEL_MM[0] - MARGIN_MM - slot_width
        slot = _fitted(facts, f"SLOT {facts.slot}", slot_width - 2, 9.0, (17.0, 14.0, 11.0), face=Face.BOLD)
        items += frame(left, 3.0, slot_width, 9.0)
        items.append(Words(left + 1.8, 9.6, slot.lines[0], slot.size_pt, face=Face.BOLD))
    code = code_within(
        label_code(facts.order, facts.serial_number, facts.copy),
        MARGIN_MM - 2.5,
        55.0,
        LABEL_MM[0] - 2 * (MARGIN_MM - 2.5),
        9.0,
        f"Barcode of label {facts.copy} of order {facts.order}",
    )
    told = f"Order {facts.order}   Card {facts.serial_number}   Label {facts.copy}"
    if code.symbology is Symbology.CODE_128:
        items += _lines(_fitted(facts, told, _WIDTH_MM, 4.5, _SMALL_SIZES), MARGIN_MM, 64.3)
    else:
        beside = _fitted(facts, told, _WIDTH_MM - _MATRIX_MM, 12.0, _SMALL_SIZES)
        items += _lines(beside, MARGIN_MM + _MATRIX_MM, 56.0)
    return Plan(*LABEL_MM, f"Label {facts.copy} of order {facts.order}", (*items, code))


def _fitted(
    facts: LabelFacts,
    text: str,
    width: float,
    height: float,
    sizes: tuple[float, ...],
    *,
    face: Face = Face.REGULAR,
) -> Fitted:
    fitted = fit(text, width, height, sizes, face=face)
    if fitted is None:
        begin = " ".join(text.split())[:20]
        raise BadInput(
            "order {order}: {begin}… is too long for a label: shorten it. Nothing was printed.",
            order=facts.order,
            begin=repr(begin),
        )
    return fitted


def _lines(fitted: Fitted, x: float, top: float, *, face: Face = Face.REGULAR) -> list[Words | Box]:
    height = line_height(fitted.size_pt)
    return [
        Words(x, top + number * height + height * 0.78, line, fitted.size_pt, face)
        for number, line in enumerate(fitted.lines)
        if line
    ]
