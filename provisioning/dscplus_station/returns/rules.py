"""R41 to R44: why and how cards come back, a return's life, and when its receipt shows."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from dscplus_station.business_days import after
from dscplus_station.devices.rules import CODE_CARDS, DeviceType
from dscplus_station.holds.rules import HoldEnd
from dscplus_station.losses.rules import ReportKind
from dscplus_station.wording import words


class ReturnState(StrEnum):
    """How far a return has come."""

    ANNOUNCED = "ANNOUNCED"
    IN_TRANSIT = "IN_TRANSIT"
    RECEIVED = "RECEIVED"
    INSPECTED = "INSPECTED"
    DISPOSED = "DISPOSED"


class ReturnReason(StrEnum):
    """R41: why a card comes back."""

    DAMAGE = "damage"
    BREAKAGE = "breakage"
    CONSOLIDATION = "consolidation"
    ACCOUNT_CLOSURE = "account-closure"
    REPLACEMENT = "replacement"


REPLACEABLE = frozenset({ReturnReason.DAMAGE, ReturnReason.BREAKAGE, ReturnReason.REPLACEMENT})
"""A card that came back so may be replaced, as a reported one may (R9)."""


class Condition(StrEnum):
    """What the returns desk sees of a card that came back."""

    INTACT = "intact"
    DAMAGED = "damaged"
    """Worn or broken, as it happens: it costs nothing (R12)."""
    ON_PURPOSE = "damaged-on-purpose"
    UNOPENED = "unopened"
    """Undelivered: in its parcel, which nobody has opened."""


BROKEN = frozenset({Condition.DAMAGED, Condition.ON_PURPOSE})

S = ReturnState
RETURN_TRANSITIONS: dict[ReturnState, frozenset[ReturnState]] = {
    S.ANNOUNCED: frozenset({S.IN_TRANSIT}),
    S.IN_TRANSIT: frozenset({S.RECEIVED}),
    S.RECEIVED: frozenset({S.INSPECTED}),
    S.INSPECTED: frozenset({S.DISPOSED}),
    S.DISPOSED: frozenset(),
}

ON_THE_WAY = frozenset({S.ANNOUNCED, S.IN_TRANSIT})
"""Not here yet."""

HERE = frozenset({S.RECEIVED, S.INSPECTED})
"""On the returns desk, or on the quarantine shelf."""

SHOWN_AFTER = (3, 5)
"""R42: business days from posting until the account shows the receipt. (3 alone is superseded.)"""


@dataclass(frozen=True)
class Window:
    """The days between which a receipt shows (R42)."""

    first: date
    last: date


def shown_between(posted_on: date, is_business_day: Callable[[date], bool]) -> Window:
    """When a card that was posted on a day shows as received (R42)."""
    first, last = (after(posted_on, days, is_business_day) for days in SHOWN_AFTER)
    return Window(first, last)


def announcing_fault(kind: DeviceType, reason: ReturnReason, *, by_phone: bool) -> str | None:
    """Why a return cannot be announced so, or None (R30, R43, R44)."""
    if kind in CODE_CARDS:
        return words("a Security Code Card is never returned: destroy it and activate the phone app")
    if kind is not DeviceType.DSC_PLUS:
        return words("only a DSC+ is returned: a {kind} is kept", kind=str(kind))
    if reason is ReturnReason.REPLACEMENT and not by_phone:
        return words("a replacement return is phoned in: temporary code first, then the new card is ordered")
    return None


def judged_end(report: ReportKind | None, condition: Condition, *, replaced: bool, our_card: bool) -> HoldEnd:
    """How the deposit of a card ends once the returns desk has looked at it (R12).

    What the desk sees counts for more than what was reported: a card reported damaged on purpose that is
    whole is not damaged. Whether a broken one was broken on purpose the report may know better. If what came
    back is not the card that was sent, that card is lost. A stolen card that was replaced stays captured.

    Args:
        replaced: the user has ordered another card in its place.
        our_card: what came back is the card that was sent.
    """
    if not our_card:
        return HoldEnd.LOST
    if condition is Condition.ON_PURPOSE or (report is ReportKind.ON_PURPOSE and condition in BROKEN):
        return HoldEnd.INTENTIONALLY_DAMAGED
    if report is ReportKind.STOLEN and replaced:
        return HoldEnd.STOLEN
    return HoldEnd.RETURNED
