"""Slots without threads: memory cards that are plugged in and pulled out by hand, steps taken one by one."""

from dscplus_driver.errors import PortNotFound
from dscplus_station.slots.bench import Bench as Slots
from dscplus_station.slots.claims import NOTHING_YET, Claim
from dscplus_station.slots.map import slot_map
from dscplus_station.slots.presence import Plugged
from tests.provisioning.personalise.bench import ACTOR, SERIALS, Bench

FIRST, SECOND, THIRD, FOURTH = SERIALS[:4]


def tables(count, use="provisioning"):
    return [
        {"number": n, "row": 1, "column": n, "use": use, "port": f"/slot-{n}"} for n in range(1, count + 1)
    ]


class SlotBench:
    """A station with memory cards, and slots driven by hand. `claims`: what the claim of a slot answers."""

    def __init__(self, folder, *, cards=4, slots=4, use="provisioning"):
        self.station_bench = Bench(folder, cards=cards)
        self.cards = self.station_bench.cards
        self.station = self.station_bench.station
        self.map = slot_map(tables(slots, use))
        self.in_slot = {}
        self.claims = {}
        self.asked = []
        self.ended = []
        self.pluggings = 0
        self.start()

    def start(self):
        """A new process: nothing of the old one's slots is known to it."""
        self.slots = Slots(
            self.station,
            self.station_bench.keystore,
            self.map,
            self.claim,
            on_ended=self.ended.append,
            open_port=self.open_port,
        )

    def close(self):
        self.station_bench.close()

    def claim(self, slot, serial_number):
        self.asked.append((slot, serial_number))
        answer = self.claims.get(slot, NOTHING_YET)
        if callable(answer):
            answer = answer(slot, serial_number)
        return Claim(answer, ACTOR) if isinstance(answer, str) else answer

    def open_port(self, url):
        card = self.in_slot.get(url)
        if card is None:
            raise PortNotFound("there is no such port", where=url)
        if isinstance(card, Exception):
            raise card
        return card.connect()

    def plug(self, slot, card, **plugged):
        """Put a card (its serial number), or anything that answers `connect`, into a slot."""
        card = self.cards[card] if isinstance(card, str) else card
        if hasattr(card, "virtual") and not card.virtual.plugged:
            card.replug()
        self.in_slot[f"/slot-{slot}"] = card
        self.pluggings += 1
        self.slots.tell(slot, Plugged(f"/slot-{slot}", str(self.pluggings), **plugged))

    def pull(self, slot):
        card = self.in_slot.pop(f"/slot-{slot}")
        if hasattr(card, "virtual"):
            card.virtual.unplug()
        self.slots.tell(slot, None)

    def work(self, *slots):
        """Let the slots do all that is due."""
        for slot in slots or self.slots.workers:
            while self.slots.workers[slot].step():
                pass

    def serve(self, slot, card, order):
        """Plug a card in for an order, and let the slot work."""
        self.claims[slot] = order
        self.plug(slot, card)
        self.work(slot)
        return self.slots.state(slot)
