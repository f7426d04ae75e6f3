"""What may be shipped: the card and the label that were scanned are one pair, and the label still counts.

The card is scanned by its own printed serial number and never by the label, so that two envelopes whose
cards were swapped are noticed, whatever slot they came from.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from dscplus_station.errors import BadInput
from dscplus_station.scans.rules import CardScan, LabelScan, OrderScan, parse, s10_valid
from dscplus_station.wording import N_, words

ANY_CARRIER = {"Carrier": "*"}
"""Without `[shipping.carriers]` every tracking number is the one carrier's."""
S10 = "S10"
"""The pattern that means the UPU's numbers, check digit and all."""


@dataclass(frozen=True)
class Scanned:
    """What was scanned at packing, as it was read: the card, and the label (or order; see `[labels]`)."""

    card: str
    paper: str


def labels_printed(labels: Mapping[str, Any]) -> bool:
    """Whether this station prints labels: `[labels] printed`, true unless it says otherwise.

    Raises:
        BadInput: it says neither true nor false.
    """
    printed = labels.get("printed", True)
    if not isinstance(printed, bool):
        raise BadInput("[labels] printed is true or false, not {printed}", printed=repr(printed))
    return printed


def carrier_of(shipping: Mapping[str, Any], tracking: str) -> str | None:
    """The carrier whose numbers look so: `[shipping.carriers]`, name = pattern, the first that fits; or None.

    Raises:
        BadInput: the setting is no table of names and patterns.
    """
    carriers = shipping.get("carriers", ANY_CARRIER)
    if not isinstance(carriers, dict) or not all(isinstance(value, str) for value in carriers.values()):
        raise BadInput('[shipping.carriers] has lines such as "Sample Post" = "S10"')
    for name, pattern in carriers.items():
        if s10_valid(tracking) if pattern == S10 else fnmatchcase(tracking, pattern):
            return str(name)
    return None


def read_card(text: str) -> CardScan:
    """The card's scan.

    Raises:
        BadInput: it is something else, or misread.
    """
    scan = parse(text)
    if isinstance(scan, CardScan):
        return scan
    raise BadInput("the card: {told}. Scan the serial number on the card's back", told=_told(scan))


def read_paper(text: str, *, labels: bool) -> LabelScan | OrderScan:
    """The label's scan; at a station that prints none, the order's.

    Raises:
        BadInput: it is something else, or misread.
    """
    scan = parse(text)
    if isinstance(scan, LabelScan if labels else OrderScan):
        return scan
    if labels:
        raise BadInput(
            "the label: {told}. Scan the barcode of the label that was printed for the card", told=_told(scan)
        )
    raise BadInput(
        "the order: {told}. This station prints no labels: scan the order's barcode", told=_told(scan)
    )


def _told(scan: object) -> str:
    why = getattr(scan, "why", None)
    if why:
        return words(N_("it cannot be read: {why}"), why=words(why))
    return words(N_("that is {what}"), what=words(WHAT[type(scan).__name__]))


WHAT = {
    "OrderScan": N_("an order's barcode"),
    "CardScan": N_("a card's serial number"),
    "LabelScan": N_("a label's barcode"),
    "TrackingScan": N_("a tracking number"),
    "OperatorScan": N_("an operator's badge"),
    "CommandScan": N_("a command"),
}
"""What a scan is, for people."""


def void_label(copy: int, printed: int) -> str | None:
    """Why the copy of a label that was scanned does not count, or None."""
    if copy > printed:
        return words("label {copy} was never printed here", copy=copy)
    if copy < printed:
        return words("label {copy} of {printed}: the later one counts", copy=copy, printed=printed)
    return None
