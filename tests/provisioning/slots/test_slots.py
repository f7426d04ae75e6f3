"""A slot from the insertion of a card to its removal: what it shows, what the records hold."""

import pytest
from sqlalchemy import select

from dscplus_station.devices.rules import Profile
from dscplus_station.orders.rules import OrderState
from dscplus_station.orders.tables import Order
from dscplus_station.personalise.tables import Run, RunStep
from dscplus_station.slots.claims import refused
from dscplus_station.slots.rules import STEPS, Code, Phase, Verdict
from dscplus_station.stock.rules import CardState
from dscplus_station.stock.tables import Card
from tests.provisioning.slots.slot_bench import FIRST, FOURTH, SECOND, THIRD, SlotBench


@pytest.fixture
def bench(tmp_path):
    bench = SlotBench(tmp_path)
    for order in "ABCD":
        bench.station_bench.place(order)
    yield bench
    bench.close()


def order(bench, order_id):
    return bench.station_bench.get(Order, order_id)


def card(bench, serial):
    return bench.station_bench.get(Card, serial)


@pytest.mark.usefixtures("each_link")
def test_a_card_that_is_plugged_in_is_personalised_for_its_claim_and_passes_until_it_is_taken_out(bench):
    state = bench.serve(2, FIRST, "B")
    assert (state.phase, state.verdict, state.serial_number, state.order) == (
        Phase.ENDED,
        Verdict.PASS,
        FIRST,
        "B",
    )
    assert state.outcome.code == Code.PASSED
    assert state.steps == STEPS and state.step == "SECURED" and state.part == 1.0
    assert bench.asked == [(2, FIRST)]
    assert card(bench, FIRST).state is CardState.SECURED
    assert order(bench, "A").state is OrderState.PLACED
    bench.work()
    assert bench.slots.state(2) == state, "PASS stays"
    bench.pull(2)
    bench.work()
    gone = bench.slots.state(2)
    assert (gone.phase, gone.serial_number, gone.verdict, gone.outcome) == (Phase.EMPTY, None, None, None)


def test_the_stream_tells_every_step_in_order_with_growing_versions(bench):
    with bench.slots.subscribe() as stream:
        stream.take()
        bench.serve(1, FIRST, "A")
        told = stream.take()
    assert [state.version for state in told] == list(range(1, len(told) + 1))
    steps = [state.step for state in told if state.phase is Phase.WORKING and state.step]
    assert steps == list(STEPS)
    seconds = [state.seconds for state in told if state.phase in (Phase.WORKING, Phase.ENDED)]
    assert seconds == sorted(seconds) and seconds[-1] > 0, "how long the work lasts is told with each step"
    parts = [state.part for state in told if state.phase is Phase.WORKING]
    assert parts == sorted(parts) and parts[0] == 0.0


def test_a_card_that_keeps_no_pin_has_one_step_less_and_passes_at_the_end_of_its_bar(bench):
    bench.station_bench.place("E", Profile.SERVER_PIN)
    state = bench.serve(1, FIRST, "E")
    assert state.verdict is Verdict.PASS and state.part == 1.0
    assert state.steps == tuple(step for step in STEPS if step != "PIN_SET")


def test_four_cards_in_four_slots_serve_the_four_orders_that_they_were_claimed_for(bench):
    for slot, (serial, order_id) in enumerate(zip((FOURTH, THIRD, SECOND, FIRST), "BDAC", strict=True), 1):
        bench.claims[slot] = order_id
        bench.plug(slot, serial)
    bench.work()
    assert {end.serial_number: (end.slot, end.order, end.verdict) for end in bench.ended} == {
        FOURTH: (1, "B", Verdict.PASS),
        THIRD: (2, "D", Verdict.PASS),
        SECOND: (3, "A", Verdict.PASS),
        FIRST: (4, "C", Verdict.PASS),
    }


def test_a_refused_claim_leaves_the_card_alone_and_its_alarm_goes_only_when_it_is_acknowledged(bench):
    bench.claims[1] = lambda _slot, serial: refused(Code.WRONG_CARD, serial_number=serial, expected=SECOND)
    bench.plug(1, FIRST)
    bench.work(1)
    state = bench.slots.state(1)
    assert (state.phase, state.verdict, state.alarm.code) == (Phase.ENDED, Verdict.REFUSED, Code.WRONG_CARD)
    assert state.outcome.what == f"This is card {FIRST}, but card {SECOND} was scanned."
    assert bench.station_bench.all(select(Run)) == []
    bench.pull(1)
    bench.work(1)
    assert bench.slots.state(1).phase is Phase.EMPTY
    assert bench.slots.state(1).alarm == state.alarm, "taking the card out answers nothing"
    bench.claims[1] = "A"
    bench.plug(1, SECOND)
    bench.work(1)
    assert bench.slots.state(1).phase is Phase.ON_HOLD
    assert len(bench.asked) == 1
    bench.slots.acknowledge(1)
    bench.work(1)
    assert (bench.slots.state(1).verdict, bench.slots.state(1).serial_number) == (Verdict.PASS, SECOND)
    assert bench.slots.state(1).alarm is None


def test_a_card_that_is_taken_out_in_mid_run_is_interrupted_and_goes_on_when_it_is_back(bench):
    bench.cards[FIRST].set_faults("unplug=700")
    state = bench.serve(1, FIRST, "A")
    assert (state.verdict, state.outcome.code, state.alarm) == (Verdict.INTERRUPTED, Code.REMOVED, None)
    bench.pull(1)
    bench.work(1)
    state = bench.slots.state(1)
    assert (state.phase, state.verdict, state.order) == (Phase.EMPTY, Verdict.INTERRUPTED, "A")
    (away,) = bench.slots.snapshot().unfinished
    assert (away.order, away.serial_number) == ("A", FIRST)
    bench.claims[1] = None
    state = bench.serve(3, FIRST, "A")
    assert (state.verdict, state.order) == (Verdict.PASS, "A")
    assert len(bench.station_bench.all(select(Run))) == 1, "the same run went on"
    steps = bench.station_bench.all(select(RunStep).order_by(RunStep.id))
    slots = [step.slot for step in steps]
    assert slots == sorted(slots) and set(slots) == {1, 3}, "the journal knows where each step was done"
    assert bench.slots.snapshot().unfinished == ()
