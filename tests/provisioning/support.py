"""A station for tests: a home in a temporary directory, a clock set by hand, cards without hardware."""

import atexit
import dataclasses
import functools
import hashlib
import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dscplus_driver import ocra
from dscplus_driver.sensitive import MasterKey, Pin, PinHash, Seed
from dscplus_station import schema
from dscplus_station.actor import ALL_ROLES, Actor
from dscplus_station.csvfile import Row
from dscplus_station.db import Database
from dscplus_station.devices.rules import Profile
from dscplus_station.devices.service import enrol
from dscplus_station.founding import found
from dscplus_station.home import Home
from dscplus_station.keystore.file import FileKeystore
from dscplus_station.keystore.interface import VersionedMaster, pin_hash_of, seed_of
from dscplus_station.lists.service import LISTINGS, look
from dscplus_station.opening import open_station
from dscplus_station.orders.importing import import_orders
from dscplus_station.orders.rules import OrderState
from dscplus_station.orders.service import bind, erase_pin, get_order, move_order
from dscplus_station.personalise.rules import RunResult, RunState
from dscplus_station.personalise.tables import Run
from dscplus_station.scans.rules import card_code
from dscplus_station.shipping.labels import issue_label
from dscplus_station.shipping.rules import Scanned
from dscplus_station.shipping.service import ship
from dscplus_station.stock.batches import import_batch
from dscplus_station.stock.receiving import receive
from dscplus_station.stock.rules import CardState
from dscplus_station.stock.service import move_card
from dscplus_station.users.importing import import_users

PASSPHRASE = "correct horse battery staple"
COUNTRIES = frozenset({"US", "ES", "CH"})
CARDS = ["0000000018", "0000000026", "0000000034", "0000000042", "0000000059", "0000000067"]
GOOD_PIN = "2580"

SUITES = {
    Profile.CARD_PIN: "OCRA-1:HOTP-SHA256-8:QN06",
    Profile.SERVER_PIN: "OCRA-1:HOTP-SHA256-8:QN06-PSHA256",
}


@functools.cache
def _template(demo, time_zone):
    """A new station, made once a test process and then copied."""
    folder = Path(tempfile.mkdtemp(prefix="station-template-"))
    atexit.register(shutil.rmtree, folder)
    home = Home(folder / "home")
    found(home, "Sample Issuer", "bench-1", time_zone, lambda: PASSPHRASE, demo=demo)
    return home.path


@functools.cache
def _migrated(server):
    """A database of the present schema, made once a server and then copied."""
    name = server.make_database()
    database = Database(server.url(name))
    schema.bring_up_to_date(database)
    database.close()
    return name


def order_values(order="O-1", **changed):
    return {
        "order": order,
        "user": "alice",
        "kind": "new",
        "replaces": "",
        "pin": GOOD_PIN,
        "profile": "A",
        "language": "en",
        "name": "Alice Sample",
        "address": "1 Sample Road, Sampleville",
        "country": "US",
    } | changed


def user_values(user="alice", **changed):
    return {
        "user": user,
        "entity": "E-1",
        "account": "",
        "primary": "",
        "birth_date": "1980-02-29",
        "citizenship": "US",
        "residence": "CH",
        "document_type": "passport",
        "document_number": "X1234567",
        "ssn": "",
        "phone": "",
    } | changed


def record_users(world, *users):
    rows = [Row(line, user) for line, user in enumerate(users, 2)]
    return import_users(world.station, world.actor, world.keystore, rows, [], COUNTRIES)


