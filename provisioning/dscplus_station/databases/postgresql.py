"""PostgreSQL: one database that several stations share.

Writers take turns, as on SQLite: a transaction that may write first takes one advisory lock, and what it then
reads is what was committed before it. So whatever holds with one writer (a number that is one more than the
highest, a row that is looked for before it is added) holds here, for every station and by the same code. Rows
get their ids in the order of the commits. A reader waits for nobody and has one consistent view.
"""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from dscplus_station.databases import BESIDE, KEPT_OPEN
from dscplus_station.databases.where import check_passfile, read_url
from dscplus_station.errors import DatabaseFailed, StationError
from dscplus_station.wording import N_, words

WRITING: dict[str, Any] = {"isolation_level": "READ COMMITTED", "writer": True}
"""Execution options of a writer's connection: behind the lock, each statement sees all that was committed."""

MISSING_EXTRA = "records in PostgreSQL need the postgres extra: pip install 'dscplus[station,postgres]'"

CONNECT_TIMEOUT_S = 5
"""A server on the same network answers in milliseconds; libpq counts whole seconds, each host's anew."""
STATEMENT_TIMEOUT_MS = 60_000
"""The longest statements, of an import, take seconds."""
SILENCE_TIMEOUT_MS = 60_000
"""After it the server ends a writer that says nothing: a frozen station must not keep all others out."""
LOST_AFTER_S = 25
"""A connection whose other end does not acknowledge for so long is lost: a pulled cable, a server cut off."""

_LOCKS = 0x4453432B
"""The first half of our advisory locks' keys ("DSC+"): other users of the database have other ones."""
_WRITERS = 0
"""The second half of the writers' lock; a job's is a hash of its name."""

_LOST = frozenset({"57P01", "57P02", "57P05", "25P03"})
"""The server ended the connection: it is stopped, it crashed, or the connection was silent for too long."""

_REASONS = {
    "25006": N_("it takes no changes (a standby?): name the primary server"),
    "25P03": N_("the transaction was silent for too long and was ended"),
    "28000": N_("the server does not let this user in: check the URL, and the server's pg_hba.conf"),
    "28P01": N_("the server does not accept the password: check the passfile"),
    "3D000": N_("the server has no such database: see docs/postgresql.md for how to make it"),
    "40001": N_("another writer was faster; try again"),
    "40P01": N_("another writer was faster; try again"),
    "42501": N_("its user may not do this: the user who owns the tables must be the stations' own"),
    "53100": N_("the server's disk is full; free some space and try again"),
    "53200": N_("the server has no memory left; try again later"),
    "53300": N_("the server takes no more connections; see its max_connections"),
    "55P03": N_("another process or station holds it; try again when that one is done"),
    "57014": N_("it took too long and was stopped; is the server overloaded?"),
    "57P01": N_("the server is being stopped; try again when it runs"),
    "57P02": N_("the server crashed; try again when it runs"),
    "57P03": N_("the server is starting or stopping; try again"),
    "58030": N_("the server's disk failed; see the server's log"),
    "XX001": N_("it is damaged; see the server's log"),
    "XX002": N_("an index of it is damaged; see the server's log"),
}
"""By SQLSTATE: what is wrong and what to do. Texts come in the server's language."""


