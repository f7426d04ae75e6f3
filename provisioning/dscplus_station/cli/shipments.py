"""`dsc-station shipments`: what was handed to carriers."""

import click

from dscplus_station.cli.common import Desk, command
from dscplus_station.cli.lists import listing, tell_list


@click.group()
def shipments() -> None:
    """What was handed to carriers."""


@shipments.command("list")
@command
@listing("shipments")
def list_shipments(desk: Desk, asked: dict[str, str], as_csv: bool) -> None:
    """Shipments, the last one first, with the days on which their cards activate by themselves.

    \b
    Example:
      dsc-station shipments list --carrier "Sample Post" --from 2026-11-20
      dsc-station shipments list --sort due --timer RUNNING
    """
    columns = (
        "order",
        "serial_number",
        "user",
        "carrier",
        "tracking",
        "shipped_on",
        "auto_activates_on",
        "timer",
    )
    tell_list(desk, "shipments", "shipments", asked, as_csv, columns=columns, empty="no shipments")
