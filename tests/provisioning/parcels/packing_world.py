"""A bench for tests of parcels: operators who scan, slots that ask, cards that are made without cards."""

from dscplus_station import schema
from dscplus_station.actor import ALL_ROLES, Actor, Role
from dscplus_station.home import Home
from dscplus_station.opening import open_station
from dscplus_station.orders.rules import OrderState
from dscplus_station.orders.tables import Order
from dscplus_station.parcels.claiming import Claims
from dscplus_station.parcels.service import scan
from dscplus_station.parcels.told import Tone
from dscplus_station.scans.rules import order_code
from dscplus_station.shipping.labels import issue_label
from dscplus_station.stock.tables import Card
from tests.provisioning.support import CARDS, World, order_values

BENCH = "bench-1"
OLIVIA = Actor("olivia", ALL_ROLES - {Role.SUPERVISOR}, BENCH)
PETER = Actor("peter", ALL_ROLES - {Role.SUPERVISOR}, BENCH)
SUSAN = Actor("susan", ALL_ROLES, BENCH)
ORDERS = ["O-1", "O-2", "O-3", "O-4"]


class Packing(World):
    """A station with four orders and four blank cards."""

    def __init__(self, folder, *, orders=4, settings=""):
        super().__init__(folder)
        if settings:
            with self.home.settings_file.open("a", encoding="utf-8") as file:
                file.write(settings)
            self.reopen()
        self.stock(6)
        placed = self.place(
            *(order_values(order, user=f"user-{order}", name="Alice Sample") for order in ORDERS[:orders])
        )
        assert not placed.refused

    def reopen(self):
        """The station's process ends and another one starts."""
        self.close()
        self.station = open_station(Home(self.home.path), lambda: self.moment)

    def scan(self, *texts, by=OLIVIA):
        """Scan one after the other; gives what is told of the last."""
        for text in texts:
            told = scan(self.station, by, text)
        return told

    def claims(self, settle=lambda: None):
        return Claims(self.station, self.keystore, settle)

    def made(self, order="O-1", serial_number=CARDS[0]):
        """A card that passed, and its label: what is on the label's barcode."""
        self.secure(order, serial_number)
        return issue_label(self.station, self.actor, order).barcode

    def half_open(self, order="O-1", serial_number=CARDS[0], by=OLIVIA):
        """A parcel whose card was scanned; gives its label."""
        label = self.made(order, serial_number)
        self.accepted(serial_number, by=by)
        return label

    def accepted(self, *texts, by=OLIVIA):
        for text in texts:
            told = self.scan(text, by=by)
            assert told.tone is Tone.DONE, told.lines()
        return told

    def refused(self, text, *, by=OLIVIA, phase=None):
        """A scan that is out of place, and changes nothing; gives what is told, as one text."""
        before = self.everything()
        told = self.scan(text, by=by)
        assert told.tone is Tone.REFUSED, told.lines()
        assert self.everything() == before
        if phase is not None:
            assert told.situation.phase is phase
        return " ".join(told.lines())

    def everything(self):
        """All that is on record, row by row."""
        with self.station.database.reading() as session:
            tables = schema.metadata.sorted_tables
            return {table.name: session.execute(table.select()).all() for table in tables}

    def order(self, order_id):
        with self.station.database.reading() as session:
            return session.get_one(Order, order_id)

    def card(self, serial_number):
        with self.station.database.reading() as session:
            return session.get_one(Card, serial_number)

    def is_shipped(self, order_id):
        return self.order(order_id).state is OrderState.SHIPPED


def tracking(number):
    """A carrier's own number."""
    return f"SAMPLE{number:08d}XX"


def waits(world, order="O-1", by=OLIVIA):
    """An order that waits for a card."""
    return world.accepted(order_code(order), by=by)
