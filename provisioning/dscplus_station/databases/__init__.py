"""The kinds of database that the records can be in: what differs between them, and nothing else.

`sqlite` and `postgresql` are of one form, `Kind`; `db.Database` picks one by its URL.
"""

from contextlib import AbstractContextManager
from typing import Any, Protocol

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

KEPT_OPEN = 40
"""Connections that a process keeps once it has needed them: as many as there are threads that serve requests.

A thread that reads has one, and none has two. One that waits for its turn to write has none yet (`turns`): of
all writers of a process, one has a connection, and waits on it for those of other processes.
"""
BESIDE = 10
"""Connections beyond them, closed after use: a job has one for its lock and one for its work, a slot one,
the threads of the API's rows one each."""


class Kind(Protocol):
    """What each module here offers."""

    @property
    def WRITING(self) -> dict[str, Any]:  # noqa: N802 (a module's constant)
        """Execution options of a writer's connection."""

    def open_engine(self, url: str, busy_timeout_ms: int) -> Engine:
        """An engine whose writers take the write lock when they begin, or wait for it that long."""

    def begin_migrating(self, connection: Connection) -> None:
        """What a transaction needs in which the schema changes."""

    def is_whole(self, connection: Connection) -> bool:
        """Whether a transaction that was begun is still open, and no statement in it failed for good."""

    def check(self, connection: Connection) -> None:
        """Check that the database keeps texts as the records rely on."""

    def owned(self, engine: Engine, name: str) -> AbstractContextManager[bool]:
        """Own a job among all who share the database; False if another of them owns it."""

    def reason(self, error: DBAPIError) -> str | None:
        """What the machine's trouble is, and what to do; None for what is the service's to understand."""

    def is_lost(self, error: DBAPIError) -> bool:
        """Whether the connection ended: what was asked last may have been done."""
