"""Reports of orders and cards: what they say, and that their cost is a handful of queries."""

from contextlib import contextmanager

from sqlalchemy import event

from dscplus_station import overview
from dscplus_station.cancellation.service import cancel
from tests.provisioning.support import CARDS, order_values


@contextmanager
def queries(world):
    seen = []

    def listen(_connection, _cursor, statement, *_rest):
        seen.append(statement)

    engine = world.station.database.engine
    event.listen(engine, "before_cursor_execute", listen)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", listen)


def test_the_number_of_queries_does_not_grow_with_the_cards(world):
    world.stock(4)
    world.shipped("O-0", CARDS[0], user="user0")
    with queries(world) as few:
        overview.cards(world.station)
    for n in range(1, 4):
        world.shipped(f"O-{n}", CARDS[n], user=f"user{n}")
    with queries(world) as many:
        found = overview.cards(world.station)
    assert [card["user"] for card in found] == ["user0", "user1", "user2", "user3"]
    assert len(many) == len(few)


def test_one_card_is_found_by_an_index_in_every_table(world):
    world.stock()
    world.shipped()
    with queries(world) as seen:
        overview.cards(world.station, CARDS[0])
    of_one_card = [query for query in seen if "serial_number = ?" in query]
    assert len(of_one_card) == 7
    with world.station.database.engine.connect() as connection:
        for query in of_one_card:
            plan = connection.exec_driver_sql("EXPLAIN QUERY PLAN " + query, (CARDS[0],)).all()
            assert not [row for row in plan if row[-1].startswith("SCAN")], query


def test_a_card_shows_its_present_order_and_users_only(world):
    world.stock()
    world.place(order_values("O-1", user="alice"), order_values("O-2", user="bob"))
    world.secure("O-1")
    cancel(world.station, world.actor, "O-1")
    (card,) = overview.cards(world.station, CARDS[0])
    assert (card["order"], card["user"], card["assignment"]) == (None, None, None)
    world.secure("O-2")
    (card,) = overview.cards(world.station, CARDS[0])
    assert (card["order"], card["user"], card["assignment"]) == ("O-2", "bob", "PENDING")
    assert card["users"] == [{"user": "bob", "assignment": "PENDING"}]
    assert [(run["order"], run["result"]) for run in card["runs"]] == [
        ("O-1", "COMPLETED"),
        ("O-2", "COMPLETED"),
    ]
    assert [one["serial_number"] for one in overview.cards(world.station)] == [CARDS[0]]
