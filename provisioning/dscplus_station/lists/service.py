"""Looking at a list, and taking all of it along as CSV: guarded, and the latter on record."""

import csv
import io
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

from dscplus_station import audit
from dscplus_station.actor import Actor, Role
from dscplus_station.lists.cards import CARDS
from dscplus_station.lists.notices import NOTICES
from dscplus_station.lists.orders import ORDERS
from dscplus_station.lists.quarantine import QUARANTINE
from dscplus_station.lists.rules import read_view, write_view
from dscplus_station.lists.shipments import SHIPMENTS
from dscplus_station.lists.trail import AUDIT
from dscplus_station.lists.walk import Listing, Page, RowType, read_all, read_page
from dscplus_station.station import Station
from dscplus_station.wording import words

LISTINGS: dict[str, Listing[Any]] = {
    listing.name: listing for listing in (CARDS, ORDERS, SHIPMENTS, QUARANTINE, NOTICES, AUDIT)
}
"""Every list, by its name."""

EXPORT_ROLES = frozenset({Role.SUPERVISOR, Role.AUDIT})
"""Who may take a whole list along."""


def look(
    station: Station, actor: Actor, listing: Listing[RowType], asked: Mapping[str, str]
) -> Page[RowType]:
    """A page of a list.

    Args:
        asked: the parts of an address or the options of a command, as `rules.read_view` reads them.

    Raises:
        NotPermitted: the actor has none of the list's roles.
        BadInput: what is asked cannot be.
    """
    actor.require_one_of(listing.roles, words("look at the list of {list}", list=words(listing.name)))
    view = read_view(listing.shape, asked)
    with station.database.reading() as session:
        return read_page(session, station, listing, view)


def export(station: Station, actor: Actor, listing: Listing[Any], asked: Mapping[str, str]) -> Iterator[str]:
    """All rows of a view as the lines of a CSV file, the columns' names first; audited before the first one.

    The lines are one consistent view of the records, read in pieces while they are taken: whoever takes them
    slowly keeps that view open.

    Raises:
        NotPermitted: not a supervisor and not an auditor.
        BadInput: what is asked cannot be.
    """
    actor.require_one_of(listing.roles, words("look at the list of {list}", list=words(listing.name)))
    actor.require_one_of(EXPORT_ROLES, words("export the list of {list}", list=words(listing.name)))
    view = read_view(listing.shape, asked)
    with station.database.reading() as session:  # told now, not after the first line
        read_page(session, station, listing, view)
    with station.database.writing() as session:
        told: dict[str, audit.Detail] = {
            name: part for name, part in write_view(listing.shape, view).items() if name not in _OF_A_PAGE
        }
        audit.record(session, actor, station.now(), "lists.export", listing.name, **told)

    def lines() -> Iterator[str]:
        yield csv_line(listing.columns)
        with station.database.reading() as session:
            for row in read_all(session, station, listing, view):
                yield csv_line([getattr(row, column) for column in listing.columns])

    return lines()


_OF_A_PAGE = frozenset({"rows", "after", "before"})


def csv_line(values: list[Any] | tuple[str, ...]) -> str:
    """One line of CSV. A text that a spreadsheet would take for a formula gets an apostrophe in front."""
    line = io.StringIO()
    csv.writer(line).writerow([_cell(value) for value in values])
    return line.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, date | int):
        return str(value)
    text = str(value)
    return "'" + text if text.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else text
