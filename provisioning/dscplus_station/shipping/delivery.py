"""Where an order's card is, as its client sees it (R13, R16)."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select

from dscplus_station.activation.rules import TimerState
from dscplus_station.activation.tables import ActivationTimer
from dscplus_station.errors import NotFound
from dscplus_station.interim.rules import uncovered_days
from dscplus_station.interim.service import online_cards_end
from dscplus_station.orders.service import get_order
from dscplus_station.shipping.tables import Shipment
from dscplus_station.station import Station


@dataclass(frozen=True)
class DeliveryView:
    """A shipment of an order's card, and when the card activates by itself.

    Args:
        uncovered_days: days on which neither the user's online card works nor yet this one, unless it is
            activated earlier (R16); 0 also where the timer does not run.
    """

    order: str
    serial_number: str
    carrier: str
    tracking: str
    shipped_on: date
    auto_activates_on: date
    timer: TimerState
    undelivered_at: datetime | None
    uncovered_days: int


def delivery_of(station: Station, order_id: str) -> DeliveryView:
    """The last shipment of an order's card; one that was undone is none.

    Raises:
        NotFound: there is no such order, or it was not shipped.
    """
    with station.database.reading() as session:
        order = get_order(session, order_id)
        row = session.execute(
            select(Shipment, ActivationTimer)
            .join(ActivationTimer, ActivationTimer.shipment_id == Shipment.id)
            .where(Shipment.order_id == order_id, Shipment.undone_at.is_(None))
            .order_by(Shipment.id.desc())
            .limit(1)
        ).one_or_none()
        if row is None:
            raise NotFound(f"order {order_id} is {order.state}: its card was not shipped")
        shipment, timer = row
        last_day = None
        if timer.state is TimerState.RUNNING:
            last_day = online_cards_end(session, station.settings.zone, order.user_name).get(order.user_name)
        return DeliveryView(
            order=order_id,
            serial_number=shipment.serial_number,
            carrier=shipment.carrier,
            tracking=shipment.tracking,
            shipped_on=shipment.shipped_on,
            auto_activates_on=timer.due_on,
            timer=timer.state,
            undelivered_at=shipment.undelivered_at,
            uncovered_days=uncovered_days(last_day, timer.due_on) if last_day else 0,
        )
