"""The list of shipments: by day of shipment or of activation; found by tracking, order, card or user."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import join, select
from sqlalchemy.orm import Session

from dscplus_station.activation.rules import TimerState
from dscplus_station.activation.tables import ActivationTimer
from dscplus_station.lists.cards import CARDS
from dscplus_station.lists.rules import Way
from dscplus_station.lists.walk import Listing, Trail
from dscplus_station.orders.rules import OrderKind
from dscplus_station.orders.tables import Order
from dscplus_station.shipping.tables import Shipment
from dscplus_station.station import Station


@dataclass(frozen=True)
class ShipmentRow:
    """A shipment with its timer: when the card activates by itself, or how that ended (R13, R14)."""

    shipment: int
    order: str
    serial_number: str
    user: str
    kind: OrderKind
    country: str
    carrier: str
    tracking: str
    shipped_on: date
    auto_activates_on: date
    timer: TimerState
    undelivered_at: datetime | None
    undone_at: datetime | None


def shipment_rows(session: Session, _station: Station, shipments: Sequence[int]) -> list[ShipmentRow]:
    """These shipments, in this order, by one query."""
    found: dict[int, tuple[Any, ...]] = {
        row.id: row
        for row in session.execute(
            select(
                Shipment.id,
                Shipment.order_id,
                Shipment.serial_number,
                Order.user_name,
                Order.kind,
                Order.country,
                Shipment.carrier,
                Shipment.tracking,
                Shipment.shipped_on,
                ActivationTimer.due_on,
                ActivationTimer.state,
                Shipment.undelivered_at,
                Shipment.undone_at,
            )
            .join(Order, Order.id == Shipment.order_id)
            .join(ActivationTimer, ActivationTimer.shipment_id == Shipment.id)
            .where(Shipment.id.in_(shipments))
        )
    }
    return [ShipmentRow(*found[number]) for number in shipments]


SHIPMENTS = Listing(
    name="shipments",
    row=ShipmentRow,
    columns=tuple(ShipmentRow.__dataclass_fields__),
    values={"carrier": None, "timer": frozenset(TimerState)},
    conditions={
        "carrier": lambda value: Shipment.carrier == value,
        "timer": lambda value: ActivationTimer.state == value,
    },
    sorts={
        "shipped": Trail(
            Way(
                (date, int),
                frozenset({frozenset(), frozenset({"carrier"})}),
                ranged=True,
                newest_first=True,
            ),
            (Shipment.shipped_on, Shipment.id),
            Shipment.id,
        ),
        "due": Trail(
            Way((date, int), frozenset({frozenset(), frozenset({"timer"})}), ranged=True),
            (ActivationTimer.due_on, ActivationTimer.shipment_id),
            ActivationTimer.shipment_id,
        ),
    },
    searches={
        "tracking": Trail(Way((str, int)), (Shipment.tracking, Shipment.id), Shipment.id),
        "order": Trail(Way((str, int)), (Shipment.order_id, Shipment.id), Shipment.id),
        "serial": Trail(Way((str, int)), (Shipment.serial_number, Shipment.id), Shipment.id),
        "user": Trail(
            Way((str, str, int)),
            (Order.user_name, Order.id, Shipment.id),
            Shipment.id,
            join(Order, Shipment, Shipment.order_id == Order.id),
        ),
    },
    facts=shipment_rows,
    roles=CARDS.roles,
)
