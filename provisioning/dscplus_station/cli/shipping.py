"""`dsc-station ship`, `ship undo` and `undelivered`."""

from datetime import date

import click

from dscplus_station.cli.common import DAY, Desk, command, confirm
from dscplus_station.parcels.undoing import undo_shipment
from dscplus_station.shipping import service
from dscplus_station.shipping.rules import Scanned


class _ShipGroup(click.Group):
    """`ship ORDER …`, and `ship undo ORDER`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in ("undo", "--help", "-h"):
            args = ["order", *args]
        return super().parse_args(ctx, args)


@click.group("ship", cls=_ShipGroup)
def ship() -> None:
    """Hand an order's card to a carrier: `ship ORDER` (its options: `ship order --help`); undo it."""


@ship.command("order")
@click.argument("order")
@click.option("--carrier", required=True)
@click.option("--tracking", required=True, help="The carrier's tracking number.")
@click.option("--card", required=True, help="Scanned: the serial number on the card's back.")
@click.option(
    "--label", required=True, help="Scanned: the card's label. [labels] printed = false: the order."
)
@click.option("--on", type=DAY, help="The day it left, YYYY-MM-DD; today by default.")
@command
def ship_order(
    desk: Desk, order: str, carrier: str, tracking: str, card: str, label: str, on: date | None
) -> None:
    """Record that ORDER's card was handed to a carrier; its activation date follows from the day.

    Card and label are scanned when the parcel is closed; they must be one pair, of this order. The word
    "order" may be left out.

    \b
    Example:
      dsc-station ship order O-1 --carrier "Sample Post" --tracking RR123456785US \\
        --card 0000000018 --label LB.O-1.0000000018.1.84
    """
    scanned = Scanned(card, label)
    shipped = service.ship(desk.station, desk.actor(), order, carrier, tracking, scanned, on)

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


@ship.command("undo")
@click.argument("order")
@click.option("--because", required=True, help="Why; kept on record.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@command
def undo(desk: Desk, order: str, because: str, yes: bool) -> None:
    """Take back a shipment that was booked by mistake: its timer stops, and it is to be packed again.

    \b
    Example:
      dsc-station ship undo O-1 --because "wrong envelope"
    """
    confirm(f"The parcel of order {order} is still here: undo its shipment?", yes)
    serial_number = undo_shipment(desk.station, desk.actor(), order, because)
    desk.tell(
        "shipment-undone",
        {"order": order, "serial_number": serial_number},
        lambda: click.echo(f"order {order} is not shipped: card {serial_number} is to be packed again"),
    )


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
