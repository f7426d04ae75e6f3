"""Two stations, each a process of its own, on one PostgreSQL: what one has done, the other finds done.

Both are let go at one moment: the test has the write lock until both wait for it, with what they read before.
"""

import multiprocessing
import shutil
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack, closing
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from dscplus_station import audit
from dscplus_station.activation.daily import run_timers
from dscplus_station.actor import ALL_ROLES, Actor
from dscplus_station.errors import StationError
from dscplus_station.founding import found
from dscplus_station.home import Home
from dscplus_station.jobs.catalogue import Did, Job
from dscplus_station.jobs.rules import Outcome as Done
from dscplus_station.jobs.running import Runner
from dscplus_station.jobs.tables import JobRecord
from dscplus_station.joining import Shared
from dscplus_station.keystore.file import FileKeystore
from dscplus_station.login.rules import Outcome
from dscplus_station.login.service import check_login, issue_challenge
from dscplus_station.login.tables import Attempt
from dscplus_station.notices.tables import Notice
from dscplus_station.opening import open_station
from dscplus_station.orders.service import bind
from dscplus_station.orders.tables import Binding
from dscplus_station.stock.rules import CardState
from dscplus_station.stock.service import move_card
from tests.provisioning.support import CARDS, PASSPHRASE, order_values

PROCESSES = 2
WRITERS = 2
"""In each process."""
ROWS = 25
WAITING = (
    "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database "
    "WHERE locktype = 'advisory' AND NOT granted AND datname = '{}'"
)


def station_of(folder, moment):
    station = open_station(Home(folder), lambda: moment)
    return station, Actor("olivia", ALL_ROLES, station.settings.station)


# What the processes do


def ready():
    """Nothing: what a process needs is imported by now."""


def verify(folder, moment, question, response):
    station, actor = station_of(folder, moment)
    keystore = FileKeystore.open(station.home.keystore_file, PASSPHRASE)
    with closing(station.database):
        return check_login(station, actor, keystore, CARDS[0], question, response).outcome


def reserve(folder, moment, order):
    station, actor = station_of(folder, moment)
    with closing(station.database):
        try:
            with station.database.writing() as session:
                bind(session, actor, moment, order, CARDS[0])
                move_card(session, actor, moment, CARDS[0], CardState.RESERVED, order)
        except StationError as refusal:
            return str(refusal)
        return order


def activate(folder, moment):
    station, actor = station_of(folder, moment)
    with closing(station.database):
        try:
            return run_timers(station, actor).activated
        except StationError as refusal:
            return str(refusal)


def write_rows(folder, moment):
    """As several threads of a process: each with connections of its own, as processes have."""

    def write(_writer):
        station, actor = station_of(folder, moment)
        with closing(station.database):
            for number in range(ROWS):
                with station.database.writing() as session:
                    audit.record(session, actor, moment, "test.row", f"row {number}")

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(write, range(WRITERS)))


def run_first(folder, moment):
    """Run a job that never ran before, by a process of one home."""
    station, _actor = station_of(folder, moment)
    job = Job("first", "a test's", "-", timedelta(minutes=10), lambda *_: Did("fine"))
    with closing(station.database):
        ran = Runner(station, [job]).run(job, lambda: False)
        return ran.outcome, ran.unrecorded


# The tests


@pytest.fixture(scope="module")
def processes():
    context = multiprocessing.get_context("spawn")
    with ExitStack() as running:
        pools = [running.enter_context(ProcessPoolExecutor(1, context)) for _ in range(PROCESSES)]
        for begun in [pool.submit(ready) for pool in pools]:
            begun.result(60)
        yield pools


@pytest.fixture
def shared(worlds_in_postgresql, world):
    """A station with its records in PostgreSQL, and cards."""
    world.stock(2)
    return world


@pytest.fixture
def homes(shared, tmp_path):
    """The homes of two stations that share the records of `shared`."""
    keystore = tmp_path / "keystore.json"
    shutil.copy(shared.home.keystore_file, keystore)
    second = Home(tmp_path / "second")
    found(
        second,
        "Sample Issuer",
        "bench-2",
        "America/New_York",
        lambda: PASSPHRASE,
        demo=False,
        founder=Actor("oscar", frozenset(), "bench-2"),
        shared=Shared(shared.home.database_url, keystore),
    )
    return [shared.home.path, second.path]


