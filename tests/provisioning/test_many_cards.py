"""What is done to one card takes no longer the more cards there are: nothing is looked through.

Steps of SQLite's virtual machine are counted: they are the same on every machine, however busy it is.
"""

import re
import shutil
import uuid
from contextlib import contextmanager

import pytest
from sqlalchemy import event

from benchmarks.activation import NOON, make_due
from benchmarks.api_calls import CALLS, Call, Visit
from benchmarks.api_holders import holders
from benchmarks.bulk_records import fill
from dscplus_station.activation.daily import run_timers
from dscplus_station.actor import ALL_ROLES, Actor
from dscplus_station.api.app import api_app
from dscplus_station.home import Home
from dscplus_station.keystore.file import FileKeystore
from dscplus_station.opening import open_station
from dscplus_station.passwords.service import StationPasswords
from dscplus_station.tokens import service as tokens
from dscplus_station.tokens.rules import Scope
from tests.provisioning.api.api_world import TestClient
from tests.provisioning.support import COUNTRIES, PASSPHRASE, _template

FEW, MANY = 400, 1600
DUE, TOLD = 24, 8
THROUGH = re.compile(r"^SCAN (?!CONSTANT)|PRIMARY KEY \(rowid[<>]")
BY_NUMBER = "SEARCH card_return USING INTEGER PRIMARY KEY (rowid>?)"
"""A page of all of them, from a number on: as long as it is long."""
CHANGED = ("SELECT", "UPDATE", "DELETE")


@pytest.fixture(scope="module")
def stations(tmp_path_factory):
    """One with few cards and one with four times as many; the timers of the same cards are due in both."""
    opened = []
    for cards in (FEW, MANY):
        home = Home(tmp_path_factory.mktemp(f"cards-{cards}") / "home")
        shutil.copytree(_template(False, "America/New_York"), home.path)
        fill(home.database_file, cards)
        make_due(home.database_file, DUE, TOLD, FEW)
        opened.append(open_station(home, lambda: NOON))
    yield opened
    for station in opened:
        station.database.close()


@contextmanager
def watched(station):
    """The statements that are executed, and how many steps they took, in whichever thread."""
    seen, steps = {}, 0

    def step():
        nonlocal steps
        steps += 1

    def listen(_connection, _cursor, statement, parameters, *_rest):
        if statement.startswith(CHANGED):
            seen.setdefault(statement, parameters)

    def count(connection, *_rest):
        connection.set_progress_handler(step, 1)

    engine = station.database.engine
    event.listen(engine, "before_cursor_execute", listen)
    event.listen(engine, "checkout", count)
    try:
        yield seen, lambda: steps
    finally:
        event.remove(engine, "checkout", count)
        event.remove(engine, "before_cursor_execute", listen)


def looked_through(station, statements):
    """The steps of plans that go through a whole table or index."""
    with station.database.engine.connect() as connection:
        for statement, parameters in statements.items():
            plan = connection.exec_driver_sql("EXPLAIN QUERY PLAN " + statement, parameters).all()
            yield from ((row[-1], statement) for row in plan if THROUGH.search(row[-1]))


def test_r13_the_run_of_the_timers_looks_through_no_table_however_many_cards_there_are(stations):
    taken = []
    for station in stations:
        with watched(station) as (statements, steps):
            done = run_timers(station, Actor("olivia", ALL_ROLES, "bench-1"))
            taken.append(steps())
        assert (len(done.activated), len(done.announced), done.held_back) == (DUE, TOLD, [])
        assert len(statements) > 15
        assert list(looked_through(station, statements)) == []
    few, many = taken
    assert many <= few * 1.02, "the run works through what is not due"


MORE = {
    "gates": Call("GET", lambda v: f"/v1/users/{v.holder.user}/gates/bank-instructions", 200),
    "participation": Call("GET", lambda v: f"/v1/users/{v.holder.user}/participation", 200),
    "interim access": Call("GET", lambda v: f"/v1/users/{v.holder.user}/interim-access", 200),
    "ways back": Call("GET", lambda v: f"/v1/users/{v.holder.user}/ways-back", 200),
    "sharings": Call("GET", lambda v: f"/v1/users/{v.holder.user}/sharings", 200),
    "accounts of a person (R24), by the entity": Call(
        "PUT",
        lambda v: f"/v1/orders/N-{v.holder.serial}/account",
        403,  # nothing is on record of who the holder is in law
        lambda _v: {"account": "U-none"},
    ),
    "returns": Call("GET", lambda v: f"/v1/orders/{v.holder.order}/returns", 200),
}


@pytest.fixture(scope="module")
def visits(stations):
    """The same holder at both stations, with a client of each API."""
    found = []
    for station in stations:
        (holder,) = holders(station.home, PASSPHRASE, FEW, 1)
        keystore = FileKeystore.open(station.home.keystore_file, PASSPHRASE)
        token = tokens.add(station, Actor("olivia", ALL_ROLES, "bench-1"), "portal-1", Scope.PORTAL)
        app = api_app(station, keystore, StationPasswords(station), COUNTRIES)
        found.append((station, Visit(holder), TestClient(app, headers={"Authorization": f"Bearer {token}"})))
    return found


@pytest.mark.parametrize("asked", ["", "?state=IN_TRANSIT", "?state=DISPOSED"])
def test_r42_what_is_on_its_way_back_is_found_by_its_state(stations, asked):
    for station in stations:
        keystore = FileKeystore.open(station.home.keystore_file, PASSPHRASE)
        name = f"warehouse-{uuid.uuid4().hex[:8]}"
        token = tokens.add(station, Actor("olivia", ALL_ROLES, "bench-1"), name, Scope.WAREHOUSE)
        app = api_app(station, keystore, StationPasswords(station), COUNTRIES)
        client = TestClient(app, headers={"Authorization": f"Bearer {token}"})
        with watched(station) as (statements, _steps):
            assert client.get(f"/v1/warehouse/returns{asked}").status_code == 200
        (found,) = [one for one in statements.items() if "FROM card_return" in one[0]]
        through = list(looked_through(station, dict([found])))
        assert [plan for plan, _ in through] == ([] if asked else [BY_NUMBER])


def test_the_calls_of_a_visit_look_through_no_table_however_many_cards_there_are(visits):
    """One after the other, as a visit goes: a challenge is of a login that has begun."""
    for name, call in (CALLS | MORE).items():
        few, many = [steps_of(name, call, *there) for there in visits]
        assert many <= few * 1.02, f"{name}: works through what is not the user's"


def steps_of(name, call, station, visit, client):
    """How many steps of the database a call takes, which must succeed by indexes alone."""
    body = call.body(visit) if call.body else None
    with watched(station) as (statements, steps):
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        answer = client.request(call.method, call.path(visit), json=body, headers=headers)
        taken = steps()
    assert answer.status_code == call.status, (name, answer.text)
    visit.known |= {call.keep: answer.json()[call.keep]} if call.keep else {}
    assert len(statements) > 1, name
    assert list(looked_through(station, statements)) == [], name
    return taken
