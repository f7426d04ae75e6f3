"""`dsc-station labels`: the label printer and what is to be printed on it."""

import dataclasses

import click

from dscplus_station.cli.common import Desk, command, say, table
from dscplus_station.printing import service
from dscplus_station.printing.configuration import read_printer
from dscplus_station.printing.service import Job

COLUMNS = ("number", "state", "order", "serial_number", "copy", "slot", "operator", "asked_at", "trouble")


@click.group()
def labels() -> None:
    """Labels: print, reprint, queue; tags of quarantined cards."""


@labels.command("print")
@click.argument("orders", metavar="[ORDER…]", nargs=-1)
@click.option("--slot", help="The slot that the card is in, for the label to name.")
@command
def print_labels(desk: Desk, orders: tuple[str, ...], slot: str | None) -> None:
    """Print the first label of each of these orders' cards; without ORDER, what waits for the printer.

    \b
    Example:
      dsc-station labels print O-1 --slot 2
    """
    printer = read_printer(desk.station)
    if not orders:
        _tell(desk, service.send_waiting(desk.station, desk.actor(), printer), "nothing waits")
        return
    _tell(
        desk, [service.print_label(desk.station, desk.actor(), printer, order, slot) for order in orders], ""
    )


@labels.command("reprint")
@click.argument("order")
@click.option("--because", required=True, help="Why; kept on record.")
@command
def reprint(desk: Desk, order: str, because: str) -> None:
    """Print another label for an order's card: it has the next number, and earlier ones are void.

    \b
    Example:
      dsc-station labels reprint O-1 --because "torn"
    """
    printer = read_printer(desk.station)
    _tell(desk, [service.reprint_label(desk.station, desk.actor(), printer, order, because)], "")


@labels.command("tag")
@click.argument("serial_number", metavar="SERIAL")
@command
def tag(desk: Desk, serial_number: str) -> None:
    """Print the tag of a card that is in quarantine.

    \b
    Example:
      dsc-station labels tag 0000000018
    """
    printer = read_printer(desk.station)
    _tell(desk, [service.print_tag(desk.station, desk.actor(), printer, serial_number)], "")


@labels.command("queue")
@click.option("--all", "everything", is_flag=True, help="The printed ones, too: the last 1,000.")
@command
def queue(desk: Desk, everything: bool) -> None:
    """What waits for the printer, what may have come out or not; who asked for it, and when.

    \b
    Example:
      dsc-station labels queue --all
    """
    found = [dataclasses.asdict(job) for job in service.jobs(desk.station, open_only=not everything)]
    desk.tell(
        "labels",
        {"labels": found},
        lambda: table(COLUMNS, [[one[name] for name in COLUMNS] for one in found], "nothing waits"),
    )


def _tell(desk: Desk, jobs: list[Job], none: str) -> None:
    documents = [dataclasses.asdict(job) for job in jobs]

    def words() -> None:
        for one in documents:
            say({name: value for name, value in one.items() if value is not None})
        if not documents:
            click.echo(none, err=True)

    desk.tell("labels", {"labels": documents}, words)
