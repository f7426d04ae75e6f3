"""R12: the deposit held for a card ends exactly once, and how."""

from enum import StrEnum

DEPOSIT_CENTS = 20 * 100
"""R12: what is held for a card, in US cents."""


class HoldState(StrEnum):
    """HELD, then released or captured, once."""

    HELD = "HELD"
    RELEASED = "RELEASED"
    CAPTURED = "CAPTURED"


class HoldEnd(StrEnum):
    """What ends a hold."""

    RETURNED = "RETURNED"
    """Also after battery failure or accidental damage: those cost nothing."""
    ORDER_CANCELLED = "ORDER_CANCELLED"
    UNDELIVERED = "UNDELIVERED"
    """It never reached its holder, who owes nothing for it, whether it comes back or not."""
    LOST = "LOST"
    STOLEN = "STOLEN"
    INTENTIONALLY_DAMAGED = "INTENTIONALLY_DAMAGED"
    CLOSED_WITHOUT_RETURN = "CLOSED_WITHOUT_RETURN"


STATE_AFTER: dict[HoldEnd, HoldState] = {
    HoldEnd.RETURNED: HoldState.RELEASED,
    HoldEnd.ORDER_CANCELLED: HoldState.RELEASED,
    HoldEnd.UNDELIVERED: HoldState.RELEASED,
    HoldEnd.LOST: HoldState.CAPTURED,
    HoldEnd.STOLEN: HoldState.CAPTURED,
    HoldEnd.INTENTIONALLY_DAMAGED: HoldState.CAPTURED,
    HoldEnd.CLOSED_WITHOUT_RETURN: HoldState.CAPTURED,
}
"""R12: captured if the card is lost, stolen, damaged on purpose or kept; else released."""
