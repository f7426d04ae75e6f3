"""Whatever the order of events: no card is bound to two orders, no order to two cards, and nothing is lost.

Cards are plugged in, pulled out, swapped, put into other slots; they lose power, answers and contact; orders
are placed and cancelled; the engine is killed and begins again. Between any two bytes of one slot's card
another slot may do all its work. At the end an operator goes on with what is there, and every run completes.
"""

import itertools
import shutil
import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select

from dscplus_card import state as memory
from dscplus_station.cancellation.service import cancel
from dscplus_station.errors import StationError
from dscplus_station.orders.tables import Binding
from dscplus_station.personalise.rules import RunResult
from dscplus_station.personalise.tables import Run
from dscplus_station.quarantine.tables import Quarantine
from dscplus_station.slots import standing
from dscplus_station.slots.claims import NOTHING_YET, Claim, Refused
from dscplus_station.slots.rules import Phase, Verdict
from dscplus_station.stock.rules import CardState
from dscplus_station.stock.tables import Card
from tests.campaign.checker import findings
from tests.provisioning.personalise.bench import ACTOR, PIN, SERIALS
from tests.provisioning.slots.slot_bench import SlotBench

SLOTS = (1, 2, 3)
CARDS = tuple(SERIALS[:4])
slots = st.sampled_from(SLOTS)
cards = st.sampled_from(CARDS)
somewhere = st.sampled_from(range(1, 1800))
"""Bytes from the host. Drawn evenly: small numbers are not the likelier places for a fault."""
FAULTS = st.one_of(
    st.sampled_from(range(1, 2500)).map("unplug={}".format),
    st.sampled_from(range(1, 60)).map("power-cut={}".format),
    st.sampled_from(range(1, 20)).map("lose-answer={}".format),
    st.sampled_from(range(100)).map("drop=0.05,seed={}".format),
)


class Killed(BaseException):
    """The process died here."""


