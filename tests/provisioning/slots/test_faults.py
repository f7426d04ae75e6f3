"""What can be wrong with what is in a slot: a code, words, evidence; never a guess, never a secret."""

import re
from dataclasses import asdict
from pathlib import Path

import pytest
from sqlalchemy import select

from dscplus_driver import Card as DriverCard
from dscplus_driver import errors
from dscplus_driver.link.interface import LinkKind
from dscplus_station import locks
from dscplus_station.actor import Actor, Role
from dscplus_station.cancellation.service import cancel
from dscplus_station.errors import DatabaseFailed
from dscplus_station.orders.rules import OrderState
from dscplus_station.orders.tables import Order
from dscplus_station.personalise import workers
from dscplus_station.personalise.journal import Journal
from dscplus_station.personalise.tables import Run
from dscplus_station.quarantine.rules import Cause
from dscplus_station.slots.claims import Claim, refused
from dscplus_station.slots.rules import WORDS, Code, Phase, Verdict, outcome
from dscplus_station.stock.rules import CardState
from dscplus_station.stock.tables import Batch, Card
from tests.harness.loopback import LoopbackCard
from tests.provisioning.personalise.bench import ACTOR, PIN, SERIALS, TRANSPORT
from tests.provisioning.slots.slot_bench import FIRST, SECOND, THIRD, SlotBench

STRANGER = SERIALS[7]


@pytest.fixture
def bench(tmp_path):
    bench = SlotBench(tmp_path)
    for order in "AB":
        bench.station_bench.place(order)
    yield bench
    bench.close()


def nothing_was_begun(bench):
    assert bench.station_bench.all(select(Run)) == []
    assert {o.state for o in bench.station_bench.all(select(Order))} <= {
        OrderState.PLACED,
        OrderState.CANCELLED,
    }


def shown(state):
    return state.phase, state.verdict, state.outcome.code, state.alarm is not None


REFUSED = (Phase.ENDED, Verdict.REFUSED)


def test_every_code_has_words_that_say_what_and_what_now():
    for code in Code:
        assert WORDS[code].what.endswith((".", "{told}")) and WORDS[code].now.endswith("."), code


def test_every_code_is_on_the_page_about_slots():
    page = (Path(__file__).parents[3] / "docs" / "slots.md").read_text(encoding="utf-8")
    listed = page.split("## Outcomes")[1].split("## For developers")[0]
    assert set(re.findall(r"`([A-Z_]+)`", listed)) == {code.value for code in Code}


def test_an_outcome_without_a_fact_that_its_words_name_is_a_mistake_of_the_caller():
    with pytest.raises(KeyError):
        outcome(Code.WRONG_CARD, serial_number=FIRST, expected=None)


def test_a_card_that_no_delivery_brought_is_told_before_anybody_scans_an_order_for_it(bench):
    bench.plug(1, LoopbackCard(STRANGER, TRANSPORT.keys_of(STRANGER)))
    bench.work(1)
    assert shown(bench.slots.state(1)) == (*REFUSED, Code.NOT_IN_STOCK, True)
    assert STRANGER in bench.slots.state(1).outcome.what
    nothing_was_begun(bench)


def test_a_quarantined_card_is_told_with_its_cause_and_evidence(bench):
    bench.cards[FIRST].set_faults("")
    strange = LoopbackCard(FIRST, TRANSPORT.keys_of(SECOND))
    bench.serve(2, SECOND, "B")  # the batch's key is right: it has opened a card
    bench.pull(2)
    bench.work(2)
    state = bench.serve(1, strange, "A")
    assert shown(state) == (Phase.ENDED, Verdict.FAIL, Code.QUARANTINED, True)
    assert state.outcome.facts["cause_code"] == Cause.FOREIGN_KEYS
    assert "finding" in state.outcome.facts["evidence"]
    bench.pull(1)
    bench.slots.acknowledge(1)
    bench.work(1)
    state = bench.serve(3, strange, None)
    assert shown(state) == (*REFUSED, Code.QUARANTINED, True)
    assert bench.station_bench.get(Order, "A").state is OrderState.PLACED, "another card will serve it"


