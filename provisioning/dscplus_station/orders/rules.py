"""An order's life (domain: "States"): a table of transitions."""

from enum import StrEnum


class OrderState(StrEnum):
    """How far an order has come."""

    DRAFT = "DRAFT"
    REVIEW = "REVIEW"
    PLACED = "PLACED"
    IN_PROVISIONING = "IN_PROVISIONING"
    SHIPPED = "SHIPPED"
    FULFILLED = "FULFILLED"
    CANCELLED = "CANCELLED"
    UNDELIVERED = "UNDELIVERED"


class OrderKind(StrEnum):
    """A first or further card, or one in place of another (R9, R10)."""

    NEW = "new"
    REPLACEMENT = "replacement"


class Profile(StrEnum):
    """Who checks the PIN (R5): the card (A), or the server's verifier (B)."""

    CARD_PIN = "A"
    SERVER_PIN = "B"


S = OrderState
ORDER_TRANSITIONS: dict[OrderState, frozenset[OrderState]] = {
    S.DRAFT: frozenset({S.REVIEW, S.CANCELLED}),
    S.REVIEW: frozenset({S.DRAFT, S.PLACED, S.CANCELLED}),
    S.PLACED: frozenset({S.IN_PROVISIONING, S.CANCELLED}),
    S.IN_PROVISIONING: frozenset({S.PLACED, S.SHIPPED, S.CANCELLED}),  # PLACED: the card failed
    S.SHIPPED: frozenset({S.FULFILLED, S.UNDELIVERED}),
    S.FULFILLED: frozenset(),
    S.CANCELLED: frozenset(),
    S.UNDELIVERED: frozenset(),
}

PIN_KEPT = frozenset({S.DRAFT, S.REVIEW, S.PLACED, S.IN_PROVISIONING})
"""Only in these states may an order still hold its sealed PIN."""


def may_become(present: OrderState, following: OrderState) -> bool:
    """Whether an order may go from one state straight to the other."""
    return following in ORDER_TRANSITIONS[present]
