"""What requests have done in rows: in order, in one thread, and nobody waits for ever."""

import asyncio
import threading

import pytest
from anyio.from_thread import start_blocking_portal

from dscplus_station.api import rows as module
from dscplus_station.api.rows import InRows
from dscplus_station.errors import DatabaseFailed

PATIENCE = 20
"""Seconds."""


class Rows:
    """Stands for the database: notes each row, and holds the first one up until it is let go."""

    def __init__(self):
        self.rows = []
        self.threads = set()
        self.first_came, self.go_on = threading.Event(), threading.Event()

    def in_a_row(self, pieces):
        self.rows.append(len(pieces))
        self.threads.add(threading.current_thread())
        self.first_came.set()
        assert self.go_on.wait(PATIENCE)
        return [_given(piece) for piece in pieces]


def _given(piece):
    try:
        return piece()
    except Exception as error:  # noqa: BLE001 - as the database does
        return error


def refuse():
    raise ValueError("no")


@pytest.fixture
def database():
    return Rows()


@pytest.fixture
def loop():
    with start_blocking_portal() as portal:
        yield portal


def test_what_comes_while_a_row_is_done_is_the_next_row_in_its_order(database, loop):
    rows, order = InRows(database), []

    async def all_of_them():
        first = asyncio.create_task(rows.do(order.append, 0))
        await asyncio.to_thread(database.first_came.wait, PATIENCE)
        others = [asyncio.create_task(rows.do(order.append, number)) for number in range(1, 6)]
        await asyncio.sleep(0)
        database.go_on.set()
        await asyncio.wait_for(asyncio.gather(first, *others), PATIENCE)

    loop.call(all_of_them)
    assert database.rows == [1, 5]
    assert order == list(range(6))
    assert len(database.threads) == 1


def test_each_hears_what_its_own_function_gave_or_raised(database, loop):
    rows = InRows(database)
    database.go_on.set()

    async def all_of_them():
        return await asyncio.gather(rows.do(divmod, 7, 2), rows.do(refuse), return_exceptions=True)

    given, raised = loop.call(all_of_them)
    assert given == (3, 1)
    assert isinstance(raised, ValueError)


def test_a_function_that_no_answer_can_tell_of_keeps_nobody_waiting(database, loop):
    rows = InRows(database)
    database.go_on.set()

    async def both():
        asked = rows.do(next, iter(())), rows.do(divmod, 7, 2)
        return await asyncio.wait_for(asyncio.gather(*asked, return_exceptions=True), PATIENCE)

    raised, given = loop.call(both)
    assert isinstance(raised, RuntimeError) and given == (3, 1)
    assert loop.call(rows.do, divmod, 9, 2) == (4, 1)


def test_whoever_goes_takes_nobody_along(database, loop):
    rows, done = InRows(database), []

    async def one_goes():
        stays = asyncio.create_task(rows.do(done.append, "stays"))
        await asyncio.to_thread(database.first_came.wait, PATIENCE)
        goes, after = (asyncio.create_task(rows.do(done.append, name)) for name in ("goes", "after"))
        await asyncio.sleep(0)
        goes.cancel()
        database.go_on.set()
        await asyncio.wait_for(asyncio.gather(stays, after), PATIENCE)
        assert goes.cancelled()

    loop.call(one_goes)
    assert done == ["stays", "goes", "after"]


def test_a_row_that_fails_as_a_whole_is_told_to_all_in_it(database, loop, monkeypatch):
    def fails(_pieces):
        raise MemoryError

    rows = InRows(database)
    monkeypatch.setattr(database, "in_a_row", fails)

    async def two():
        return await asyncio.wait_for(
            asyncio.gather(rows.do(divmod, 7, 2), rows.do(divmod, 7, 2), return_exceptions=True), PATIENCE
        )

    assert [type(told) for told in loop.call(two)] == [MemoryError] * 2


def test_a_loop_that_is_closed_meanwhile_keeps_no_other_from_its_answers(database, loop):
    rows = InRows(database)

    async def ask_and_go():
        asking = asyncio.create_task(rows.do(divmod, 7, 2))
        await asyncio.sleep(0)
        asking.cancel()

    with start_blocking_portal() as elsewhere:
        elsewhere.call(ask_and_go)
        assert database.first_came.wait(PATIENCE)
        elsewhere.call(ask_and_go)
    waiting = loop.start_task_soon(rows.do, divmod, 9, 2)
    database.go_on.set()
    assert waiting.result(PATIENCE) == (4, 1)


def test_whoever_waited_for_too_long_is_told_so_and_not_begun(database, loop, monkeypatch):
    """As behind a database that answers nobody: else the last one waits for all before it."""
    rows, begun = InRows(database), []

    async def one_waits():
        first = asyncio.create_task(rows.do(begun.append, "first"))
        await asyncio.to_thread(database.first_came.wait, PATIENCE)
        monkeypatch.setattr(module, "WAIT_SECONDS", -1)
        late = asyncio.create_task(rows.do(begun.append, "late"))
        await asyncio.sleep(0)
        database.go_on.set()
        return await asyncio.wait_for(asyncio.gather(first, late, return_exceptions=True), PATIENCE)

    _, told = loop.call(one_waits)
    assert isinstance(told, DatabaseFailed) and "try again. Nothing was changed" in str(told)
    assert begun == ["first"]