def test_a_wrong_batch_key_changes_nothing_and_names_the_batch(bench):
    state = bench.serve(1, LoopbackCard(FIRST, TRANSPORT.keys_of(SECOND)), "A")
    assert shown(state) == (*REFUSED, Code.BATCH_KEY_WRONG, True)
    assert state.outcome.facts["batch"] == "B-1"
    assert bench.station_bench.get(Card, FIRST).state is CardState.BLANK
    assert bench.station_bench.get(Order, "A").state is OrderState.PLACED


def test_a_missing_batch_key_is_told_before_anything_is_reserved(bench):
    with bench.station_bench.arranging() as session:
        moment = bench.station_bench.moment
        session.add(Batch(name="B-9", key_version=1, kcv=TRANSPORT.kcv(), imported_at=moment))
        session.flush()
        session.get(Card, FIRST).batch = "B-9"  # in the records only: its key is not in the keystore
    state = bench.serve(1, FIRST, "A")
    assert shown(state) == (*REFUSED, Code.BATCH_KEY_MISSING, True)
    nothing_was_begun(bench)


def test_an_order_that_was_cancelled_between_scan_and_insertion(bench):
    cancel(bench.station, ACTOR, "A")
    assert shown(bench.serve(1, FIRST, "A")) == (*REFUSED, Code.ORDER_CANCELLED, True)
    nothing_was_begun(bench)


def test_an_order_that_another_card_serves_names_that_card(bench):
    bench.cards[FIRST].set_faults("unplug=700")
    bench.serve(1, FIRST, "A")
    state = bench.serve(2, SECOND, "A")
    assert shown(state) == (*REFUSED, Code.ORDER_SERVED, True)
    assert state.outcome.facts["bound"] == FIRST


def test_a_card_that_serves_another_order_names_that_order(bench):
    bench.serve(1, FIRST, "A")
    bench.pull(1)
    bench.work(1)
    state = bench.serve(1, FIRST, "B")
    assert shown(state) == (*REFUSED, Code.CARD_BOUND, True)
    assert (state.outcome.facts["order"], state.outcome.facts["asked"]) == ("A", "B")


def test_a_card_in_the_midst_of_another_orders_run_names_that_order(bench):
    bench.cards[FIRST].set_faults("unplug=700")
    bench.serve(1, FIRST, "A")
    bench.pull(1)
    bench.work(1)
    state = bench.serve(2, FIRST, "B")
    assert shown(state) == (*REFUSED, Code.CARD_BOUND, True)
    assert state.outcome.facts["order"] == "A"


def test_an_unknown_order_and_one_that_is_shipped(bench):
    assert shown(bench.serve(1, FIRST, "Z")) == (*REFUSED, Code.NO_SUCH_ORDER, True)
    with bench.station_bench.arranging() as session:
        session.get(Order, "A").sealed_pin = None
        session.get(Order, "A").state = OrderState.SHIPPED
    assert shown(bench.serve(2, SECOND, "A")) == (*REFUSED, Code.ORDER_STATE, True)


def test_a_shipped_card_is_for_the_returns_desk(bench):
    with bench.station_bench.arranging() as session:
        session.get(Card, FIRST).state = CardState.SHIPPED
    state = bench.serve(1, FIRST, None)
    assert shown(state) == (*REFUSED, Code.CARD_STATE, True)
    assert "SHIPPED" in state.outcome.what


def test_two_cards_of_one_number_are_refused_in_the_slot_that_came_second(bench):
    bench.serve(1, FIRST, "A")
    copy = LoopbackCard(FIRST, TRANSPORT.keys_of(FIRST))
    state = bench.serve(3, copy, "B")
    assert shown(state) == (*REFUSED, Code.SAME_NUMBER, True)
    assert (state.outcome.facts["slot"], state.outcome.facts["other_slot"]) == ("3", "1")
    assert bench.asked == [(1, FIRST)]
    assert bench.slots.state(1).verdict is Verdict.PASS


