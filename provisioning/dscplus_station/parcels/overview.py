"""What is open at the benches, and what is on record of an order's parcel."""

from typing import Any

from sqlalchemy import select

from dscplus_station.orders.service import get_order, live_binding
from dscplus_station.orders.tables import Order
from dscplus_station.parcels.rules import first_name
from dscplus_station.parcels.standing import parcel_of, waiting_of
from dscplus_station.parcels.tables import Parcel, WaitingOrder
from dscplus_station.scans.rules import order_code
from dscplus_station.shipping.tables import Label, ScannedPair, Shipment
from dscplus_station.station import Station


def open_now(station: Station) -> list[dict[str, Any]]:
    """Every order that waits for a card and every open parcel, at all stations, the oldest first."""
    with station.database.reading() as session:
        waiting = session.execute(
            select(WaitingOrder, Order)
            .join(Order, Order.id == WaitingOrder.order_id)
            .where(WaitingOrder.ended_at.is_(None))
        ).all()
        parcels = session.execute(
            select(Parcel, Order).join(Order, Order.id == Parcel.order_id).where(Parcel.ended_at.is_(None))
        ).all()
    rows = [_told(row, order, row.taken_at, "waits", row.expected) for row, order in waiting]
    rows += [_told(row, order, row.opened_at, "open", row.serial_number) for row, order in parcels]
    return sorted(rows, key=lambda row: row["since"])


def of_order(station: Station, order_id: str) -> dict[str, Any]:
    """What an order's barcode is, who has it at hand, its labels, its scanned pairs, its shipments.

    Raises:
        NotFound: there is no such order.
    """
    with station.database.reading() as session:
        order = get_order(session, order_id)
        binding = live_binding(session, order_id=order_id)
        have = waiting_of(session, order_id) or parcel_of(session, order_id)
        labels = session.scalars(select(Label).where(Label.order_id == order_id).order_by(Label.id)).all()
        pairs = session.scalars(
            select(ScannedPair).where(ScannedPair.order_id == order_id).order_by(ScannedPair.id)
        ).all()
        shipments = session.scalars(
            select(Shipment).where(Shipment.order_id == order_id).order_by(Shipment.id)
        ).all()
    return {
        "order": order.id,
        "barcode": order_code(order.id),
        "state": order.state,
        "first_name": first_name(order.name),
        "country": order.country,
        "serial_number": binding.serial_number if binding else None,
        "operator": have.operator if have else None,
        "station": have.station if have else None,
        "labels": [
            {"serial_number": one.serial_number, "copy": one.copy, "issued_at": one.issued_at}
            for one in labels
        ],
        "scanned_pairs": [
            {
                "serial_number": one.serial_number,
                "operator": one.operator,
                "station": one.station,
                "scanned_at": one.scanned_at,
            }
            for one in pairs
        ],
        "shipments": [
            {
                "carrier": one.carrier,
                "tracking": one.tracking,
                "shipped_on": one.shipped_on,
                "undone": one.undone_because,
            }
            for one in shipments
        ],
    }


def _told(
    row: WaitingOrder | Parcel, order: Order, since: object, state: str, serial_number: str | None
) -> dict[str, Any]:
    return {
        "order": order.id,
        "first_name": first_name(order.name),
        "country": order.country,
        "state": state,
        "serial_number": serial_number,
        "operator": row.operator,
        "station": row.station,
        "since": since,
    }
