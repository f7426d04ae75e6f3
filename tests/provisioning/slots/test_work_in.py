"""Other rooms' work on the card in a slot, and the deeds that people have at a slot."""

import pytest

from dscplus_driver import errors
from dscplus_station import locks
from dscplus_station.errors import HeldByAnother, NotFound, StateConflict
from dscplus_station.slots.rules import Code, Outcome, Phase, Verdict
from dscplus_station.slots.work import Ended, Work
from tests.provisioning.slots.slot_bench import FIRST, SECOND, SlotBench

GOOD = Ended(Verdict.PASS, Outcome("GENUINE", "It is genuine.", "Take it out."))


@pytest.fixture
def bench(tmp_path):
    bench = SlotBench(tmp_path, use="returns")
    yield bench
    bench.close()


def inspection(serial=FIRST, do=None):
    def inspect(card, reporter):
        for step in ("genuine", "battery"):
            card.life_cycle()
            reporter.step(step)
        return GOOD

    return Work("inspect", serial, ("genuine", "battery"), do or inspect)


def test_a_card_in_a_returns_slot_says_who_it_is_and_waits(bench):
    bench.claims[1] = "A"
    bench.plug(1, FIRST)
    bench.work(1)
    state = bench.slots.state(1)
    assert (state.phase, state.serial_number, state.verdict) == (Phase.WAITING, FIRST, None)
    assert bench.asked == [], "nobody is asked for an order"


def test_work_is_told_step_by_step_in_the_same_stream_and_gives_its_end(bench):
    bench.plug(1, FIRST)
    bench.work(1)
    with bench.slots.subscribe() as stream:
        stream.take()
        future = bench.slots.work_in(1, inspection())
        bench.work(1)
        told = stream.take()
    assert future.result(0) == GOOD
    working = [(state.work, state.step, state.part) for state in told if state.phase is Phase.WORKING]
    assert working == [("inspect", None, 0.0), ("inspect", "genuine", 0.5), ("inspect", "battery", 1.0)]
    assert {state.serial_number for state in told} == {FIRST}, "a page of this card never loses sight of it"
    assert (told[-1].phase, told[-1].verdict, told[-1].outcome.code) == (Phase.ENDED, Verdict.PASS, "GENUINE")
    assert [(end.work, end.serial_number, end.order) for end in bench.ended] == [("inspect", FIRST, None)]
    again = bench.slots.work_in(1, inspection())  # another one on the same card
    bench.work(1)
    assert again.result(0) == GOOD


def test_work_holds_the_cards_lock_while_it_lasts(bench):
    bench.plug(1, FIRST)
    bench.work(1)
    refused = []

    def look(_card, _reporter):
        lock = locks.hold(bench.station.home.locks, f"card {FIRST}", "provision")
        with pytest.raises(HeldByAnother, match="serve, pid") as error, lock:
            pass
        refused.append(error.value)
        return GOOD

    bench.slots.work_in(1, inspection(do=look))
    bench.work(1)
    assert len(refused) == 1


def test_work_for_another_card_than_the_one_in_the_slot_is_refused_at_once(bench):
    bench.plug(1, FIRST)
    bench.work(1)
    with pytest.raises(StateConflict, match=f"has card {FIRST}, not {SECOND}"):
        bench.slots.work_in(1, inspection(SECOND))


def test_a_card_that_was_swapped_before_the_work_began_is_not_worked_on(bench):
    bench.plug(1, FIRST)
    bench.work(1)
    future = bench.slots.work_in(1, inspection(do=lambda *_: pytest.fail("worked on another card")))
    bench.in_slot["/slot-1"] = bench.cards[SECOND]
    bench.work(1)
    ended = future.result(0)
    assert (ended.verdict, ended.outcome.code) == (Verdict.REFUSED, Code.SWAPPED)
    assert (ended.outcome.facts["expected"], ended.outcome.facts["found"]) == (FIRST, SECOND)


