"""What can be asked of a list, and the places in it: pure. Nothing here is trusted before it is checked.

A list is walked along an index, never looked through. So what can be asked together is what an index serves:
each `Way` names its sort keys, the filters that go with it, and whether a range of days or the beginning of a
text narrows its first key.
"""

import base64
import binascii
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from dscplus_station.errors import BadInput
from dscplus_station.wording import N_, joined, words

PAGE_ROWS = 50
"""Rows of a page, unless asked otherwise."""

MAX_ROWS = 1000
"""Rows of one page at most; an export gives all."""

COUNTED = 10_000
"""How far a list is counted: beyond it, "more than 10,000"."""

FOUND = 1_000
"""How far what a search meets is counted: who finds more than that types on."""

MAX_TEXT = 60
"""Characters of what is searched for: as long as the longest tracking number."""

MAX_CURSOR = 600
"""Characters of a place in a list, as it stands in an address."""

FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2999, 12, 31)
"""Days that can be asked for; so no arithmetic with time zones runs over."""

MAX_INTEGER = 2**63 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

Key = str | int | date | datetime
KeyKind = type[str] | type[int] | type[date] | type[datetime]


@dataclass(frozen=True)
class Way:
    """One way through a list: along an index, in the order of its keys, which are unique together.

    `combinations`: which filters an index takes together. `ranged`: a range of days narrows its first key.
    """

    kinds: tuple[KeyKind, ...]
    combinations: frozenset[frozenset[str]] = frozenset({frozenset()})
    ranged: bool = False
    newest_first: bool = False


@dataclass(frozen=True)
class Shape:
    """What can be asked of a list. A filter's values are named, or None where any text may be one.

    The first of `sorts` is the order in which the list is shown; the first of `searches` that meets a row is
    the one that is meant when nobody says.
    """

    name: str
    filters: Mapping[str, frozenset[str] | None]
    sorts: Mapping[str, Way]
    searches: Mapping[str, Way]


@dataclass(frozen=True)
class Place:
    """A place between two rows: the keys of the row next to it, and on which side of that row it lies."""

    keys: tuple[Key, ...]
    after: bool


@dataclass(frozen=True)
class View:
    """A whole view of a list: it stands in an address, and the same address shows the same view."""

    filters: Mapping[str, str]
    sort: str | None
    descending: bool
    search: str | None = None
    by: str | None = None
    since: date | None = None
    until: date | None = None
    rows: int = PAGE_ROWS
    place: Place | None = None

    def way(self, shape: Shape) -> Way:
        """The way that this view takes.

        Raises:
            KeyError: a search whose `by` was not settled.
        """
        return shape.searches[self.by or ""] if self.search is not None else shape.sorts[self.sort or ""]


def read_view(shape: Shape, asked: Mapping[str, str]) -> View:
    """A view from the parts of an address or the options of a command; empty ones count as absent.

    Raises:
        BadInput: what is asked for cannot be; told in one line, nothing long or unprintable is repeated.
    """
    given = {name: value.strip() for name, value in asked.items() if value.strip()}
    known = {"q", "by", "sort", "from", "to", "rows", "after", "before"} | shape.filters.keys()
    if unknown := sorted(given.keys() - known):
        raise BadInput(
            "{name}: nothing is called {asked}; there are {known}",
            name=words(shape.name),
            asked=_shown(unknown[0]),
            known=_words(known),
        )
    filters = {name: _filter(shape, name, given[name]) for name in shape.filters if name in given}
    search = _text(shape, "what is searched for", given["q"]) if "q" in given else None
    by = _one_of(shape, "by", given.get("by"), shape.searches) if search is not None else None
    sort, descending = _sort(shape, given.get("sort"), bool(search), ranged="from" in given or "to" in given)
    view = View(
        filters=filters,
        sort=sort,
        descending=descending,
        search=search,
        by=by,
        since=read_day(shape.name, "from", given.get("from")),
        until=read_day(shape.name, "to", given.get("to")),
        rows=_rows(shape, given.get("rows")),
    )
    if view.since is not None and view.until is not None and view.since > view.until:
        raise BadInput(
            "{name}: from {since} to {until} is no time: turn them round",
            name=words(shape.name),
            since=str(view.since),
            until=str(view.until),
        )
    if search is None or by is not None:
        _require_together(shape, view)
    if "after" in given and "before" in given:
        raise BadInput("{name}: a page lies after a place or before one, not both", name=words(shape.name))
    side = next((name for name in ("after", "before") if name in given), None)
    if side is None:
        return view
    if search is not None and by is None:
        raise BadInput("{name}: a place in a search needs what is searched: add by", name=words(shape.name))
    return replace(view, place=Place(read_cursor(shape, view, given[side]), after=side == "after"))


