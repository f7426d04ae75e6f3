"""The database under several writers of one process."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import event, func, select

from dscplus_station import audit, db
from dscplus_station.errors import DatabaseFailed

WRITERS = 8
TURNS = 5


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
    database = world.station.database
    with database.writing(), pytest.raises(DatabaseFailed, match="holds it"), database.writing():
        pass
    with database.writing() as session:  # the failure left nothing held
        audit.record(session, world.actor, world.station.now(), "test.turn", "after")
