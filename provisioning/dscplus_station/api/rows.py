"""Short work on the database: whatever came while the last row was done is done in a row, by one thread.

A thread for each request costs a login more than its work there, and a commit of its own waits for the disk.
"""

import asyncio
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, ParamSpec, TypeVar, cast

from dscplus_station.db import Database
from dscplus_station.errors import DatabaseFailed

_Given = TypeVar("_Given")
_Arguments = ParamSpec("_Arguments")
_Answer = asyncio.Future[Any]


WAIT_SECONDS = 10
"""How long one waits to be begun: a row takes milliseconds. A database that does not answer lets each that is
begun wait for a connection, in turn; without this bound the last one would wait for all of them."""


class InRows:
    """Does functions in the order in which they came, in a thread of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: deque[tuple[_Answer, Callable[[], Any]]] = deque()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="in-rows")
        self._thread.submit(int).result()  # now, or nothing is served: later, the first row would not end
        self._one_at_a_time = threading.Lock()

    async def do(
        self, function: Callable[_Arguments, _Given], *arguments: _Arguments.args, **named: _Arguments.kwargs
    ) -> _Given:
        """What a function gives or raises, once it is on the disk.

        Args:
            function: short, since others wait behind it; it does not read outside `Database.writing` what it
                wrote there.

        Raises:
            DatabaseFailed: those before it took too long, and it was not begun.
        """
        answer = asyncio.get_running_loop().create_future()
        piece = partial(_in_time, time.monotonic() + WAIT_SECONDS, partial(function, *arguments, **named))
        self._waiting.append((answer, piece))
        self._begin()
        return cast("_Given", await answer)

    def _begin(self) -> None:
        """Begin a row, unless one is being done: its end begins the next one, of all who came meanwhile."""
        if self._waiting and self._one_at_a_time.acquire(blocking=False):
            self._thread.submit(self._do_row)

    def _do_row(self) -> None:
        row = []
        while self._waiting:
            row.append(self._waiting.popleft())
        try:
            given: Sequence[Any] = self._database.in_a_row([piece for _, piece in row])
        except BaseException as failure:  # noqa: BLE001 (or they would wait for ever)
            given = [failure] * len(row)
        by_loop = defaultdict(list)
        for (answer, _), one in zip(row, given, strict=True):
            by_loop[answer.get_loop()].append((answer, one))
        self._one_at_a_time.release()
        for loop, told in by_loop.items():
            try:
                loop.call_soon_threadsafe(self._tell, told)
            except RuntimeError:  # the loop is closed: whoever asked has gone
                self._begin()

    def _tell(self, told: Sequence[tuple[_Answer, Any]]) -> None:
        self._begin()
        for answer, given in told:
            if answer.done():  # whoever asked has gone
                continue
            if isinstance(given, StopIteration):  # which no answer can be
                answer.set_exception(RuntimeError("a function ended by StopIteration"))
            elif isinstance(given, BaseException):
                answer.set_exception(given)
            else:
                answer.set_result(given)


def _in_time(latest: float, function: Callable[[], _Given]) -> _Given:
    if time.monotonic() > latest:
        raise DatabaseFailed("the station's database: too many wait for it; try again. Nothing was changed.")
    return function()
