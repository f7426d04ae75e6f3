"""`dsc-station orders`: what clients ordered."""

import sys
from pathlib import Path

import click

from dscplus_station import overview
from dscplus_station.cancellation.service import cancel
from dscplus_station.cli import ordering
from dscplus_station.cli.common import Desk, command, confirm, fail, say, say_refusals, told_refusals
from dscplus_station.cli.lists import listing, tell_list
from dscplus_station.csvfile import read_rows
from dscplus_station.orders.importing import ImportResult, import_orders
from dscplus_station.orders.rules import COLUMNS
from dscplus_station.shred import shred


@click.group()
def orders() -> None:
    """Order a card, step by step; import, list, show and cancel orders."""


for _step in ordering.STEPS:
    orders.add_command(_step)


@orders.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--partial", is_flag=True, help="Take the good rows although others are refused.")
@click.option(
    "--shred", "shred_file", is_flag=True, help="Overwrite and remove FILE after it was taken whole."
)
@command
def import_file(desk: Desk, file: Path, partial: bool, shred_file: bool) -> None:
    """Place the orders of FILE.csv.

    \b
    Columns: order, user, kind (new, replacement), replaces (serial number), pin,
    profile (A, B; empty is A), language (en, es), name, address, country (ISO 3166-1).
    The PINs are sealed, and never come out again except onto the cards.

    \b
    Example:
      dsc-station orders import orders.csv --partial --shred
    """
    import pycountry

    rows, unreadable = read_rows(file, COLUMNS)
    result = import_orders(
        desk.station,
        desk.actor(),
        desk.keystore,
        rows,
        unreadable,
        frozenset(country.alpha_2 for country in pycountry.countries),
        partial=partial,
    )
    shredded = _plaintext_left(file, result, shred_file)
    desk.tell(
        "orders-import",
        {
            "placed": result.placed,
            "unchanged": result.unchanged,
            "refused": told_refusals(result.refused),
            "shredded": shredded,
        },
        lambda: click.echo(f"{len(result.placed)} orders placed, {len(result.unchanged)} unchanged"),
    )
    if result.refused:
        say_refusals(result.refused)
        rest = "the others were taken" if partial else "so no order was placed"
        fail(f"{file}: {len(result.refused)} rows refused, {rest}: correct them and import the file again", 1)


def _plaintext_left(file: Path, result: ImportResult, asked: bool) -> bool:
    """Say that the file holds PINs in the clear, and shred it if that is wanted; True if it was."""
    if result.refused:
        click.echo(f"{file} holds PINs in the clear; it is kept, for its refused rows", err=True)
        return False
    if not asked:
        click.echo(f"{file} holds PINs in the clear: they are sealed now, shred it (--shred)", err=True)
        asked = sys.stdin.isatty() and click.confirm("Shred it now?", err=True)
    if asked:
        shred(file)
        click.echo(
            f"{file} was overwritten and removed; a journalling or flash disk may still hold old copies",
            err=True,
        )
    return asked


@orders.command("list")
@command
@listing("orders")
def list_orders(desk: Desk, asked: dict[str, str], as_csv: bool) -> None:
    """Orders, the one that changed last first.

    \b
    Example:
      dsc-station orders list --state PLACED --sort placed
    """
    columns = ("order", "user", "kind", "profile", "state", "serial_number", "placed_at", "auto_activates_on")
    tell_list(desk, "orders", "orders", asked, as_csv, columns=columns, empty="no orders")


@orders.command("show")
@click.argument("order")
@command
def show_order(desk: Desk, order: str) -> None:
    """One order with its cards. The PIN is never shown, only whether it is still kept.

    \b
    Example:
      dsc-station orders show O-1
    """
    found = overview.order(desk.station, order)
    desk.tell("order", found, lambda: say(found))


@orders.command("cancel")
@click.argument("order")
@click.option("--yes", is_flag=True, help="Do not ask.")
@command
def cancel_order(desk: Desk, order: str, yes: bool) -> None:
    """Cancel an order that was not shipped; its PIN is erased.

    \b
    Example:
      dsc-station orders cancel O-1
    """
    confirm(f"Cancel order {order}?", yes)
    done = cancel(desk.station, desk.actor(), order)

    def words() -> None:
        click.echo(f"order {order} is cancelled")
        if done.serial_number and done.must_be_wiped:
            click.echo(
                f"card {done.serial_number} carries issuer keys, perhaps a seed and a PIN: "
                "it may serve another order, which begins by wiping it"
            )
        elif done.serial_number:
            click.echo(f"card {done.serial_number} is blank stock again")

    desk.tell(
        "order-cancelled",
        {"order": order, "serial_number": done.serial_number, "must_be_wiped": done.must_be_wiped},
        words,
    )
