"""A bench of four slots for the pages' tests: the whole stack on memory cards, plugged in by hand."""

import threading
import time

from dscplus_driver.card import Card
from dscplus_driver.errors import PortNotFound
from dscplus_driver.sensitive import MasterKey
from dscplus_station.keystore.interface import VersionedMaster
from dscplus_station.parcels.claiming import Claims
from dscplus_station.slots.bench import Bench
from dscplus_station.slots.map import slot_map
from tests.harness.loopback import LoopbackCard
from tests.provisioning.support import CARDS

MASTER = VersionedMaster(1, MasterKey(bytes(range(0x40, 0x50))))
SETTLE_S = 0.15
LIMIT = 20


class PacedCard(LoopbackCard):
    """A memory card that takes `pace` real seconds for an answer, and waits at answer `hold_at` for `go`."""

    pace = 0.0
    hold_at = None

    def __init__(self, serial_number):
        super().__init__(serial_number, MASTER.keys_of(serial_number))
        self.answers = 0
        self.go = threading.Event()
        self.held = threading.Event()

    def connect(self):
        transport = self.transport()
        read = transport.read

        def paced(timeout):
            self.answers += 1
            if self.answers == self.hold_at:
                self.held.set()
                assert self.go.wait(LIMIT)
            if self.pace:
                time.sleep(self.pace)
            return read(timeout)

        transport.read = paced
        return Card(transport, clock=self.clock)


class SlotsAtWork:
    """Four slots in a row. `bench` is the station's own, with its threads; only the ports are ours."""

    def __init__(self, world, folder, *, claims=None):
        self.settle = lambda: time.sleep(SETTLE_S)
        self.world = world
        self.folder = folder
        folder.mkdir()
        (folder / "socket").touch()
        self.cards = {serial: PacedCard(serial) for serial in CARDS}
        self.in_slot = {}
        self.ended = []
        tables = [
            {"number": n, "row": 1, "column": n, "port": str(folder / f"slot-{n}")} for n in range(1, 5)
        ]
        self.map = slot_map(tables)
        self.claims = claims or Claims(world.station, world.keystore, lambda: self.settle())

    def open(self, on_ended):
        """The bench of a process, new."""
        return Bench(
            self.world.station,
            self.world.keystore,
            self.map,
            self.claims,
            on_ended=on_ended,
            open_port=self.open_port,
        )

    def open_port(self, url):
        card = self.in_slot.get(url)
        if card is None:
            raise PortNotFound("there is no such port", where=url)
        return card.connect()

    def plug(self, slot, serial):
        card = self.cards[serial]
        if not card.virtual.plugged:
            card.replug()
        port = self.folder / f"slot-{slot}"
        self.in_slot[str(port)] = card
        port.symlink_to(self.folder / "socket")

    def pull(self, slot):
        port = self.folder / f"slot-{slot}"
        port.unlink()
        card = self.in_slot.pop(str(port))
        if card.virtual.plugged:
            card.virtual.unplug()
