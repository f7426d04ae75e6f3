"""`dsc-station stock`: deliveries and counts."""

from pathlib import Path

import click

from dscplus_station.cli.common import Desk, command, fail, say_refusals, table, told_refusals
from dscplus_station.cli.lists import listing, tell_list
from dscplus_station.csvfile import read_rows
from dscplus_station.stock import service
from dscplus_station.stock.receiving import receive

COLUMNS = ("serial_number", "batch")


@click.group()
def stock() -> None:
    """Receive, list and count cards."""


@stock.command("receive")
@click.argument("file", type=click.Path(path_type=Path))
@command
def receive_cards(desk: Desk, file: Path) -> None:
    """Take a delivery into stock: FILE.csv with the columns serial_number and batch.

    All rows or none. Reading a file again changes nothing. The batch's key may come later (keys
    import-batch).

    \b
    Example:
      dsc-station stock receive delivery.csv
    """
    rows, refused = read_rows(file, COLUMNS)
    receipt = receive(desk.station, desk.actor(), rows, refused)

    def words() -> None:
        click.echo(f"{len(receipt.received)} cards received, {len(receipt.already_here)} were here already")
        for batch in receipt.without_key:
            click.echo(
                f"batch {batch} has no key yet: dsc-station keys import-batch {batch} --key-file F", err=True
            )

    desk.tell(
        "stock-receipt",
        {
            "received": receipt.received,
            "already_here": receipt.already_here,
            "refused": told_refusals(receipt.refused),
            "batches_without_key": receipt.without_key,
        },
        words,
    )
    if receipt.refused:
        say_refusals(receipt.refused)
        fail(f"{file}: {len(receipt.refused)} rows refused, so no card was received: correct them", 1)


@stock.command("list")
@command
@listing("cards")
def list_cards(desk: Desk, asked: dict[str, str], as_csv: bool) -> None:
    """Cards with batch and state: the list of `cards list`, other columns.

    \b
    Example:
      dsc-station stock list --batch B1 --state BLANK
    """
    tell_list(desk, "cards", "stock", asked, as_csv, columns=(*COLUMNS, "state"), empty="no cards in stock")


@stock.command("count")
@command
def count_cards(desk: Desk) -> None:
    """How many cards of each batch are in each state.

    \b
    Example:
      dsc-station stock count
    """
    counts = service.counts(desk.station)
    desk.tell(
        "stock-count",
        {"counts": [{"batch": batch, "state": state, "cards": number} for batch, state, number in counts]},
        lambda: table(("batch", "state", "cards"), counts, "no cards in stock"),
    )
