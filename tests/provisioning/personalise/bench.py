"""A station and virtual cards on one bench, in memory but for the database: the whole stack, no sleeping."""

import datetime as dt
import tempfile
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from dscplus_card.hosts.identity import serial_number
from dscplus_driver import MasterKey
from dscplus_station import audit, schema
from dscplus_station.actor import ALL_ROLES, Actor
from dscplus_station.db import Database
from dscplus_station.devices.rules import Profile
from dscplus_station.home import Home, Settings
from dscplus_station.keystore.file import FileKeystore
from dscplus_station.keystore.interface import VersionedMaster, pin_of
from dscplus_station.orders.rules import OrderKind, OrderState
from dscplus_station.orders.tables import Order
from dscplus_station.personalise import runner
from dscplus_station.personalise.journal import Journal
from dscplus_station.station import Station
from dscplus_station.stock.rules import CardState
from dscplus_station.stock.tables import Batch, Card
from dscplus_station.users.tables import User
from tests.harness.loopback import LoopbackCard

BATCH = "B-1"
TRANSPORT = VersionedMaster(0x01, MasterKey(bytes(range(0x40, 0x50))))
ACTOR = Actor("tester", ALL_ROLES, "bench-1")
PIN = "0471"
PASSPHRASE = "sample passphrase"
FIRST_MOMENT = dt.datetime(2026, 11, 2, 9, 0, tzinfo=dt.UTC)
SERIALS = [serial_number(number) for number in range(1, 9)]


class Bench:
    """A fresh station with one batch, some cards in stock and no orders yet."""

    def __init__(self, folder, cards=1, *, master=TRANSPORT):
        self.moment = FIRST_MOMENT
        home = Home(folder / "home")
        home.claim()
        home.furnish(Settings("bench-1", "Sample Issuer", "America/New_York", demo=False))
        self.keystore = FileKeystore.create(home.keystore_file, PASSPHRASE, cost=2)
        self.keystore.import_batch(BATCH, master)
        home.database_file.write_bytes(empty_database())
        database = Database(home.database_url)
        self.station = Station(home, home.settings(), database, self.now)
        self.cards = {serial: virtual_card(serial) for serial in SERIALS[:cards]}
        with self.arranging() as session:
            session.add(Batch(name=BATCH, key_version=1, kcv=TRANSPORT.kcv(), imported_at=self.moment))
        self.receive(*self.cards)

    def now(self):
        self.moment += dt.timedelta(seconds=1)
        return self.moment

    def close(self):
        self.station.database.close()

    def receive(self, *serials):
        with self.arranging() as session:
            session.add_all(
                Card(
                    serial_number=serial,
                    batch=BATCH,
                    state=CardState.BLANK,
                    received_at=self.moment,
                    changed_at=self.moment,
                )
                for serial in serials
            )

    def place(self, order_id, profile=Profile.CARD_PIN, pin=PIN):
        self.place_all([(order_id, profile, pin)])

    def place_all(self, orders):
        """Place orders, each (order id, profile, PIN)."""
        moment = self.now()
        with self.arranging() as session:
            session.add_all(User(name=f"user-of-{order_id}") for order_id, _, _ in orders)
            session.flush()
            session.add_all(
                Order(
                    id=order_id,
                    user_name=f"user-of-{order_id}",
                    kind=OrderKind.NEW,
                    profile=profile,
                    language="en",
                    name="Sample Person",
                    address="1 Sample Street",
                    country="US",
                    sealed_pin=self.keystore.seal(pin_of(order_id), pin.encode()),
                    state=OrderState.PLACED,
                    placed_at=moment,
                    changed_at=moment,
                )
                for order_id, profile, pin in orders
            )

    def journal(self):
        return Journal(self.station, self.keystore, ACTOR)

    def personalise(self, serial=SERIALS[0], order_id=None, **options):
        """One attempt at one card, as an operator makes it: a card that is out is plugged in first."""
        card = self.cards[serial]
        if not card.virtual.plugged:
            card.replug()
        with card.connect() as driver_card:
            journal = self.journal()
            run = journal.begin(driver_card.serial_number, order_id)
            return run and runner.personalise(driver_card, journal, self.keystore, run, **options)

    def issuer_session(self, serial=SERIALS[0]):
        """A secure session to a card of this issuer, to arrange or inspect it behind the saga's back."""
        return self.cards[serial].connect().open_session(self.keystore.issuer_master().keys_of(serial))

    def all(self, query):
        with self.station.database.reading() as session:
            return session.scalars(query).all()

    def get(self, table, key):
        with self.station.database.reading() as session:
            return session.get(table, key)

    @contextmanager
    def arranging(self):
        """A transaction that sets the scene; audited as every other."""
        with self.station.database.writing() as session:
            audit.record(session, ACTOR, self.moment, "test.arrange", "bench")
            yield session


@cache
def empty_database():
    """A database of the present schema: migrating takes longer than a whole personalisation."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "station.db"
        database = Database(f"sqlite:///{path}")
        schema.bring_up_to_date(database)
        database.close()
        return path.read_bytes()


def virtual_card(serial, master=TRANSPORT):
    return LoopbackCard(serial, master.keys_of(serial))
