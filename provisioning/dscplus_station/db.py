"""The database: transactions, column types. SQLite or PostgreSQL; nothing in the rooms depends on which.

On both, writers take turns: a transaction that may write holds the one write lock from its beginning, and
readers wait for nobody (`databases`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar, cast

from sqlalchemy import (
    Connection,
    CursorResult,
    DateTime,
    Dialect,
    Enum,
    Index,
    MetaData,
    Result,
    Row,
    Select,
    Table,
    TypeDecorator,
    UpdateBase,
    event,
    inspect,
    select,
    text,
)
from sqlalchemy.exc import DataError, DBAPIError
from sqlalchemy.orm import DeclarativeBase, ORMExecuteState, Session

from dscplus_station.databases import Kind, postgresql, sqlite
from dscplus_station.databases.where import is_postgresql
from dscplus_station.errors import BadInput, DatabaseFailed, HeldByAnother
from dscplus_station.turns import CommitFailed, CommitTimeout, Turns, TurnTimeout
from dscplus_station.wording import N_, words

_Row = TypeVar("_Row", bound="Base")
_Given = TypeVar("_Given")

NAMES_A_QUERY = 500
"""How many keys one query of `load_by_name` names: SQLite admits 32,766, and planning them takes time."""

BUSY_TIMEOUT_MS = 10_000
"""How long a writer waits for another: transactions last milliseconds, so ten seconds mean a stuck owner."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment, kept in UTC. Naive values are refused: they have no meaning across zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without time zone cannot be stored")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def one_of(states: type[StrEnum], name: str) -> Enum:
    """A text column that admits the values of `states` only, by a CHECK in the schema called `name`."""
    return Enum(
        states,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=32,
        values_callable=lambda members: [member.value for member in members],
    )


def unique_where(name: str, *columns: str, where: str) -> Index:
    """A unique index over the rows for which `where` (SQL) holds, as for "one live order a card"."""
    return Index(name, *columns, unique=True, sqlite_where=text(where), postgresql_where=text(where))


class Base(DeclarativeBase):
    """What all tables share: names for constraints that migrations can rely on, UTC moments."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime}  # noqa: RUF012 (SQLAlchemy's own protocol)


def table_of(kind: type[Base]) -> Table:
    """The table behind a class, for statements that run often (`run`)."""
    return cast("Table", kind.__table__)


class UnauditedChange(AssertionError):
    """A transaction changed records and left no audit row: a mistake in the service, never in the input."""


class Database:
    """A database of the station. Opening it neither creates nor migrates anything: see `schema`.

    Args:
        url: SQLAlchemy's URL, for example ``sqlite:////srv/station/station.db``.

    Raises:
        StationError: a URL of PostgreSQL that cannot be used, or the extra for it is not installed.
    """

    def __init__(self, url: str) -> None:
        self._kind: Kind = postgresql if is_postgresql(url) else sqlite
        self.engine = self._kind.open_engine(url, BUSY_TIMEOUT_MS)
        self._writers = self.engine.execution_options(**self._kind.WRITING)
        self._turns = Turns(self._begin_writing, self._is_whole, BUSY_TIMEOUT_MS / 1000)

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """One transaction that may change records; all of it or nothing.

        Raises:
            DatabaseFailed: locked, full, read-only, damaged or not reached; rolled back. If the server was
                lost during the commit, it says that nobody knows.
            UnauditedChange: the service forgot its audit row; rolled back.
        """
        with self._failures_told(), self._turns.turn(_Audited) as session:
            yield session

    @contextmanager
    def noting(self) -> Iterator[Session]:
        """As `writing`, for what is nobody's deed and so has no audit row: when a screen was last used.

        Raises:
            DatabaseFailed: as for `writing`.
        """
        with self._failures_told(), self._turns.turn(Session) as session:
            yield session

    def in_a_row(self, pieces: Sequence[Callable[[], _Given]]) -> list[_Given | BaseException]:
        """Do short pieces of work in this thread, one after the other; one commit serves all that they write.

        A piece may write as often as it likes, and does not see outside `writing` what it wrote in it.

        Returns:
            What each gave or raised, in order. It may be told: it is on the disk.
        """
        return [self._told(given) for given in self._turns.in_a_row(pieces)]

    def _told(self, given: _Given | BaseException) -> _Given | BaseException:
        if isinstance(given, BaseException):
            try:
                with self._failures_told():
                    raise given
            except BaseException as told:  # noqa: BLE001 (handed to whoever asked for the piece)
                return told
        return given

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """One consistent view; whatever is changed in it is rolled back.

        Raises:
            DatabaseFailed: as for `writing`.
        """
        with self._failures_told(), Session(self.engine, expire_on_commit=False) as session:
            yield session

    def look_up(self, statement: Select[Any], values: Mapping[str, Any]) -> Row[Any] | None:
        """The row that a statement of tables finds by a unique value, or None; a transaction of its own.

        Raises:
            DatabaseFailed: as for `writing`.
        """
        with self._failures_told(), self.engine.connect() as connection:
            found: Row[Any] | None = connection.execute(statement, values).one_or_none()
            return found

    @contextmanager
    def migrating(self) -> Iterator[Connection]:
        """One transaction in which the schema itself may change.

        Raises:
            DatabaseFailed: as for `writing`.
        """
        with self._failures_told(), self._writers.begin() as connection:
            self._kind.begin_migrating(connection)
            yield connection

    @contextmanager
    def owning(self, job: str) -> Iterator[None]:
        """Own a job among the stations that share this database, while the block runs.

        Raises:
            HeldByAnother: another station is at it.
        """
        with self._failures_told(), self._kind.owned(self.engine, job) as had:
            if not had:
                raise HeldByAnother("{job} is held by another station: wait for it, or stop it", job=job)
            yield

    def check(self, session: Session) -> None:
        """Check that the database keeps texts as the records rely on.

        Raises:
            DatabaseFailed: it was made in another way.
        """
        self._kind.check(session.connection())

    def _begin_writing(self) -> Connection:
        """A connection that has the write lock before anything is read."""
        connection: Connection = self._writers.connect()
        try:
            connection.begin()
        except BaseException:
            connection.close()
            raise
        return connection

    def _is_whole(self, connection: Connection) -> bool:
        """Whether a writer's transaction is open and can be committed."""
        return not connection.invalidated and self._kind.is_whole(connection)

    def close(self) -> None:
        """Close the pooled connections; the last one folds the write-ahead log into the file."""
        self.engine.dispose()

    @contextmanager
    def _failures_told(self) -> Iterator[None]:
        try:
            yield
        except TurnTimeout as error:
            raise DatabaseFailed(
                "the station's database: another writer here holds it; try again. Nothing was changed."
            ) from error
        except CommitTimeout as error:
            raise DatabaseFailed(
                "the station's database: another writer here holds it while the change is being recorded, "
                "and nobody knows whether it will be: look, before doing it again"
            ) from error
        except CommitFailed as error:
            if error.at_the_end and error.cause is not None and self._kind.is_lost(error.cause):
                raise DatabaseFailed(
                    "the station's database: the connection was lost while the change was being recorded, "
                    "and nobody knows whether it was: look, before doing it again"
                ) from error
            undone = N_("another writer's failure undid this, too; try again")
            reason = None if error.cause is None else self._kind.reason(error.cause)
            raise _unchanged(reason or undone) from error
        except DBAPIError as error:
            if isinstance(error, DataError):
                raise BadInput(
                    "a text with a NUL character or a number beyond bounds is not kept. Nothing was changed."
                ) from None
            # IntegrityError and the like are the service's to understand; these are the machine's.
            reason = self._kind.reason(error)
            if reason is None:
                raise
            raise _unchanged(reason) from error


