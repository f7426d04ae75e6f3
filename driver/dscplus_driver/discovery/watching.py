"""`watch`: the events of hot-plugging, one after the other, from a look at what is there at every hint."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Self

from . import hotplug, present
from .presence import Event, Presence
from .records import Record, cards


class Watch:
    """Cards that come, go and change. Begins with an Appeared for each that is there.

    Used from one thread, by `next_event` or as an iterator; `stop` may be called from any other. No thread of
    its own runs: what happens while nobody asks is told at the next asking, as far as it is still true. A
    card that was replugged meanwhile has vanished and appeared; one that came and went again is not told of.
    """

    def __init__(
        self,
        source: hotplug.Hotplug,
        records: Callable[[], Sequence[Record]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._records = records
        self._clock = clock
        self._presence = Presence()
        self._events: deque[Event] = deque()
        self._begun = False
        self._stopped = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Event]:
        """Yield events until the watch is stopped."""
        while event := self.next_event():
            yield event

    def next_event(self, timeout: float | None = None) -> Event | None:
        """Return the next event; None after ``timeout`` seconds without one, or when stopped."""
        deadline = None if timeout is None else self._clock() + timeout
        if not self._begun:
            self._begun = True
            self._look()
        while not self._events and not self._stopped.is_set():
            now = self._clock()
            if deadline is not None and now >= deadline:
                return None
            ends = [time for time in (deadline, self._presence.next_look()) if time is not None]
            self._source.wait(min(ends, default=now + hotplug.LOOK_ANYWAY) - now)
            self._look()
        return None if self._stopped.is_set() else self._events.popleft()

    def stop(self) -> None:
        """End the watch, at once and for good; from any thread."""
        self._stopped.set()
        self._source.wake()

    def close(self) -> None:
        """Stop, and stop listening; from the thread that used the watch."""
        self.stop()
        self._source.close()

    def _look(self) -> None:
        self._events += self._presence.look(cards(self._records()), self._clock())


def watch() -> Watch:
    """Watch the cards on USB: a context manager and an iterator of Appeared, Changed and Vanished.

    It listens before it looks for the first time, so that nothing falls between.
    """
    return Watch(hotplug.subscribe(), present.records)
