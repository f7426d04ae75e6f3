"""What a visitor may pick up at a demo's bench: cards by their state, and papers to scan."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import func, select

from dscplus_station.orders.rules import OrderState
from dscplus_station.orders.tables import Binding, Order
from dscplus_station.scans.rules import card_code, label_code, order_code
from dscplus_station.shipping.tables import Label, Shipment
from dscplus_station.station import Station
from dscplus_station.stock.rules import CardState
from dscplus_station.stock.tables import Card

SHOWN_STATES = (
    CardState.BLANK,
    CardState.RESERVED,
    CardState.PERSONALISED,
    CardState.VERIFIED,
    CardState.SECURED,
    CardState.LABELLED,
    CardState.RETURNED,
    CardState.INSPECTED,
    CardState.QUARANTINED,
    CardState.SHIPPED,
    CardState.LOST,
)
MOST_OF_A_STATE = 8
MOST_PAPERS = 6


@dataclass(frozen=True)
class Paper:
    """Something with a barcode: what it is for whom, and the barcode's text."""

    told: str
    code: str


@dataclass(frozen=True)
class Papers:
    """What lies at the bench to be scanned."""

    orders: list[Paper]
    labels: list[Paper]
    cards: list[Paper]
    tracking: str


def cards_at_hand(station: Station, taken: Collection[str]) -> dict[CardState, list[str]]:
    """The serial numbers of a few cards in each state, without those that are `taken`."""
    with station.database.reading() as session:
        return {
            state: [
                serial
                for serial in session.scalars(
                    select(Card.serial_number)
                    .where(Card.state == state)
                    .order_by(Card.changed_at.desc(), Card.serial_number)
                    .limit(MOST_OF_A_STATE + len(taken))
                )
                if serial not in taken
            ][:MOST_OF_A_STATE]
            for state in SHOWN_STATES
        }


def papers(station: Station) -> Papers:
    """Orders that wait for a card; labels and cards that wait for their parcel; a carrier's number."""
    with station.database.reading() as session:
        placed = session.scalars(
            select(Order)
            .where(Order.state == OrderState.PLACED)
            .order_by(Order.placed_at, Order.id)
            .limit(MOST_PAPERS)
        ).all()
        ready = session.execute(
            select(Order.id, Card.serial_number, func.max(Label.copy))
            .join(Binding, (Binding.order_id == Order.id) & Binding.released_at.is_(None))
            .join(Card, Card.serial_number == Binding.serial_number)
            .outerjoin(Label, (Label.order_id == Order.id) & (Label.serial_number == Card.serial_number))
            .where(Card.state.in_((CardState.SECURED, CardState.LABELLED)))
            .group_by(Order.id, Card.serial_number, Card.changed_at)
            .order_by(Card.changed_at.desc())
            .limit(MOST_PAPERS)
        ).all()
        shipped = session.scalar(select(func.count()).select_from(Shipment)) or 0
    return Papers(
        orders=[Paper(f"{order.id}, {order.name}", order_code(order.id)) for order in placed],
        labels=[
            Paper(f"{order}, {serial}", label_code(order, serial, copy))
            for order, serial, copy in ready
            if copy
        ],
        cards=[Paper(serial, card_code(serial)) for _, serial, _ in ready],
        tracking=f"SP{shipped + 1:09d}XX",
    )