def open_engine(url: str, busy_timeout_ms: int) -> Engine:
    """An engine whose writers wait that long for another station's, or for another process's of this one.

    Raises:
        BadInput, NotPermitted: the URL or its passfile cannot be used.
        StationError: the extra is not installed.
    """
    where = read_url(url)
    check_passfile(where)
    settings = {
        "lock_timeout": busy_timeout_ms,
        "statement_timeout": STATEMENT_TIMEOUT_MS,
        "timezone": "UTC",
        # No plan for all values of a statement: the few that are due it would seek among all that ever were.
        "plan_cache_mode": "force_custom_plan",
    }
    try:
        engine = create_engine(
            where,
            isolation_level="REPEATABLE READ",  # a reader's; one snapshot for all it reads
            pool_pre_ping=True,  # a server that was restarted meanwhile is not the next one's trouble
            pool_size=KEPT_OPEN,
            max_overflow=BESIDE,
            hide_parameters=True,
            connect_args={
                "connect_timeout": CONNECT_TIMEOUT_S,
                "keepalives_idle": 10,
                "keepalives_interval": 5,
                "keepalives_count": 3,
                "tcp_user_timeout": LOST_AFTER_S * 1000,
                "application_name": "dscplus",
                "options": " ".join(f"-c {name}={value}" for name, value in settings.items()),
            },
        )
    except ImportError:  # also: psycopg without its libpq
        raise StationError(MISSING_EXTRA) from None

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if connection.get_execution_options().get("writer"):
            connection.exec_driver_sql(
                f"SELECT set_config('idle_in_transaction_session_timeout', '{SILENCE_TIMEOUT_MS}', true), "
                f"pg_advisory_xact_lock({_LOCKS}, {_WRITERS})"
            )

    return engine


def begin_migrating(connection: Connection) -> None:
    """Let a migration of many rows take its time."""
    connection.exec_driver_sql("SET LOCAL statement_timeout = 0")


def is_whole(connection: Connection) -> bool:
    """Whether the transaction is open and takes statements: a failed one's COMMIT rolls back, silently."""
    from psycopg.pq import TransactionStatus

    info = connection.connection.dbapi_connection.info  # type: ignore[union-attr]
    return bool(info.transaction_status == TransactionStatus.INTRANS)


def check(connection: Connection) -> None:
    """Check that the database compares texts by their code points: the lists' order and ranges rely on it.

    Raises:
        DatabaseFailed: it was made with a language's order, or without UTF-8.
    """
    by_code_points = connection.scalar(
        text(
            "SELECT current_setting('server_encoding') = 'UTF8' "
            "AND 'B' < 'a' AND 'a-c' < 'ab' AND 'z' < U&'\\00E9' AND U&'\\FFFD' < U&'\\+010000'"
        )
    )
    if not by_code_points:
        raise DatabaseFailed(
            "the station's database sorts texts by a language: make it with "
            "createdb --template=template0 --encoding=UTF8 --locale=C NAME. Nothing was changed."
        )


@contextmanager
def owned(engine: Engine, name: str) -> Iterator[bool]:
    """Own a job among all stations while the block runs; False if another station owns it.

    The server frees it when the connection ends, however the station ended.
    """
    key = {"lock": _LOCKS, "job": zlib.crc32(name.encode()) - 2**31}
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        had = bool(connection.scalar(text("SELECT pg_try_advisory_lock(:lock, :job)"), key))
        try:
            yield had
        finally:
            if had:
                try:
                    connection.execute(text("SELECT pg_advisory_unlock(:lock, :job)"), key)
                except DBAPIError:  # the connection is gone, and the lock with it
                    connection.invalidate()


def reason(error: DBAPIError) -> str | None:
    """What the server's or the network's trouble is, and what to do; None for what services understand."""
    told = _REASONS.get(_state(error) or "")
    if told is not None:
        return told
    if not isinstance(error, OperationalError | InterfaceError) or _state(error) is not None:
        return None
    first = str(error.orig).partition("\n")[0].removeprefix("connection failed: ")
    if error.statement is None:  # there never was a connection
        told_by_libpq = "".join(filter(str.isprintable, first))[:300]
        return words("its server is not reached: {reason}", reason=told_by_libpq)
    return N_("the connection to its server was lost; try again when the server can be reached")


def is_lost(error: DBAPIError) -> bool:
    """Whether the connection ended: what was asked last may have been done."""
    return error.connection_invalidated or _state(error) in _LOST


def _state(error: DBAPIError) -> str | None:
    state: str | None = getattr(error.orig, "sqlstate", None)
    return state
