"""`dsc-station ship` and `undelivered`."""

from datetime import date

import click

from dscplus_station.cli.common import DAY, Desk, command, confirm
from dscplus_station.shipping import service


@click.command("ship")
@click.argument("order")
@click.option("--carrier", required=True)
@click.option("--tracking", required=True, help="The carrier's tracking number.")
@click.option("--on", type=DAY, help="The day it left, YYYY-MM-DD; today by default.")
@command
def ship(desk: Desk, order: str, carrier: str, tracking: str, on: date | None) -> None:
    """Record that ORDER's card was handed to a carrier; its activation date follows from the day.

    \b
    Example:
      dsc-station ship O-1 --carrier "Sample Post" --tracking RR123456785US
    """
    shipped = service.ship(desk.station, desk.actor(), order, carrier, tracking, on)

    def words() -> None:
        click.echo(
            f"order {order}: card {shipped.serial_number} shipped on {shipped.shipped_on}, "
            f"activates by itself on {shipped.auto_activates_on}"
        )

    desk.tell(
        "shipment",
        {
            "order": order,
            "serial_number": shipped.serial_number,
            "user": shipped.user,
            "carrier": carrier,
            "tracking": tracking,
            "shipped_on": shipped.shipped_on,
            "auto_activates_on": shipped.auto_activates_on,
            "warning": shipped.warning,
        },
        words,
    )
    if shipped.warning:
        click.echo(f"warning: {shipped.warning}", err=True)


@click.command("undelivered")
@click.argument("order")
@click.option("--yes", is_flag=True, help="Do not ask.")
@command
def undelivered(desk: Desk, order: str, yes: bool) -> None:
    """Record that ORDER's card never arrived: it will not activate, and its user is revoked (R16).

    \b
    Example:
      dsc-station undelivered O-1
    """
    confirm(f"Order {order} never arrived: stop its activation?", yes)
    serial_number = service.report_undelivered(desk.station, desk.actor(), order)
    desk.tell(
        "undelivered",
        {"order": order, "serial_number": serial_number},
        lambda: click.echo(f"order {order} is undelivered: card {serial_number} will not activate"),
    )