def _unchanged(reason: str) -> DatabaseFailed:
    return DatabaseFailed("the station's database: {reason}. Nothing was changed.", reason=words(reason))


def run(
    session: Session, statement: Select[Any] | UpdateBase, values: Mapping[str, Any]
) -> CursorResult[Any]:
    """Run a statement of tables, not of classes, for a third of what `session.execute` takes.

    Loaded objects are not written before it, and do not learn of it.
    """
    connection = session.bind if isinstance(session.bind, Connection) else session.connection()
    result = connection.execute(statement, values)
    if isinstance(statement, UpdateBase):
        _mark_changed(session, result)
    return result


def affected(session: Session, change: UpdateBase, values: Mapping[str, Any] | None = None) -> int:
    """Run a conditional UPDATE or DELETE and give the number of rows it met: its condition is the guard.

    Args:
        values: of its bound parameters. A change of a table, not of a class, is not seen by loaded objects.
    """
    result = session.execute(change, values, execution_options={"synchronize_session": "fetch"})
    return cast("CursorResult[Any]", result).rowcount


def load_by_name(session: Session, table: type[_Row], names: Iterable[str]) -> dict[str, _Row]:
    """The rows with these primary keys, a few hundred a query; names without a row are left out."""
    wanted = [name for name in names if "\0" not in name]  # no row has such a one, and PostgreSQL takes none
    column = inspect(table).primary_key[0]
    found: dict[str, _Row] = {}
    for start in range(0, len(wanted), NAMES_A_QUERY):
        query = select(table).where(column.in_(wanted[start : start + NAMES_A_QUERY]))
        found |= {getattr(row, column.name): row for row in session.scalars(query)}
    return found


class _Audited(Session):
    """A session that refuses to commit changes without an audit row (`audit.record` sets the mark)."""


@event.listens_for(_Audited, "after_flush")
def _flushed(session: Session, _context: object) -> None:
    if session.new or session.dirty or session.deleted:
        session.info["changed"] = True


@event.listens_for(_Audited, "do_orm_execute")
def _executed(state: ORMExecuteState) -> Result[Any] | None:
    if not (state.is_insert or state.is_update or state.is_delete):
        return None
    result = state.invoke_statement()
    _mark_changed(state.session, result)
    return result


def _mark_changed(session: Session, result: Result[Any]) -> None:
    if cast("CursorResult[Any]", result).rowcount != 0:  # a condition that met no row changed nothing
        session.info["changed"] = True


@event.listens_for(_Audited, "before_commit")
def _committing(session: Session) -> None:
    session.flush()
    if session.info.get("changed") and not session.info.get("audited"):
        raise UnauditedChange("records were changed without an audit row")