def test_an_operator_who_may_not_personalise_is_told(bench):
    bench.claims[1] = lambda _slot, _serial: Claim("A", Actor("ada", frozenset({Role.SHIPPING}), "bench-1"))
    bench.plug(1, FIRST)
    bench.work(1)
    assert shown(bench.slots.state(1)) == (*REFUSED, Code.NOT_PERMITTED, True)
    nothing_was_begun(bench)


def test_a_card_that_another_process_works_with_is_left_alone(bench):
    with locks.hold(bench.station.home.locks, f"card {FIRST}", "provision"):
        state = bench.serve(1, FIRST, "A")
    assert shown(state) == (*REFUSED, Code.CARD_HELD, True)
    assert "provision, pid" in state.outcome.what
    nothing_was_begun(bench)


@pytest.mark.parametrize(
    ("error", "code", "alarmed"),
    [
        (errors.CardTimeout("no answer", where="/slot-1"), Code.NO_ANSWER, False),
        (errors.LinkError("lost", where="/slot-1"), Code.NO_ANSWER, False),
        (errors.PortNotFound("it went", where="/slot-1"), Code.NO_ANSWER, False),
        (errors.ProtocolError("garbage", where="/slot-1"), Code.NOT_A_CARD, True),
        (errors.CardBusy("in use by 4711", where="/slot-1", holder_pid=4711), Code.PORT_HELD, True),
        (errors.PermissionRefused("no", where="/slot-1"), Code.PORT_CLOSED, True),
        (errors.LibraryMissing("no hidapi", where="/slot-1"), Code.PORT_CLOSED, True),
    ],
)
def test_a_port_that_cannot_be_spoken_to_is_told_and_the_slot_goes_on(bench, error, code, alarmed):
    bench.claims[1] = "A"
    bench.plug(1, error)
    bench.work(1)
    assert shown(bench.slots.state(1)) == (*REFUSED, code, alarmed)
    nothing_was_begun(bench)
    bench.slots.acknowledge(1)
    bench.in_slot["/slot-1"] = bench.cards[FIRST]
    bench.slots.ask_again(1)
    bench.work(1)
    assert bench.slots.state(1).verdict is Verdict.PASS


def test_a_permission_that_comes_late_begins_what_was_refused_for_want_of_it(bench):
    bench.claims[1] = "A"
    problem = errors.PermissionRefused("not yet", where="/slot-1")
    bench.plug(1, FIRST, problem=problem)
    bench.work(1)
    assert shown(bench.slots.state(1)) == (*REFUSED, Code.PORT_CLOSED, True)
    bench.pluggings -= 1
    bench.plug(1, FIRST)
    bench.work(1)
    assert (bench.slots.state(1).verdict, bench.slots.state(1).alarm) == (Verdict.PASS, None)


def test_a_card_that_stands_still_is_no_answer_and_another_look_is_enough(bench):
    bench.claims[1] = "A"
    bench.plug(1, FIRST)
    bench.cards[FIRST].virtual.freeze(3600)
    bench.work(1)
    assert shown(bench.slots.state(1)) == (*REFUSED, Code.NO_ANSWER, False)
    bench.cards[FIRST].virtual.freeze(0)
    bench.slots.ask_again(1)
    bench.work(1)
    assert bench.slots.state(1).verdict is Verdict.PASS


def test_a_card_that_stands_still_in_mid_run_has_lost_contact_and_goes_on_when_it_is_back(bench, monkeypatch):
    record = Journal.record

    def then_stands_still(*given):
        bench.cards[FIRST].virtual.freeze(3600)
        return record(*given)

    monkeypatch.setattr(Journal, "record", then_stands_still)
    state = bench.serve(1, FIRST, "A")
    assert shown(state) == (Phase.ENDED, Verdict.INTERRUPTED, Code.LOST_CONTACT, False)
    assert state.step == "KEYS_ROTATED"
    assert bench.slots.snapshot().unfinished == (), "its card is in a slot"
    monkeypatch.setattr(Journal, "record", record)
    bench.pull(1)
    bench.cards[FIRST].virtual.cut_power()
    bench.plug(1, FIRST)
    bench.work(1)
    assert bench.slots.state(1).verdict is Verdict.PASS