class World:
    """A station with everything at hand; `at` moves its clock."""

    server = None
    """The PostgreSQL server that has the records (marker `each_database`); None: they are in the home."""

    def __init__(self, folder: Path, *, demo=False, time_zone="America/New_York"):
        self.moment = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)
        self.home = Home(folder / "home")
        shutil.copytree(_template(demo, time_zone), self.home.path)
        if self.server is not None:
            self.home.database_file.unlink()
            url = self.server.url(self.server.lend(_migrated(self.server)))
            with self.home.settings_file.open("a") as settings:
                settings.write(f'[database]\nurl = "{url}"\n')
        self.station = open_station(self.home, lambda: self.moment)
        self.keystore = FileKeystore.open(self.home.keystore_file, PASSPHRASE)
        self.actor = Actor("olivia", ALL_ROLES, "bench-1")
        self.seeds = {}

    def close(self):
        self.station.database.close()

    def writing(self):
        return self.station.database.writing()

    def at(self, **moved):
        self.moment += timedelta(**moved)

    def stock(self, count=1):
        master = VersionedMaster(1, MasterKey(bytes(range(0x40, 0x50))))
        import_batch(self.station, self.actor, self.keystore, "B1", master)
        rows = [Row(i, {"serial_number": s, "batch": "B1"}) for i, s in enumerate(CARDS[:count], 2)]
        return receive(self.station, self.actor, rows, [])

    def place(self, *orders, partial=False):
        rows = [Row(line, order) for line, order in enumerate(orders, 2)]
        return import_orders(self.station, self.actor, self.keystore, rows, [], COUNTRIES, partial=partial)

    def reserve(self, order="O-1", serial_number=CARDS[0]):
        """Reserve a card for an order, with a run, as personalisation does."""
        seed = Seed(bytes([len(self.seeds) + 1]) * 32)
        run_id = f"run-{order}-{serial_number}"
        with self.writing() as session:
            now = self.station.now()
            bind(session, self.actor, now, order, serial_number)
            move_card(session, self.actor, now, serial_number, CardState.RESERVED, "test")
            move_order(session, self.actor, now, order, OrderState.IN_PROVISIONING, "test")
            session.add(
                Run(
                    id=run_id,
                    order_id=order,
                    serial_number=serial_number,
                    sealed_seed=self.keystore.seal(seed_of(serial_number, run_id), seed.reveal()),
                    check_value=seed.check_value().hex(),
                    state=RunState.RESERVED,
                    started_at=now,
                )
            )
        self.seeds[serial_number] = seed
        return run_id

    def secure(self, order="O-1", serial_number=CARDS[0], pin=GOOD_PIN):
        """Take a card to SECURED in the records, as a personalisation without a card would leave them."""
        run_id = self.reserve(order, serial_number)
        with self.writing() as session:
            now = self.station.now()
            for state in (CardState.PERSONALISED, CardState.VERIFIED, CardState.SECURED):
                move_card(session, self.actor, now, serial_number, state, "test")
            run = session.get_one(Run, run_id)
            placed = get_order(session, order)
            pin_hash = None
            if placed.profile is Profile.SERVER_PIN:
                digest = self._pin_hash(pin).reveal()
                pin_hash = self.keystore.seal(pin_hash_of(serial_number, run_id), digest)
            enrol(
                session,
                self.actor,
                now,
                serial_number=serial_number,
                run_id=run_id,
                profile=placed.profile,
                suite=SUITES[placed.profile],
                sealed_seed=run.sealed_seed,
                sealed_pin_hash=pin_hash,
                user_name=placed.user_name,
            )
            erase_pin(session, self.actor, now, order)
            run.state, run.ended_at, run.result = RunState.SECURED, now, RunResult.COMPLETED
            run.sealed_seed = None

    def shipped(self, order="O-1", serial_number=CARDS[0], on=None, **changed):
        """An order all the way into the post."""
        result = self.place(order_values(order, **changed))
        assert not result.refused, result.refused
        self.secure(order, serial_number, changed.get("pin", GOOD_PIN))
        return self.ship(order, on=on)

    def label(self, order="O-1"):
        """Print an order's label, as records; what scanning it and its card gives."""
        label = issue_label(self.station, self.actor, order)
        return Scanned(card_code(label.serial_number), label.barcode)

    def ship(self, order="O-1", carrier="Sample Post", tracking=None, on=None, actor=None):
        """Label a secured card's parcel, scan both back, and hand it to a carrier."""
        scanned = self.label(order)
        return ship(self.station, actor or self.actor, order, carrier, tracking or f"T-{order}", scanned, on)

    def response(self, serial_number, question, pin=None, suite=SUITES[Profile.CARD_PIN]):
        """What the card would show."""
        if pin is not None:
            suite = SUITES[Profile.SERVER_PIN]
        return ocra.respond(suite, self.seeds[serial_number], question, pin=Pin(pin) if pin else None)

    def _pin_hash(self, pin):
        return PinHash(hashlib.sha256(pin.encode()).digest())


def other_response(right):
    """A response that differs from the right one in its last digit."""
    return right[:-1] + str((int(right[-1]) + 1) % 10)


def listed(station, name, **asked):
    """The rows of a list's first page, as dictionaries."""
    page = look(station, Actor("olivia", ALL_ROLES, "bench-1"), LISTINGS[name], {"rows": "1000"} | asked)
    return [dataclasses.asdict(row) for row in page.rows]
