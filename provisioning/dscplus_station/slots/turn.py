"""A card's turn in a slot: it is identified, asked for and worked on; whatever happens ends as an `Ended`."""

from collections.abc import Callable

from dscplus_driver import errors
from dscplus_driver.card import Card
from dscplus_station import locks
from dscplus_station.errors import NotFound, StateConflict, StationError
from dscplus_station.keystore.interface import Keystore
from dscplus_station.personalise.journal import Journal, OpenRun
from dscplus_station.personalise.rules import RunState
from dscplus_station.personalise.runner import Outcome as RunOutcome
from dscplus_station.personalise.runner import Stopped
from dscplus_station.personalise.runner import Verdict as RunVerdict
from dscplus_station.personalise.workers import serve_card
from dscplus_station.slots import faults, standing
from dscplus_station.slots.claims import AskClaim, Claim, Refused
from dscplus_station.slots.display import Display
from dscplus_station.slots.map import Slot
from dscplus_station.slots.occupancy import Occupancy
from dscplus_station.slots.presence import Plugged
from dscplus_station.slots.rules import Code, Outcome, SlotUse, Verdict, outcome, steps_of
from dscplus_station.slots.work import Ended, Work
from dscplus_station.station import Station

OWNER = "serve"
"""Who has the slots and their cards, for another process that wants one."""
PROVISION = "provision"
"""The name of a personalisation as a slot's work."""


