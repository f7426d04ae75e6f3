"""One card with what hangs on it: what is said, and that it is found by indexes."""

from contextlib import contextmanager

import pytest
from sqlalchemy import event

from dscplus_station import overview
from dscplus_station.cancellation.service import cancel
from tests.provisioning.support import CARDS, listed, order_values


@contextmanager
def queries(world):
    seen = []

    def listen(_connection, _cursor, statement, parameters, *_rest):
        if statement.startswith("SELECT"):
            seen.append((statement, parameters))

    engine = world.station.database.engine
    event.listen(engine, "before_cursor_execute", listen)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", listen)


@pytest.mark.sqlite
def test_one_card_is_found_by_an_index_in_every_table(world):
    world.stock()
    world.shipped()
    with queries(world) as seen:
        overview.card(world.station, CARDS[0])
    assert len(seen) >= 8
    with world.station.database.engine.connect() as connection:
        for query, parameters in seen:
            plan = connection.exec_driver_sql("EXPLAIN QUERY PLAN " + query, parameters).all()
            assert not [row for row in plan if row[-1].startswith("SCAN")], query


def test_a_card_shows_its_present_order_and_users_only(world):
    world.stock()
    world.place(order_values("O-1", user="alice"), order_values("O-2", user="bob"))
    world.secure("O-1")
    cancel(world.station, world.actor, "O-1")
    card = overview.card(world.station, CARDS[0])
    assert (card["order"], card["user"], card["assignment"]) == (None, None, None)
    world.secure("O-2")
    card = overview.card(world.station, CARDS[0])
    assert (card["order"], card["user"], card["assignment"]) == ("O-2", "bob", "PENDING")
    assert card["users"] == [{"user": "bob", "assignment": "PENDING"}]
    assert [(run["order"], run["result"]) for run in card["runs"]] == [
        ("O-1", "COMPLETED"),
        ("O-2", "COMPLETED"),
    ]
    (row,) = listed(world.station, "cards")
    assert (row["order"], row["user"], row["assignment"]) == ("O-2", "bob", "PENDING")