def settle(shape: Shape, view: View, by: str) -> View:
    """The view of a search, once it is known what is searched.

    Raises:
        BadInput: what else is asked does not go with it.
    """
    settled = replace(view, by=by)
    _require_together(shape, settled)
    return settled


def write_view(shape: Shape, view: View) -> dict[str, str]:
    """The parts of the address that shows this view: what is as usual is left out."""
    parts = dict(view.filters)
    if view.search is not None:
        parts["q"] = view.search
        if view.by is not None:
            parts["by"] = view.by
    elif view.sort is not None and (view.sort, view.descending) != _usual(shape):
        parts["sort"] = f"-{view.sort}" if view.descending else view.sort
    for name, day in (("from", view.since), ("to", view.until)):
        if day is not None:
            parts[name] = day.isoformat()
    if view.rows != PAGE_ROWS:
        parts["rows"] = str(view.rows)
    if view.place is not None:
        parts["after" if view.place.after else "before"] = write_cursor(shape, view, view.place.keys)
    return parts


def write_cursor(shape: Shape, view: View, keys: tuple[Key, ...]) -> str:
    """A place, opaque: the list, the order and the keys of the row at it; all of it is on the page, too."""
    content = json.dumps([shape.name, _order(view), *map(_plain, keys)], separators=(",", ":"))
    return base64.urlsafe_b64encode(content.encode("utf-8")).rstrip(b"=").decode("ascii")


def read_cursor(shape: Shape, view: View, cursor: str) -> tuple[Key, ...]:
    """The keys in a place. It holds no secret and opens nothing, so it is checked, not signed.

    Raises:
        BadInput: it was not made here, or for another list or order.
    """
    fault = BadInput(
        "{name}: that is no place in this list (any more): begin at its first page", name=words(shape.name)
    )
    if len(cursor) > MAX_CURSOR:
        raise fault
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        content = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (UnicodeError, binascii.Error, ValueError, RecursionError):
        raise fault from None
    kinds = view.way(shape).kinds
    if not isinstance(content, list) or content[:2] != [shape.name, _order(view)]:
        raise fault
    keys = tuple(_key(kind, value) for kind, value in zip(kinds, content[2:], strict=False))
    if len(content) != len(kinds) + 2 or None in keys:
        raise fault
    return tuple(key for key in keys if key is not None)


def _order(view: View) -> str:
    name = f"?{view.by}" if view.search is not None else str(view.sort)
    return f"-{name}" if view.descending else name


def _plain(key: Key) -> str | int:
    if isinstance(key, datetime):
        return (key - _EPOCH) // _MICROSECOND
    return key.toordinal() if isinstance(key, date) else key


def _key(kind: KeyKind, value: object) -> Key | None:
    """A key of a kind from its plain form, or None if it is none."""
    if kind is str:
        return (
            value if isinstance(value, str) and len(value) <= MAX_TEXT * 4 and value.isprintable() else None
        )
    if type(value) is not int or not 0 <= value <= MAX_INTEGER:
        return None
    try:
        if kind is datetime:
            return _EPOCH + value * _MICROSECOND
        return date.fromordinal(value) if kind is date else value
    except (OverflowError, ValueError):
        return None


