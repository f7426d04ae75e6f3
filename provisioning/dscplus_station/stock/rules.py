"""A card's physical life (domain: "States"): a table of transitions, and nothing that is not in it."""

import re
from enum import StrEnum

from dscplus_driver.model import luhn_valid
from dscplus_station.wording import words


class CardState(StrEnum):
    """Where a card is in its physical life."""

    BLANK = "BLANK"
    RESERVED = "RESERVED"
    PERSONALISED = "PERSONALISED"
    VERIFIED = "VERIFIED"
    SECURED = "SECURED"
    LABELLED = "LABELLED"
    """Its label was printed; stations that print none ship a SECURED card."""
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
    # BLANK: cancelled, and wiped; RESERVED: cancelled, and its next order's run begins by wiping it
    S.PERSONALISED: frozenset({S.VERIFIED, S.BLANK, S.RESERVED}),
    S.VERIFIED: frozenset({S.SECURED, S.PERSONALISED, S.BLANK, S.RESERVED}),  # PERSONALISED: seed stored anew
    S.SECURED: frozenset({S.LABELLED, S.SHIPPED, S.BLANK, S.RESERVED}),
    S.LABELLED: frozenset({S.SHIPPED, S.BLANK, S.RESERVED}),
    S.SHIPPED: frozenset({S.RETURNED, S.SECURED, S.LABELLED}),  # the latter two: the shipment was undone
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


TRAINING_SERIALS = "99999"
"""What the serial numbers of training cards begin with: such a card is never stock, so never shipped."""


def serial_number_fault(digits: str) -> str | None:
    """What is wrong with a serial number (wire: ten decimal digits, the last a Luhn digit), or None."""
    if len(digits) != 10 or not (digits.isascii() and digits.isdigit()):
        return words("a serial number has ten digits")
    if not luhn_valid(digits):
        return words("the last digit does not fit the others (Luhn): mistyped?")
    return None


_BATCH_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}", re.ASCII)


def batch_name_fault(name: str) -> str | None:
    """What is wrong with a batch's name, or None."""
    if _BATCH_NAME.fullmatch(name):
        return None
    return words("a batch has a name of 1 to 40 letters, digits and . _ -")
