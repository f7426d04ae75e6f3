"""Slots with `dsc-emulate` at their ports: threads, ptys, plugs that are pulled by the control socket."""

import time

import pytest
from sqlalchemy import select

from dscplus_driver.emulator import VirtualCardControl, running_emulator
from dscplus_driver.sensitive import MasterKey
from dscplus_station.errors import HeldByAnother
from dscplus_station.keystore.interface import VersionedMaster
from dscplus_station.personalise.tables import Run
from dscplus_station.slots.bench import Bench as Slots
from dscplus_station.slots.claims import NOTHING_YET, Claim
from dscplus_station.slots.map import slot_map
from dscplus_station.slots.rules import Code, Phase, Verdict
from dscplus_station.slots.stream import Behind
from tests.provisioning.personalise.bench import ACTOR, Bench

BATCH_KEY = bytes(range(0x40, 0x50))
LIMIT = 30.0


class Row:
    """Four virtual cards in the four slots of a station; `orders` says which card is for which order."""

    def __init__(self, folder, cards):
        self.bench = Bench(folder, cards=0, master=VersionedMaster(0x01, MasterKey(BATCH_KEY)))
        self.cards = cards
        self.bench.receive(*(card.serial_number for card in cards))
        self.orders = {}
        self.map = slot_map(
            [
                {"number": number, "row": 1, "column": number, "port": card.url}
                for number, card in enumerate(cards, 1)
            ]
        )

    def slots(self):
        return Slots(self.bench.station, self.bench.keystore, self.map, self.claim)

    def claim(self, _slot, serial_number):
        order = self.orders.get(serial_number)
        return Claim(order, ACTOR) if order else NOTHING_YET

    def control(self, number):
        return VirtualCardControl(self.cards[number - 1].control)


@pytest.fixture(scope="module")
def emulated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("emulated")
    key_file = folder / "batch.hex"
    key_file.write_text(BATCH_KEY.hex() + "\n")
    key_file.chmod(0o600)
    with running_emulator(folder / "cards", "--batch-key", str(key_file), count=4) as cards:
        yield cards


@pytest.fixture
def row(tmp_path, emulated):
    row = Row(tmp_path, emulated)
    yield row
    row.bench.close()


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


def verdicts(states):
    return {number: state.verdict for number, state in states.items()}


def test_four_virtual_cards_at_once_and_what_the_next_process_sees_of_them(row):
    serials = [card.serial_number for card in row.cards]
    for name, serial in zip("DBCA", serials, strict=True):
        row.bench.place(name)
        row.orders[serial] = name
    with row.slots() as slots, row.control(2) as control:
        with pytest.raises(HeldByAnother, match="slot 1 is held by serve, pid"):
            row.slots().start()
        states = reached(slots, lambda now: all(s.verdict is Verdict.PASS for s in now.values()))
        assert [(states[n].serial_number, states[n].order) for n in (1, 2, 3, 4)] == list(
            zip(serials, "DBCA", strict=True)
        )
        control.unplug()
        states = reached(slots, lambda now: now[2].phase is Phase.EMPTY)
        assert (states[2].verdict, states[1].verdict) == (None, Verdict.PASS)
        control.plug()
        reached(slots, lambda now: now[2].outcome and now[2].outcome.code == Code.CARD_BOUND)
    row.orders = {}
    with row.slots() as slots:
        states = reached(slots, lambda now: all(s.verdict for s in now.values()))
        assert set(verdicts(states).values()) == {Verdict.PASS}, "finished cards are known again, unasked"
        assert [states[n].order for n in (1, 2, 3, 4)] == list("DBCA")
    assert len(row.bench.all(select(Run))) == 4
