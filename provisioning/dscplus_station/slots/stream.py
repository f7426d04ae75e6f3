"""The hub of live progress: the present state of every slot, and who wants to hear of its changes.

A reader that is slow is not waited for: its queue is bounded, and when it overflows it is emptied, and what
the reader takes next is `Behind`: the whole state again.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Self

from dscplus_station import log
from dscplus_station.slots.state import SlotState

QUEUE = 256
"""Changes that wait for a reader: some forty personalisations' worth."""


@dataclass(frozen=True)
class Behind:
    """The reader missed changes: `slots` is the whole state, at `version`."""

    version: int
    slots: tuple[SlotState, ...]


class Subscription:
    """Changes for one reader; a context manager. Begins with the whole state, as `Behind`.

    `take` never waits; `wait` does. For an event loop, `on_ready` is called, from whatever thread, whenever
    there is something to take: it must not block (`loop.call_soon_threadsafe(event.set)`).
    """

    def __init__(self, hub: "Hub", on_ready: Callable[[], None], size: int) -> None:
        self._hub = hub
        self._on_ready = on_ready
        self._size = size
        self._queue: deque[SlotState] = deque()
        self._behind = True
        self._closed = False
        self._ready = threading.Event()
        self._ready.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Hear no more; a `wait` under way ends. Closing twice is harmless."""
        self._hub.forget(self)
        self._on_ready = _nobody
        self.shut()

    @property
    def closed(self) -> bool:
        """Whether nothing more will come: it was closed, or the bench was."""
        return self._closed

    def take(self) -> list[SlotState | Behind]:
        """What there is, in order; a `Behind` stands for all before it."""
        return self._hub.taken(self)

    def wait(self, timeout: float) -> bool:
        """Wait until there is something to take, at most `timeout` seconds; whether there is."""
        return self._ready.wait(timeout)

    # What follows is the hub's, under its lock.

    def offer(self, state: SlotState) -> None:
        """Queue a change; never waits."""
        if not self._behind:
            self._queue.append(state)
            if len(self._queue) > self._size:
                self._queue.clear()
                self._behind = True
        self.call()

    def drain(self, version: int, slots: tuple[SlotState, ...]) -> list[SlotState | Behind]:
        """Give what is queued, or the whole state."""
        given: list[SlotState | Behind] = [Behind(version, slots)] if self._behind else list(self._queue)
        self._queue.clear()
        self._behind = False
        if not self._closed:
            self._ready.clear()
        return given

    def shut(self) -> None:
        """Nothing more will come."""
        self._closed = True
        self.call()

    def call(self) -> None:
        """There is something to take."""
        self._ready.set()
        try:
            self._on_ready()
        except Exception as error:  # noqa: BLE001 (a reader that broke, its loop closed, must not break a slot)
            self._on_ready = _nobody
            log.error("slots.reader-failed", error=type(error).__name__)


def _nobody() -> None:
    """Who has left is not called."""


class Hub:
    """The slots' present state. Every method may be called from any thread; none waits."""

    def __init__(self, slots: Iterable[SlotState]) -> None:
        self._lock = threading.Lock()
        self._version = 0
        self._slots = {slot.number: slot for slot in slots}
        self._subscriptions: set[Subscription] = set()

    def publish(self, state: SlotState) -> SlotState:
        """Make this the state of its slot, under the next version; returns it so."""
        with self._lock:
            self._version += 1
            state = replace(state, version=self._version)
            self._slots[state.number] = state
            for subscription in self._subscriptions:
                subscription.offer(state)
        return state

    def state(self, number: int) -> SlotState:
        """One slot."""
        with self._lock:
            return self._slots[number]

    def whole(self) -> tuple[int, tuple[SlotState, ...]]:
        """The version and all slots at it."""
        with self._lock:
            return self._version, tuple(self._slots.values())

    def subscribe(self, on_ready: Callable[[], None], size: int = QUEUE) -> Subscription:
        """Hear of every change from now on; the whole state comes first."""
        subscription = Subscription(self, on_ready, size)
        with self._lock:
            self._subscriptions.add(subscription)
            subscription.call()
        return subscription

    def taken(self, subscription: Subscription) -> list[SlotState | Behind]:
        """What waits for this reader."""
        with self._lock:
            return subscription.drain(self._version, tuple(self._slots.values()))

    def forget(self, subscription: Subscription) -> None:
        """Tell this reader no more."""
        with self._lock:
            self._subscriptions.discard(subscription)

    def close(self) -> None:
        """Tell every reader that nothing more will come."""
        with self._lock:
            readers, self._subscriptions = self._subscriptions, set()
            for subscription in readers:
                subscription.shut()
