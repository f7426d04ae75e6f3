"""What the commands that list have in common: search, filters, sorting, pages, CSV."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import click

from dscplus_station.cli.common import DAY, Desk, table
from dscplus_station.errors import WrongUsage
from dscplus_station.lists.rules import MAX_ROWS, write_cursor
from dscplus_station.lists.service import LISTINGS, export, look
from dscplus_station.lists.walk import Page

_PARTS = {"search": "q", "since": "from", "until": "to", "limit": "rows"}
"""Options that are called otherwise in a page's address."""


def listing(name: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options of the list of that name; it gets them as `asked`, for `tell_list`."""
    shape = LISTINGS[name].shape
    sorts = [sign + one for one in shape.sorts for sign in ("", "-")]
    options = [
        click.option("--search", metavar="TEXT", help=f"The beginning of: {', '.join(shape.searches)}."),
        click.option(
            "--by", type=click.Choice(list(shape.searches)), help="What the text is the beginning of."
        ),
        *(
            click.option(
                f"--{one}", type=click.Choice(sorted(values)) if values else str, help=f"Of this {one}."
            )
            for one, values in shape.filters.items()
        ),
        click.option("--sort", type=click.Choice(sorts), help="A minus: backwards."),
        *(
            click.option(f"--{one}", name, type=DAY, help=f"{told} this day of what it is sorted by.")
            for one, name, told in (("from", "since", "Not before"), ("to", "until", "Not after"))
            if any(way.ranged for way in shape.sorts.values())
        ),
        click.option("--limit", type=click.IntRange(1, MAX_ROWS), default=100, show_default=True),
        click.option(
            "--after", metavar="PLACE", help="The next page, from the place that the last one told."
        ),
        click.option("--csv", "as_csv", is_flag=True, help="All rows as CSV; on record in the audit trail."),
    ]

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        def collecting(desk: Desk, **given: Any) -> None:
            as_csv = given.pop("as_csv")
            asked = {_PARTS.get(one, one): str(value) for one, value in given.items() if value is not None}
            function(desk, asked, as_csv)

        collecting.__doc__ = function.__doc__
        collecting.__name__ = function.__name__
        for option in reversed(options):
            collecting = option(collecting)
        return collecting

    return decorate


def tell_list(
    desk: Desk,
    name: str,
    kind: str,
    asked: dict[str, str],
    as_csv: bool,
    *,
    columns: Sequence[str],
    empty: str,
    key: str | None = None,
) -> None:
    """Give a page of the list of that name: as a table, as JSON, or all of it as CSV.

    Args:
        kind: of the JSON document; `key`: what its rows are called there, the list's name by default.
        columns: what the table shows of a row.

    Raises:
        WrongUsage: JSON and CSV at once.
        BadInput: what is asked cannot be.
    """
    found = LISTINGS[name]
    if as_csv:
        if desk.as_json:
            raise WrongUsage("--csv or --json, one of the two")
        for line in export(desk.station, desk.actor(), found, asked):
            click.echo(line, nl=False)
        return
    page: Page[Any] = look(desk.station, desk.actor(), found, asked)
    rows = [dataclasses.asdict(row) for row in page.rows]
    following = None
    if page.next is not None and page.next.place is not None:
        following = write_cursor(found.shape, page.view, page.next.place.keys)
    document = {
        key or name: rows,
        "count": page.count.rows,
        "more_than_counted": page.count.more,
        "searched_by": page.view.by,
        "next": following,
    }
    desk.tell(kind, document, lambda: table(columns, [[row[one] for one in columns] for row in rows], empty))
    if following is not None and not desk.as_json:
        many = f"more than {page.count.rows:,}" if page.count.more else f"{page.count.rows:,}"
        by = f" --by {page.view.by}" if page.view.by else ""
        click.echo(f"{len(rows)} of {many} are shown; next: --after {following}{by}", err=True)
