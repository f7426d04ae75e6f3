"""Fixtures for those who integrate the card; pytest finds them by the entry point `dscplus`.

This module is loaded in every pytest run of everyone who has dscplus installed; it imports only pytest, and
the rest when a test asks for a card. docs/emulator.md and examples/integrator/ show their use.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .virtual import BlankCard, PersonalisedCard


@pytest.fixture
def dsc_blank_card() -> "Iterator[BlankCard]":
    """A virtual card as the maker delivers it: `url`, `serial_number`, `keys`, `control`, `connect()`."""
    from .virtual import blank_card

    with blank_card() as card:
        yield card


@pytest.fixture
def dsc_personalised_card() -> "Iterator[PersonalisedCard]":
    """A virtual card as its holder has it: also `pin`, `respond(challenge)`, `verify(challenge, …)`."""
    from .virtual import blank_card, personalised

    with blank_card() as card:
        yield personalised(card)


@pytest.fixture
def dsc_card_with_faults() -> "Iterator[Callable[[str], BlankCard]]":
    """A function that takes a fault script, e.g. ``"unplug=300"``, and gives a blank card that follows it."""
    from .virtual import blank_card

    with ExitStack() as cards:

        def make(faults: str) -> "BlankCard":
            card = cards.enter_context(blank_card())
            card.control.set_faults(faults)
            return card

        yield make
