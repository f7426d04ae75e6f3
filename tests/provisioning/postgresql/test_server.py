"""Faults of a PostgreSQL server and of the way to it: one line, nothing half written."""

import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from sqlalchemy import event, func, select

from dscplus_station import audit, schema
from dscplus_station.databases import postgresql as kind
from dscplus_station.db import Database
from dscplus_station.errors import DatabaseFailed, HeldByAnother, StationError
from dscplus_station.users.tables import User

CANARY = "Sample-Passw0rd"
LOST = r"server is being stopped|silent for too long|connection to its server was lost"
"""What is heard of a lost connection hangs on whether the server's last word came through."""
END_THE_OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
    "AND pid <> pg_backend_pid()"
)


@pytest.fixture
def shared(worlds_in_postgresql, world):
    """A station with its records in PostgreSQL."""
    return world


@pytest.fixture
def other(shared):
    """What another process or station has: the same database, opened again."""
    database = Database(shared.home.database_url)
    yield database
    database.close()


def told(refusal):
    message = str(refusal.value)
    assert "\n" not in message
    assert message.endswith("Nothing was changed.")
    return message


def write(world, database, subject):
    with database.writing() as session:
        audit.record(session, world.actor, world.moment, "test", subject)


def subjects(database):
    with database.reading() as session:
        query = select(audit.AuditRow.subject).where(audit.AuditRow.action == "test")
        return list(session.scalars(query.order_by(audit.AuditRow.id)))


def end_the_connections(postgresql, world):
    postgresql.execute(END_THE_OTHERS, database=world.home.database_url.partition("?")[0].rpartition("/")[2])


def test_a_writer_that_waits_too_long_for_another_station_is_told(shared, monkeypatch):
    monkeypatch.setattr("dscplus_station.db.BUSY_TIMEOUT_MS", 50)
    other = Database(shared.home.database_url)
    with (
        shared.writing() as session,
        pytest.raises(DatabaseFailed, match="another process or station holds it") as refusal,
        other.writing(),
    ):
        audit.record(session, shared.actor, shared.moment, "test", "never")
    told(refusal)
    write(shared, other, "after")
    assert subjects(other) == ["after"]
    other.close()


def test_a_reader_waits_for_no_writer_and_keeps_its_view(shared, other):
    count = select(func.count()).where(audit.AuditRow.action == "test")
    with other.reading() as reader:
        with shared.writing() as session:
            audit.record(session, shared.actor, shared.moment, "test", "written")
            session.flush()
            assert reader.scalar(count) == 0
        assert reader.scalar(count) == 0
    assert subjects(other) == ["written"]


def test_a_connection_that_is_lost_in_a_transaction_is_told_and_the_next_one_works(
    worlds_in_postgresql, shared
):
    with pytest.raises(DatabaseFailed, match=LOST) as refusal, shared.writing() as session:
        session.add(User(name="bob"))
        audit.record(session, shared.actor, shared.moment, "test", "bob")
        session.flush()
        end_the_connections(worlds_in_postgresql, shared)
        session.scalar(select(func.count()).select_from(User))
    told(refusal)
    write(shared, shared.station.database, "after")
    assert subjects(shared.station.database) == ["after"]
    with shared.station.database.reading() as session:
        assert session.get(User, "bob") is None


def test_a_connection_that_is_lost_in_the_commit_is_told_as_unknown(worlds_in_postgresql, shared):
    def end_them(_connection):
        end_the_connections(worlds_in_postgresql, shared)

    event.listen(shared.station.database.engine, "commit", end_them, once=True)
    with (
        pytest.raises(DatabaseFailed, match="nobody knows whether it was") as refusal,
        shared.writing() as session,
    ):
        audit.record(session, shared.actor, shared.moment, "test", "in doubt")
    assert "\n" not in str(refusal.value)
    assert "Nothing was changed" not in str(refusal.value)


def test_connections_that_were_lost_while_idle_are_nobodys_trouble(worlds_in_postgresql, shared):
    write(shared, shared.station.database, "before")
    end_the_connections(worlds_in_postgresql, shared)
    write(shared, shared.station.database, "after")
    assert subjects(shared.station.database) == ["before", "after"]


def test_a_writer_that_says_nothing_is_ended_and_keeps_nobody_out(shared, other, monkeypatch):
    monkeypatch.setattr(kind, "SILENCE_TIMEOUT_MS", 50)
    frozen = Database(shared.home.database_url)  # its timeout is asked for at each beginning
    with pytest.raises(DatabaseFailed, match=LOST), frozen.writing() as session:
        audit.record(session, shared.actor, shared.moment, "test", "frozen")
        session.flush()
        monkeypatch.undo()
        write(shared, other, "not kept out")  # waits until the server has ended the silent one
        session.scalar(select(func.count()).select_from(User))
    assert subjects(other) == ["not kept out"]
    frozen.close()


