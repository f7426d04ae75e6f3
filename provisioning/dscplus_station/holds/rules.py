"""R12: the deposit held for a card ends exactly once."""

from enum import StrEnum


class HoldState(StrEnum):
    """HELD, then released or captured, once."""

    HELD = "HELD"
    RELEASED = "RELEASED"
    CAPTURED = "CAPTURED"


S = HoldState
HOLD_TRANSITIONS: dict[HoldState, frozenset[HoldState]] = {
    S.HELD: frozenset({S.RELEASED, S.CAPTURED}),
    S.RELEASED: frozenset(),
    S.CAPTURED: frozenset(),
}

HOLD_CENTS = 2_000
"""R12: 20 USD, in cents."""
