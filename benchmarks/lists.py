"""Pages of lists at ten thousand, a hundred thousand and a million cards: do they stay as quick?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count as counting

from dscplus_station.actor import ALL_ROLES, Actor
from dscplus_station.lists.rules import Key, read_view, write_cursor
from dscplus_station.lists.service import LISTINGS, look
from dscplus_station.opening import open_station
from dscplus_station.station import Station

from .bulk_cards import serial_of, user_of
from .bulk_stations import home_of
from .measure import SHORT_ROUNDS, Subject, interleave, ratios
from .records import Row, Section, at_most, duration

SIZES = (10_000, 100_000, 1_000_000)
FLAT = 1.5
ACTOR = Actor("bench", ALL_ROLES, "bench")

Asked = Callable[[int, int], dict[str, str]]
"""What is asked of a list: the n-th time, of so many cards."""


def _deep(n: int, cards: int) -> dict[str, str]:
    shape = LISTINGS["cards"].shape
    keys: tuple[Key, ...] = (serial_of(cards // 2 + n * 97 % (cards // 4)),)
    return {"sort": "serial", "after": write_cursor(shape, read_view(shape, {"sort": "serial"}), keys)}


PAGES: dict[str, tuple[str, Asked]] = {
    "cards, first page": ("cards", lambda _n, _cards: {}),
    "cards, a page in the middle": ("cards", _deep),
    "cards of a state, the last changed first": (
        "cards",
        lambda _n, _c: {"state": "LOST", "sort": "-changed"},
    ),
    "cards of a state and batch": ("cards", lambda n, _c: {"state": "SHIPPED", "batch": f"B{n % 20}"}),
    "cards by the beginning of a serial number": (
        "cards",
        lambda n, cards: {"q": serial_of(n * 97 % (cards - 200) + 100)[:8], "by": "serial"},
    ),
    "cards by a user": (
        "cards",
        lambda n, cards: {"q": user_of(n * 97 % cards + 1), "by": "user"},
    ),
    "orders, the last changed first": ("orders", lambda _n, _c: {}),
    "orders of a state and kind": ("orders", lambda _n, _c: {"state": "FULFILLED", "kind": "replacement"}),
    "shipments, the last first": ("shipments", lambda _n, _c: {}),
    "shipments by day of activation": ("shipments", lambda _n, _c: {"sort": "due", "timer": "RUNNING"}),
    "notices": ("notices", lambda _n, _c: {}),
    "the audit trail of a card": ("audit", lambda n, _c: {"q": serial_of(n * 97 % 9000 + 1)}),
}


def measure() -> Section:
    """Each page at each size, in turns; the ratio is to the smallest."""
    with ExitStack() as stack:
        stations = {size: stack.enter_context(_station(size)) for size in SIZES}
        subjects = [
            Subject(_name(page, size), _asking(station, page, size))
            for page in PAGES
            for size, station in stations.items()
        ]
        seconds = interleave(subjects, SHORT_ROUNDS)
    rows: list[Row] = []
    for page in PAGES:
        least = seconds[_name(page, SIZES[0])]
        for size in SIZES:
            values = seconds[_name(page, size)]
            if size == SIZES[0]:
                rows.append(duration(_name(page, size), values))
                continue
            goal = at_most(FLAT, ratios(values, least), f"≤ {FLAT} × {SIZES[0]:,} cards")
            rows.append(duration(f"  at {size:,}", values, {f"{SIZES[0]:,} cards": least}, goal))
    return Section("Pages of lists, 50 rows, counted", tuple(rows))


def _name(page: str, size: int) -> str:
    return f"{page}, of {size:,}"


def _asking(station: Station, page: str, size: int) -> Callable[[int], None]:
    name, asked = PAGES[page]
    turns = counting()

    def ask(times: int) -> None:
        for _ in range(times):
            look(station, ACTOR, LISTINGS[name], asked(next(turns), size))

    return ask


@contextmanager
def _station(cards: int) -> Iterator[Station]:
    station = open_station(home_of(cards))
    try:
        yield station
    finally:
        station.database.close()
