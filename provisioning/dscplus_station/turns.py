"""Writers of one process take turns, and share what is dear: bringing a commit to the disk.

The database has one writer at a time. Whoever finds nobody waiting when its work is done commits. Whoever
finds somebody leaves the transaction to the next one, who goes on in it, within a savepoint of its own: one
commit then serves all who came while the one before it was under way. Nobody's turn is over before that
commit is on the disk, so that what a writer tells is durable; and if it fails, it fails for all who share it.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.orm import Session

MAX_SHARING = 32
"""How many writers share a commit at most: the first one waits for the last one's work."""


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
            self._shared.members += 1
            return self._shared
        except BaseException:
            self._turn.release()
            raise

    def _hand_on(self, shared: _Shared) -> None:
        """End the turn, and with it the transaction, unless somebody goes on in it; wait for its end."""
        # An error may have ended the transaction, savepoints and all: what comes next would stand alone.
        if not shared.broken and not self._is_whole(shared.connection):
            shared.broken = True
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
                    connection.commit()
        except DBAPIError as error:
            shared.failure = CommitFailed(error, at_the_end=True)
        except BaseException as error:
            shared.failure = error
            raise
        finally:
            shared.over.set()
