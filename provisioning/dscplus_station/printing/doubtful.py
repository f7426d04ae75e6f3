"""Labels of which nobody knows whether they came out: somebody has to look, while the card is still here."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dscplus_station.orders.rules import OrderState
from dscplus_station.orders.tables import Binding, Order
from dscplus_station.printing.rules import JobState
from dscplus_station.printing.tables import PrintJob
from dscplus_station.shipping.tables import Label
from dscplus_station.station import Station

MOST_SHOWN = 8
"""More than a bench has cards in work."""


@dataclass(frozen=True)
class Doubtful:
    """A label that counts if it is there: which printing, of which order's card."""

    order: str
    serial_number: str
    copy: int


def doubtful_labels(station: Station) -> list[Doubtful]:
    """The labels of this station that may have come out or not, of cards that are not shipped yet; the latest
    first. One that was printed again since is void and not among them.
    """
    with station.database.reading() as session:
        return _doubtful(session, station.settings.station)


def _doubtful(session: Session, station_name: str) -> list[Doubtful]:
    last = (
        select(func.max(Label.copy))
        .where(Label.order_id == PrintJob.order_id, Label.serial_number == PrintJob.serial_number)
        .correlate(PrintJob)
        .scalar_subquery()
    )
    query = (
        select(PrintJob.order_id, PrintJob.serial_number, PrintJob.copy)
        .join(Order, Order.id == PrintJob.order_id)
        .join(
            Binding,
            (Binding.order_id == PrintJob.order_id)
            & (Binding.serial_number == PrintJob.serial_number)
            & Binding.released_at.is_(None),
        )
        .where(
            PrintJob.state == JobState.UNCERTAIN,
            PrintJob.station == station_name,
            Order.state == OrderState.IN_PROVISIONING,
            PrintJob.copy == last,
        )
        .order_by(PrintJob.id.desc())
        .limit(MOST_SHOWN)
    )
    return [
        Doubtful(order, serial_number, copy)
        for order, serial_number, copy in session.execute(query)
        if order is not None and copy is not None  # as a label's are, by the schema's own rules
    ]
