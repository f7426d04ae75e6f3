"""`dsc-station parcels`: an operator's flow from order to closed parcel, scan by scan."""

import sys
from collections.abc import Iterator
from typing import Any

import click

from dscplus_station.cli.common import Desk, command, fail, say, table
from dscplus_station.parcels import overview
from dscplus_station.parcels.service import scan, what_now
from dscplus_station.parcels.taking_over import take_over
from dscplus_station.parcels.told import Told, Tone
from dscplus_station.shipping.labels import issue_label


@click.group()
def parcels() -> None:
    """From order to closed parcel: scan, list, show, label, take over."""


@parcels.command("scan")
@click.argument("texts", metavar="TEXT…|-", nargs=-1)
@command
def scan_texts(desk: Desk, texts: tuple[str, ...]) -> None:
    """Take scans as the page does: an order; a card; a label; a tracking number; OK, CANCEL, REPRINT.

    - takes them from standard input, a line a scan. Without any, it says what is expected. A scan that is out
    of place changes nothing; then the exit code is 1. With --json, one document a line.

    \b
    Example:
      dsc-station parcels scan 0000000018 LB.O-1.0000000018.1.84 RR123456785US
    """
    refused = 0
    if not texts:
        _tell_now(desk)
    for text in _lines(texts):
        told = scan(desk.station, desk.actor(), text)
        refused += told.tone is Tone.REFUSED
        _tell(desk, told)
    if refused:
        fail(f"{refused} of the scans could not be taken, and changed nothing: see above", 1)


@parcels.command("list")
@command
def list_open(desk: Desk) -> None:
    """Orders that wait for their card, and open parcels: whose they are, and where.

    \b
    Example:
      dsc-station parcels list
    """
    rows = overview.open_now(desk.station)
    columns = ("order", "first_name", "country", "state", "serial_number", "operator", "station", "since")
    desk.tell(
        "parcels",
        {"parcels": rows},
        lambda: table(columns, [[row[name] for name in columns] for row in rows], "nothing is open"),
    )


@parcels.command("show")
@click.argument("order")
@command
def show(desk: Desk, order: str) -> None:
    """An order's barcode, its labels, what was scanned back, its shipments.

    \b
    Example:
      dsc-station parcels show O-1
    """
    document = overview.of_order(desk.station, order)
    desk.tell("parcel", document, lambda: say(document))


@parcels.command("label")
@click.argument("order")
@command
def label(desk: Desk, order: str) -> None:
    """Record that the label of ORDER's card is printed, and give its barcode; earlier ones are void.

    \b
    Example:
      dsc-station parcels label O-1
    """
    issued = issue_label(desk.station, desk.actor(), order)
    desk.tell(
        "label",
        {
            "order": issued.order,
            "serial_number": issued.serial_number,
            "copy": issued.copy,
            "barcode": issued.barcode,
        },
        lambda: click.echo(issued.barcode),
    )


@parcels.command("take-over")
@click.argument("order")
@click.option("--because", required=True, help="Why; kept on record.")
@command
def take(desk: Desk, order: str, because: str) -> None:
    """Take an order or an open parcel from the operator who left it.

    \b
    Example:
      dsc-station parcels take-over O-1 --because "end of shift"
    """
    take_over(desk.station, desk.actor(), order, because)
    desk.tell("taken-over", {"order": order}, lambda: click.echo(f"order {order} is yours now"))


def _lines(texts: tuple[str, ...]) -> Iterator[str]:
    for text in texts:
        if text == "-":
            yield from (line for line in sys.stdin if line.strip())
        else:
            yield text


def _tell_now(desk: Desk) -> None:
    present, now = what_now(desk.station, desk.actor())
    desk.tell("expected", {"phase": present.phase, "now": str(now)}, lambda: click.echo(str(now)))


def _tell(desk: Desk, told: Told) -> None:
    document: dict[str, Any] = {
        "tone": told.tone,
        "what": str(told.what),
        "expected": str(told.expected) if told.expected else None,
        "now": str(told.now),
        "phase": told.situation.phase,
        "label": told.label.barcode if told.label else None,
        "auto_activates_on": told.auto_activates_on,
        "warning": told.warning,
    }

    def words() -> None:
        for line in told.lines():
            click.echo(line, err=told.tone is Tone.REFUSED)
        if told.label:
            click.echo(told.label.barcode)
        if told.warning:
            click.echo(f"warning: {told.warning}", err=True)

    desk.tell("scan", document, words)
