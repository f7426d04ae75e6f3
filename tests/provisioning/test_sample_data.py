"""The demo's sample data: made by the services with virtual cards; always the same states and counts."""

import itertools
import shutil
import tempfile
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from dscplus_driver.emulator import VirtualCardControl
from dscplus_station.activation.tables import ActivationTimer
from dscplus_station.actor import ALL_ROLES, Actor
from dscplus_station.audit import AuditRow as Entry
from dscplus_station.demo import scenario
from dscplus_station.demo.history import staff
from dscplus_station.demo.history.making import DAYS, make_history
from dscplus_station.demo.history.people import PIN, people
from dscplus_station.demo.history.staff import SECOND_PERSON, VISITOR, badge_of
from dscplus_station.demo.virtual_cards import virtual_cards
from dscplus_station.desk import rules as desk
from dscplus_station.desk.tables import Disposal, Inspection
from dscplus_station.devices.rules import AssignmentState, DeviceType
from dscplus_station.devices.tables import Assignment, Device
from dscplus_station.holds.tables import Hold
from dscplus_station.home import Home
from dscplus_station.interim.service import interim_access
from dscplus_station.keystore import file as keystore_file
from dscplus_station.keystore.file import FileKeystore
from dscplus_station.login.rules import Outcome
from dscplus_station.login.service import check_login, issue_challenge
from dscplus_station.notices.tables import Delivery, Notice
from dscplus_station.opening import open_station
from dscplus_station.operators import hashing, sessions
from dscplus_station.operators.service import operators
from dscplus_station.orders.tables import Order
from dscplus_station.personalise.tables import Run
from dscplus_station.quarantine.tables import Quarantine
from dscplus_station.returns.tables import Return
from dscplus_station.sharing.tables import Sharing
from dscplus_station.stock.rules import CardState
from dscplus_station.stock.tables import Card
from dscplus_station.users.tables import Closure
from tests.provisioning.support import COUNTRIES

CLERK = Actor("clerk", ALL_ROLES, "demo-1")
END = datetime(2026, 11, 23, 3, 30, tzinfo=UTC)
"""In the issuer's zone late on the day before: the last day must not depend on that."""

