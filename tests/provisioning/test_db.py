"""The database under several writers of one process."""

import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from sqlalchemy import event, func, select, text
from sqlalchemy.exc import DBAPIError, OperationalError

from dscplus_station import audit, db
from dscplus_station.errors import DatabaseFailed, NotPermitted

WRITERS = 8
TURNS = 5
PATIENCE = 20
THREADS = 40
"""In which the API and the kiosk serve requests: anyio's default."""


def _count_audit_rows(database):
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(audit.AuditRow))


@pytest.mark.sqlite
def test_writers_of_one_process_queue_up_before_sqlite_makes_them_sleep(world):
    database = world.station.database

    @event.listens_for(database.engine, "connect")
    def _no_patience(connection, _record):
        connection.execute("PRAGMA busy_timeout = 0").close()  # a second writer is refused at once

    database.engine.dispose()  # so that every connection is a new one
    before = _count_audit_rows(database)

    def write(name):
        for _ in range(TURNS):
            with database.writing() as session:
                audit.record(session, world.actor, world.station.now(), "test.turn", name)

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(write, [f"writer {i}" for i in range(WRITERS)]))
    assert _count_audit_rows(database) == before + WRITERS * TURNS


def test_a_writer_that_gets_no_turn_says_so(world, monkeypatch):
    monkeypatch.setattr(db, "BUSY_TIMEOUT_MS", 0)
    database = db.Database(world.home.database_url)
    with database.writing(), pytest.raises(DatabaseFailed, match="holds it"), database.writing():
        pass
    with database.writing() as session:  # the failure left nothing held
        audit.record(session, world.actor, world.station.now(), "test.turn", "after")
    database.close()


@pytest.fixture
def crowd(world):
    """Writers that come while the first one works: their names, and how each ended."""
    database = world.station.database
    commits = []
    event.listen(database.engine, "commit", lambda _connection: commits.append(_count_audit_rows(database)))

    def run(*works):
        first_is_in, all_wait = threading.Event(), threading.Event()

        def write(number):
            with database.writing() as session:
                if number == 0:
                    first_is_in.set()
                    assert all_wait.wait(PATIENCE)
                audit.record(session, world.actor, world.station.now(), "test.turn", str(number))
                works[number](session)
            return _count_audit_rows(database)

        with ThreadPoolExecutor(len(works)) as pool:
            ends = [pool.submit(write, 0)]
            assert first_is_in.wait(PATIENCE)
            ends += [pool.submit(write, number) for number in range(1, len(works))]
            while database._turns._waiting < len(works) - 1:
                time.sleep(0.001)
            all_wait.set()
        return ends

    run.commits = commits
    run.before = _count_audit_rows(database)
    return run


def nothing(_session):
    """A work that is done as soon as its row is there."""


def refused(_session):
    raise NotPermitted("no")


def broken(session):
    session.execute(text("SELECT nothing FROM nowhere"))


def test_writers_that_wait_share_one_commit_and_none_is_done_before_it(crowd):
    ends = crowd(*[nothing] * 6)
    assert crowd.commits == [crowd.before]  # one, and nobody else had seen a row until then
    assert {end.result() for end in ends} == {crowd.before + 6}


def test_a_refusal_among_writers_that_share_a_commit_undoes_its_own_work_alone(crowd):
    ends = crowd(nothing, refused, nothing)
    assert isinstance(ends[1].exception(), NotPermitted)
    assert [ends[n].result() for n in (0, 2)] == [crowd.before + 2] * 2
    assert len(crowd.commits) == 1


def test_a_failure_of_the_database_among_them_is_told_to_all_whose_work_it_undid(crowd, world):
    ends = crowd(nothing, broken)
    assert isinstance(ends[1].exception(), DBAPIError)
    told = ends[0].exception()
    assert isinstance(told, DatabaseFailed) and "another writer's failure undid this" in str(told)
    database = world.station.database
    assert _count_audit_rows(database) == crowd.before
    with database.writing() as session:  # the failure left nothing held
        audit.record(session, world.actor, world.station.now(), "test.turn", "after")
    assert _count_audit_rows(database) == crowd.before + 1


@pytest.mark.sqlite
def test_a_commit_that_fails_is_told_to_all_who_share_it(crowd, world):
    def full(_connection):
        raise OperationalError("COMMIT", None, sqlite3.OperationalError("database or disk is full"))

    engine = world.station.database.engine
    event.listen(engine, "commit", full, once=True)
    ends = crowd(*[nothing] * 3)
    for end in ends:
        assert isinstance(end.exception(), DatabaseFailed) and "the disk is full" in str(end.exception())
    assert _count_audit_rows(world.station.database) == crowd.before
    crowd(nothing)  # the write lock was let go
    assert _count_audit_rows(world.station.database) == crowd.before + 1


@pytest.mark.sqlite
def test_a_transaction_that_sqlite_ended_by_itself_is_told_to_all_whose_work_was_in_it(crowd, world):
    def ended(session):
        session.execute(text("INSERT OR ROLLBACK INTO audit SELECT * FROM audit LIMIT 1"))

    assert all(isinstance(end.exception(), DatabaseFailed) for end in crowd(nothing, ended))
    assert _count_audit_rows(world.station.database) == crowd.before


def test_a_refusal_that_rests_on_undone_work_is_no_verdict(crowd):
    told = crowd(refused, broken)[0].exception()
    assert isinstance(told, DatabaseFailed) and isinstance(told.__cause__.__cause__, NotPermitted)


def test_a_failed_savepoint_is_told_to_all(crowd, world):
    """What cannot be undone by itself is undone with all that shares its commit."""
    engine = world.station.database.engine
    event.listen(
        engine,
        "rollback_savepoint",
        lambda connection, _name, _context: connection.exec_driver_sql("ROLLBACK TO SAVEPOINT nothing"),
        once=True,
    )
    ends = crowd(nothing, refused)
    assert all(isinstance(end.exception(), DatabaseFailed | DBAPIError) for end in ends)
    assert _count_audit_rows(world.station.database) == crowd.before


def test_whoever_relied_on_one_who_gave_up_is_not_left_open(world):
    """The one who waits gives up between the holder's look and the holder's release."""
    turns = world.station.database._turns
    before = _count_audit_rows(world.station.database)
    given_up = threading.Event()

    class _Lock:
        """The turn's lock; while it is released, the one who waited gives up."""

        def __init__(self, lock):
            self._lock = lock

        def acquire(self, *args, **more):
            return self._lock.acquire(*args, **more)

        def release(self):
            if turns._waiting and not given_up.is_set():
                given_up.set()
                waiter.start()
                waiter.join(0.05)  # as it should be, that one waits for us
            self._lock.release()

    def give_up():
        with turns._counting:
            turns._waiting -= 1
        turns._leave_nothing_open()

    waiter = threading.Thread(target=give_up)
    turns._turn = _Lock(turns._turn)
    turns._waiting += 1
    turns._seconds = 2
    with world.station.database.writing() as session:
        audit.record(session, world.actor, world.station.now(), "test.turn", "relied")
    waiter.join()
    assert _count_audit_rows(world.station.database) == before + 1


@pytest.mark.sqlite
def test_whoever_reads_side_by_side_finds_connections_open(world):
    """A connection that is opened for one use reads the schema before it: a third of a request's work."""
    database = world.station.database
    opened = []
    event.listen(database.engine, "connect", lambda connection, _record: opened.append(connection))
    for turn in range(2):
        with ExitStack() as stack:
            for _ in range(THREADS):
                stack.enter_context(database.reading()).connection()
        if turn == 0:
            opened.clear()
    assert not opened
