"""R41 to R44: why and how cards come back, a return's life, and when its receipt shows."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from dscplus_station.business_days import after
from dscplus_station.devices.rules import CODE_CARDS, DeviceType


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
        return "a Security Code Card is never returned: destroy it and activate the phone app"
    if kind is not DeviceType.DSC_PLUS:
        return f"only a DSC+ is returned: a {kind} is kept"
    if reason is ReturnReason.REPLACEMENT and not by_phone:
        return "a replacement return is phoned in: temporary code first, then the new card is ordered"
    return None
