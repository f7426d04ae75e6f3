"""A return's life (domain: "States"), and the reasons for one (R41)."""

from enum import StrEnum


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


S = ReturnState
RETURN_TRANSITIONS: dict[ReturnState, frozenset[ReturnState]] = {
    S.ANNOUNCED: frozenset({S.IN_TRANSIT}),
    S.IN_TRANSIT: frozenset({S.RECEIVED}),
    S.RECEIVED: frozenset({S.INSPECTED}),
    S.INSPECTED: frozenset({S.DISPOSED}),
    S.DISPOSED: frozenset(),
}
