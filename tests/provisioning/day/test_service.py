"""The day's picture out of real records: by indexes, for those who may, in the issuer's day."""

from datetime import date, timedelta

import pytest

from dscplus_station.actor import Actor, Role
from dscplus_station.day.service import picture_of
from dscplus_station.errors import NotPermitted
from tests.provisioning.support import CARDS, order_values
from tests.provisioning.test_overview import queries


def test_the_day_counts_what_was_done_and_what_is_due(world):
    world.stock(3)
    world.shipped("O-1", CARDS[0])
    world.at(hours=2)
    world.place(order_values("O-2", user="bob"))
    world.secure("O-2", CARDS[1])
    found = picture_of(world.station, world.actor)
    assert (found.day, found.completed) == (date(2026, 11, 22), 2)
    assert [(one.begins, one.cards) for one in found.hours if one.cards] == [("10:00", 1), ("12:00", 1)]
    assert [(one.day, one.cards) for one in found.due if one.cards] == [(date(2026, 12, 6), 1)]
    world.at(days=15)
    later = picture_of(world.station, world.actor)
    assert (later.completed, later.overdue) == (0, 1)
    assert picture_of(world.station, world.actor, found.day).completed == 2


def test_late_in_the_evening_it_is_still_the_issuers_day(world):
    """04:30 UTC is 23:30 of the day before in New York."""
    world.stock(1)
    world.at(hours=13, minutes=30)
    world.place(order_values())
    world.secure()
    found = picture_of(world.station, world.actor)
    assert (found.day, found.completed, found.hours[-1].cards) == (date(2026, 11, 22), 1, 1)
    world.at(minutes=30)
    assert picture_of(world.station, world.actor).day == date(2026, 11, 23)


def test_nobody_sees_a_day_to_come_or_without_a_role(world):
    with pytest.raises(NotPermitted, match="still to come"):
        picture_of(world.station, world.actor, world.station.today() + timedelta(days=1))
    with pytest.raises(NotPermitted, match="look at the day's picture"):
        picture_of(world.station, Actor("cleo", frozenset({Role.COMPLIANCE}), "bench-1"))


@pytest.mark.sqlite
def test_a_day_among_many_is_found_by_indexes(world):
    world.stock(2)
    world.shipped()
    with queries(world) as seen:
        picture_of(world.station, world.actor)
    assert len(seen) >= 4
    with world.station.database.engine.connect() as connection:
        for query, parameters in seen:
            plan = connection.exec_driver_sql("EXPLAIN QUERY PLAN " + query, parameters).all()
            assert not [row for row in plan if row[-1].startswith("SCAN")], (query, plan)


def test_the_command_tells_it_in_words_and_as_json(bench):
    assert "0 cards" in bench.run("day").stdout
    document = bench.json("day", "--on", "2026-11-20")
    assert (document["day"], document["completed"], len(document["due"])) == ("2026-11-20", 0, 21)
    assert document["first_pass"] == {"verdicts": 0, "first_pass": 0, "share": None}
    bench.run("day", "--on", "yesterday", code=2)