class Babble:
    """A port that says anything but what a card says."""

    link = LinkKind.SERIAL
    url = "/slot-1"

    def __init__(self, says):
        self.says = says
        self.now = 0.0

    def connect(self):
        return DriverCard(self, clock=lambda: self.now)

    def write(self, data):
        pass

    def read(self, timeout):
        self.now += timeout / 2 + 0.001
        return self.says

    def close(self):
        pass


@pytest.mark.parametrize("says", [b"\x00" * 40, b"OK\r\n", bytes(range(256)), b"\xff" * 600])
def test_garbage_on_the_port_is_told_and_nothing_is_reserved(bench, says):
    state = bench.serve(1, Babble(says), "A")
    assert state.verdict is Verdict.REFUSED and state.outcome.code in (Code.NO_ANSWER, Code.NOT_A_CARD)
    nothing_was_begun(bench)


def test_a_card_that_moves_to_another_slot_while_the_first_still_waits_for_it_is_no_copy(bench):
    """The first slot's thread may hang in a timeout; that its card is gone is known at once."""
    bench.cards[FIRST].set_faults("unplug=700")
    bench.serve(1, FIRST, "A")
    bench.pull(1)  # told, and slot 1 has not come round to it
    assert bench.serve(2, FIRST, "A").verdict is Verdict.PASS
    bench.work(1)
    assert bench.slots.state(1).phase is Phase.EMPTY


def test_a_card_that_is_out_again_before_it_was_asked_leaves_an_empty_slot(bench):
    bench.claims[1] = "A"
    bench.plug(1, FIRST)
    bench.pull(1)
    bench.work(1)
    assert bench.slots.state(1).phase is Phase.EMPTY and bench.asked == []


class Swapping:
    """A port that stays open while its card becomes another one, once `when()` says so."""

    def __init__(self, before, after):
        self.before, self.after = before, after
        self.swapped = False

    def connect(self):
        card = self.before.connect()
        transport = card._connection._transport
        other = self.after.transport()

        class Port:
            url = transport.url
            link = transport.link
            write = staticmethod(lambda data: (other if self.swapped else transport).write(data))
            read = staticmethod(lambda timeout: (other if self.swapped else transport).read(timeout))
            close = staticmethod(lambda: None)

        card._connection._transport = Port()
        return card


def test_a_card_swapped_between_identification_and_work_is_left_alone_and_nothing_is_reserved(bench):
    port = Swapping(bench.cards[FIRST], bench.cards[SECOND])

    def claim(_slot, _serial):
        port.swapped = True
        return Claim("A", ACTOR)

    bench.claims[1] = claim
    bench.plug(1, port)
    bench.work(1)
    state = bench.slots.state(1)
    assert shown(state) == (*REFUSED, Code.SWAPPED, True)
    assert (state.outcome.facts["expected"], state.outcome.facts["found"]) == (FIRST, SECOND)
    nothing_was_begun(bench)


def test_a_card_swapped_once_its_run_had_begun_is_told_by_both_numbers_and_the_run_stays_open(
    bench, monkeypatch
):
    port = Swapping(bench.cards[FIRST], bench.cards[SECOND])
    image = bench.cards[SECOND].flash.image()
    begin = workers.personalise

    def swapped_first(*given, **named):
        port.swapped = True
        return begin(*given, **named)

    monkeypatch.setattr(workers, "personalise", swapped_first)
    state = bench.serve(1, port, "A")
    assert shown(state) == (Phase.ENDED, Verdict.INTERRUPTED, Code.SWAPPED, True)
    assert (state.outcome.facts["expected"], state.outcome.facts["found"]) == (FIRST, SECOND)
    assert bench.cards[SECOND].flash.image() == image, "nothing was written to the other card"
    (run,) = bench.station_bench.all(select(Run))
    assert (run.serial_number, run.ended_at) == (FIRST, None)


