"""Pages of lists: complete, in order, both ways, steady, and walked along an index whatever is asked."""

import dataclasses
import itertools

import pytest
from sqlalchemy import event, text

from dscplus_station.errors import BadInput
from dscplus_station.lists import walk
from dscplus_station.lists.cards import CardRow
from dscplus_station.lists.rules import write_view
from dscplus_station.lists.service import LISTINGS, look
from tests.provisioning.lists.conftest import CARDS

SAMPLES = {
    "state": {"cards": "SHIPPED", "orders": "FULFILLED", "quarantine": "open", "notices": "SENT"},
    "batch": {"cards": "B3"},
    "kind": {"orders": "replacement"},
    "carrier": {"shipments": "Sample Post"},
    "timer": {"shipments": "RUNNING"},
    "cause": {"quarantine": "BY_HAND"},
    "operator": {"audit": "oscar"},
    "action": {"audit": "stock.receive"},
}
BEGINNINGS = {"serial": "0000", "order": "O-0000", "user": "user", "tracking": "RR", "subject": "0000"}
DAYS = {"from": "2023-03-01", "to": "2024-06-30"}


def everything_askable():
    """Every sort both ways and every search, with each combination of filters and days that it takes."""
    for name, listing in LISTINGS.items():
        ways = [
            ({"sort": sign + sort}, trail.way) for sort, trail in listing.sorts.items() for sign in ("", "-")
        ]
        ways += [({"q": BEGINNINGS[by], "by": by}, trail.way) for by, trail in listing.searches.items()]
        for asked, way in ways:
            for filters in sorted(way.combinations, key=sorted):
                chosen = asked | {one: SAMPLES[one][name] for one in sorted(filters)}
                yield name, chosen
                if way.ranged:
                    yield name, chosen | DAYS


ASKABLE = list(everything_askable())


def asked_id(value):
    return value if isinstance(value, str) else "&".join(f"{k}={v}" for k, v in value.items())


def page(station, actor, name, asked):
    return look(station, actor, LISTINGS[name], asked)


def beside(name, view):
    return write_view(LISTINGS[name].shape, view)


@pytest.fixture
def statements(full):
    seen = []

    def listen(_connection, _cursor, statement, parameters, *_rest):
        if statement.startswith("SELECT"):
            seen.append((statement, parameters))

    event.listen(full.database.engine, "before_cursor_execute", listen)
    yield seen
    event.remove(full.database.engine, "before_cursor_execute", listen)


@pytest.mark.parametrize(("name", "asked"), ASKABLE, ids=asked_id)
def test_no_list_is_looked_through_or_sorted_whatever_is_asked(full, everybody, statements, name, asked):
    first = page(full, everybody, name, asked | {"rows": "4"})
    second = page(full, everybody, name, beside(name, first.next))
    page(full, everybody, name, beside(name, second.previous))
    assert len(statements) >= 9  # keys, facts, count: three pages
    with full.database.engine.connect() as connection:
        for statement, parameters in set(statements):
            explained = connection.exec_driver_sql("EXPLAIN QUERY PLAN " + statement, parameters)
            plan = [row[-1] for row in explained]
            for step in plan:
                assert not step.startswith("SCAN") or bounded(step, statement), (statement, plan)
                # Facts of a page's few rows may be sorted, and the shipments of one order; a list may not.
                few = "LIMIT" not in statement or step.endswith("FOR RIGHT PART OF ORDER BY")
                assert "TEMP B-TREE" not in step or few, (statement, plan)


def bounded(step, statement):
    """A scan of what a subquery gave; or one that is in order already, and ends at its LIMIT."""
    in_order = "USING COVERING INDEX" in step or "USING INDEX" in step
    by_number = step in ("SCAN delivery", "SCAN quarantine")
    return step == "SCAN anon_1" or ("LIMIT" in statement and (in_order or by_number))


@pytest.mark.parametrize(("name", "asked"), ASKABLE, ids=asked_id)
def test_a_page_of_four_times_as_many_cards_takes_as_many_steps(
    full, quarter, everybody, monkeypatch, name, asked
):
    """Steps of SQLite's virtual machine: they are the same on every machine, however busy it is."""
    monkeypatch.setattr(walk, "COUNTED", 2)
    monkeypatch.setattr(walk, "FOUND", 2)
    few, many = (steps_of_three_pages(station, everybody, name, asked) for station in (quarter, full))
    assert many <= few * 1.2


def steps_of_three_pages(station, actor, name, asked):
    """From the middle of the list, so that a walk from its beginning to there would be seen."""
    steps = 0

    def step():
        nonlocal steps
        steps += 1

    half = len(page(station, actor, name, asked | {"rows": "1000"}).rows) // 2
    first = page(station, actor, name, asked | {"rows": str(half)})
    at = beside(name, first.next) | {"rows": "1"}
    connection = station.database.engine.raw_connection()
    connection.driver_connection.set_progress_handler(step, 1)
    connection.close()
    try:
        here = page(station, actor, name, at)
        page(station, actor, name, beside(name, here.previous))
        page(station, actor, name, asked | {"rows": "1"})
    finally:
        connection = station.database.engine.raw_connection()
        connection.driver_connection.set_progress_handler(None, 1)
        connection.close()
    return steps