def test_a_server_that_is_not_there_is_told(tmp_path):
    database = Database(f"postgresql://station@/dscplus?host={tmp_path}")
    with (
        pytest.raises(DatabaseFailed, match="server is not reached") as refusal,
        database.reading() as session,
    ):
        session.connection()
    told(refusal)


def test_a_database_that_is_not_there_is_told(worlds_in_postgresql):
    database = Database(worlds_in_postgresql.url("no_such_database"))
    with pytest.raises(DatabaseFailed, match="no_such_database") as refusal, database.reading() as session:
        session.connection()
    told(refusal)


def test_a_database_that_sorts_by_a_language_is_refused(worlds_in_postgresql):
    worlds_in_postgresql.execute(
        "CREATE DATABASE by_language TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en' LOCALE 'C' "
        "OWNER station"
    )
    database = Database(worlds_in_postgresql.url("by_language"))
    with pytest.raises(DatabaseFailed, match=r"createdb .*--locale=C") as refusal:
        schema.bring_up_to_date(database)
    told(refusal)
    database.close()


def test_a_user_who_may_not_is_told(worlds_in_postgresql, shared):
    worlds_in_postgresql.execute("DROP ROLE IF EXISTS stranger", "CREATE ROLE stranger LOGIN")
    name = shared.home.database_url.partition("?")[0].rpartition("/")[2]
    database = Database(worlds_in_postgresql.url(name, "stranger"))
    with (
        pytest.raises(DatabaseFailed, match="its user may not do this") as refusal,
        database.reading() as session,
    ):
        session.scalars(select(User)).all()
    told(refusal)
    database.close()


def test_a_job_is_owned_by_one_station_at_a_time(shared, other):
    with shared.station.database.owning("job activation"):
        with pytest.raises(HeldByAnother, match="held by another station"), other.owning("job activation"):
            pass
        with other.owning("job notices"):
            pass
    with other.owning("job activation"):
        pass


def test_two_stations_that_begin_at_once_migrate_once(worlds_in_postgresql):
    url = worlds_in_postgresql.url(worlds_in_postgresql.make_database())

    def begin(_station):
        with closing(Database(url)) as database:
            schema.bring_up_to_date(database)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(begin, range(2)))
    database = Database(url)
    with database.reading() as session:
        assert schema.present_revision(session.connection()) == schema.HEAD
    database.close()


def test_the_migrations_give_exactly_what_the_tables_say(worlds_in_postgresql, shared):
    """As on SQLite; Alembic compares what is there with what is declared."""
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    with shared.station.database.migrating() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, schema.metadata) == []


def test_a_password_comes_out_of_the_passfile_and_is_shown_nowhere(
    worlds_in_postgresql, shared, tmp_path, caplog
):
    """The server asks for it by SCRAM; a wrong one is one line."""
    server = worlds_in_postgresql
    server.execute(
        "DROP ROLE IF EXISTS guarded", f"CREATE ROLE guarded LOGIN PASSWORD '{CANARY}' IN ROLE station"
    )
    rules = server.folder / "data/pg_hba.conf"
    rules.write_text("local all guarded scram-sha-256\nlocal all all trust\n")
    server.execute("SELECT pg_reload_conf()")
    passfile = tmp_path / "pass"
    passfile.write_text(f"*:*:*:guarded:{CANARY}\n")
    passfile.chmod(0o600)
    name = shared.home.database_url.partition("?")[0].rpartition("/")[2]
    url = f"{server.url(name, 'guarded')}&passfile={passfile}"
    database = Database(url)
    write(shared, database, "with a password")
    assert subjects(database) == ["with a password"]
    shown = repr(database.engine) + str(database.engine.url) + repr(vars(database)) + caplog.text
    assert CANARY not in shown
    database.close()
    passfile.write_text(f"*:*:*:guarded:{CANARY}-wrong\n")
    database = Database(url)
    with (
        pytest.raises(DatabaseFailed, match="password authentication failed") as refusal,
        database.reading() as s,
    ):
        s.connection()
    assert CANARY not in told(refusal)


def test_without_the_extra_one_line_says_so(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StationError, match="postgres extra: pip install") as refusal:
        Database(f"postgresql://station@/dscplus?host={tmp_path}")
    assert "\n" not in str(refusal.value)
