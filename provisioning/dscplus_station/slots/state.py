"""What a slot shows, as plain values: the bench's whole state and its changes, ready for JSON."""

from dataclasses import dataclass
from datetime import datetime

from dscplus_station.slots.map import Slot
from dscplus_station.slots.rules import Outcome, Phase, SlotUse, Verdict


@dataclass(frozen=True)
class SlotState:
    """All that a tile needs. `version` grows with each change on the bench, over all slots.

    `plugging` counts the cards that came to this slot, so that one card and the next are told apart.
    `step` is the last one that stands, of `steps`; `seconds` is how long the work has lasted, or lasted.
    `alarm` stays until it is acknowledged, also when the card has gone; `outcome` is this card's own.
    `alarms` counts the alarms of this slot, so that an OK names the one that was seen.
    """

    number: int
    label: str
    row: int
    column: int
    use: SlotUse
    phase: Phase = Phase.EMPTY
    version: int = 0
    plugging: int = 0
    serial_number: str | None = None
    work: str | None = None
    order: str | None = None
    steps: tuple[str, ...] = ()
    step: str | None = None
    seconds: float = 0.0
    verdict: Verdict | None = None
    outcome: Outcome | None = None
    alarm: Outcome | None = None
    alarms: int = 0

    @property
    def plugged(self) -> bool:
        """Whether a card, or what may be one, is in the slot."""
        return self.phase is not Phase.EMPTY

    @property
    def steps_done(self) -> int:
        """How many of `steps` stand."""
        return self.steps.index(self.step) + 1 if self.step in self.steps else 0

    @property
    def part(self) -> float:
        """How much of the work is done, 0.0 to 1.0."""
        return self.steps_done / len(self.steps) if self.steps else 0.0


def empty(slot: Slot) -> SlotState:
    """A slot before anything is known of it."""
    return SlotState(slot.number, slot.label, slot.row, slot.column, slot.use)


@dataclass(frozen=True)
class Unfinished:
    """An open run whose card is in no slot: it goes on when the card is plugged in, in whichever slot."""

    order: str
    serial_number: str
    step: str
    started_at: datetime


@dataclass(frozen=True)
class Snapshot:
    """The whole bench at one version."""

    version: int
    slots: tuple[SlotState, ...]
    unfinished: tuple[Unfinished, ...] = ()
