"""Writers of one process that fail in every way among others: each is told what became of its own work."""

import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from dscplus_station import audit
from dscplus_station.errors import DatabaseFailed, NotPermitted

WRITERS = 8
TURNS = 40


def keeps(_session):
    """The work is done."""


def refuses(_session):
    raise NotPermitted("no")


def clashes(session):
    row = session.scalars(select(audit.AuditRow).order_by(audit.AuditRow.id).limit(1)).one()
    session.execute(insert(audit.AuditRow).values(id=row.id, station="s", number=1, at=row.at))


def breaks(session):
    session.execute(text("SELECT nothing FROM nowhere"))


def swallows(session):
    """A service that goes on after a failure of the database must not be told that all is well."""
    try:
        session.execute(text("SELECT nothing FROM nowhere"))
    except DBAPIError:
        refuses(session)


WORKS = (keeps, keeps, keeps, keeps, refuses, clashes, breaks, swallows)


@pytest.mark.each_database
def test_each_of_many_writers_is_told_what_became_of_its_own_work(world):
    database = world.station.database
    failures = NotPermitted, IntegrityError, DBAPIError, DatabaseFailed

    def recorded(name):
        with database.reading() as session:
            return session.scalar(select(audit.AuditRow.id).where(audit.AuditRow.subject == name)) is not None

    def write(writer):
        chance, kept = random.Random(writer), 0  # noqa: S311 - the same works each time
        for turn in range(TURNS):
            name = f"{writer}-{turn}"
            try:
                with database.writing() as session:
                    audit.record(session, world.actor, world.station.now(), "test.turn", name)
                    chance.choice(WORKS)(session)
            except failures:
                assert not recorded(name)
            else:
                assert recorded(name)
                kept += 1
        return kept

    with ThreadPoolExecutor(WRITERS) as pool:
        kept = list(pool.map(write, range(WRITERS)))
    assert all(kept)
    with database.reading() as session:
        rows = session.scalars(select(audit.AuditRow).order_by(audit.AuditRow.id)).all()
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    assert sum(row.action == "test.turn" for row in rows) == sum(kept)
