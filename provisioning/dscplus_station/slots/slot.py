"""One slot at work: what is plugged in is identified, asked for, worked on; what came of it is shown.

`run` is the thread's body and calls `step` whenever there is something to do. `step` alone touches the card,
so that tests drive slots without threads. The other methods may be called from any thread, and never wait.
"""

import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

from dscplus_driver import errors
from dscplus_driver.card import Card
from dscplus_station import locks, log
from dscplus_station.errors import NotFound, StateConflict, StationError
from dscplus_station.keystore.interface import Keystore
from dscplus_station.personalise.journal import Journal, OpenRun
from dscplus_station.personalise.rules import RunState
from dscplus_station.personalise.runner import Outcome as RunOutcome
from dscplus_station.personalise.runner import Stopped
from dscplus_station.personalise.runner import Verdict as RunVerdict
from dscplus_station.personalise.workers import serve_card
from dscplus_station.slots import faults, standing
from dscplus_station.slots.claims import AskClaim, Claim, End, OnEnded, Refused
from dscplus_station.slots.map import Slot
from dscplus_station.slots.occupancy import Occupancy
from dscplus_station.slots.presence import Plugged
from dscplus_station.slots.rules import Code, Outcome, Phase, SlotUse, Verdict, alarms, outcome, steps_of
from dscplus_station.slots.state import SlotState
from dscplus_station.slots.stream import Hub
from dscplus_station.slots.work import Ended, Work
from dscplus_station.station import Station

OWNER = "serve"
"""Who has the slots and their cards, for another process that wants one."""
PROVISION = "provision"
"""The name of a personalisation as a slot's work."""
PROBE_INTERVAL = 1.0
"""Seconds between questions to a port that stays when its card goes."""


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
"""A slot that knows nothing of its card yet."""