# --- What is asked ------------------------------------------------------------------------------


def _usual(shape: Shape) -> tuple[str, bool]:
    name, way = next(iter(shape.sorts.items()))
    return name, way.newest_first


def _sort(shape: Shape, asked: str | None, searching: bool, *, ranged: bool) -> tuple[str | None, bool]:
    """The sort and whether it descends. A search has its own order; days sort by the day."""
    if searching:
        if asked is not None:
            raise BadInput(
                "{name}: what is found is sorted by what is searched: leave the sort out",
                name=words(shape.name),
            )
        return None, False
    if asked is None:
        if ranged:
            return next(
                ((n, way.newest_first) for n, way in shape.sorts.items() if way.ranged), _usual(shape)
            )
        return _usual(shape)
    name = _one_of(shape, "sort", asked.removeprefix("-"), shape.sorts)
    return name, asked.startswith("-")


def _require_together(shape: Shape, view: View) -> None:
    """Refuse what no index serves together."""
    way = view.way(shape)
    order = (
        words(N_("searched by {column}"), column=view.by)
        if view.search is not None
        else words(N_("sorted by {column}"), column=view.sort)
    )
    if (view.since or view.until) and not way.ranged:
        raise BadInput(
            "{name} {order} are not narrowed by days: leave from and to out",
            name=words(shape.name),
            order=order,
        )
    if frozenset(view.filters) in way.combinations:
        return
    served = [joined(names, N_(" with ")) for names in sorted(map(sorted, way.combinations)) if names]
    instead = (
        words(N_("filter by {filters}"), filters=joined(served, N_(" or ")))
        if served
        else words(N_("leave the filters out"))
    )
    raise BadInput(
        "{name} {order} cannot be filtered by {filters}: {instead}",
        name=words(shape.name),
        order=order,
        filters=joined(sorted(view.filters), N_(" with ")),
        instead=instead,
    )


def _filter(shape: Shape, name: str, value: str) -> str:
    values = shape.filters[name]
    return _text(shape, name, value) if values is None else _one_of(shape, name, value, values) or ""


def _one_of(shape: Shape, what: str, value: str | None, known: Collection[str]) -> str | None:
    if value is None or value in known:
        return value
    raise BadInput(
        "{name}: no {what} is called {asked}; there are {known}",
        name=words(shape.name),
        what=what,
        asked=_shown(value),
        known=_words(known),
    )


def _text(shape: Shape, what: str, value: str) -> str:
    if len(value) > MAX_TEXT or not value.isprintable():
        raise BadInput(
            "{name}: {what} has 1 to {most} printable characters",
            name=words(shape.name),
            what=what,
            most=MAX_TEXT,
        )
    return value


def read_day(of: str, what: str, value: str | None) -> date | None:
    """A day that was asked for, YYYY-MM-DD; None stays None.

    Raises:
        BadInput: it is none, or beyond `FIRST_DAY` and `LAST_DAY`.
    """
    if value is None:
        return None
    try:
        day = date.fromisoformat(value)
    except ValueError:
        day = None
    if day is None or not FIRST_DAY <= day <= LAST_DAY:
        raise BadInput("{of}: {what}: {asked} is no day: YYYY-MM-DD", of=of, what=what, asked=_shown(value))
    return day


def _rows(shape: Shape, value: str | None) -> int:
    if value is None:
        return PAGE_ROWS
    rows = int(value) if value.isascii() and value.isdigit() and len(value) <= len(str(MAX_ROWS)) else 0
    if not 1 <= rows <= MAX_ROWS:
        raise BadInput("{name}: a page has 1 to {most} rows", name=words(shape.name), most=MAX_ROWS)
    return rows


def _shown(value: str) -> str:
    """A value as it may be repeated: short, and on one line."""
    return repr(value if len(value) <= MAX_TEXT else value[:MAX_TEXT] + "…")


def _words(names: Collection[str]) -> str:
    return ", ".join(sorted(names))
