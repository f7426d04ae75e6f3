"""R12: what can be reported of a card, and what becomes of its deposit."""

from enum import StrEnum

from dscplus_station.holds.rules import STATE_AFTER, HoldEnd, HoldState


class ReportKind(StrEnum):
    """What happened to a card."""

    LOST = "lost"
    STOLEN = "stolen"
    ACCIDENT = "damaged-by-accident"
    ON_PURPOSE = "damaged-on-purpose"
    BATTERY = "battery"
    """It stopped working by itself."""
    PIN_BLOCKED = "pin-blocked"
    """R7: the card refused too many PINs, and a replacement shall serve."""


GONE = frozenset({ReportKind.LOST, ReportKind.STOLEN})
"""The holder does not have the card any more."""

DEPOSIT_ENDS: dict[ReportKind, HoldEnd] = {
    ReportKind.LOST: HoldEnd.LOST,
    ReportKind.STOLEN: HoldEnd.STOLEN,
    ReportKind.ON_PURPOSE: HoldEnd.INTENTIONALLY_DAMAGED,
    ReportKind.ACCIDENT: HoldEnd.RETURNED,
    ReportKind.BATTERY: HoldEnd.RETURNED,
    ReportKind.PIN_BLOCKED: HoldEnd.RETURNED,
}
"""R12: how the deposit of a reported card ends. A capture waits for a second person, a release for the card.
"""


def is_captured(kind: ReportKind) -> bool:
    """Whether the deposit of a card reported so is captured (R12)."""
    return STATE_AFTER[DEPOSIT_ENDS[kind]] is HoldState.CAPTURED
