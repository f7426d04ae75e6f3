"""A clock for simulated days: it stands where it is set, and goes on a little whenever it is read."""

import itertools
import threading
from datetime import datetime, timedelta

TICKS = (1.2, 0.7, 2.4, 0.9, 1.6, 3.1, 0.8, 1.9)
"""Seconds from one reading to the next, in turn: what people and cards take between two records."""


class TickingClock:
    """Gives moments in rising order, whoever asks. Set forward only."""

    def __init__(self, moment: datetime) -> None:
        self._moment = moment
        self._ticks = itertools.cycle(TICKS)
        self._reading = threading.Lock()

    def __call__(self) -> datetime:
        """The present moment, aware and in UTC; a little later each time."""
        with self._reading:
            self._moment += timedelta(seconds=next(self._ticks))
            return self._moment

    def go_on(self, moment: datetime) -> None:
        """Go on to `moment`, unless it is later already."""
        with self._reading:
            self._moment = max(self._moment, moment)

    def pass_by(self, minutes: float) -> None:
        """Let minutes pass in which nothing is recorded."""
        with self._reading:
            self._moment += timedelta(minutes=minutes)
