"""Is there something in a slot? USB ports are watched by the driver; ports by name are looked at.

A port that comes and goes with its card (a virtual card's link, a USB serial node) is there or not. A port
that stays (a TCP port, a serial adapter) tells nothing so: what is behind it is asked by the slot itself.
"""

import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from dscplus_driver import errors
from dscplus_driver.discovery import FoundCard, Vanished, Watch, watch
from dscplus_station import log
from dscplus_station.slots.map import Slot

LOOK_INTERVAL = 0.1
"""Seconds between looks at ports by name: an eye does not notice it, and a look costs some microseconds."""
_AFTER_FAILURE = 1.0


@dataclass(frozen=True)
class Plugged:
    """Something in a slot: the URL to open, and what is the same as long as it stays there and never again.

    `problem`: why the driver does not open it. `lasting`: the port stays when its card goes.
    """

    url: str
    plugging: str
    problem: errors.DscError | None = None
    lasting: bool = False


Tell = Callable[[int, Plugged | None], None]
"""Told of a slot whenever what is in it is another, or gone."""


class Watcher:
    """Looks at all slots of the map and tells of changes; `run` is a thread's body."""

    def __init__(self, slots: Sequence[Slot], tell: Tell, open_watch: Callable[[], Watch] = watch) -> None:
        self._by_id_path = {slot.id_path: slot.number for slot in slots if slot.id_path}
        self._by_port = {slot.number: slot.port for slot in slots if slot.port}
        self._tell = tell
        self._open_watch = open_watch
        self._told: dict[int, Plugged | None] = {}
        self._stopped = threading.Event()
        self._failure = ""
        """As it was last logged, so that it is logged once."""

    def stop(self) -> None:
        """End the watch; `run` returns within a look."""
        self._stopped.set()

    def run(self) -> None:
        """Look until stopped. A watch that fails is opened anew: slots never go blind for good."""
        while not self._stopped.is_set():
            try:
                self._watch()
            except Exception as error:  # noqa: BLE001 (without this thread no slot would see a card again)
                if str(error) != self._failure:
                    log.error("slots.watch-failed", kind=type(error).__name__, error=str(error))
                self._failure = str(error)
                self.look()
                self._stopped.wait(_AFTER_FAILURE)

    def look(self) -> None:
        """Look at the ports that have names, once."""
        for number, port in self._by_port.items():
            self._found(number, at_port(port))

    def _watch(self) -> None:
        with ExitStack() as stack:
            events = stack.enter_context(self._open_watch()) if self._by_id_path else None
            while not self._stopped.is_set():
                self.look()
                if events is None:
                    self._stopped.wait(LOOK_INTERVAL)
                    continue
                event = events.next_event(LOOK_INTERVAL)
                number = self._by_id_path.get(event.card.id_path or "") if event else None
                if event is None or number is None:
                    continue
                self._found(number, None if isinstance(event, Vanished) else on_usb(event.card))

    def _found(self, number: int, plugged: Plugged | None) -> None:
        if self._same(self._told.get(number), plugged):
            return
        self._told[number] = plugged
        self._tell(number, plugged)

    @staticmethod
    def _same(before: Plugged | None, now: Plugged | None) -> bool:
        if before is None or now is None:
            return before is now
        # A way to the card or a permission may come later: then it is told of again.
        return (before.plugging, before.url, before.problem is None) == (
            now.plugging,
            now.url,
            now.problem is None,
        )


def on_usb(card: FoundCard) -> Plugged:
    """A card that the driver found, whatever its state."""
    return Plugged(card.url or "", "{}#{}".format(*card.plugging), card.error())


def at_port(port: str) -> Plugged | None:
    """What is at a port by name, as far as the name itself tells."""
    if port.startswith("tcp:"):
        return Plugged(port, port, lasting=True)
    path = Path(port.removeprefix("serial:").removeprefix("hid:"))
    try:
        link, node = path.lstat(), path.stat()
    except OSError:
        return None
    # A virtual card's link is a new file at each plugging; a device's node is one too.
    plugging = f"{link.st_dev}:{link.st_ino}:{link.st_ctime_ns if path.is_symlink() else 0}:{node.st_rdev}"
    return Plugged(port, plugging, lasting=_lasting(path))


def _lasting(path: Path) -> bool:
    """Whether the node stays when its card goes: an adapter's does, a pty's and a CDC-ACM port's do not."""
    return path.resolve().name.startswith(("ttyUSB", "ttyS"))
