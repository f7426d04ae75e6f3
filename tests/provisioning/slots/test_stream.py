"""The hub: every change once and in order, the whole state first, and nobody waits for a slow reader."""

import asyncio
import json
import threading
from dataclasses import asdict

import pytest

from dscplus_station.slots.map import slot_map
from dscplus_station.slots.rules import Phase
from dscplus_station.slots.state import empty
from dscplus_station.slots.stream import QUEUE, Behind, Hub
from tests.provisioning.slots.slot_bench import FIRST, SlotBench, tables


@pytest.fixture
def hub():
    return Hub(empty(slot) for slot in slot_map(tables(2)))


def changed(hub, number, **changes):
    from dataclasses import replace

    return hub.publish(replace(hub.state(number), **changes))


def test_a_reader_gets_the_whole_first_and_then_each_change_once(hub):
    changed(hub, 1, phase=Phase.WAITING)
    with hub.subscribe(lambda: None) as stream:
        (whole,) = stream.take()
        assert isinstance(whole, Behind) and whole.version == 1
        assert [slot.phase for slot in whole.slots] == [Phase.WAITING, Phase.EMPTY]
        assert stream.take() == [] and not stream.wait(0)
        first, second = changed(hub, 2, phase=Phase.WORKING), changed(hub, 1, phase=Phase.EMPTY)
        assert stream.wait(0) and stream.take() == [first, second]
        assert (first.version, second.version) == (2, 3)
        assert not stream.wait(0)


def test_a_change_between_subscribing_and_the_first_look_is_in_the_whole_and_not_told_again(hub):
    with hub.subscribe(lambda: None) as stream:
        changed(hub, 1, phase=Phase.WAITING)
        (whole,) = stream.take()
        assert whole.slots[0].phase is Phase.WAITING
        assert stream.take() == []


def test_a_reader_that_is_too_slow_is_given_the_whole_again_and_holds_up_nobody(hub):
    with hub.subscribe(lambda: None) as slow, hub.subscribe(lambda: None) as quick:
        slow.take(), quick.take()
        heard = []
        for index in range(QUEUE + 5):
            changed(hub, 1, seconds=float(index))
            heard += quick.take()
        assert [state.seconds for state in heard] == [float(index) for index in range(QUEUE + 5)]
        (behind,) = slow.take()
        assert isinstance(behind, Behind) and behind.version == QUEUE + 5
        assert behind.slots[0].seconds == QUEUE + 4
        last = changed(hub, 2, phase=Phase.WAITING)
        assert slow.take() == [last]


def test_a_full_queue_that_is_just_full_loses_nothing(hub):
    with hub.subscribe(lambda: None) as stream:
        stream.take()
        for index in range(QUEUE):
            changed(hub, 1, seconds=float(index))
        assert len(stream.take()) == QUEUE


def test_an_event_loop_is_called_whenever_there_is_something_to_take(hub):
    calls = []
    with hub.subscribe(lambda: calls.append(1)) as stream:
        assert len(calls) == 1, "the whole"
        stream.take()
        changed(hub, 1, phase=Phase.WAITING)
        assert len(calls) == 2
        hub.close()
        assert len(calls) == 3 and stream.closed and stream.wait(0)
    changed(hub, 1, phase=Phase.EMPTY)
    assert len(calls) == 3, "who has left is told nothing"


def test_a_reader_whose_loop_is_closed_breaks_no_slot(hub):
    loop = asyncio.new_event_loop()
    loop.close()
    with hub.subscribe(lambda: loop.call_soon_threadsafe(loop.stop)), hub.subscribe(lambda: None) as other:
        other.take()
        state = changed(hub, 1, phase=Phase.WAITING)
        assert other.take() == [state] and hub.state(1) == state


def test_versions_stay_in_order_when_every_slot_changes_at_once():
    hub = Hub(empty(slot) for slot in slot_map(tables(4)))
    with hub.subscribe(lambda: None) as stream:
        stream.take()

        def change(number):
            for index in range(50):
                changed(hub, number, seconds=float(index))

        threads = [threading.Thread(target=change, args=(number,)) for number in range(1, 5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        told = stream.take()
    assert [state.version for state in told] == list(range(1, 201))
    for number in range(1, 5):
        mine = [state.seconds for state in told if state.number == number]
        assert mine == [float(index) for index in range(50)]


def test_a_snapshot_is_json_and_holds_no_secret(tmp_path):
    bench = SlotBench(tmp_path)
    bench.station_bench.place("A")
    bench.cards[FIRST].set_faults("unplug=900")
    bench.serve(1, FIRST, "A")
    bench.pull(1)
    bench.work(1)
    snapshot = bench.slots.snapshot()
    document = json.dumps(asdict(snapshot), default=str)
    assert [run["order"] for run in json.loads(document)["unfinished"]] == ["A"]
    assert '"0471"' not in document and "seed" not in document.lower().replace("seed_stored", "")
    bench.close()
