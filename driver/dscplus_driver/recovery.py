"""After a lost answer: open a fresh secure channel with whichever keys the card has, and read its state."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from . import errors
from .card import Card
from .evidence import CardEvidence
from .sensitive import KeySet
from .session import SecureSession

RECOVERIES = 3
"""How often a sequence goes on after a lost answer before it tells its caller."""
_Result = TypeVar("_Result")


def open_any(card: Card, key_sets: Sequence[KeySet]) -> SecureSession:
    """Open a session under the first of these key sets whose version the card has; each is tried once at
    most.

    Only "no such key version" leads to the next: that costs the card nothing. Raises KeyVersionNotFound if
    none fits, and what `Card.open_session` raises.
    """
    for keys in key_sets:
        try:
            return card.open_session(keys)
        except errors.KeyVersionNotFound:
            continue
    tried = ", ".join(f"{keys.version:02X}" for keys in key_sets)
    raise errors.KeyVersionNotFound(f"the card has none of the key versions {tried}", where=card.where)


def read_evidence(card: Card, key_sets: Sequence[KeySet]) -> CardEvidence:
    """Return the card's state, read under R-MAC in a new link session and a fresh channel.

    ``key_sets``: issuer keys first, then restock, then transport keys. A card without keys (TERMINATED) gives
    no evidence: KeyVersionNotFound or StatusWordError. Raises CardSwapped if another card is at the port now.
    """
    card.reset()
    card.check_serial_number()
    with open_any(card, key_sets) as session:
        return session.evidence()


def until_known(card: Card, once: Callable[[bool], _Result]) -> _Result:
    """Run ``once(fresh)``; after a lost answer begin it again, up to `RECOVERIES` times, ``fresh`` being
    False from then on.

    ``once`` then has to decide from evidence. A card that was removed is not waited for. Raises what ``once``
    raises, and CardSwapped if the lost answer came of another card being at the port now.
    """
    for recovery in range(RECOVERIES + 1):
        try:
            if recovery:
                card.check_serial_number()
            return once(recovery == 0)
        except (errors.OutcomeUnknown, errors.CardTimeout, errors.LinkError, errors.SessionClosed) as error:
            if recovery == RECOVERIES or isinstance(error.__cause__, errors.CardRemoved):
                raise
            card.reset()
    raise AssertionError("the loop returns or raises")
