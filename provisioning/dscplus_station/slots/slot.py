"""One slot: what comes into it and goes out of it, what is asked of it, and the thread that does it.

`run` is the thread's body and calls `step` whenever there is something to do. `step` alone touches the card,
so that tests drive slots without threads. The other methods may be called from any thread, and never wait.
"""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

from dscplus_driver import errors
from dscplus_station.errors import StateConflict
from dscplus_station.slots import faults
from dscplus_station.slots.claims import End, OnEnded
from dscplus_station.slots.display import Display
from dscplus_station.slots.map import Slot
from dscplus_station.slots.occupancy import Occupancy
from dscplus_station.slots.presence import Plugged
from dscplus_station.slots.rules import Code, Phase, Verdict, outcome
from dscplus_station.slots.state import SlotState
from dscplus_station.slots.turn import PROVISION, Turns
from dscplus_station.slots.work import Ended, Work
from dscplus_station.wording import N_, words

PROBE_INTERVAL = 1.0
"""Seconds between questions to a port that stays when its card goes."""


@dataclass(frozen=True)
class _Asked:
    """Something to do with the card of one plugging: a work, or to begin again."""

    plugging: int
    work: Work | None
    future: "Future[Ended]"


class SlotWorker:
    """The worker of one slot."""

    def __init__(
        self,
        slot: Slot,
        display: Display,
        turns: Turns,
        occupancy: Occupancy,
        on_ended: OnEnded,
        stopping: Callable[[], bool],
    ) -> None:
        self._slot = slot
        self._display = display
        self._turns = turns
        self._occupancy = occupancy
        self._on_ended = on_ended
        self._stopping = stopping
        self._condition = threading.Condition()
        self._plugged: Plugged | None = None
        self._asked: deque[_Asked] = deque()
        self._current: Plugged | None = None
        self._first = True

    # From any thread.

    def tell(self, plugged: Plugged | None) -> None:
        """Something is in the slot, or nothing is."""
        with self._condition:
            if _plugging(plugged) != _plugging(self._plugged):
                # At once, while this slot may still wait for an answer: the card may be in another by now.
                self._occupancy.gone(self._slot.number)
            self._plugged = plugged
            self._condition.notify_all()

    def wake(self) -> None:
        """Look again whether something is due, or the bench stops."""
        with self._condition:
            self._condition.notify_all()

    def acknowledge(self, alarm: int | None = None) -> None:
        """Take the alarm away, or only the one of this number; a card that waited for it is looked at."""
        if self._display.acknowledge(alarm):
            self.wake()

    def ask_again(self) -> None:
        """Begin again with the card that is here.

        Raises:
            StateConflict: no card is here, it is at work, it passed, or an alarm stands.
        """
        state = self._idle()
        if state.verdict is Verdict.PASS:
            raise StateConflict(
                "slot {label}: card {card} passed: take it out", label=state.label, card=state.serial_number
            )
        self._ask(_Asked(state.plugging, None, Future()))

    def take_on(self, work: Work) -> "Future[Ended]":
        """Do this with the card that is here.

        Raises:
            StateConflict: it is another card, none, at work, or an alarm stands.
        """
        state = self._idle()
        if state.serial_number != work.serial_number:
            raise StateConflict(
                "slot {label} has card {found}, not {card}: plug card {card} in",
                label=state.label,
                found=state.serial_number or words(N_("unknown")),
                card=work.serial_number,
            )
        asked = _Asked(state.plugging, work, Future())
        self._ask(asked)
        return asked.future

    # The worker's own thread.

    def run(self) -> None:
        """Work until the bench stops."""
        while not self._stopping():
            if self._survived():
                continue
            with self._condition:
                if not self._due() and not self._stopping():
                    self._condition.wait(PROBE_INTERVAL if self._lasting() else None)
        with self._condition:
            for asked in self._asked:
                asked.future.cancel()

    def _survived(self) -> bool:
        """Take a step; a mistake of ours ends this card's turn, and not the slot."""
        try:
            return self.step()
        except Exception as error:  # noqa: BLE001 (without its thread a slot would be dead, and say nothing)
            faults.log_mistake(error)
            mistake = outcome(Code.MISTAKE, kind=type(error).__name__)
            self._display.end(PROVISION, Verdict.REFUSED, mistake)
            return False

    def step(self) -> bool:
        """Do one thing that is due: a card came or went, an alarm was taken away, a work is asked for."""
        with self._condition:
            plugged = self._plugged
        before = self._current
        if before is not None and _plugging(plugged) != _plugging(before):
            self._current = None
            self._gone()
        elif plugged is not None and before is None:
            self._current = plugged
            self._arrived(plugged)
        elif plugged is not None and plugged != before:
            self._current = plugged
            self._better(plugged)
        elif self._released():
            self._begin()
        elif (asked := self._next_asked()) is not None:
            self._do(asked)
        elif plugged is not None and plugged.lasting:
            return self._probe(plugged)
        else:
            return False
        return True

    def _due(self) -> bool:
        """Whether `step` has something to do. Under the condition's lock."""
        return bool(self._asked) or self._plugged != self._current or self._released()

    def _released(self) -> bool:
        """Whether a card waited for an alarm that is gone now."""
        state = self._display.state
        return state.phase is Phase.ON_HOLD and state.alarm is None

    def _lasting(self) -> bool:
        return self._current is not None and self._current.lasting

    def _arrived(self, plugged: Plugged) -> None:
        if not plugged.lasting:  # of a port that stays, `_probe` tells whether a card is behind it
            self._came()

    def _came(self) -> None:
        """A card that was not there is there."""
        if self._display.state.alarm is not None:
            self._first = False
            self._display.fresh(Phase.ON_HOLD, another=True)
        else:
            self._display.fresh(Phase.IDENTIFYING, another=True)
            self._begin()

    def _better(self, plugged: Plugged) -> None:
        """A way to the card, or a permission, came later: what was refused for want of it is begun."""
        state = self._display.state
        refused = state.outcome is not None and state.verdict is Verdict.REFUSED
        if plugged.problem is None and refused and state.serial_number is None:
            self._display.show(alarm=None)
            self._begin()

    def _gone(self) -> None:
        self._first = False
        self._occupancy.gone(self._slot.number)
        if self._display.state.verdict is Verdict.INTERRUPTED:
            self._display.show(phase=Phase.EMPTY)  # what was interrupted stays in view until it goes on
        else:
            self._display.fresh(Phase.EMPTY)

    def _probe(self, plugged: Plugged) -> bool:
        """Ask what is behind a port that stays: a card that came, is another one, or is there no longer."""
        state = self._display.state
        try:
            found = self._turns.who(plugged)
        except errors.CardBusy:
            return False
        except errors.DscError as error:
            nothing = faults.removed(error) or faults.silent(error)
            if state.plugged is not nothing:
                return False
            if nothing:
                self._gone()
            else:
                self._came()  # something is there, and `_begin` tells what is wrong with it
            return True
        removed = state.outcome is not None and state.outcome.code == Code.REMOVED
        same = found == state.serial_number and not removed
        if state.plugged and (same or state.phase is Phase.ON_HOLD):
            return False
        if state.plugged:
            self._gone()
        self._came()
        return True

    def _begin(self) -> None:
        plugged, first, self._first = self._current, self._first, False
        assert plugged is not None  # noqa: S101 (called only then)
        self._display.fresh(Phase.IDENTIFYING)
        ended = self._turns.provision(plugged, first=first)
        if ended is None:
            self._display.show(phase=Phase.WAITING)
        else:
            self._end(PROVISION, ended)

    def _next_asked(self) -> _Asked | None:
        with self._condition:
            return self._asked.popleft() if self._asked else None

    def _do(self, asked: _Asked) -> None:
        state, plugged, work = self._display.state, self._current, asked.work
        if (
            plugged is None
            or asked.plugging != state.plugging
            or not asked.future.set_running_or_notify_cancel()
        ):
            if work is not None and not asked.future.cancelled():
                told = outcome(Code.REMOVED, serial_number=work.serial_number)
                asked.future.set_result(Ended(Verdict.INTERRUPTED, told))
            return
        if work is None:
            self._begin()
            return
        self._display.look_again()
        ended = self._turns.work(plugged, work)
        self._end(work.name, ended)
        asked.future.set_result(ended)

    def _end(self, work: str, ended: Ended) -> None:
        state = self._display.end(work, ended.verdict, ended.outcome)
        end = End(
            slot=self._slot.number,
            label=self._slot.label,
            work=work,
            serial_number=state.serial_number,
            order=state.order,
            verdict=ended.verdict,
            outcome=ended.outcome,
            again=ended.again,
        )
        try:
            self._on_ended(end)
        except Exception as error:  # noqa: BLE001 (what others make of the end does not undo it)
            faults.log_mistake(error)
            if state.alarm is None:
                self._display.show(alarm=outcome(Code.MISTAKE, kind=type(error).__name__))

    def _ask(self, asked: _Asked) -> None:
        with self._condition:
            self._asked.append(asked)
            self._condition.notify_all()

    def _idle(self) -> SlotState:
        state = self._display.state
        if state.phase not in (Phase.WAITING, Phase.ENDED):
            raise StateConflict(
                "slot {label} is {phase}: nothing can be begun there now",
                label=state.label,
                phase=state.phase,
            )
        if state.alarm is not None:
            raise StateConflict(
                "slot {label}: {what} Acknowledge that first", label=state.label, what=state.alarm.what
            )
        return state


def _plugging(plugged: Plugged | None) -> str | None:
    return plugged.plugging if plugged else None