class SlotWorker:
    """The worker of one slot."""

    def __init__(
        self,
        slot: Slot,
        station: Station,
        keystore: Keystore,
        hub: Hub,
        occupancy: Occupancy,
        claim: AskClaim,
        on_ended: OnEnded,
        open_port: Callable[[str], Card],
        stopping: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._slot = slot
        self._station = station
        self._keystore = keystore
        self._hub = hub
        self._occupancy = occupancy
        self._claim = claim
        self._on_ended = on_ended
        self._open_port = open_port
        self._stopping = stopping
        self._clock = clock
        self._condition = threading.Condition()
        self._publishing = threading.Lock()
        self._plugged: Plugged | None = None
        self._asked: deque[tuple[int, Work | None, Future[Ended] | None]] = deque()
        self._current: Plugged | None = None
        self._began = 0.0
        self._working = False
        self._first = True
        """Nothing was seen here since the process started: a card that is made was made before."""

    # From any thread.

    def tell(self, plugged: Plugged | None) -> None:
        """Something is in the slot, or nothing is."""
        with self._condition:
            self._plugged = plugged
            self._condition.notify_all()

    def wake(self) -> None:
        """Look again whether to stop."""
        with self._condition:
            self._condition.notify_all()

    def acknowledge(self) -> None:
        """Take the alarm away; a card that waited for it is looked at."""
        self._show(alarm=None)
        self.wake()

    def ask_again(self) -> None:
        """Begin again with the card that is here.

        Raises:
            StateConflict: no card is here, it is at work, it passed, or an alarm stands.
        """
        state = self._hub.state(self._slot.number)
        self._require_idle(state)
        if state.verdict is Verdict.PASS:
            raise StateConflict(f"slot {state.label}: card {state.serial_number} passed: take it out")
        self._ask(state, None, None)

    def take_on(self, work: Work) -> Future[Ended]:
        """Do this with the card that is here.

        Raises:
            StateConflict: it is another card, none, at work, or an alarm stands.
        """
        state = self._hub.state(self._slot.number)
        self._require_idle(state)
        if state.serial_number != work.serial_number:
            raise StateConflict(
                f"slot {state.label} has card {state.serial_number or 'unknown'}, not {work.serial_number}: "
                f"plug card {work.serial_number} in"
            )
        future: Future[Ended] = Future()
        self._ask(state, work, future)
        return future

    # The worker's own thread.

    def run(self) -> None:
        """Work until the bench stops."""
        while not self._stopping():
            if not self.step():
                with self._condition:
                    if not self._due() and not self._stopping():
                        self._condition.wait(PROBE_INTERVAL if self._lasting() else None)
        for _, _, future in self._asked:
            if future is not None:
                future.cancel()

    def step(self) -> bool:
        """Do what is due, if anything: a card came or went, an alarm was taken away, a work is asked for."""
        with self._condition:
            plugged = self._plugged
            asked = self._asked.popleft() if self._asked else None
        did = False
        if _plugging(plugged) != _plugging(self._current):
            if self._current is not None:
                self._gone()
            self._current = plugged
            if plugged is not None:
                self._arrived()
            did = True
        elif plugged is not None and plugged != self._current:
            # A way to the card came later, or a permission: what was refused for want of it is begun again.
            self._current, was = plugged, self._current
            if was is not None and was.problem is not None:
                self._show(alarm=None)
                self._begin()
            did = True
        elif self._phase() is Phase.ON_HOLD and self._state().alarm is None:
            self._begin()
            did = True
        elif asked is None and self._lasting():
            self._probe()
        if asked is not None:
            self._do(*asked)
            did = True
        return did

    def _due(self) -> bool:
        """Whether `step` has something to do. Under the condition's lock."""
        if self._asked or self._plugged != self._current:
            return True
        return self._phase() is Phase.ON_HOLD and self._state().alarm is None

    def _lasting(self) -> bool:
        return self._current is not None and self._current.lasting

    def _arrived(self) -> None:
        state = self._state()
        if self._lasting():
            return  # the port alone tells nothing: `_probe` asks what is behind it
        if state.alarm is not None:
            self._first = False
            self._show(**_FRESH, phase=Phase.ON_HOLD, plugging=state.plugging + 1)
            return
        self._show(**_FRESH, phase=Phase.IDENTIFYING, plugging=state.plugging + 1)
        self._begin()

    def _gone(self) -> None:
        self._occupancy.gone(self._slot.number)
        state = self._state()
        if state.verdict is Verdict.INTERRUPTED:
            self._show(phase=Phase.EMPTY)  # what was interrupted stays in view until it goes on
        else:
            self._show(**_FRESH, phase=Phase.EMPTY)
        self._first = False

    def _probe(self) -> None:
        """Ask what is behind a port that stays: a card that came, is another one, or is there no longer."""
        assert self._current is not None  # noqa: S101 (asked only then)
        state = self._state()
        try:
            with self._open_port(self._current.url) as card:
                found = card.serial_number
        except errors.CardBusy:
            return
        except errors.DscError:
            if state.phase is not Phase.EMPTY:
                self._gone()
            return
        back = state.outcome is not None and state.outcome.code == Code.REMOVED
        if state.phase is not Phase.EMPTY and found == state.serial_number and not back:
            return
        if state.phase is Phase.ON_HOLD:
            return
        if state.phase is not Phase.EMPTY:
            self._gone()
            state = self._state()
        held = state.alarm is not None
        phase = Phase.ON_HOLD if held else Phase.IDENTIFYING
        self._show(**_FRESH, phase=phase, plugging=state.plugging + 1)
        if not held:
            self._begin()

    def _begin(self) -> None:
        """Ask the card who it is and the claims whose it is; then do it."""
        self._show(**_FRESH, phase=Phase.IDENTIFYING)
        first, self._first = self._first, False
        self._guarded(None, lambda card: self._provision(card, first))

    def _do(self, plugging: int, work: Work | None, future: Future[Ended] | None) -> None:
        state = self._state()
        if plugging != state.plugging or not state.plugged:
            if future is not None and work is not None:
                told = outcome(Code.REMOVED, serial_number=work.serial_number)
                future.set_result(Ended(Verdict.INTERRUPTED, told))
            return
        if work is None or future is None:
            self._begin()
            return
        self._show(**_FRESH, serial_number=work.serial_number, phase=Phase.IDENTIFYING)
        future.set_result(self._guarded(work, lambda card: self._other_work(card, work)))

    def _guarded(self, work: Work | None, do: Callable[[Card], Ended | None]) -> Ended:
        """Open the port and do it; whatever goes wrong is an outcome, and the slot goes on."""
        assert self._current is not None  # noqa: S101 (called only then)
        self._working = False
        try:
            if self._current.problem is not None:
                raise self._current.problem
            with self._open_port(self._current.url) as card:
                ended = do(card)
        except Exception as error:  # noqa: BLE001 (a slot outlives any mistake: logged, told by its kind)
            ended = self._fault(error)
        if ended is None:
            self._show(phase=Phase.WAITING)
            return Ended(Verdict.REFUSED, outcome(Code.REFUSED, told="nothing was asked for"))
        self._end(work.name if work else PROVISION, ended)
        return ended

    def _identified(self, card: Card) -> str:
        """Which card it is; told to all.

        Raises:
            _SameNumber: another slot has a card of that number.
        """
        serial_number = card.serial_number
        other = self._occupancy.here(self._slot.number, serial_number)
        self._show(serial_number=serial_number)
        if other is not None:
            raise _SameNumber(serial_number, self._slot.number, other)
        return serial_number

    def _provision(self, card: Card, first: bool) -> Ended | None:
        serial_number = self._identified(card)
        if self._slot.use is SlotUse.RETURNS:
            return None
        if first:
            with self._station.database.reading() as session:
                made = standing.made(session, serial_number)
            if made is not None:
                self._show(order=made.order, work=PROVISION)
                return Ended(Verdict.PASS, _passed(serial_number, made.order))
        answer = self._claim(self._slot.number, serial_number)
        if isinstance(answer, Refused):
            return Ended(Verdict.REFUSED, answer.outcome)
        if not isinstance(answer, Claim):
            return None
        card.check_serial_number()  # it may have been swapped while the claim was made
        try:
            return self._personalise(card, answer)
        except (NotFound, StateConflict):
            refusal = self._why_not(serial_number, answer.order)
            if self._working or refusal is None:
                raise
            return Ended(Verdict.REFUSED, refusal)

    def _personalise(self, card: Card, claim: Claim) -> Ended:
        batch = ""

        def on_begun(run: OpenRun) -> None:
            nonlocal batch
            batch = run.batch
            self._start(PROVISION, steps_of(run.profile), order=run.order_id)

        def on_step(_run: OpenRun, step: RunState) -> None:
            self._show(step=step.value)

        done = serve_card(
            self._station,
            self._keystore,
            Journal(self._station, self._keystore, claim.actor),
            card,
            claim.order,
            owner=OWNER,
            on_begun=on_begun,
            on_step=on_step,
            stopping=self._stopping,
        )
        assert done is not None  # noqa: S101 (an order was named)
        return self._judged(done, batch)

    def _judged(self, done: RunOutcome, batch: str) -> Ended:
        facts = {"serial_number": done.serial_number, "order": done.order_id}
        match done.verdict:
            case RunVerdict.COMPLETED:
                return Ended(Verdict.PASS, _passed(done.serial_number, done.order_id))
            case RunVerdict.REFUSED:
                told = outcome(Code.BATCH_KEY_WRONG, **facts, batch=batch, told=done.told)
                return Ended(Verdict.REFUSED, told)
            case RunVerdict.QUARANTINED:
                with self._station.database.reading() as session:
                    refusal = standing.why_not_card(session, done.serial_number, done.order_id)
                assert refusal is not None  # noqa: S101 (it was quarantined just now)
                return Ended(Verdict.FAIL, refusal.outcome)

    def _other_work(self, card: Card, work: Work) -> Ended:
        found = self._identified(card)
        if found != work.serial_number:
            raise errors.CardSwapped(work.serial_number, found, where=card.url)
        with locks.hold(self._station.home.locks, f"card {found}", OWNER):
            if self._stopping():
                raise Stopped
            self._start(work.name, work.steps)
            return work.do(card, _Reporter(self._show, self._stopping))

    def _why_not(self, serial_number: str, order: str) -> Outcome | None:
        """What in the records speaks against the card or the order, after they were refused."""
        with self._station.database.reading() as session:
            found = standing.why_not_card(session, serial_number, order) or standing.why_not_order(
                session, order, serial_number
            )
            batch = standing.batch_of(session, serial_number)
        if found is not None:
            return found.outcome
        try:
            self._keystore.batch_master(batch)
        except StationError:
            return outcome(Code.BATCH_KEY_MISSING, serial_number=serial_number, order=order, batch=batch)
        return None

    def _start(self, work: str, steps: tuple[str, ...], order: str | None = None) -> None:
        self._working = True
        self._began = self._clock()
        self._show(phase=Phase.WORKING, work=work, order=order, steps=steps, step=None)

    def _fault(self, error: Exception) -> Ended:
        """What an error means here."""
        state = self._state()
        if isinstance(error, _SameNumber):
            return Ended(Verdict.REFUSED, error.outcome)
        if not isinstance(error, (errors.DscError, StationError, Stopped)):
            frame = traceback.extract_tb(error.__traceback__)[-1]
            log.error("slots.mistake", error=type(error).__name__, at=f"{frame.filename}:{frame.lineno}")
        serial_number = state.serial_number
        if isinstance(error, errors.DscError) and not self._working:
            return Ended(Verdict.REFUSED, faults.before_work(error))
        verdict = Verdict.INTERRUPTED if self._working or isinstance(error, Stopped) else Verdict.REFUSED
        return Ended(verdict, faults.in_work(error, serial_number or "?", state.order))

    def _end(self, work: str, ended: Ended) -> None:
        seconds = self._clock() - self._began if self._working else 0.0
        self._working = False
        alarm = ended.outcome if alarms(ended.outcome, ended.verdict) else None
        state = self._show(
            phase=Phase.ENDED,
            work=work,
            verdict=ended.verdict,
            outcome=ended.outcome,
            alarm=alarm,
            seconds=seconds,
        )
        end = End(
            self._slot.number,
            self._slot.label,
            work,
            state.serial_number,
            state.order,
            ended.verdict,
            ended.outcome,
        )
        try:
            self._on_ended(end)
        except Exception as error:  # noqa: BLE001 (what others make of the end does not undo it)
            frame = traceback.extract_tb(error.__traceback__)[-1]
            at = f"{frame.filename}:{frame.lineno}"
            log.error("slots.ended-failed", error=type(error).__name__, at=at)

    def _show(self, **changes: Any) -> SlotState:
        with self._publishing:
            state = replace(self._hub.state(self._slot.number), **changes)
            if self._working:
                state = replace(state, seconds=self._clock() - self._began)
            return self._hub.publish(state)

    def _state(self) -> SlotState:
        return self._hub.state(self._slot.number)

    def _phase(self) -> Phase:
        return self._state().phase

    def _ask(self, state: SlotState, work: Work | None, future: Future[Ended] | None) -> None:
        with self._condition:
            self._asked.append((state.plugging, work, future))
            self._condition.notify_all()

    @staticmethod
    def _require_idle(state: SlotState) -> None:
        if state.phase not in (Phase.WAITING, Phase.ENDED):
            raise StateConflict(f"slot {state.label} is {state.phase}: nothing can be begun there now")
        if state.alarm is not None:
            raise StateConflict(f"slot {state.label}: {state.alarm.what} Acknowledge that first")


class _Reporter:
    """Progress of a work, into its slot's state."""

    def __init__(self, show: Callable[..., SlotState], stopping: Callable[[], bool]) -> None:
        self._show = show
        self._stopping = stopping

    def step(self, name: str) -> None:
        self._show(step=name)
        if self._stopping():
            raise Stopped


class _SameNumber(Exception):
    """Two slots have cards of one number."""

    def __init__(self, serial_number: str, slot: int, other: int) -> None:
        super().__init__(serial_number)
        self.outcome = outcome(Code.SAME_NUMBER, serial_number=serial_number, slot=slot, other_slot=other)


def _plugging(plugged: Plugged | None) -> str | None:
    return plugged.plugging if plugged else None


def _passed(serial_number: str, order: str) -> Outcome:
    return outcome(Code.PASSED, serial_number=serial_number, order=order)
