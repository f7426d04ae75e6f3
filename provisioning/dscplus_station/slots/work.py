"""Work that is not a personalisation, on the card in a slot: what it is given, and what it gives back."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from dscplus_driver.card import Card
from dscplus_station.slots.rules import Outcome, Verdict


class Reporter(Protocol):
    """The work's own view of its slot."""

    def step(self, name: str) -> None:
        """Tell that this step of the work's `steps` is done.

        Raises:
            Stopped: the station is being stopped; the work ends here, at the step's boundary.
        """
        ...


@dataclass(frozen=True)
class Ended:
    """How a work ended: its verdict and the words for it; the code is the room's own, or of `rules.Code`."""

    verdict: Verdict
    outcome: Outcome
    again: bool = False
    """Nothing was done now: the card was found so."""


@dataclass(frozen=True)
class Work:
    """A saga of another room: inspection, restock, scrap.

    `name` and `steps` are stable words for programs. `serial_number` is the card that is meant: `do` is
    called with the open card only if it is the one in the slot, and only under the lock of the card. `do` may
    raise DscError and StationError: the slot tells them as it does for a personalisation.
    """

    name: str
    serial_number: str
    steps: tuple[str, ...]
    do: Callable[[Card, Reporter], Ended]
