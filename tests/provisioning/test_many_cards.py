"""What is done to one card takes no longer the more cards there are: nothing is looked through.

Steps of SQLite's virtual machine are counted: they are the same on every machine, however busy it is.
"""

import re
import shutil
from contextlib import contextmanager

import pytest
from sqlalchemy import event

from benchmarks.activation import NOON, make_due
from benchmarks.bulk_records import fill
from dscplus_station.activation.daily import run_timers
from dscplus_station.actor import ALL_ROLES, Actor
from dscplus_station.home import Home
from dscplus_station.opening import open_station
from tests.provisioning.support import _template

FEW, MANY = 400, 1600
DUE, TOLD = 24, 8
CHANGED = ("SELECT", "UPDATE", "DELETE")


@pytest.fixture(scope="module")
def stations(tmp_path_factory):
    """One with few cards and one with four times as many; the timers of the same cards are due in both."""
    opened = []
    for cards in (FEW, MANY):
        home = Home(tmp_path_factory.mktemp(f"cards-{cards}") / "home")
        shutil.copytree(_template(False, "America/New_York"), home.path)
        fill(home.database_file, cards)
        make_due(home.database_file, DUE, TOLD, FEW)
        opened.append(open_station(home, lambda: NOON))
    yield opened
    for station in opened:
        station.database.close()


@contextmanager
def watched(station):
    """The statements that were executed, and how many steps they took."""
    seen, steps = {}, 0

    def step():
        nonlocal steps
        steps += 1

    def listen(_connection, _cursor, statement, parameters, *_rest):
        if statement.startswith(CHANGED):
            seen.setdefault(statement, parameters)

    def counting(handler):
        connection = station.database.engine.raw_connection()
        connection.driver_connection.set_progress_handler(handler, 1)
        connection.close()

    event.listen(station.database.engine, "before_cursor_execute", listen)
    counting(step)
    try:
        yield seen, lambda: steps
    finally:
        counting(None)
        event.remove(station.database.engine, "before_cursor_execute", listen)


def looked_through(station, statements):
    """The steps of plans that go through a whole table or index."""
    with station.database.engine.connect() as connection:
        for statement, parameters in statements.items():
            plan = connection.exec_driver_sql("EXPLAIN QUERY PLAN " + statement, parameters).all()
            yield from ((row[-1], statement) for row in plan if re.match(r"SCAN (?!CONSTANT)", row[-1]))


def test_r13_the_run_of_the_timers_looks_through_no_table_however_many_cards_there_are(stations):
    taken = []
    for station in stations:
        with watched(station) as (statements, steps):
            done = run_timers(station, Actor("olivia", ALL_ROLES, "bench-1"))
            taken.append(steps())
        assert (len(done.activated), len(done.announced), done.held_back) == (DUE, TOLD, [])
        assert len(statements) > 15
        assert list(looked_through(station, statements)) == []
    few, many = taken
    assert many <= few * 1.02, "the run works through what is not due"