def test_a_card_that_was_replugged_before_the_work_began_ends_it(bench):
    bench.plug(1, FIRST)
    bench.work(1)
    future = bench.slots.work_in(1, inspection(do=lambda *_: pytest.fail("worked on a new plugging")))
    bench.pull(1)
    bench.plug(1, FIRST)
    bench.work(1)
    assert (future.result(0).verdict, future.result(0).outcome.code) == (Verdict.INTERRUPTED, Code.REMOVED)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.CardRemoved("it went", where="/slot-1"), Code.REMOVED),
        (errors.OutcomeUnknown("wiping", "no answer"), Code.LOST_CONTACT),
        (StateConflict("card is not here to be wiped"), Code.REFUSED),
        (ZeroDivisionError(), Code.MISTAKE),
    ],
)
def test_what_interrupts_a_work_is_its_end(bench, error, code):
    def breaks(_card, reporter):
        reporter.step("genuine")
        raise error

    bench.plug(1, FIRST)
    bench.work(1)
    future = bench.slots.work_in(1, inspection(do=breaks))
    bench.work(1)
    assert (future.result(0).verdict, future.result(0).outcome.code) == (Verdict.INTERRUPTED, code)
    assert bench.slots.state(1).step == "genuine"


def test_a_work_stops_at_its_steps_boundary_when_the_bench_stops(bench):
    def goes_on(_card, reporter):
        bench.slots.stop()
        reporter.step("genuine")
        pytest.fail("it went on")

    bench.plug(1, FIRST)
    bench.work(1)
    future = bench.slots.work_in(1, inspection(do=goes_on))
    bench.work(1)
    assert future.result(0).outcome.code == Code.STOPPED


def test_work_that_was_asked_for_and_never_begun_is_cancelled_when_the_bench_stops(bench):
    bench.plug(1, FIRST)
    bench.work(1)
    future = bench.slots.work_in(1, inspection())
    bench.slots.stop()
    bench.slots.workers[1].run()
    assert future.cancelled()


def test_nothing_is_asked_of_a_slot_that_is_empty_at_work_passed_alarmed_or_not_there(bench):
    with pytest.raises(NotFound, match="no slot 9: the bench has 1, 2, 3, 4"):
        bench.slots.work_in(9, inspection())
    with pytest.raises(StateConflict, match="slot 1 is empty"):
        bench.slots.ask_again(1)
    bench.plug(1, FIRST)
    bench.work(1)
    inside = []

    def from_inside(_card, _reporter):
        with pytest.raises(StateConflict, match="slot 1 is working") as error:
            bench.slots.work_in(1, inspection())
        inside.append(error.value)
        return GOOD

    bench.slots.work_in(1, inspection(do=from_inside))
    bench.work(1)
    assert len(inside) == 1
    with pytest.raises(StateConflict, match="passed: take it out"):
        bench.slots.ask_again(1)
    bad = Ended(Verdict.FAIL, Outcome("CLONED", "It is a copy.", "Keep it."))
    bench.slots.work_in(1, inspection(do=lambda *_: bad))
    bench.work(1)
    with pytest.raises(StateConflict, match=r"It is a copy\. Acknowledge that first"):
        bench.slots.work_in(1, inspection())
    bench.slots.acknowledge(1)
    bench.slots.work_in(1, inspection())
    bench.work(1)
    assert bench.slots.state(1).verdict is Verdict.PASS


def test_a_slot_that_waits_asks_again_when_it_is_told_to(tmp_path):
    bench = SlotBench(tmp_path)
    bench.station_bench.place("A")
    bench.plug(1, FIRST)
    bench.work(1)
    assert bench.slots.state(1).phase is Phase.WAITING
    bench.claims[1] = "A"
    bench.work(1)
    assert bench.slots.state(1).phase is Phase.WAITING, "nobody said that there is an order now"
    bench.slots.ask_again(1)
    bench.work(1)
    assert bench.slots.state(1).verdict is Verdict.PASS
    assert bench.slots.state(1).plugging == 1
    bench.close()
