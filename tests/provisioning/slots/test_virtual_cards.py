"""Slots with `dsc-emulate` at their ports: threads, ptys, plugs that are pulled by the control socket."""

import contextlib
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import select

from dscplus_driver.emulator import VirtualCardControl, running_emulator
from dscplus_driver.sensitive import MasterKey
from dscplus_station.errors import HeldByAnother
from dscplus_station.keystore.interface import VersionedMaster
from dscplus_station.parcels.claiming import Claims
from dscplus_station.parcels.service import scan
from dscplus_station.parcels.told import Tone
from dscplus_station.personalise.tables import Run
from dscplus_station.scans.rules import Command, command_code, order_code
from dscplus_station.slots.bench import Bench as Slots
from dscplus_station.slots.claims import NOTHING_YET, Claim
from dscplus_station.slots.map import slot_map
from dscplus_station.slots.rules import Code, Phase, Verdict
from dscplus_station.slots.stream import Behind
from dscplus_station.slots.suggest import as_toml
from tests.provisioning.personalise.bench import ACTOR, Bench

ROOT = Path(__file__).parents[3]
BATCH_KEY = bytes(range(0x40, 0x50))
LIMIT = 40.0


class Row:
    """Virtual cards in the slots of a station; `orders` says which card is for which order."""

    def __init__(self, folder, cards):
        self.bench = Bench(folder, cards=0, master=VersionedMaster(0x01, MasterKey(BATCH_KEY)))
        self.cards = cards
        self.serials = [card.serial_number for card in cards]
        self.bench.receive(*self.serials)
        self.orders = {}
        self.map = slot_map(
            [
                {"number": number, "row": 1, "column": number, "port": card.url}
                for number, card in enumerate(cards, 1)
            ]
        )
        settings = self.bench.station.home.settings_file
        settings.write_text(settings.read_text() + "".join(as_toml(slot) for slot in self.map))

    def slots(self, claim=None, **options):
        return Slots(self.bench.station, self.bench.keystore, self.map, claim or self.claim, **options)

    def claim(self, _slot, serial_number):
        order = self.orders.get(serial_number)
        return Claim(order, ACTOR) if order else NOTHING_YET

    def control(self, number):
        return VirtualCardControl(self.cards[number - 1].control)

    def place(self, orders):
        for name, serial in zip(orders, self.serials, strict=False):
            self.bench.place(name)
            self.orders[serial] = name

    def process(self, step=""):
        """A bench in another process."""
        orders = ",".join(f"{serial}={order}" for serial, order in self.orders.items())
        command = [sys.executable, "-m", "tests.provisioning.slots.engine_process"]
        return subprocess.Popen(
            [*command, str(self.bench.station.home.path), orders, *([step] if step else [])],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@contextlib.contextmanager
def row_of(folder, count):
    key_file = folder / "batch.hex"
    key_file.write_text(BATCH_KEY.hex() + "\n")
    key_file.chmod(0o600)
    with running_emulator(folder / "cards", "--batch-key", str(key_file), count=count) as cards:
        row = Row(folder, cards)
        yield row
        row.bench.close()


@pytest.fixture
def row(tmp_path):
    with row_of(tmp_path, 4) as row:
        yield row


@pytest.fixture
def pair(tmp_path):
    with row_of(tmp_path, 2) as row:
        yield row


def reached(slots, met):
    """The states once `met(slots by number)` holds: heard from the stream, never slept for."""
    states = {}
    deadline = time.monotonic() + LIMIT
    with slots.subscribe() as stream:
        while True:
            for told in stream.take():
                states.update({s.number: s for s in (told.slots if isinstance(told, Behind) else (told,))})
            if met(states):
                return states
            assert stream.wait(deadline - time.monotonic()), f"never came: {states}"


def all_pass(states):
    return all(state.verdict is Verdict.PASS for state in states.values())


def of_slots(states, *numbers):
    return [(states[number].serial_number, states[number].order) for number in numbers]


def test_four_virtual_cards_at_once_and_what_the_next_process_sees_of_them(row):
    row.place("DBCA")
    with row.slots() as slots, row.control(2) as control:
        with pytest.raises(HeldByAnother, match="slot 1 is held by serve, pid"):
            row.slots().start()
        states = reached(slots, all_pass)
        assert of_slots(states, 1, 2, 3, 4) == list(zip(row.serials, "DBCA", strict=True))
        control.unplug()
        states = reached(slots, lambda now: now[2].phase is Phase.EMPTY)
        assert (states[2].verdict, states[1].verdict) == (None, Verdict.PASS)
        control.plug()
        reached(slots, lambda now: now[2].outcome and now[2].outcome.code == Code.CARD_BOUND)
    row.orders = {}
    with row.slots() as slots:
        states = reached(slots, all_pass)
        assert [states[n].order for n in (1, 2, 3, 4)] == list("DBCA"), "known again, and no claim asked"
    assert len(row.bench.all(select(Run))) == 4


def test_four_cards_through_an_operators_scans_each_gets_the_order_that_was_scanned_before_it(row):
    """One order waits and binds to the next insertion; the slots work on while the next is scanned."""
    controls = [row.control(number) for number in (1, 2, 3, 4)]
    for control in controls:
        control.unplug()
    for name in "ABCD":
        row.bench.place(name)
    inserted = dict(zip("CADB", (3, 1, 4, 2), strict=True))
    ended = []
    claims = Claims(row.bench.station, row.bench.keystore)
    with row.slots(claims, on_ended=ended.append) as slots:
        for order, number in inserted.items():
            assert scan(row.bench.station, ACTOR, order_code(order)).tone is Tone.DONE
            controls[number - 1].plug()
            reached(slots, lambda now, n=number: now[n].phase in (Phase.WORKING, Phase.ENDED))
        states = reached(slots, all_pass)
    assert {states[number].order: number for number in (1, 2, 3, 4)} == inserted
    assert {end.order: end.serial_number for end in ended} == {
        order: row.serials[number - 1] for order, number in inserted.items()
    }
    for control in controls:
        control.close()


def test_two_cards_at_once_for_one_order_are_both_refused_and_the_order_waits_for_one(pair):
    serials = dict(enumerate(pair.serials, 1))
    pair.bench.place("A")

    def until_both_are_seen():
        reached(slots, lambda now: any(state.alarm for state in now.values()))

    settles = [until_both_are_seen]

    def settle():
        while settles:
            settles.pop()()

    claims = Claims(pair.bench.station, pair.bench.keystore, settle)
    with pair.control(1) as first, pair.control(2) as second:
        first.unplug(), second.unplug()
        with pair.slots(claims) as slots:
            assert scan(pair.bench.station, ACTOR, order_code("A")).tone is Tone.DONE
            first.plug(), second.plug()
            states = reached(slots, lambda now: all(state.alarm for state in now.values()))
            assert {state.alarm.code for state in states.values()} == {Code.TWO_CARDS}
            assert pair.bench.all(select(Run)) == [], "neither is bound"
            first.unplug(), second.unplug()
            reached(slots, lambda now: all(state.phase is Phase.EMPTY for state in now.values()))
            for number in serials:
                slots.acknowledge(number)
            assert scan(pair.bench.station, ACTOR, command_code(Command.OK)).tone is Tone.DONE
            second.plug()
            states = reached(slots, lambda now: now[2].verdict)
            assert of_slots(states, 2) == [(serials[2], "A")] and states[2].verdict is Verdict.PASS


def test_a_cut_of_the_power_and_a_pulled_plug_in_mid_run_go_on_at_the_next_insertion(pair):
    pair.place("AB")
    with pair.control(1) as first, pair.control(2) as second:
        first.set_faults("unplug=900")
        second.set_faults("power-cut=12")
        with pair.slots() as slots:
            states = reached(
                slots,
                lambda now: all(
                    state.verdict is Verdict.INTERRUPTED and state.phase is Phase.EMPTY
                    for state in now.values()
                ),
            )
            assert {state.outcome.code for state in states.values()} == {Code.REMOVED}
            assert {run.order for run in slots.snapshot().unfinished} == {"A", "B"}
            for control in (first, second):
                control.set_faults("")
                control.plug()
            states = reached(slots, all_pass)
            assert of_slots(states, 1, 2) == list(zip(pair.serials, "AB", strict=True))
    assert len(pair.bench.all(select(Run))) == 2


@pytest.mark.parametrize("step", ["KEYS_ROTATED", "PIN_SET"])
def test_an_engine_that_is_killed_begins_again_where_it_was(pair, step):
    pair.place("AB")
    with pair.process(step) as killed:
        assert killed.wait(LIMIT) == -signal.SIGKILL
    assert any(run.ended_at is None for run in pair.bench.all(select(Run)))
    with pair.slots() as slots:  # the kernel freed the dead one's locks
        states = reached(slots, all_pass)
    assert of_slots(states, 1, 2) == list(zip(pair.serials, "AB", strict=True))
    assert len(pair.bench.all(select(Run))) == 2


def test_of_two_engines_the_second_hears_who_has_the_slots_and_exits_with_5(pair):
    pair.place("AB")
    with pair.process() as one:
        passed = set()
        while passed != {1, 2}:
            state = json.loads(one.stdout.readline())
            if state["verdict"] == "pass":
                passed.add(state["number"])
        with pair.process() as other:
            _, told = other.communicate(timeout=LIMIT)
        assert (other.returncode, told) == (
            5,
            f"slot 1 is held by serve, pid {one.pid}: wait for it, or stop it\n",
        )
        one.communicate(timeout=LIMIT)
    assert one.returncode == 0