@pytest.mark.parametrize(("name", "asked"), ASKABLE, ids=asked_id)
def test_pages_give_every_row_once_in_order_and_the_same_backwards(full, everybody, name, asked):
    listing = LISTINGS[name]
    forward, at = [], asked | {"rows": "173"}
    while True:
        here = page(full, everybody, name, at)
        forward.append(here.rows)
        if here.next is None:
            break
        at = beside(name, here.next)
    rows = list(itertools.chain(*forward))
    assert len({dataclasses.astuple(row) for row in rows}) == len(rows)
    count = page(full, everybody, name, asked).count
    assert count.rows == len(rows) or (count.more and len(rows) > count.rows)
    assert rows, "a sample that meets nothing proves nothing"
    backward = [here.rows]
    while here.previous is not None:
        here = page(full, everybody, name, beside(name, here.previous))
        backward.insert(0, here.rows)
    assert list(itertools.chain(*backward)) == rows
    _holds(listing, asked, rows)


def _holds(listing, asked, rows):
    """Each row is what was asked for; and the rows are in the order of what they are sorted by."""
    for one in ("state", "batch", "kind", "carrier", "timer", "cause", "operator", "action"):
        if one in asked and asked[one] != "open":
            assert {str(getattr(row, one)) for row in rows} == {asked[one]}
    shown = {"order": "order", "serial": "serial_number"}
    if "q" in asked and hasattr(rows[0], shown.get(asked["by"], asked["by"])):
        field = shown.get(asked["by"], asked["by"])
        if listing.row is not CardRow or field == "serial_number":
            values = [getattr(row, field) for row in rows]
            assert all(value.startswith(asked["q"]) for value in values)
            assert values == sorted(values)
    if "q" in asked:
        return
    fields = {"changed": "changed_at", "placed": "placed_at", "shipped": "shipped_on", "at": "at"}
    fields |= {"due": "auto_activates_on", "opened": "opened_at", "queued": "queued_at"} | shown
    name = asked["sort"].removeprefix("-")
    if name in ("opened", "queued"):  # sorted by their numbers, which the sample's days do not follow
        return
    values = [getattr(row, fields[name]) for row in rows]
    assert values == sorted(values, reverse=asked["sort"].startswith("-"))


def test_all_cards_are_there(full, everybody):
    here = page(full, everybody, "cards", {})
    assert here.count.rows == CARDS
    assert (here.previous, len(here.rows)) == (None, 50)


def test_days_are_the_issuers_and_both_included(full, everybody):
    """The first moment of a day in New York is 04:00 or 05:00 UTC; 2023-03-12 has 23 hours."""
    day = {"sort": "changed", "from": "2023-03-12", "to": "2023-03-12", "rows": "1000"}
    rows = page(full, everybody, "cards", day).rows
    zone = full.settings.zone
    assert rows
    assert {row.changed_at.astimezone(zone).date().isoformat() for row in rows} == {"2023-03-12"}
    every = page(full, everybody, "cards", {"sort": "changed", "rows": "1000", "to": "2024-01-01"}).rows
    assert len(rows) == sum(
        row.changed_at.astimezone(zone).date().isoformat() == "2023-03-12" for row in every
    )


def test_rows_that_come_and_go_shift_nothing(own, everybody):
    """A place is made of keys: the next page begins where the last one ended."""
    asked = {"state": "BLANK", "rows": "20"}
    first = page(own, everybody, "cards", asked)
    expected = page(own, everybody, "cards", beside("cards", first.next)).rows
    gone = [row.serial_number for row in first.rows[::2]] + [first.rows[-1].serial_number]
    with own.database.engine.begin() as connection:
        for serial in gone:
            connection.execute(text("UPDATE card SET state = 'LOST' WHERE serial_number = :s"), {"s": serial})
    assert page(own, everybody, "cards", beside("cards", first.next)).rows == expected


def test_a_search_means_the_first_kind_that_meets_a_row_and_tells_of_the_others(full, everybody):
    here = page(full, everybody, "cards", {"q": "O-0000"})
    assert here.view.by == "order"
    assert here.found["serial"].rows == here.found["user"].rows == 0 < here.found["order"].rows
    nothing = page(full, everybody, "cards", {"q": "no such thing"})
    assert (nothing.rows, nothing.count.rows, nothing.next, nothing.previous) == ([], 0, None, None)


def test_a_search_that_is_found_elsewhere_takes_the_filters_of_its_way_only(full, everybody):
    asked = {"q": "0000", "state": "SHIPPED"}
    assert page(full, everybody, "cards", asked).view.by == "serial"
    with pytest.raises(BadInput, match="by order cannot be filtered by state: leave"):
        page(full, everybody, "cards", {"q": "O-0000", "state": "SHIPPED"})


@pytest.mark.parametrize("beginning", ["%", "_", "000_", "O-0000%", "user*", "[0-9]"])
def test_characters_of_patterns_are_characters_like_others(full, everybody, beginning):
    assert page(full, everybody, "cards", {"q": beginning}).rows == []


def test_a_place_beyond_the_days_is_refused(full, everybody):
    asked = {"sort": "-changed", "rows": "7"}
    first = page(full, everybody, "cards", asked)
    with pytest.raises(BadInput, match="begin at the first page"):
        page(full, everybody, "cards", beside("cards", first.next) | {"to": "2023-02-01"})
