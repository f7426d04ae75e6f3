"""How far a restock or a scrap has come."""

from enum import StrEnum


class DisposalState(StrEnum):
    """The last step that a card has confirmed, in order; a scrap goes from BEGUN to TERMINATED."""

    BEGUN = "BEGUN"
    WIPED = "WIPED"
    PROVEN = "PROVEN"
    """The wipe, read back under R-MAC."""
    KEYS_ROTATED = "KEYS_ROTATED"
    TERMINATED = "TERMINATED"


class DisposalResult(StrEnum):
    """How it ended. One without a result is open, and running it again completes it."""

    COMPLETED = "COMPLETED"
    QUARANTINED = "QUARANTINED"
    OVERTAKEN = "OVERTAKEN"
    """The bench took the card up for an order before it was finished: that run wiped it."""


STEPS = list(DisposalState)
