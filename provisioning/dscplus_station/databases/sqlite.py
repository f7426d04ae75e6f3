"""SQLite: one file in the home.

Writers take the write lock when they begin (BEGIN IMMEDIATE), so one that has read may write without a
deadlock, and a reader never blocks one (WAL). A commit is on the disk when it returns (synchronous=FULL).
Deleted content is overwritten (secure_delete): an erased PIN leaves no sealed remains on a free page.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError, DBAPIError, OperationalError

from dscplus_station.databases import BESIDE, KEPT_OPEN
from dscplus_station.wording import N_

WRITING: dict[str, Any] = {"begin": "BEGIN IMMEDIATE"}
"""Execution options of a writer's connection."""

_REASONS = (
    ("database is locked", N_("another process holds it; try again when that one is done")),
    ("disk is full", N_("the disk is full; free some space and try again")),
    ("disk I/O error", N_("the disk failed or is full; see the system's log, then try again")),
    ("readonly database", N_("the home is read-only for this user")),
    ("unable to open", N_("its file cannot be opened: check that the home exists and is writable")),
    ("malformed", N_("its file is damaged; restore a backup")),
    ("not a database", N_("its file is not a database (any more); restore a backup")),
)


def open_engine(url: str, busy_timeout_ms: int) -> Engine:
    """An engine whose writers wait that long for another process's."""
    # A new connection reads the whole schema first.
    engine = create_engine(url, pool_size=KEPT_OPEN, max_overflow=BESIDE)

    @event.listens_for(engine, "connect")
    def _settings(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver must not begin transactions by itself
        for pragma in (
            f"busy_timeout = {busy_timeout_ms}",
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            "secure_delete = ON",
        ):
            connection.execute(f"PRAGMA {pragma}").close()

    # SQLAlchemy's own are compiled anew each time.
    engine.dialect.do_savepoint = _save  # type: ignore[method-assign]
    engine.dialect.do_release_savepoint = _release  # type: ignore[method-assign]
    roll_back = engine.dialect.do_rollback_to_savepoint

    def _roll_back(connection: Connection, name: str) -> None:
        # SQLite ends the transaction by itself when a disk is full or fails: there is no savepoint any more.
        if not is_whole(connection):
            return
        try:
            roll_back(connection, name)
        except BaseException:  # what should be undone must not be committed with what others did
            connection.connection.rollback()
            raise

    engine.dialect.do_rollback_to_savepoint = _roll_back  # type: ignore[method-assign]

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))

    return engine


def _save(connection: Connection, name: str) -> None:
    connection.exec_driver_sql(f"SAVEPOINT {name}")


def _release(connection: Connection, name: str) -> None:
    connection.exec_driver_sql(f"RELEASE SAVEPOINT {name}")


def begin_migrating(_connection: Connection) -> None:
    """Nothing: a migration is a writer like others."""


def is_whole(connection: Connection) -> bool:
    """Whether the transaction is open: some errors end it, without savepoint or word."""
    in_transaction: bool = connection.connection.dbapi_connection.in_transaction  # type: ignore[union-attr]
    return in_transaction


def check(_connection: Connection) -> None:
    """Nothing: SQLite compares texts by their bytes, as the lists rely on."""


def owned(_engine: Engine, _name: str) -> AbstractContextManager[bool]:
    """Yes: one home has the file, and its lock files say who owns a job."""
    return nullcontext(True)


def reason(error: DBAPIError) -> str | None:
    """What the machine's trouble is, and what to do; None for what is the service's to understand."""
    if not isinstance(error, OperationalError) and type(error) is not DatabaseError:
        return None
    return next((told for text, told in _REASONS if text in str(error.orig)), None)


def is_lost(_error: DBAPIError) -> bool:
    """No: there is no connection to lose."""
    return False
