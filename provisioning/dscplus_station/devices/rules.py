"""An assignment's life (domain: "States"): a user and a device, apart from the card's physical life."""

from enum import StrEnum


class AssignmentState(StrEnum):
    """How a user stands to a device."""

    PENDING = "PENDING"
    ACTIVE = "ACTIVE"
    LOCKED = "LOCKED"
    DORMANT = "DORMANT"
    REVOKED = "REVOKED"


class Profile(StrEnum):
    """Who checks the PIN (R5): the card (A), or the server's verifier (B)."""

    CARD_PIN = "A"
    SERVER_PIN = "B"


class ActivatedBy(StrEnum):
    """Who activated: the user with a valid response, or the timer (R13 to R15)."""

    USER = "USER"
    TIMER = "TIMER"


S = AssignmentState
ASSIGNMENT_TRANSITIONS: dict[AssignmentState, frozenset[AssignmentState]] = {
    S.PENDING: frozenset({S.ACTIVE, S.LOCKED, S.REVOKED}),  # LOCKED: wrong responses while activating (R6)
    S.ACTIVE: frozenset({S.LOCKED, S.DORMANT, S.REVOKED}),
    S.LOCKED: frozenset({S.ACTIVE, S.PENDING, S.REVOKED}),  # PENDING: it was locked before it was active
    S.DORMANT: frozenset({S.ACTIVE, S.REVOKED}),
    S.REVOKED: frozenset(),
}