def test_a_database_that_fails_in_mid_run_interrupts_it_and_it_goes_on(bench, monkeypatch):
    record = Journal.record

    def fails(*_given):
        raise DatabaseFailed("the disk is full")

    monkeypatch.setattr(Journal, "record", fails)
    assert shown(bench.serve(1, FIRST, "A")) == (Phase.ENDED, Verdict.INTERRUPTED, Code.RECORDS, True)
    monkeypatch.setattr(Journal, "record", record)
    bench.slots.acknowledge(1)
    bench.slots.ask_again(1)
    bench.work(1)
    assert bench.slots.state(1).verdict is Verdict.PASS


def test_a_mistake_in_a_claim_is_told_by_its_kind_only_and_the_slot_goes_on(bench):
    def mistaken(_slot, _serial):
        raise RuntimeError(f"PIN {PIN} of the order")

    bench.claims[1] = mistaken
    bench.plug(1, FIRST)
    bench.work(1)
    state = bench.slots.state(1)
    assert shown(state) == (*REFUSED, Code.MISTAKE, True)
    assert "RuntimeError" in state.outcome.what and PIN not in str(asdict(state))
    bench.pull(1)
    bench.slots.acknowledge(1)
    bench.work(1)
    assert bench.serve(1, FIRST, "A").verdict is Verdict.PASS


def test_a_mistake_outside_a_cards_turn_ends_no_slot(bench, monkeypatch):
    worker = bench.slots.workers[1]
    step, mistakes = worker.step, [RuntimeError("not foreseen")]

    def mistaken():
        if mistakes:
            raise mistakes.pop()
        return step()

    monkeypatch.setattr(worker, "step", mistaken)
    worker._survived()
    assert shown(bench.slots.state(1)) == (*REFUSED, Code.MISTAKE, True)
    bench.slots.acknowledge(1)
    bench.claims[1] = "A"
    bench.plug(1, FIRST)
    while worker._survived():
        pass
    assert bench.slots.state(1).verdict is Verdict.PASS


def test_an_acknowledgement_where_nothing_stands_changes_nothing(bench):
    before = bench.slots.state(1)
    bench.slots.acknowledge(1)
    assert bench.slots.state(1) == before


def test_what_fails_after_a_pass_does_not_undo_it(bench):
    def printer_on_fire(_end):
        raise RuntimeError("lp0 on fire")

    for worker in bench.slots.workers.values():
        worker._on_ended = printer_on_fire
    state = bench.serve(1, FIRST, "A")
    assert (state.verdict, state.outcome.code) == (Verdict.PASS, Code.PASSED)
    assert state.alarm.code == Code.MISTAKE and "RuntimeError" in state.alarm.what


def test_the_end_of_a_run_is_told_again_to_the_next_process_and_no_claim_is_asked(bench):
    bench.serve(1, FIRST, "A")
    bench.start()
    bench.plug(1, FIRST)
    bench.work(1)
    assert [(end.order, end.verdict, end.again) for end in bench.ended] == [
        ("A", Verdict.PASS, False),
        ("A", Verdict.PASS, True),
    ]
    assert bench.asked == [(1, FIRST)]


def test_a_claims_refusal_is_shown_as_it_was_given(bench):
    for code in (Code.WRONG_CARD, Code.TWO_CARDS):
        bench.claims[1] = refused(code, serial_number=FIRST, expected=THIRD, order="A")
        bench.plug(1, FIRST)
        bench.work(1)
        assert shown(bench.slots.state(1)) == (*REFUSED, code, True)
        bench.pull(1)
        bench.slots.acknowledge(1)
        bench.work(1)
    nothing_was_begun(bench)
