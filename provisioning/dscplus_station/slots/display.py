"""What one slot shows: its state in the hub, changed by its own worker and by whoever takes an alarm away."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from dscplus_station.slots.rules import Outcome, Phase, Verdict, alarms
from dscplus_station.slots.state import SlotState
from dscplus_station.slots.stream import Hub

_FRESH: dict[str, Any] = {
    "serial_number": None,
    "work": None,
    "order": None,
    "steps": (),
    "step": None,
    "seconds": 0.0,
    "verdict": None,
    "outcome": None,
}
"""What is known of a card before it was asked. The alarm is not the card's: it stays."""


class Display:
    """One slot's state; `clock` gives monotonic seconds."""

    def __init__(self, hub: Hub, number: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._hub = hub
        self._number = number
        self._clock = clock
        self._lock = threading.Lock()
        self._began: float | None = None

    @property
    def state(self) -> SlotState:
        """As it is now."""
        return self._hub.state(self._number)

    @property
    def working(self) -> bool:
        """Whether a work was begun and has not ended."""
        return self._began is not None

    def show(self, **changes: Any) -> SlotState:
        """Change what is shown, at once and for every reader."""
        with self._lock:
            if self._began is not None:
                changes = {"seconds": self._clock() - self._began} | changes
            if changes.get("alarm") is not None:
                changes["alarms"] = self.state.alarms + 1
            return self._hub.publish(replace(self.state, **changes))

    def acknowledge(self, alarm: int | None = None) -> bool:
        """Take the alarm away; whether one was there.

        Args:
            alarm: the number of the one that was seen; another one, which came in its place meanwhile, stays.
        """
        with self._lock:
            state = self.state
            if state.alarm is None or alarm not in (None, state.alarms):
                return False
            self._hub.publish(replace(state, alarm=None))
            return True

    def fresh(self, phase: Phase, *, another: bool = False) -> SlotState:
        """Forget the card. `another`: one was plugged in that had not been there."""
        plugging = self.state.plugging + (1 if another else 0)
        return self.show(**_FRESH, phase=phase, plugging=plugging)

    def look_again(self) -> SlotState:
        """Forget what was done with the card, whose number is known and asked again."""
        return self.show(**_FRESH | {"serial_number": self.state.serial_number, "phase": Phase.IDENTIFYING})

    def begin(self, work: str, steps: tuple[str, ...], order: str | None = None) -> None:
        """A work begins: its time runs."""
        self._began = self._clock()
        self.show(phase=Phase.WORKING, work=work, order=order, steps=steps, step=None)

    def end(self, work: str, verdict: Verdict, found: Outcome) -> SlotState:
        """The work is over, or was not begun; an outcome that alarms stays until it is acknowledged."""
        seconds = 0.0 if self._began is None else self._clock() - self._began
        self._began = None
        alarm = {"alarm": found} if alarms(found, verdict) else {}
        return self.show(
            phase=Phase.ENDED, work=work, verdict=verdict, outcome=found, seconds=seconds, **alarm
        )