class SlotsMachine(RuleBasedStateMachine):
    """Three slots, four cards, as many orders as are placed; one order at a time waits for a card."""

    bench = None

    @initialize()
    def begin(self):
        self.folder = Path(tempfile.mkdtemp(prefix="slots-"))
        self.bench = SlotBench(self.folder, cards=len(CARDS), slots=len(SLOTS))
        self.waiting = []
        self.names = itertools.count(1)
        self.cancelled = False
        self.at_byte = None
        self.placed = []
        self._open = self.bench.open_port
        self.start()

    def start(self):
        """A new process: every slot asks this machine, by whichever way it opens a card."""
        self.bench.open_port = self.open_port
        self.bench.claim = self.claim
        self.bench.start()

    def teardown(self):
        if self.bench is None:
            return
        try:
            self.go_on()
        finally:
            self.bench.close()
            shutil.rmtree(self.folder)

    # Who decides about orders, as the parcels do: one order waits, the next card takes it.

    def claim(self, _slot, serial):
        with self.bench.station.database.reading() as session:
            going_on = standing.open_order(session, serial)
            if going_on:
                return Claim(going_on, ACTOR)
            wrong = standing.why_not_card(session, serial)
        if not self.waiting:
            return NOTHING_YET
        return wrong if isinstance(wrong, Refused) else Claim(self.waiting.pop(0), ACTOR)

    def open_port(self, url):
        card = self._open(url)
        transport = card._connection._transport
        write = transport.write

        def counted(data):
            if self.at_byte is not None:
                left, deed = self.at_byte
                self.at_byte = (left - len(data), deed)
                if left <= len(data):
                    self.at_byte = None
                    deed()
            write(data)

        transport.write = counted
        return card

    # What happens

    @rule()
    def an_order_is_scanned(self):
        name = f"O-{next(self.names)}"
        self.bench.station_bench.place(name)
        self.placed.append(name)
        self.waiting.append(name)

    @rule(slot=slots, card=cards, faults=st.one_of(st.none(), FAULTS), works=st.booleans())
    def an_order_is_scanned_and_its_card_plugged_in(self, slot, card, faults, works):
        self.a_card_is_pulled_out(slot)
        for other in SLOTS:
            if self.bench.in_slot.get(f"/slot-{other}") is self.bench.cards[card]:
                self.a_card_is_pulled_out(other)
        self.an_alarm_is_acknowledged(slot)
        self.bench.cards[card].set_faults(faults or "")
        if not self.waiting:
            self.an_order_is_scanned()
        self.a_card_is_plugged_in(slot, card)
        if works:
            self.a_slot_works(slot)

    @rule(slot=slots, card=cards)
    def a_card_is_plugged_in(self, slot, card):
        if f"/slot-{slot}" not in self.bench.in_slot and not self.in_a_slot(card):
            self.bench.plug(slot, card)

    @rule(slot=slots)
    def a_card_is_pulled_out(self, slot):
        if f"/slot-{slot}" in self.bench.in_slot:
            self.bench.pull(slot)

    @rule(slot=slots, card=cards)
    def a_card_is_swapped_behind_a_port_that_stays(self, slot, card):
        if f"/slot-{slot}" in self.bench.in_slot and not self.in_a_slot(card):
            if not self.bench.cards[card].virtual.plugged:
                self.bench.cards[card].replug()
            self.bench.in_slot[f"/slot-{slot}"] = self.bench.cards[card]

    @rule(card=cards, faults=FAULTS)
    def a_card_is_about_to_fail(self, card, faults):
        self.bench.cards[card].set_faults(faults)

    @rule(slot=slots)
    def a_slot_works(self, slot):
        self.survive(lambda: self.bench.work(slot))

    @rule(slot=slots, other=slots, at=somewhere)
    def a_slot_works_while_another_does(self, slot, other, at):
        if slot != other:
            self.at_byte = (at, lambda: self.bench.work(other))
            self.survive(lambda: self.bench.work(slot))

    @rule(slot=slots, card=cards, at=somewhere)
    def a_card_comes_to_another_slot_while_one_works(self, slot, card, at):
        def comes():
            for other in SLOTS:
                if other != slot and f"/slot-{other}" not in self.bench.in_slot and not self.in_a_slot(card):
                    self.bench.plug(other, card)
                    self.bench.work(other)

        self.at_byte = (at, comes)
        self.survive(lambda: self.bench.work(slot))

    @rule(slot=slots, at=somewhere)
    def the_engine_is_killed(self, slot, at):
        def die():
            raise Killed

        self.at_byte = (at, die)
        self.survive(lambda: self.bench.work(slot))
        self.restart()

    @rule(slot=slots)
    def an_alarm_is_acknowledged(self, slot):
        self.bench.slots.acknowledge(slot)

    @rule(slot=slots)
    def a_slot_is_told_to_ask_again(self, slot):
        self.attempt(lambda: self.bench.slots.ask_again(slot))

    @precondition(lambda self: self.placed)
    @rule(data=st.data())
    def an_order_is_cancelled(self, data):
        order = data.draw(st.sampled_from(self.placed))
        if self.attempt(lambda: cancel(self.bench.station, ACTOR, order)):
            self.cancelled = True

    # What must hold, at every moment

    @invariant()
    def no_card_has_two_orders_and_no_order_two_cards(self):
        if self.bench is None:
            return
        bindings = self.all(select(Binding).where(Binding.released_at.is_(None)))
        assert not twice(binding.order_id for binding in bindings)
        assert not twice(binding.serial_number for binding in bindings)
        completed = self.all(select(Run).where(Run.result == RunResult.COMPLETED))
        assert not twice(run.order_id for run in completed), "an order was completed on two cards"
        open_runs = self.all(select(Run).where(Run.ended_at.is_(None)))
        bound = {(binding.order_id, binding.serial_number) for binding in bindings}
        assert {(run.order_id, run.serial_number) for run in open_runs} <= bound

    @invariant()
    def no_seed_is_on_two_cards_and_none_is_on_a_card_that_it_was_not_made_for(self):
        if self.bench is None:
            return
        seeds = {serial: card.memory().get(memory.SEED) for serial, card in self.bench.cards.items()}
        assert not twice(seed for seed in seeds.values() if seed)

    @invariant()
    def a_slot_that_passed_shows_the_card_and_order_that_the_records_have(self):
        if self.bench is None:
            return
        for end in self.bench.ended:
            if end.verdict is Verdict.PASS and not end.again:
                runs = self.all(
                    select(Run).where(Run.order_id == end.order, Run.result == RunResult.COMPLETED)
                )
                assert [run.serial_number for run in runs] == [end.serial_number], end

    @invariant()
    def nobody_is_blamed_who_is_innocent(self):
        """These cards are genuine and these keys are right: none is quarantined, whatever happened."""
        if self.bench is not None:
            assert self.all(select(Quarantine)) == []

    @invariant()
    def what_is_unfinished_is_in_a_slot_or_told_as_away(self):
        if self.bench is None:
            return
        snapshot = self.bench.slots.snapshot()
        here = {state.serial_number for state in snapshot.slots if state.phase is not Phase.EMPTY}
        open_runs = {run.serial_number for run in self.all(select(Run).where(Run.ended_at.is_(None)))}
        assert {run.serial_number for run in snapshot.unfinished} == open_runs - here

    # The end of the day

    def go_on(self):
        """Every card is put into a slot of a healthy bench: what is open completes, what is made passes."""
        self.at_byte = None
        for slot in SLOTS:
            self.a_card_is_pulled_out(slot)
        for card in self.bench.cards.values():
            card.set_faults("")
        self.waiting = []
        self.restart()
        self.bench.work()
        for card in CARDS:
            open_before = {run.serial_number for run in self.all(select(Run).where(Run.ended_at.is_(None)))}
            self.bench.plug(1, card)
            self.bench.work()
            state = self.bench.slots.state(1)
            on_record = self.bench.station_bench.get(Card, card)
            if card in open_before or on_record.state is CardState.SECURED:
                free = state.phase is Phase.WAITING  # of a cancelled order: it may serve the next
                assert state.verdict is Verdict.PASS or (free and self.cancelled), state
            self.bench.pull(1)
            self.bench.work()
        assert self.all(select(Run).where(Run.ended_at.is_(None))) == []
        if not self.cancelled:
            images = {serial: card.flash.image() for serial, card in self.bench.cards.items()}
            pins = dict.fromkeys(self.placed, PIN)
            keystore = self.bench.station_bench.keystore
            assert findings(self.bench.station.database, keystore, images, pins) == []

    # Helpers

    def survive(self, deed):
        """Do it; a process that dies under it begins again."""
        try:
            deed()
        except Killed:
            self.restart()
        finally:
            self.at_byte = None

    def restart(self):
        """The process is gone and a new one begins: it sees what is plugged in as for the first time."""
        self.start()
        for url in [*self.bench.in_slot]:
            slot, card = int(url.removeprefix("/slot-")), self.bench.in_slot.pop(url)
            self.bench.plug(slot, card)

    def in_a_slot(self, card):
        return self.bench.cards[card] in self.bench.in_slot.values()

    def attempt(self, deed):
        try:
            deed()
        except StationError:
            return False
        return True

    def all(self, query):
        return self.bench.station_bench.all(query)


def twice(values):
    return [value for value, times in Counter(values).items() if times > 1]


TestSlotsMachine = SlotsMachine.TestCase
TestSlotsMachine.settings = settings(
    max_examples=50,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
