"""What is done to one card takes no longer the more cards there are: nothing is looked through.

On both databases the plans are looked at (`plans`); on SQLite the steps are counted, too.
"""

import uuid

import pytest

from benchmarks.activation import NOON, make_due
from benchmarks.api_calls import CALLS, Call, Visit
from benchmarks.api_holders import holders
from dscplus_station.activation.daily import run_timers
from dscplus_station.actor import ALL_ROLES, Actor
from dscplus_station.api.app import api_app
from dscplus_station.desk import sheet as sheets
from dscplus_station.keystore.file import FileKeystore
from dscplus_station.lists.service import LISTINGS, look
from dscplus_station.opening import open_station
from dscplus_station.passwords.service import StationPasswords
from dscplus_station.tokens import service as tokens
from dscplus_station.tokens.rules import Scope
from tests.provisioning.api.api_world import TestClient
from tests.provisioning.many_cards import filled_home, move_to_postgresql
from tests.provisioning.plans import looked_through, watched
from tests.provisioning.support import COUNTRIES, PASSPHRASE

SIZES = {"sqlite": (400, 1600), "postgresql": (2000,)}
"""A station with few cards and one with four times as many; PostgreSQL plans by how many there are."""
FEW = 400
DUE, TOLD = 24, 8
BY_NUMBER = {"SEARCH card_return USING INTEGER PRIMARY KEY (rowid>?)"}
"""A page of all of them, from a number on: as long as it is long."""
OLIVIA = Actor("olivia", ALL_ROLES, "bench-1")


@pytest.fixture(scope="module", params=SIZES)
def stations(request, tmp_path_factory):
    """In each, the same holder, and the timers of the same cards are due."""
    opened = []
    for cards in SIZES[request.param]:
        home = filled_home(tmp_path_factory.mktemp(f"cards-{cards}"), cards)
        make_due(home.database_file, DUE, TOLD, FEW)
        (holder,) = holders(home, PASSPHRASE, FEW, 1)
        if request.param == "postgresql":
            move_to_postgresql(home, request.getfixturevalue("postgresql"))
        opened.append((open_station(home, lambda: NOON), holder))
    yield opened
    for station, _ in opened:
        station.database.close()


def require_flat(what, few, *many):
    """That more cards take no more steps; where none are counted, the plans say it."""
    assert all(steps <= few * 1.02 for steps in many), f"{what}: works through what is another's"


def test_r13_the_run_of_the_timers_looks_through_no_table_however_many_cards_there_are(stations):
    taken = []
    for station, _ in stations:
        with watched(station) as (statements, steps):
            done = run_timers(station, OLIVIA)
            taken.append(steps())
        assert (len(done.activated), len(done.announced), done.held_back) == (DUE, TOLD, [])
        assert len(statements) > 15
        assert looked_through(station, statements) == []
    require_flat("the run", *taken)


def test_r46_the_returns_desk_looks_a_card_up_whatever_else_came_back(stations):
    for station, holder in stations:
        with watched(station) as (statements, _steps):
            assert sheets.sheet(station, holder.serial).order == holder.order
            sheets.last_inspection(station, holder.serial)
        assert len(statements) > 10
        assert looked_through(station, statements) == []


@pytest.mark.parametrize("stations", ["postgresql"], indirect=True)  # of SQLite: lists/test_walk.py
@pytest.mark.parametrize("name", LISTINGS)
def test_the_first_page_of_a_list_looks_through_no_table(stations, name):
    for station, _ in stations:
        for sort in LISTINGS[name].sorts:
            with watched(station) as (statements, _steps):
                assert look(station, OLIVIA, LISTINGS[name], {"sort": sort}).rows
            assert looked_through(station, statements) == []


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
    """The same holder at each station, with a client of its API."""
    found = []
    for station, holder in stations:
        keystore = FileKeystore.open(station.home.keystore_file, PASSPHRASE)
        token = tokens.add(station, OLIVIA, "portal-1", Scope.PORTAL)
        app = api_app(station, keystore, StationPasswords(station), COUNTRIES)
        found.append((station, Visit(holder), TestClient(app, headers={"Authorization": f"Bearer {token}"})))
    return found


@pytest.mark.parametrize("asked", ["", "?state=IN_TRANSIT", "?state=DISPOSED"])
def test_r42_what_is_on_its_way_back_is_found_by_its_state(stations, asked):
    for station, _ in stations:
        keystore = FileKeystore.open(station.home.keystore_file, PASSPHRASE)
        name = f"warehouse-{uuid.uuid4().hex[:8]}"
        token = tokens.add(station, OLIVIA, name, Scope.WAREHOUSE)
        app = api_app(station, keystore, StationPasswords(station), COUNTRIES)
        client = TestClient(app, headers={"Authorization": f"Bearer {token}"})
        with watched(station) as (statements, _steps):
            assert client.get(f"/v1/warehouse/returns{asked}").status_code == 200
        (found,) = [one for one in statements.items() if "FROM card_return" in one[0]]
        through = {plan for plan, _ in looked_through(station, dict([found]))}
        assert through <= (set() if asked else BY_NUMBER)


def test_the_calls_of_a_visit_look_through_no_table_however_many_cards_there_are(visits):
    """One after the other, as a visit goes: a challenge is of a login that has begun."""
    for name, call in (CALLS | MORE).items():
        require_flat(name, *[steps_of(name, call, *there) for there in visits])


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
    assert looked_through(station, statements) == [], name
    return taken
