"""What left the house last, for who looks for a parcel that was closed by mistake."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from dscplus_station.orders.rules import OrderState
from dscplus_station.orders.tables import Order
from dscplus_station.shipping.tables import ScannedPair, Shipment
from dscplus_station.station import Station


@dataclass(frozen=True)
class Left:
    """A shipment that stands. `operator`: who scanned card and label."""

    order: str
    serial_number: str
    carrier: str
    tracking: str
    shipped_on: date
    operator: str


def left_last(station: Station, number: int = 10) -> list[Left]:
    """The last shipments that are under way, the latest first: those that can be undone."""
    query = (
        select(Shipment, ScannedPair.operator)
        .join(ScannedPair, ScannedPair.id == Shipment.pair_id)
        .join(Order, Order.id == Shipment.order_id)
        .where(Shipment.undone_at.is_(None), Order.state == OrderState.SHIPPED)
        .order_by(Shipment.id.desc())
        .limit(number)
    )
    with station.database.reading() as session:
        rows = session.execute(query).all()
    return [
        Left(row.order_id, row.serial_number, row.carrier, row.tracking, row.shipped_on, operator)
        for row, operator in rows
    ]
