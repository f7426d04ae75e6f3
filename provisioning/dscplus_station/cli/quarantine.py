"""`dsc-station quarantine`: cards set aside."""

import json
from pathlib import Path
from typing import Any

import click

from dscplus_station.cli.common import Desk, command, confirm, second_file, table
from dscplus_station.desk import shelf
from dscplus_station.personalise.ending import give_up_card
from dscplus_station.quarantine import service
from dscplus_station.quarantine.rules import CAUSE_TOLD, Resolution
from dscplus_station.quarantine.tables import Quarantine


@click.group()
def quarantine() -> None:
    """Cards set aside: list, show, add, resolve."""


@quarantine.command("list")
@command
def list_cases(desk: Desk) -> None:
    """The cards in quarantine, with the cause.

    \b
    Example:
      dsc-station quarantine list
    """
    cases = [_told(case) for case in service.open_cases(desk.station)]
    columns = ("serial_number", "cause", "opened_at")
    desk.tell(
        "quarantine",
        {"cases": cases},
        lambda: table(
            columns, [[case[name] for name in columns] for case in cases], "no card is in quarantine"
        ),
    )


@quarantine.command("show")
@click.argument("serial_number", metavar="SERIAL")
@command
def show_cases(desk: Desk, serial_number: str) -> None:
    """Every quarantine of a card, with its evidence and how it ended.

    \b
    Example:
      dsc-station quarantine show 0000000018
    """
    cases = service.history(desk.station, serial_number)

    def words() -> None:
        for case in cases:
            click.echo(f"{case.opened_at:%Y-%m-%d %H:%M} UTC: {CAUSE_TOLD[case.cause]}")
            for name, value in json.loads(case.evidence).items():
                click.echo(f"  {name}: {value}")
            if case.resolved_at is not None:
                click.echo(f"  {case.resolution} by {case.resolved_by}: {case.note}")

    desk.tell("quarantine", {"cases": [_told(case) for case in cases]}, words)


@quarantine.command("add")
@click.argument("serial_number", metavar="SERIAL")
@click.option("--note", required=True, help="Why, for the audit trail.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@command
def add(desk: Desk, serial_number: str, note: str, yes: bool) -> None:
    """Set a card aside by hand: it is dead, or not to be trusted. Another card will serve its order.

    \b
    Example:
      dsc-station quarantine add 0000000018 --note "does not answer at any port"
    """
    confirm(f"Set card {serial_number} aside?", yes)
    order = give_up_card(desk.station, desk.actor(), serial_number, note)
    waiting = f"; order {order} waits for another card" if order else ""
    desk.tell(
        "quarantine-added",
        {"serial_number": serial_number, "order": order},
        lambda: click.echo(f"card {serial_number} is in quarantine{waiting}"),
    )


@quarantine.command("resolve")
@click.argument("serial_number", metavar="SERIAL")
@click.argument("resolution", type=click.Choice([one.value for one in Resolution]))
@click.option("--note", required=True, help="Why, for the audit trail.")
@second_file
@click.option("--yes", is_flag=True, help="Do not ask.")
@command
def resolve(
    desk: Desk, serial_number: str, resolution: str, note: str, second_file: Path | None, yes: bool
) -> None:
    """A supervisor's decision: scrap the card, or release it into stock.

    Scrapping takes a second person, a supervisor, and not the one who set it aside. What the card was ends
    with it: its seed is erased, its order lets it go, its deposit is judged (R12).

    \b
    Example:
      dsc-station quarantine resolve 0000000018 scrap --note "two chips on the board"
    """
    confirm(f"Card {serial_number}: {resolution}?", yes)
    first, wanted = desk.actor(), Resolution(resolution)
    second = desk.second_person(first, second_file) if wanted is Resolution.SCRAP else None
    shelf.resolve(desk.station, first, serial_number, wanted, note, second)
    desk.tell(
        "quarantine-resolved",
        {"serial_number": serial_number, "resolution": resolution},
        lambda: click.echo(f"card {serial_number}: {resolution} is on record"),
    )


def _told(case: Quarantine) -> dict[str, Any]:
    return {
        "serial_number": case.serial_number,
        "run": case.run_id,
        "cause": case.cause,
        "told": CAUSE_TOLD[case.cause],
        "evidence": json.loads(case.evidence),
        "opened_at": case.opened_at,
        "opened_by": case.opened_by,
        "resolved_at": case.resolved_at,
        "resolved_by": case.resolved_by,
        "resolution": case.resolution,
        "note": case.note,
    }
