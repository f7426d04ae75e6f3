"""`dsc-station provision`: orders onto cards."""

import signal
from dataclasses import asdict

import click

from dscplus_driver.discovery import discover
from dscplus_station.cli.common import Desk, command, fail
from dscplus_station.cli.progress import Progress
from dscplus_station.keystore.interface import Keystore
from dscplus_station.personalise.workers import Record, Result, Workers, exit_code
from dscplus_station.slots.map import slot_map
from dscplus_station.slots.ports import port_locks


@click.command("provision")
@click.option(
    "--port",
    "ports",
    metavar="URL",
    multiple=True,
    required=True,
    help="A card's port: a path, serial:PATH, hid:PATH, usb:BUS.ADDRESS or tcp://HOST:PORT."
    " Several are served side by side.",
)
@click.option("--order", "order_id", metavar="ID", help="This order, onto the card at the one port.")
@command
def provision(desk: Desk, ports: tuple[str, ...], order_id: str | None) -> None:
    """Personalise the card at each port, for the oldest placed order.

    A card whose personalisation was interrupted goes on where it was, for its own order. Ctrl-C ends every
    card at its next step; run it again to go on. With --json, one record a line.

    \b
    Example:
      dsc-station provision --port /dev/ttyACM0 --port /dev/ttyACM1
    """
    records = serve(desk, desk.keystore, ports, order_id)
    failed = [record for record in records if record.exit_code]
    if failed:
        port_by_port = f"{len(failed)} of {len(records)} ports failed"
        fail(failed[0].told if len(records) == 1 else port_by_port, exit_code(records))


def serve(
    desk: Desk, keystore: Keystore, ports: tuple[str, ...], order_id: str | None = None
) -> list[Record]:
    """Serve the ports, with progress on stderr; each record is told: JSON at once, words at the end."""
    records: list[Record] = []
    with Progress() as progress:
        lock_of = port_locks(slot_map(desk.station.settings.slots), discover)
        workers = Workers(desk.station, keystore, desk.actor(), on_step=progress.reached, lock_of=lock_of)
        _stop_at_interrupt(workers)
        for record in workers.serve(ports, order_id):
            records.append(record)
            progress.ended(record)
            if desk.as_json:
                _tell(desk, record)
    if not desk.as_json:
        for record in records:
            _tell(desk, record, alone=len(records) == 1)
    return records


def _tell(desk: Desk, record: Record, *, alone: bool = False) -> None:
    """Give one port's record. In words, a failure that is `alone` is told at the exit."""
    document = asdict(record)
    del document["exit_code"]
    document["seconds"] = round(record.seconds, 3)

    def words() -> None:
        if record.result is Result.COMPLETED:
            click.echo(f"order {record.order}: card {record.serial_number} is ready to ship")
        elif not (alone and record.exit_code):
            click.echo(f"{record.port}: {record.result}: {record.told}", err=True)

    desk.tell("provision", document, words)


def _stop_at_interrupt(workers: Workers) -> None:
    """Ctrl-C ends the cards at their next step's boundary; a second one ends the process as usual."""

    def interrupted(_signal: int, _frame: object) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        click.echo("stopping at the next step of each card …", err=True)
        workers.stop()

    signal.signal(signal.SIGINT, interrupted)
