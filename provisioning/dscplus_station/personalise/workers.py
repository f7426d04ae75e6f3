"""Ports side by side: one worker a port, each with the lock of its slot and of the card it finds there."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from dscplus_driver import errors
from dscplus_driver.card import Card, connect
from dscplus_station import locks
from dscplus_station.actor import Actor
from dscplus_station.errors import StateConflict, StationError, WrongUsage
from dscplus_station.keystore.interface import Keystore
from dscplus_station.personalise.journal import Journal, OpenRun
from dscplus_station.personalise.rules import RunState
from dscplus_station.personalise.runner import Outcome, Stopped, Verdict, personalise
from dscplus_station.station import Station


class Result(StrEnum):
    """How a port's turn ended."""

    COMPLETED = "completed"
    QUARANTINED = "quarantined"
    REFUSED = "refused"
    """The card was given back to stock untouched."""
    INTERRUPTED = "interrupted"
    """The run is open: with the same card, it goes on."""
    FAILED = "failed"
    """Nothing was begun."""
    IDLE = "idle"
    """No order was left."""


@dataclass(frozen=True)
class Record:
    """One port's turn. `told` says what is wrong and what to do now; empty when it completed."""

    port: str
    order: str | None
    serial_number: str | None
    result: Result
    steps: tuple[RunState, ...]
    seconds: float
    told: str
    exit_code: int


OnStep = Callable[[str, OpenRun, RunState], None]
"""Called from a worker's thread with its port, after a step is durable."""


class Workers:
    """The workers of one `provision`: they share the stop signal and know which card is at which port.

    `lock_of(port)` is the name of the lock that a port's turn holds, where a bench's slots have names.
    """

    def __init__(
        self,
        station: Station,
        keystore: Keystore,
        actor: Actor,
        *,
        open_port: Callable[[str], Card] = connect,
        on_step: OnStep = lambda _port, _run, _step: None,
        lock_of: Callable[[str], str] = lambda port: f"slot {slot_of(port)}",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._station = station
        self._keystore = keystore
        self._journal = Journal(station, keystore, actor)
        self._open_port = open_port
        self._on_step = on_step
        self._lock_of = lock_of
        self._clock = clock
        self._stop = threading.Event()
        self._found: dict[str, str] = {}
        self._finding = threading.Lock()

    def stop(self) -> None:
        """Let every worker end at its next step's boundary."""
        self._stop.set()

    def serve(self, ports: tuple[str, ...], order_id: str | None = None) -> Iterator[Record]:
        """Personalise the card at each port, for the oldest placed order or the one named.

        Raises:
            WrongUsage: a port was named twice, or one order and several ports.
        """
        if order_id is not None and len(ports) != 1:
            raise WrongUsage("--order names one order: name the one --port whose card is to serve it")
        slots = [slot_of(port) for port in ports]
        twice = next((slot for slot in slots if slots.count(slot) > 1), None)
        if twice is not None:
            raise WrongUsage(f"port {twice} was named twice")
        with ThreadPoolExecutor(len(ports), "slot") as pool:
            turns = [pool.submit(self._turn, port, order_id) for port in ports]
            for turn in as_completed(turns):
                yield turn.result()

    def _turn(self, port: str, order_id: str | None) -> Record:
        """One card at one port. What people can be told becomes a record; a mistake of ours goes up."""
        turn = _Turn(port, self._clock)
        try:
            with (
                locks.hold(self._station.home.locks, self._lock_of(port), "provision"),
                self._open_port(port) as card,
                self._only_here(card, port),
            ):
                turn.serial_number = card.serial_number

                def on_begun(run: OpenRun) -> None:
                    turn.order = run.order_id

                def on_step(run: OpenRun, step: RunState) -> None:
                    turn.steps.append(step)
                    self._on_step(port, run, step)

                outcome = serve_card(
                    self._station,
                    self._keystore,
                    self._journal,
                    card,
                    order_id,
                    owner="provision",
                    on_begun=on_begun,
                    on_step=on_step,
                    stopping=self._stop.is_set,
                )
                if outcome is None:
                    return turn.idle()
        except Stopped:
            return turn.interrupted("stopped; provision it again to go on", 1)
        except errors.DscError as error:
            return turn.failed(str(error), errors.exit_code(error))
        except StationError as error:
            return turn.failed(str(error), error.exit_code)
        return turn.ended(outcome)

    @contextmanager
    def _only_here(self, card: Card, port: str) -> Iterator[None]:
        """Refuse a card that is at two of our ports: one of the names is a second name of the same device."""
        with self._finding:
            other = self._found.setdefault(card.serial_number, port)
        if other != port:
            raise StateConflict(f"{port} and {other} are one card, {card.serial_number}: name its port once")
        yield


def serve_card(
    station: Station,
    keystore: Keystore,
    journal: Journal,
    card: Card,
    order_id: str | None,
    *,
    owner: str,
    on_begun: Callable[[OpenRun], None],
    on_step: Callable[[OpenRun, RunState], None],
    stopping: Callable[[], bool],
) -> Outcome | None:
    """Personalise the card at an open port, under the lock of the card: the one way in which it is done.

    Args:
        order_id: None for the oldest placed order, or the one that the card's open run is for.
        owner: who has the card, for another process that wants it.
        on_begun: called once the run is durable, before the card is touched.

    Returns:
        How it ended; None if no order was named and none is placed.

    Raises:
        HeldByAnother: somebody else works with this card.
        StationError: as `Journal.begin` and `personalise`.
        DscError: the card was lost or did not answer.
        Stopped: as asked.
    """
    with locks.hold(station.home.locks, f"card {card.serial_number}", owner):
        if stopping():
            raise Stopped
        run = journal.begin(card.serial_number, order_id)
        if run is None:
            return None
        on_begun(run)
        return personalise(card, journal, keystore, run, on_step=on_step, stopping=stopping)


class _Turn:
    """What is known of a port's turn while it lasts."""

    def __init__(self, port: str, clock: Callable[[], float]) -> None:
        self.port = port
        self.serial_number: str | None = None
        self.order: str | None = None
        self.steps: list[RunState] = []
        self._clock = clock
        self._began = clock()

    def idle(self) -> Record:
        return self._record(Result.IDLE, f"no order is left for card {self.serial_number}", 0)

    def ended(self, outcome: Outcome) -> Record:
        good = outcome.verdict is Verdict.COMPLETED
        return self._record(Result(outcome.verdict.value), outcome.told, 0 if good else 1)

    def interrupted(self, told: str, exit_code: int) -> Record:
        return self._record(Result.INTERRUPTED, told, exit_code)

    def failed(self, told: str, exit_code: int) -> Record:
        if self.order is not None:
            return self.interrupted(told, exit_code)
        return self._record(Result.FAILED, told, exit_code)

    def _record(self, result: Result, told: str, exit_code: int) -> Record:
        seconds = self._clock() - self._began
        return Record(
            self.port, self.order, self.serial_number, result, tuple(self.steps), seconds, told, exit_code
        )


def slot_of(port: str) -> str:
    """The slot a port's URL names: of a node the real path, since a symbolic link is no second slot."""
    if "://" in port or port.startswith("usb:"):
        return port
    return str(Path(port.removeprefix("serial:").removeprefix("hid:")).resolve())


def exit_code(records: list[Record]) -> int:
    """0 if nothing failed; the failures' own code if every port failed alike; else 1, failed in part."""
    codes = {record.exit_code for record in records}
    return codes.pop() if len(codes) == 1 else 1
