"""A card's physical life (domain: "States"): a table of transitions, and nothing that is not in it."""

from enum import StrEnum


class CardState(StrEnum):
    """Where a card is in its physical life."""

    BLANK = "BLANK"
    RESERVED = "RESERVED"
    PERSONALISED = "PERSONALISED"
    VERIFIED = "VERIFIED"
    SECURED = "SECURED"
    SHIPPED = "SHIPPED"
    RETURNED = "RETURNED"
    INSPECTED = "INSPECTED"
    SCRAPPED = "SCRAPPED"
    QUARANTINED = "QUARANTINED"
    LOST = "LOST"


S = CardState
_FORWARD: dict[CardState, frozenset[CardState]] = {
    S.BLANK: frozenset({S.RESERVED}),
    S.RESERVED: frozenset({S.PERSONALISED, S.BLANK}),  # BLANK: cancelled before a key was written
    S.PERSONALISED: frozenset({S.VERIFIED, S.BLANK}),  # BLANK: cancelled, and wiped
    S.VERIFIED: frozenset({S.SECURED, S.PERSONALISED, S.BLANK}),  # PERSONALISED: seed stored anew
    S.SECURED: frozenset({S.SHIPPED, S.BLANK}),
    S.SHIPPED: frozenset({S.RETURNED}),
    S.RETURNED: frozenset({S.INSPECTED}),
    S.INSPECTED: frozenset({S.BLANK, S.SCRAPPED}),  # BLANK: restocked, wiped and proven so
    S.QUARANTINED: frozenset({S.SCRAPPED, S.BLANK}),  # BLANK: released by a supervisor
    S.LOST: frozenset({S.RETURNED}),  # found
    S.SCRAPPED: frozenset(),
}
_FROM_ANYWHERE = frozenset({S.LOST, S.QUARANTINED})

CARD_TRANSITIONS: dict[CardState, frozenset[CardState]] = {
    state: after if state is S.SCRAPPED else (after | _FROM_ANYWHERE) - {state}
    for state, after in _FORWARD.items()
}
"""From each state, the states that may follow. A scrapped card is dead: nothing follows."""

BOUND_STATES = frozenset({S.RESERVED, S.PERSONALISED, S.VERIFIED, S.SECURED, S.SHIPPED})
"""States in which a card serves an order."""


def may_become(present: CardState, following: CardState) -> bool:
    """Whether a card may go from one state straight to the other."""
    return following in CARD_TRANSITIONS[present]
