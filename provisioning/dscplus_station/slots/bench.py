"""The bench: the slots that this process owns, each with a worker in a thread of its own, and one watcher."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from typing import Self

from dscplus_driver.card import Card, connect
from dscplus_driver.discovery import Watch, watch
from dscplus_station import locks, log
from dscplus_station.errors import NotFound
from dscplus_station.keystore.interface import Keystore
from dscplus_station.slots.claims import AskClaim, OnEnded
from dscplus_station.slots.display import Display
from dscplus_station.slots.map import Slot
from dscplus_station.slots.occupancy import Occupancy
from dscplus_station.slots.ports import lock_name
from dscplus_station.slots.presence import Plugged, Watcher
from dscplus_station.slots.slot import SlotWorker
from dscplus_station.slots.standing import unfinished
from dscplus_station.slots.state import SlotState, Snapshot, empty
from dscplus_station.slots.stream import Hub, Subscription
from dscplus_station.slots.turn import OWNER, Turns
from dscplus_station.slots.work import Ended, Work
from dscplus_station.station import Station

STOP_TIMEOUT = 30.0
"""Seconds for every run to come to its next step's boundary: more than the longest wait for an answer."""


class Bench:
    """The slots of this process. A context manager: it owns the slots from entering to leaving.

    `snapshot`, `subscribe` and the deeds may be called from any thread; none of them waits for a card.
    """

    def __init__(
        self,
        station: Station,
        keystore: Keystore,
        slots: Sequence[Slot],
        claim: AskClaim,
        *,
        on_ended: OnEnded = lambda _end: None,
        open_port: Callable[[str], Card] = connect,
        open_watch: Callable[[], Watch] = watch,
    ) -> None:
        self._station = station
        self._slots = tuple(slots)
        self._hub = Hub(empty(slot) for slot in slots)
        self._stopping = threading.Event()
        occupancy = Occupancy()
        self.workers = {
            slot.number: self._worker_of(slot, keystore, claim, on_ended, open_port, occupancy)
            for slot in slots
        }
        self._watcher = Watcher(slots, self.tell, open_watch)
        self._threads: list[threading.Thread] = []
        self._owned = ExitStack()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    def start(self) -> None:
        """Own the slots, then watch and work until `stop`.

        Raises:
            HeldByAnother: another process owns one of the slots, told with its pid. None is owned then.
        """
        with ExitStack() as owned:
            for slot in self._slots:
                owned.enter_context(locks.hold(self._station.home.locks, lock_name(slot), OWNER))
            self._owned = owned.pop_all()
        bodies = {f"slot-{number}": worker.run for number, worker in self.workers.items()}
        for name, body in {**bodies, "slots-watch": self._watcher.run}.items():
            thread = threading.Thread(target=body, name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """End every run at its next step's boundary, then give the slots back. Stopping twice is harmless."""
        self._stopping.set()
        self._watcher.stop()
        for worker in self.workers.values():
            worker.wake()
        for thread in self._threads:
            thread.join(STOP_TIMEOUT)
            if thread.is_alive():
                log.error("slots.did-not-stop", thread=thread.name)
        self._threads.clear()
        self._hub.close()
        self._owned.close()

    def snapshot(self) -> Snapshot:
        """The whole bench, and the open runs whose cards are in no slot: from the slots and the journal."""
        version, slots = self._hub.whole()
        with self._station.database.reading() as session:
            everywhere = unfinished(session)
        here = {slot.serial_number for slot in slots if slot.plugged}
        away = tuple(run for run in everywhere if run.serial_number not in here)
        return Snapshot(version, slots, away)

    def subscribe(self, on_ready: Callable[[], None] = lambda: None) -> Subscription:
        """Hear of every change from now on, after the whole state. Close it when done."""
        return self._hub.subscribe(on_ready)

    def state(self, slot: int) -> SlotState:
        """One slot.

        Raises:
            NotFound: there is none of that number.
        """
        self._worker(slot)
        return self._hub.state(slot)

    def acknowledge(self, slot: int, alarm: int | None = None) -> None:
        """Take the slot's alarm away; a card that waited for it is looked at now.

        Args:
            alarm: the number of the one that was seen (`SlotState.alarms`); another one stays.

        Raises:
            NotFound: there is no such slot.
        """
        self._worker(slot).acknowledge(alarm)

    def ask_again(self, slot: int) -> None:
        """Begin again with the card in the slot, which waits or ended badly, as if it had just come.

        Raises:
            NotFound: there is no such slot.
            StateConflict: no card is there, it is at work, or it passed.
        """
        self._worker(slot).ask_again()

    def work_in(self, slot: int, work: Work) -> "Future[Ended]":
        """Run another saga on the card in the slot, with its progress in the same stream.

        Returns:
            What it ended with, also where the card was lost or swapped; never an exception.

        Raises:
            NotFound: there is no such slot.
            StateConflict: another card is there, or none, or it is at work.
        """
        return self._worker(slot).take_on(work)

    def tell(self, slot: int, plugged: Plugged | None) -> None:
        """Something is in the slot, or nothing is: called by the watcher."""
        self._worker(slot).tell(plugged)

    def _worker_of(
        self,
        slot: Slot,
        keystore: Keystore,
        claim: AskClaim,
        on_ended: OnEnded,
        open_port: Callable[[str], Card],
        occupancy: Occupancy,
    ) -> SlotWorker:
        display, stopping = Display(self._hub, slot.number), self._stopping.is_set
        turns = Turns(slot, self._station, keystore, display, occupancy, claim, open_port, stopping)
        return SlotWorker(slot, display, turns, occupancy, on_ended, stopping)

    def _worker(self, slot: int) -> SlotWorker:
        worker = self.workers.get(slot)
        if worker is None:
            raise NotFound(
                "no slot {slot}: the bench has {slots}",
                slot=slot,
                slots=", ".join(map(str, self.workers)) or "none",
            )
        return worker