CARDS = {
    "BLANK": 42,
    "RESERVED": 2,
    "PERSONALISED": 2,
    "VERIFIED": 2,
    "SECURED": 8,
    "SHIPPED": 162,
    "RETURNED": 16,
    "INSPECTED": 2,
    "LOST": 16,
    "QUARANTINED": 6,
    "SCRAPPED": 4,
}
COUNTS = {
    Card.state: CARDS,
    Order.state: {
        "DRAFT": 3,
        "REVIEW": 2,
        "PLACED": 14,
        "IN_PROVISIONING": 12,
        "SHIPPED": 42,
        "FULFILLED": 151,
        "CANCELLED": 6,
        "UNDELIVERED": 8,
    },
    Assignment.state: {"PENDING": 46, "ACTIVE": 113, "LOCKED": 4, "DORMANT": 3, "REVOKED": 69},
    Device.type: {"DSC+": 209, "Online Security Code Card": 10, "temporary passcode": 12},
    ActivationTimer.state: {"RUNNING": 40, "DONE": 151, "STOPPED": 10},
    Hold.end_reason: {
        None: 93,
        "RETURNED": 5,
        "UNDELIVERED": 3,
        "ORDER_CANCELLED": 6,
        "LOST": 3,
        "STOLEN": 3,
        "CLOSED_WITHOUT_RETURN": 2,
    },
    Return.state: {"ANNOUNCED": 3, "IN_TRANSIT": 4, "RECEIVED": 16, "INSPECTED": 2, "DISPOSED": 5},
    Return.reason: {None: 7, "account-closure": 6, "breakage": 4, "damage": 10, "replacement": 3},
    Inspection.outcome: {"restock": 7},
    Disposal.kind: {"restock": 3, "scrap": 2},
    Disposal.because: {None: 3, "its envelope was soaked": 2},
    Disposal.result: {"COMPLETED": 5},
    Sharing.state: {"APPROVED": 3, "PENDING": 2, "REJECTED": 1, "CANCELLED": 1},
    Quarantine.cause: {"BY_HAND": 8, "FOREIGN_KEYS": 2},
    Quarantine.resolution: {None: 6, "release": 2, "scrap": 2},
    Closure.reason: {"asked for by the client": 10},
    Notice.kind: {
        "CARD_SHIPPED": 201,
        "ACTIVATION_APPROACHING": 48,
        "ACTIVATION_IMMINENT": 23,
        "CARD_ACTIVATED": 23,
        "CARD_REPORTED": 31,
        "CARD_UNDELIVERED": 8,
        "RETURN_RECEIVED": 23,
        "HOLD_RELEASED": 14,
        "HOLD_CAPTURED": 8,
    },
    Delivery.state: {"SENT": 456},
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A station with sample data, and the days that were told. Its records are not to be changed much."""
    told = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keystore_file, "SCRYPT_COST", 2**4)
        patch.setattr(hashing, "PARAMETERS", hashing.Argon2id(passes=1, memory_kib=8, lanes=1))
        home = Home(tmp_path_factory.mktemp("sample") / "home")
        keystore = scenario.fresh_home(home)
        make_history(home, keystore, END, COUNTRIES | {"JP", "BG", "AD", "HK", "AU", "FR", "IE"}, told.append)
        station = open_station(home, lambda: END)
        yield station, told
        station.database.close()


@pytest.fixture
def station(made):
    return made[0]


@pytest.mark.parametrize("column", COUNTS, ids=str)
def test_the_same_states_and_counts_every_time(station, column):
    with station.database.reading() as session:
        found = session.execute(select(column, func.count()).group_by(column)).all()
    assert dict(found) == COUNTS[column]


def test_every_day_is_told(made):
    assert made[1] == list(range(1, DAYS + 1))


def test_interim_access_stands_in_every_way(station):
    ways = Counter((one.type.value, one.over) for one in interim_access(station))
    assert ways[("temporary passcode", False)] == 2, "two wait for their online card"
    assert ways[("Online Security Code Card", True)] == 5, "ended by the replacement's activation"
    assert ways[("Online Security Code Card", False)] == 5, "replacements in the post"


def test_records_were_written_in_the_order_of_time(station):
    with station.database.reading() as session:
        rows = session.execute(select(Entry.number, Entry.at).order_by(Entry.number)).all()
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    moments = [row.at for row in rows]
    second = timedelta(seconds=1)  # a transaction may read the clock twice, and record what it read first
    assert all(later > earlier - 10 * second for earlier, later in itertools.pairwise(moments))
    assert moments[-1] <= END
    assert (END - moments[0]).days >= DAYS - 2


def test_seeds_are_drawn_and_differ(station):
    with station.database.reading() as session:
        seeds = list(session.scalars(select(Run.check_value)))
    assert len(seeds) > 200
    assert len(set(seeds)) == len(seeds)


def test_each_card_is_a_virtual_card_in_one_folder(station):
    images = {image.stem for image in (station.home.path / "cards").iterdir()}
    with station.database.reading() as session:
        assert images == set(session.scalars(select(Card.serial_number)))
    assert not (station.home.path / "made").exists()


def shown_by(station, serial, keys):
    """What a copy of a sample card shows after keys."""
    with tempfile.TemporaryDirectory(prefix="dsc-") as folder:  # a socket's path is short
        shutil.copy(station.home.path / "cards" / f"{serial}.flash", folder)
        with (
            virtual_cards(Path(folder), 1, "--serial-from", serial) as (card,),
            VirtualCardControl(card.control) as control,
        ):
            return control.press(keys)[-1]


def test_a_holders_card_logs_in(station):
    with station.database.reading() as session:
        active = select(Device).join(Assignment).where(Assignment.state == AssignmentState.ACTIVE)
        device = session.scalars(active.where(Device.type == DeviceType.DSC_PLUS).limit(1)).one()
    serial = device.serial_number
    question = issue_challenge(station, CLERK, serial).challenge
    shown = shown_by(station, serial, f"press {PIN} ok {question} ok")
    keystore = FileKeystore.open(station.home.keystore_file, scenario.PASSPHRASE)
    assert check_login(station, CLERK, keystore, serial, question, shown).outcome is Outcome.RIGHT


@pytest.mark.parametrize(
    ("kind", "text", "state"),
    [
        (desk.Outcome.RESTOCK, "NOT SET ", CardState.BLANK),
        (desk.Outcome.SCRAP, "ENDED   ", CardState.SCRAPPED),
    ],
)
def test_a_card_is_what_the_desk_made_of_it(station, kind, text, state):
    """R46: not the records only; the virtual card itself was wiped, or ended."""
    with station.database.reading() as session:
        disposed = session.scalars(select(Disposal.serial_number).where(Disposal.kind == kind)).first()
        assert session.get_one(Card, disposed).state is state
    assert shown_by(station, disposed, "press") == text


def test_the_sample_operators_sign_in(station):
    for operator in (VISITOR, SECOND_PERSON):
        for who, secret in ((badge_of(station.home, operator), staff.PIN), (operator, staff.PASSWORD)):
            token = sessions.sign_in(station, who, secret, "demo-1")
            assert sessions.session_of(station, token).operator == operator
    assert {one.name for one in operators(station)} == set(staff.POSITIONS)


def test_people_are_plainly_samples_in_several_scripts():
    some = list(itertools.islice(people(), 60))
    assert len({person.user for person in some}) == 60
    assert all(person.user.startswith("sample.") for person in some)
    names = "".join(person.name for person in some)
    assert all(script in names for script in ("見本", "Образцов", "Muestra", "Sample"))
    assert {person.language for person in some} == {"en", "es"}