class Turns:
    """The turns of one slot, one after the other, all in the slot's thread."""

    def __init__(
        self,
        slot: Slot,
        station: Station,
        keystore: Keystore,
        display: Display,
        occupancy: Occupancy,
        claim: AskClaim,
        open_port: Callable[[str], Card],
        stopping: Callable[[], bool],
    ) -> None:
        self._slot = slot
        self._station = station
        self._keystore = keystore
        self._display = display
        self._occupancy = occupancy
        self._claim = claim
        self._open_port = open_port
        self._stopping = stopping

    def provision(self, plugged: Plugged, *, first: bool) -> Ended | None:
        """Ask the card who it is and the claims whose it is; then do it.

        Args:
            first: nothing was seen in this slot since the process started: a card that is made was made
                before, and no claim is asked.

        Returns:
            None if nothing is to be done with the card yet.
        """
        return self._guarded(plugged, lambda card: self._provisioned(card, first=first))

    def work(self, plugged: Plugged, work: Work) -> Ended:
        """Do another room's work on the card, if it is the one that is meant."""
        ended = self._guarded(plugged, lambda card: self._worked(card, work))
        assert ended is not None  # noqa: S101 (a work always ends)
        return ended

    def who(self, plugged: Plugged) -> str:
        """Ask what is behind a port for its serial number, and nothing else.

        Raises:
            DscError: nothing answers, or not as a card does.
        """
        with self._open_port(plugged.url) as card:
            return card.serial_number

    def _guarded(self, plugged: Plugged, do: Callable[[Card], Ended | None]) -> Ended | None:
        try:
            if plugged.problem is not None:
                raise plugged.problem
            with self._open_port(plugged.url) as card:
                return do(card)
        except Exception as error:  # noqa: BLE001 (a slot outlives any mistake: logged, told by its kind)
            return self._fault(error)

    def _identified(self, card: Card) -> str:
        """Which card it is; shown at once.

        Raises:
            _SameNumber: another slot has a card of that number.
        """
        serial_number = card.serial_number
        self._display.show(serial_number=serial_number)
        other = self._occupancy.here(self._slot.number, serial_number)
        if other is not None:
            raise _SameNumber(serial_number, self._slot.number, other)
        return serial_number

    def _provisioned(self, card: Card, *, first: bool) -> Ended | None:
        serial_number = self._identified(card)
        if self._slot.use is SlotUse.RETURNS:
            return None
        if first and (ready := self._made(serial_number)):
            return ready
        answer = self._claim(self._slot.number, serial_number)
        if isinstance(answer, Refused):
            return Ended(Verdict.REFUSED, answer.outcome)
        if not isinstance(answer, Claim):
            return self._made(serial_number) or self._unfit(serial_number)
        _check_again(card)  # it may have been swapped while the claim was made
        try:
            return self._personalised(card, answer)
        except (NotFound, StateConflict):
            refusal = None if self._display.working else self._why_not(serial_number, answer.order)
            if refusal is None:
                raise
            return Ended(Verdict.REFUSED, refusal)

    def _made(self, serial_number: str) -> Ended | None:
        """A card that is ready already passes again."""
        with self._station.database.reading() as session:
            order = standing.made_for(session, serial_number)
        if order is None:
            return None
        self._display.show(order=order)
        return Ended(Verdict.PASS, _passed(serial_number, order), again=True)

    def _unfit(self, serial_number: str) -> Ended | None:
        """A card that could serve no order is told of before anybody scans one for it."""
        with self._station.database.reading() as session:
            refusal = standing.why_not_card(session, serial_number)
        return Ended(Verdict.REFUSED, refusal.outcome) if refusal else None

    def _personalised(self, card: Card, claim: Claim) -> Ended:
        batch = ""

        def on_begun(run: OpenRun) -> None:
            nonlocal batch
            batch = run.batch
            self._display.begin(PROVISION, steps_of(run.profile), order=run.order_id)

        def on_step(_run: OpenRun, step: RunState) -> None:
            self._display.show(step=step.value)

        done = serve_card(
            self._station,
            self._keystore,
            Journal(self._station, self._keystore, claim.actor, self._slot.number),
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
                # A supervisor may have released it already.
                told = refusal.outcome if refusal else outcome(Code.REFUSED, **facts, told=done.told)
                return Ended(Verdict.FAIL, told)

    def _worked(self, card: Card, work: Work) -> Ended:
        found = self._identified(card)
        if found != work.serial_number:
            raise errors.CardSwapped(work.serial_number, found, where=card.url)
        with locks.hold(self._station.home.locks, f"card {found}", OWNER):
            if self._stopping():
                raise Stopped
            self._display.begin(work.name, work.steps)
            return work.do(card, _Reporter(self._display, self._stopping))

    def _why_not(self, serial_number: str, order: str) -> Outcome | None:
        """What in the records speaks against the card or the order, after they were refused."""
        with self._station.database.reading() as session:
            refusal = standing.why_not_card(session, serial_number, order)
            refusal = refusal or standing.why_not_order(session, order, serial_number)
            batch = standing.batch_of(session, serial_number)
        if refusal is not None:
            return refusal.outcome
        try:
            self._keystore.batch_master(batch)
        except StationError:
            return outcome(Code.BATCH_KEY_MISSING, serial_number=serial_number, order=order, batch=batch)
        return None

    def _fault(self, error: Exception) -> Ended:
        """What an error means here; a mistake of ours is logged by its kind and place."""
        state = self._display.state
        if isinstance(error, _SameNumber):
            return Ended(Verdict.REFUSED, error.outcome)
        if not isinstance(error, (errors.DscError, StationError, Stopped)):
            faults.log_mistake(error)
        if isinstance(error, errors.DscError) and not self._display.working:
            return Ended(Verdict.REFUSED, faults.before_work(error))
        begun = self._display.working or isinstance(error, Stopped)
        verdict = Verdict.INTERRUPTED if begun else Verdict.REFUSED
        return Ended(verdict, faults.in_work(error, state.serial_number or "", state.order))


class _Reporter:
    """Progress of a work, into its slot's display."""

    def __init__(self, display: Display, stopping: Callable[[], bool]) -> None:
        self._display = display
        self._stopping = stopping

    def step(self, name: str) -> None:
        self._display.show(step=name)
        if self._stopping():
            raise Stopped


class _SameNumber(Exception):
    """Two slots have cards of one number."""

    def __init__(self, serial_number: str, slot: int, other: int) -> None:
        super().__init__(serial_number)
        self.outcome = outcome(Code.SAME_NUMBER, serial_number=serial_number, slot=slot, other_slot=other)


def _check_again(card: Card) -> None:
    """Ask on the open port who the card is now, in a link session that another card would take up, too.

    Raises:
        CardSwapped: it is another one.
    """
    card.reset()
    card.check_serial_number()


def _passed(serial_number: str, order: str) -> Outcome:
    return outcome(Code.PASSED, serial_number=serial_number, order=order)
