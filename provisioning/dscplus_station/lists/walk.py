"""Walks a list along an index: a page, the number of rows as far as it is counted, all rows in pieces.

Every query here reads as many index entries as it gives rows, from whatever place in a list of whatever
length: the place is a comparison of keys (a row value), never an offset. What a row shows is read afterwards,
for the rows of the page alone.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Any, Generic, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, FromClause, Select, func, literal_column, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from dscplus_station.actor import Role
from dscplus_station.clock import end_of_day
from dscplus_station.errors import BadInput
from dscplus_station.lists.rules import COUNTED, FOUND, Key, Place, Shape, View, Way, settle
from dscplus_station.station import Station
from dscplus_station.wording import words

Column = InstrumentedAttribute[Any]
Condition = ColumnElement[bool]
RowType = TypeVar("RowType")

PIECE = 500
"""Rows that are read at once for an export."""

_AFTER_ALL = "\U0010ffff"
"""No text that begins with a prefix comes after the prefix and this."""


@dataclass(frozen=True)
class Trail:
    """A way with its SQL.

    Args:
        keys: what it is sorted by; the columns of one index, behind those of the filters.
        row: names the row that is shown.
        source: where they are from, if that is more than the table of the keys.
        always: what holds for every row of it.
    """

    way: Way
    keys: tuple[Column, ...]
    row: Column
    source: FromClause | None = None
    always: tuple[Condition, ...] = ()


@dataclass(frozen=True)
class Listing(Generic[RowType]):
    """A list: what can be asked of it, how it is walked, and what it shows.

    Args:
        values: the values of each filter, None where any text may be one.
        conditions: each filter's condition for a value.
        facts: what the rows of these names show, in their order.
        columns: what a row has, in the order of an export.
        roles: who may look at it; one of them is enough.
    """

    name: str
    row: type[RowType]
    columns: tuple[str, ...]
    values: Mapping[str, frozenset[str] | None]
    conditions: Mapping[str, Callable[[str], Condition]]
    sorts: Mapping[str, Trail]
    searches: Mapping[str, Trail]
    facts: Callable[[Session, Station, Sequence[Any]], list[RowType]]
    roles: frozenset[Role]

    @cached_property
    def shape(self) -> Shape:
        """What can be asked of it."""
        return Shape(
            self.name,
            self.values,
            {name: trail.way for name, trail in self.sorts.items()},
            {name: trail.way for name, trail in self.searches.items()},
        )

    def trail(self, view: View) -> Trail:
        """The trail that a settled view takes."""
        return self.searches[view.by or ""] if view.search is not None else self.sorts[view.sort or ""]


@dataclass(frozen=True)
class Count:
    """How many rows there are, or that there are more than are counted."""

    rows: int
    more: bool


@dataclass(frozen=True)
class Page(Generic[RowType]):
    """A page of a list, with the views of the pages around it.

    `found`: for a search, how many rows each kind of search meets.
    """

    view: View
    rows: list[RowType]
    count: Count
    previous: View | None
    next: View | None
    found: Mapping[str, Count]


def read_page(session: Session, station: Station, listing: Listing[RowType], view: View) -> Page[RowType]:
    """The page of a view, as far as the rows that are there now.

    Raises:
        BadInput: a search that does not go with what else is asked; a place outside the range.
    """
    zone = station.settings.zone
    view, found = _settled(session, listing, view, zone)
    forward = view.place is None or view.place.after
    walked = session.execute(_walk(listing, view, zone, forward=forward).limit(view.rows + 1)).all()
    more, walked = len(walked) > view.rows, walked[: view.rows]
    walked = list(walked) if forward else list(reversed(walked))
    rows = listing.facts(session, station, [row[0] for row in walked])
    first, last = (tuple(walked[0][1:]), tuple(walked[-1][1:])) if walked else ((), ())
    has_next = bool(walked) and (more if forward else True)
    has_previous = bool(walked) and (view.place is not None if forward else more)
    return Page(
        view=view,
        rows=rows,
        count=count(session, listing, view, zone),
        previous=replace(view, place=Place(first, after=False)) if has_previous else None,
        next=replace(view, place=Place(last, after=True)) if has_next else None,
        found=found,
    )


def count(session: Session, listing: Listing[Any], view: View, zone: ZoneInfo) -> Count:
    """How many rows a settled view has on all its pages, counted as far as `COUNTED` or `FOUND`."""
    most = COUNTED if view.search is None else FOUND
    trail = listing.trail(view)
    low, high = _range(trail, view, zone)
    some = _query(listing, trail, view, literal_column("1")).where(*_within(trail, low, high)).limit(most + 1)
    number = session.scalar(select(func.count()).select_from(some.subquery())) or 0
    return Count(min(number, most), more=number > most)


def read_all(session: Session, station: Station, listing: Listing[RowType], view: View) -> Iterator[RowType]:
    """All rows of a view, from its beginning, read in pieces.

    Raises:
        BadInput: as for a page.
    """
    zone = station.settings.zone
    view = replace(_settled(session, listing, view, zone)[0], place=None, rows=PIECE)
    while True:
        walked = session.execute(_walk(listing, view, zone, forward=True).limit(PIECE)).all()
        yield from listing.facts(session, station, [row[0] for row in walked])
        if len(walked) < PIECE:
            return
        view = replace(view, place=Place(tuple(walked[-1][1:]), after=True))


def _settled(
    session: Session, listing: Listing[Any], view: View, zone: ZoneInfo
) -> tuple[View, Mapping[str, Count]]:
    """What is searched, if nobody said: the first that meets a row; with what the others would meet."""
    if view.search is None:
        return view, {}
    bare = replace(view, filters={}, since=None, until=None, place=None)
    found = {by: count(session, listing, replace(bare, by=by), zone) for by in listing.searches}
    if view.by is not None:
        return view, found
    by = next((by for by, met in found.items() if met.rows), next(iter(listing.searches)))
    return settle(listing.shape, view, by), found


def _walk(listing: Listing[Any], view: View, zone: ZoneInfo, *, forward: bool) -> Select[*tuple[Any, ...]]:
    """The names of the rows with their keys, from the view's place on, in one direction."""
    trail = listing.trail(view)
    low, high = _range(trail, view, zone)
    descending = view.descending is forward
    query = _query(listing, trail, view, trail.row, *trail.keys)
    if view.place is not None:
        keys = view.place.keys
        if (low is not None and keys[0] < low) or (high is not None and not keys[0] < high):  # type: ignore[operator]
            raise BadInput(
                "{name}: that place is not in what is asked: begin at the first page",
                name=words(listing.name),
            )
        here = tuple_(*trail.keys)
        if (
            descending
        ):  # the place is the nearer end of the range: two upper ends would keep the index from both
            high, query = None, query.where(here < keys)
        else:
            low, query = None, query.where(here > keys)
    order = [key.desc() if descending else key.asc() for key in trail.keys]
    return query.where(*_within(trail, low, high)).order_by(*order)


def _query(
    listing: Listing[Any], trail: Trail, view: View, *columns: ColumnElement[Any] | Column
) -> Select[*tuple[Any, ...]]:
    query = select(*columns).where(
        *trail.always, *(listing.conditions[name](value) for name, value in view.filters.items())
    )
    return query.select_from(trail.source if trail.source is not None else trail.keys[0].class_)


def _within(trail: Trail, low: Key | None, high: Key | None) -> list[Condition]:
    first = trail.keys[0]
    ends = (None if low is None else first >= low, None if high is None else first < high)
    return [end for end in ends if end is not None]


def _range(trail: Trail, view: View, zone: ZoneInfo) -> tuple[Key | None, Key | None]:
    """Where the first key lies: from the one on, before the other."""
    if view.search is not None:
        return view.search, view.search + _AFTER_ALL
    if trail.way.kinds[0] is date:
        return view.since, view.until + timedelta(days=1) if view.until else None
    return (
        datetime.combine(view.since, time.min, zone) if view.since else None,
        end_of_day(zone, view.until) if view.until else None,
    )