def at_once(processes, server, world, task, *calls):
    """Run a task once a process, and let them write only when all have got as far as that."""
    name = world.home.database_url.partition("?")[0].rpartition("/")[2]
    deadline = time.monotonic() + 60
    with world.station.database.noting():
        begun = [pool.submit(task, *call) for pool, call in zip(processes, calls, strict=True)]
        while server.execute(WAITING.format(name)) != [(len(calls),)]:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    return [one.result(60) for one in begun]


def test_r6_one_challenge_that_is_answered_twice_at_once_lets_in_once(
    processes, worlds_in_postgresql, shared, homes
):
    shared.shipped()
    shared.at(days=14)
    run_timers(shared.station, shared.actor)
    question = issue_challenge(shared.station, shared.actor, CARDS[0]).challenge
    response = shared.response(CARDS[0], question)
    outcomes = at_once(
        processes,
        worlds_in_postgresql,
        shared,
        verify,
        *((home, shared.moment, question, response) for home in homes),
    )
    assert sorted(outcomes) == sorted([Outcome.RIGHT, Outcome.REPLAYED])
    with shared.station.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Attempt)) == 2


def test_r15_one_card_that_two_stations_reserve_at_once_is_one_orders(
    processes, worlds_in_postgresql, shared, homes
):
    shared.place(order_values("O-1"), order_values("O-2", user="bob"))
    calls = [(home, shared.moment, order) for home, order in zip(homes, ("O-1", "O-2"), strict=True)]
    told = at_once(processes, worlds_in_postgresql, shared, reserve, *calls)
    (had,) = [one for one in told if one in ("O-1", "O-2")]
    (refused,) = [one for one in told if one != had]
    assert CARDS[0] in refused
    with shared.station.database.reading() as session:
        assert [(one.order_id, one.serial_number) for one in session.scalars(select(Binding))] == [
            (had, CARDS[0])
        ]


def test_r13_a_card_is_activated_and_announced_once_however_many_stations_run_the_timers(
    processes, worlds_in_postgresql, shared, homes
):
    shared.shipped()
    shared.at(days=21)
    begun = [pool.submit(activate, home, shared.moment) for pool, home in zip(processes, homes, strict=True)]
    told = [one.result(60) for one in begun]
    assert [CARDS[0]] in told
    (other,) = [one for one in told if one != [CARDS[0]]]
    assert other == [] or "held by another station" in other
    with shared.station.database.reading() as session:
        kinds = list(session.scalars(select(Notice.kind)))
    assert len(kinds) == len(set(kinds))


def test_the_first_runs_of_a_job_by_two_processes_at_once_are_one_record(
    processes, worlds_in_postgresql, shared, homes
):
    """`jobs run` beside a page: neither finds a record, both add one."""
    calls = [(homes[0], shared.moment)] * 2
    told = at_once(processes, worlds_in_postgresql, shared, run_first, *calls)
    assert told == [(Done.DONE, None)] * 2
    with shared.station.database.reading() as session:
        rows = session.execute(select(JobRecord.station, JobRecord.name, JobRecord.outcome)).all()
    assert rows == [("bench-1", "first", Done.DONE)]


def test_audit_rows_of_four_writers_are_numbered_without_gaps_in_the_order_of_the_commits(
    processes, worlds_in_postgresql, shared, homes
):
    at_once_rows = [
        pool.submit(write_rows, home, shared.moment) for pool, home in zip(processes, homes, strict=True)
    ]
    for one in at_once_rows:
        one.result(60)
    with shared.station.database.reading() as session:
        rows = session.execute(
            select(audit.AuditRow.station, audit.AuditRow.number, audit.AuditRow.action).order_by(
                audit.AuditRow.id
            )
        ).all()
    for station in ("bench-1", "bench-2"):
        numbers = [row.number for row in rows if row.station == station]
        assert numbers == list(range(1, len(numbers) + 1))
        written = [row for row in rows if (row.station, row.action) == (station, "test.row")]
        assert len(written) == WRITERS * ROWS
