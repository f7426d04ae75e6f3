"""Writers of one process take turns, and share what is dear: bringing a commit to the disk.

The database has one writer at a time. Whoever finds nobody waiting when its work is done commits. Whoever
finds somebody leaves the transaction to the next one, who goes on in it, within a savepoint of its own: one
commit then serves all who came while the one before it was under way. Nobody's turn is over before that
commit is on the disk, so that what a writer tells is durable; and if it fails, it fails for all who share it.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.orm import Session

MAX_SHARING = 32
"""How many writers share a commit at most: the first one waits for the last one's work."""

_Given = TypeVar("_Given")


class TurnTimeout(Exception):
    """Another writer of this process did not end in time. Nothing was begun."""


class CommitFailed(Exception):
    """The transaction was not committed.

    Args:
        cause: why not: the commit's own failure, or that of another writer whose work was in it, too; None if
            the database ended the transaction without a word of it.
        at_the_end: whether it was the commit itself that failed.
    """

    def __init__(self, cause: DBAPIError | None, *, at_the_end: bool) -> None:
        super().__init__()
        self.cause = cause
        self.at_the_end = at_the_end


class CommitTimeout(Exception):
    """The writers that share the commit did not end in time: nobody knows whether it will be."""


class _Shared:
    """A transaction that writers share until it is on the disk, or rolled back."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.members = 0
        self.broken = False
        self.cause: DBAPIError | None = None
        self.failure: BaseException | None = None
        self.over = threading.Event()


class _Row(threading.local):
    """Pieces of work that a thread does in a row (`Turns.in_a_row`)."""

    open: _Shared | None = None
    """The transaction that goes on from piece to piece; the turn is this thread's meanwhile."""
    used: list[_Shared] | None = None
    """What the present piece is in; None: there is no row."""


class Turns:
    """The turns of one process's writers.

    Args:
        begin: opens a connection, and takes the write lock.
        is_whole: whether that transaction is still open and can be committed.
        seconds: how long a writer waits for its turn, and for the others' after it.
    """

    def __init__(
        self, begin: Callable[[], Connection], is_whole: Callable[[Connection], bool], seconds: float
    ) -> None:
        self._begin = begin
        self._is_whole = is_whole
        self._seconds = seconds
        self._turn = threading.Lock()
        self._counting = threading.Lock()
        self._waiting = 0
        self._shared: _Shared | None = None
        self._row = _Row()

    def in_a_row(self, pieces: Sequence[Callable[[], _Given]]) -> list[_Given | BaseException]:
        """Do pieces of work in this thread, each with turns of its own, all of which end as one: one commit.

        Within its turn a piece sees what those before it wrote; outside, it does not see even its own.

        Returns:
            What each gave or raised, in order, on the disk now; or what `turn` raises if it is not.
        """
        row, done = self._row, []
        try:
            for piece in pieces:
                used: list[_Shared] = []
                row.used = used
                given: _Given | BaseException
                try:
                    given = piece()
                except Exception as error:  # noqa: BLE001 (handed to whoever asked for the piece)
                    given = error
                done.append((given, used))
        finally:
            row.used = None
            if row.open is not None:
                last, row.open = row.open, None
                with suppress(CommitTimeout):  # told to those whom it concerns
                    self._hand_on(last)
        return [_after(given, used) for given, used in done]

    @contextmanager
    def turn(self, kind: type[Session]) -> Iterator[Session]:
        """One writer's work in a session of a kind: on the disk when this ends, or rolled back.

        Raises:
            TurnTimeout, CommitFailed, CommitTimeout: as they say.
            DBAPIError: a statement of its own failed.
        """
        shared = self._take()
        try:
            with kind(
                shared.connection, expire_on_commit=False, join_transaction_mode="create_savepoint"
            ) as session:
                session.connection()
                yield session
                session.commit()
        except Exception as error:
            if isinstance(error, DBAPIError) and not isinstance(error, IntegrityError | DataError):
                shared.broken, shared.cause = True, error  # its savepoint may not be undone
            self._hand_on(shared)
            if shared.cause is error and self._row.used is not None:
                self._row.used.remove(shared)  # its own failure is what it hears of
            if shared.failure is None or shared.cause is error:
                raise
            raise shared.failure from error  # a refusal may rest on what another did, and is undone now
        except BaseException:
            self._hand_on(shared)
            raise
        self._hand_on(shared)
        if shared.failure is not None:
            raise shared.failure

    def _take(self) -> _Shared:
        shared = self._row.open or self._wait_for_it()
        shared.members += 1
        if self._row.used is not None:
            self._row.open = shared
            if shared not in self._row.used:
                self._row.used.append(shared)
        return shared

    def _wait_for_it(self) -> _Shared:
        """The turn, and the transaction that the one before left open, or another one."""
        with self._counting:
            self._waiting += 1
        taken = False
        try:
            taken = self._turn.acquire(timeout=self._seconds)
        finally:
            with self._counting:
                self._waiting -= 1
            if not taken:
                self._leave_nothing_open()
        if not taken:
            raise TurnTimeout
        try:
            if self._shared is None:
                self._shared = _Shared(self._begin())
            return self._shared
        except BaseException:
            self._turn.release()
            raise

    def _hand_on(self, shared: _Shared) -> None:
        """End the turn, and with it the transaction, unless somebody goes on in it; wait for its end."""
        # An error may have ended the transaction, savepoints and all: what comes next would stand alone.
        if not shared.broken and not self._is_whole(shared.connection):
            shared.broken = True
        if self._row.open is shared:
            if not shared.broken and shared.members < MAX_SHARING:
                return
            self._row.open = None
        if shared.broken or shared.members >= MAX_SHARING or not self._left_to_another():
            self._end_turn(shared)
        if not shared.over.wait(self._seconds):
            raise CommitTimeout

    def _left_to_another(self) -> bool:
        """Release the turn if somebody waits for it; in one step, so that nobody gives up in between."""
        with self._counting:
            if self._waiting:
                self._turn.release()
            return bool(self._waiting)

    def _leave_nothing_open(self) -> None:
        """Whoever had the turn may have relied on one who gives up now."""
        if not self._turn.acquire(blocking=False):
            return
        if self._shared is None:
            self._turn.release()
        elif not self._left_to_another():
            self._end_turn(self._shared)

    def _end_turn(self, shared: _Shared) -> None:
        try:
            self._end(shared)
        finally:
            self._turn.release()

    def _end(self, shared: _Shared) -> None:
        """Commit, or after a failure roll back; all who share it learn how that went."""
        self._shared = None
        try:
            with shared.connection as connection:
                if shared.broken:
                    shared.failure = CommitFailed(shared.cause, at_the_end=False)
                else:
                    _commit(connection)
        except DBAPIError as error:
            shared.failure = CommitFailed(error, at_the_end=True)
        except BaseException as error:
            shared.failure = error
            raise
        finally:
            shared.over.set()


def _commit(connection: Connection) -> None:
    try:
        connection.commit()
    except BaseException:
        connection.invalidate()  # closed, not pooled: the transaction may be open, with the write lock
        raise


def _after(given: _Given | BaseException, used: Sequence[_Shared]) -> _Given | BaseException:
    """What a piece of a row gave, unless a transaction that it was in was not committed."""
    for shared in used:
        if not shared.over.is_set():
            return CommitTimeout()
        if shared.failure is not None:
            return shared.failure
    return given
