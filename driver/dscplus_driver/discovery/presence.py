"""Which cards have come, gone and changed, from looks at what is present: pure, with the time as an argument.

The rules:

- A card is one plugging: the same card in the same port again is another (`FoundCard.plugging`).
- A card appears once it is settled: every node there, this user allowed to open it, udev done with it. If
  that does not come within SETTLE_TIME, it appears as it is then, with its problem.
- A card vanishes at once. One that goes before it appeared is never told of.
- A card has changed when it differs from what was told, and still does after QUIET_TIME: libusb takes a HID
  node away for a moment, and an unplugged card loses its nodes one by one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from .found import FoundCard

SETTLE_TIME = 2.0
"""Seconds that a new card has to settle. udev needs some 0.1 s; a busy machine ten times that."""
QUIET_TIME = 0.5
"""Seconds for which a difference has to last."""
LOOK_INTERVAL = 0.1
"""Seconds between looks at a card that is settling: permissions may come without an event."""


@dataclass(frozen=True, slots=True)
class Appeared:
    """A card is there, or was there when the watch began."""

    card: FoundCard


@dataclass(frozen=True, slots=True)
class Changed:
    """Interfaces, permissions or problems of a card are others now; it is the same plugging."""

    card: FoundCard


@dataclass(frozen=True, slots=True)
class Vanished:
    """A card is gone; ``card`` is what was last told of it."""

    card: FoundCard


Event = Appeared | Changed | Vanished


@dataclass(slots=True)
class _Plugged:
    since: float
    told: FoundCard | None = None
    differs_since: float | None = None


class Presence:
    """What has been told of which card."""

    def __init__(self) -> None:
        self._plugged: dict[tuple[str, int | None], _Plugged] = {}
        self._next_look: float | None = None

    def look(self, found: Sequence[FoundCard], now: float) -> list[Event]:
        """Take what is present now (monotonic seconds); return what there is to tell, vanished first."""
        present = {card.plugging: card for card in found}
        gone = [self._plugged.pop(plugging) for plugging in [*self._plugged] if plugging not in present]
        events: list[Event] = [Vanished(plugged.told) for plugged in gone if plugged.told]
        for plugging, card in present.items():
            events += self._tell(self._plugged.setdefault(plugging, _Plugged(now)), card, now)
        due = [time for plugged in self._plugged.values() if (time := _due(plugged, now)) is not None]
        self._next_look = min(due, default=None)
        return events

    def next_look(self) -> float | None:
        """Return when to look again even if nothing is heard (monotonic seconds); None if nothing waits."""
        return self._next_look

    @staticmethod
    def _tell(plugged: _Plugged, card: FoundCard, now: float) -> list[Event]:
        if plugged.told is None:
            if not card.settled and now < plugged.since + SETTLE_TIME:
                return []
            plugged.told = card
            return [Appeared(card)]
        if card == plugged.told:
            plugged.differs_since = None
            return []
        if plugged.differs_since is None:
            plugged.differs_since = now
        if now < plugged.differs_since + QUIET_TIME:
            return []
        plugged.told, plugged.differs_since = card, None
        return [Changed(card)]


def _due(plugged: _Plugged, now: float) -> float | None:
    if plugged.told is None:
        return min(now + LOOK_INTERVAL, plugged.since + SETTLE_TIME)
    return None if plugged.differs_since is None else plugged.differs_since + QUIET_TIME
