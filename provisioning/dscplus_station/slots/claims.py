"""The seam to whoever decides which order a card is for: the slots ask, and do as they are told.

`claim(slot, serial_number)` is called from the slot's thread after a card said who it is, with no transaction
open. It answers by a `Claim`, a `Refused` or `NOTHING_YET`. It is not asked for a card that was ready in its
slot when the station started. `on_ended(end)` is called from the slot's thread after each work on a card: for
a card that was made, at least once (`again`, if it was found made).
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from dscplus_station.actor import Actor
from dscplus_station.slots.rules import Code, Outcome, Verdict, outcome


@dataclass(frozen=True)
class Claim:
    """This card is for this order; `actor` is the operator in whose name it is personalised."""

    order: str
    actor: Actor


@dataclass(frozen=True)
class Refused:
    """This card is not to be touched, and why. Made by `refused`."""

    outcome: Outcome


class NothingYet(Enum):
    """No order waits for a card: the slot waits, and `Bench.ask_again` asks again."""

    NOTHING_YET = "nothing yet"


NOTHING_YET = NothingYet.NOTHING_YET

Answer = Claim | Refused | NothingYet
AskClaim = Callable[[int, str], Answer]


@dataclass(frozen=True)
class End:
    """The end of one work in a slot. `work` is `provision`, or the name that `Bench.work_in` was given."""

    slot: int
    label: str
    work: str
    serial_number: str | None
    order: str | None
    verdict: Verdict
    outcome: Outcome
    again: bool = False
    """Nothing was done now: the card was found made. Its label may be printed already."""


OnEnded = Callable[[End], None]


def refused(code: Code, **facts: object) -> Refused:
    """A refusal by code; the facts are those that its words name, and further evidence.

    Raises:
        KeyError: a fact is missing that the words name.
    """
    return Refused(outcome(code, **facts))
