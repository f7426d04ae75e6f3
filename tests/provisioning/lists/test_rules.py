"""What is asked of a list: whatever it is, it is understood or refused in one line; so is a forged place."""

import base64
import json
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dscplus_station.errors import BadInput
from dscplus_station.lists.rules import (
    MAX_ROWS,
    Way,
    read_cursor,
    read_day,
    read_view,
    write_cursor,
    write_view,
)
from dscplus_station.lists.service import LISTINGS, look

SHAPES = {name: listing.shape for name, listing in LISTINGS.items()}
NAMES = sorted(SHAPES)
PARTS = st.sampled_from(
    ["q", "by", "sort", "from", "to", "rows", "after", "before", "state", "batch", "kind", "carrier", "odd"]
)
NASTY = st.one_of(
    st.text(max_size=80),
    st.text(alphabet="%_*[]'\";\\\0\n\r\t‮", max_size=10),
    st.sampled_from(["", " ", "0", "-1", "1e9", "9" * 400, "x" * 5000, "\x00", "\ud800", "😀"]),
    st.sampled_from(["serial", "-serial", "--serial", "user", "changed", "SHIPPED", "B1", "2026-02-30"]),
    st.sampled_from(["0001-01-01", "9999-12-31", "١٢", "²", "eyJ9", "W10", "bnVsbA", "MQ", "=", "-_-_"]),
)


def one_line(error):
    return "\n" not in str(error) and len(str(error)) < 400 and str(error).isprintable()


@given(st.sampled_from(NAMES), st.dictionaries(PARTS, NASTY, max_size=6))
@example("cards", {"after": "W1tbW1tbW1tbW1tbW10"})
@example("cards", {"q": "%", "by": "serial", "state": "SHIPPED"})
def test_whatever_is_asked_is_understood_or_refused_in_one_line(name, asked):
    try:
        view = read_view(SHAPES[name], asked)
    except BadInput as error:
        assert one_line(error), error
    else:
        if view.place is None:
            assert read_view(SHAPES[name], write_view(SHAPES[name], view)) == view


@given(name=st.sampled_from(NAMES), asked=st.dictionaries(PARTS, NASTY, max_size=5))
def test_whatever_is_asked_the_database_answers_or_it_is_one_line(full, everybody, name, asked):
    try:
        look(full, everybody, LISTINGS[name], asked)
    except BadInput as error:
        assert one_line(error), error


KEYS = {
    str: st.text(max_size=60).filter(str.isprintable),
    int: st.integers(0, 2**63 - 1),
    date: st.dates(),
    datetime: st.integers(0, 2**57).map(
        lambda n: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=n)
    ),
}


@given(data=st.data(), name=st.sampled_from(NAMES))
def test_a_place_comes_back_as_it_was_written(data, name):
    shape = SHAPES[name]
    sort = data.draw(st.sampled_from(sorted(shape.sorts)))
    view = read_view(shape, {"sort": sort})
    keys = tuple(data.draw(KEYS[kind]) for kind in view.way(shape).kinds)
    cursor = write_cursor(shape, view, keys)
    assert read_cursor(shape, view, cursor) == keys
    with pytest.raises(BadInput):
        read_cursor(shape, read_view(shape, {"sort": f"-{sort}"}), cursor)
    for other in NAMES:
        if other != name:
            with pytest.raises(BadInput):
                read_cursor(SHAPES[other], read_view(SHAPES[other], {}), cursor)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
)


@given(st.lists(JSON, max_size=4), st.sampled_from(NAMES))
def test_a_forged_place_is_refused_or_only_another_place(full, everybody, content, name):
    shape = SHAPES[name]
    view = read_view(shape, {})
    sort = f"-{view.sort}" if view.descending else view.sort
    forged = base64.urlsafe_b64encode(json.dumps([name, sort, *content]).encode()).rstrip(b"=").decode()
    try:
        page = look(full, everybody, LISTINGS[name], {"after": forged})
    except BadInput as error:
        assert one_line(error)
    else:
        assert len(content) == len(view.way(shape).kinds)
        assert all(type(key) in (str, int) for key in content)
        assert len(page.rows) <= 50


@given(st.text(max_size=40))
def test_a_spoilt_place_is_refused(junk):
    shape = SHAPES["cards"]
    view = read_view(shape, {})
    cursor = write_cursor(shape, view, ("0000000018",))
    if junk:
        with pytest.raises(BadInput, match="begin at its first page"):
            read_cursor(shape, view, cursor[: len(cursor) // 2] + "!" + junk)


@pytest.mark.parametrize("rows", ["0", "-1", str(MAX_ROWS + 1), "1.5", "1e3", "٥", "9" * 50, "true"])
def test_silly_sizes_of_a_page_are_refused(rows):
    with pytest.raises(BadInput, match=f"1 to {MAX_ROWS} rows"):
        read_view(SHAPES["cards"], {"rows": rows})


@pytest.mark.parametrize(
    ("name", "asked", "told"),
    [
        ("cards", {"colour": "red"}, "nothing is called 'colour'"),
        ("cards", {"state": "GONE"}, "no state is called 'GONE'"),
        ("cards", {"sort": "user"}, "no sort is called 'user'"),
        ("cards", {"q": "x", "by": "name"}, "no by is called 'name'"),
        ("cards", {"q": "x", "sort": "serial"}, "leave the sort out"),
        ("cards", {"q": "x", "by": "user", "batch": "B1"}, "leave the filters out"),
        ("cards", {"sort": "changed", "batch": "B1"}, "filter by state"),
        ("cards", {"sort": "serial", "from": "2026-11-22"}, "leave from and to out"),
        ("cards", {"from": "2026-11-23", "to": "2026-11-22"}, "turn them round"),
        ("cards", {"after": "x", "before": "y"}, "not both"),
        ("cards", {"q": "x", "after": "y"}, "add by"),
        ("audit", {"operator": "a", "action": "b"}, "action or operator"),
        ("cards", {"q": "x" * 61}, "1 to 60 printable"),
    ],
)
def test_a_refusal_says_what_goes(name, asked, told):
    with pytest.raises(BadInput, match=told) as refusal:
        read_view(SHAPES[name], asked)
    assert str(refusal.value).startswith(name)


def test_days_choose_a_sort_that_has_days():
    view = read_view(SHAPES["cards"], {"from": "2026-11-22"})
    assert (view.sort, view.descending) == ("changed", True)


@pytest.mark.parametrize("value", ["", "x", "1999-12-31", "3000-01-01", "2026-11-22T00:00"])
def test_a_day_is_a_day_between_the_ends(value):
    with pytest.raises(BadInput, match="is no day"):
        read_day("day", "on", value)


def test_a_way_takes_no_filter_unless_it_says_so():
    assert Way((str,)).combinations == {frozenset()}
