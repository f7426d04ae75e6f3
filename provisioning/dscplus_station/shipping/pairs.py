"""The pair at packing: a card's printed serial number and its label, both scanned, of one order."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from dscplus_station import audit
from dscplus_station.actor import Actor
from dscplus_station.errors import NotFound, StateConflict
from dscplus_station.orders.rules import OrderState
from dscplus_station.orders.service import get_order, live_binding
from dscplus_station.orders.tables import Order
from dscplus_station.scans.rules import CardScan, LabelScan, OrderScan
from dscplus_station.shipping.labels import copies
from dscplus_station.shipping.rules import labels_printed, void_label
from dscplus_station.shipping.tables import Label, ScannedPair
from dscplus_station.station import Station
from dscplus_station.stock.rules import CardState
from dscplus_station.stock.service import get_card


def order_of_card(session: Session, station: Station, scan: CardScan) -> str:
    """The order whose ready card was scanned.

    Raises:
        NotFound: the card is not in stock.
        StateConflict: it is not made for an order, or has no label yet.
    """
    serial_number = scan.serial_number
    card = get_card(session, serial_number)
    binding = live_binding(session, serial_number=serial_number)
    if card.state is CardState.SECURED and labels_printed(station.settings.labels) and binding is not None:
        raise StateConflict(
            "card {card} of order {order} has no label yet: print it (dsc-station parcels label {order})",
            card=serial_number,
            order=binding.order_id,
        )
    if binding is None or card.state not in (CardState.SECURED, CardState.LABELLED):
        raise StateConflict(
            "card {card} is {state}: it is not ready to be shipped", card=serial_number, state=card.state
        )
    return binding.order_id


def order_of_paper(session: Session, scan: LabelScan | OrderScan) -> tuple[str, str]:
    """The order, and the card, that the scanned label stands for; without labels, the scanned order.

    Raises:
        NotFound: no such order here: another station's label.
        StateConflict: the label is void, or its order has no such card that is ready.
    """
    order = session.get(Order, scan.order)
    if order is None:
        raise NotFound(
            "no order {order} at this station: the label is another station's, or the order", order=scan.order
        )
    binding = live_binding(session, order_id=order.id)
    if order.state is not OrderState.IN_PROVISIONING or binding is None:
        raise StateConflict(
            "order {order} is {state}: it has no card that is ready to be shipped",
            order=order.id,
            state=order.state,
        )
    if isinstance(scan, LabelScan):
        if scan.serial_number != binding.serial_number:
            raise StateConflict(
                "this label is of card {card}, but order {order} is served by card "
                "{bound} now: destroy the label",
                card=scan.serial_number,
                order=order.id,
                bound=binding.serial_number,
            )
        if void := void_label(scan.copy, copies(session, order.id, scan.serial_number)):
            raise StateConflict(
                "order {order}: {void}. Destroy this one and scan the other", order=order.id, void=void
            )
    return order.id, binding.serial_number


def record_pair(
    session: Session,
    station: Station,
    actor: Actor,
    now: datetime,
    card: CardScan,
    paper: LabelScan | OrderScan,
) -> ScannedPair:
    """Record that both were scanned, if they are one pair.

    Raises:
        NotFound: card or order is unknown here.
        StateConflict: they are of two orders; the label is void; the card is not ready.
    """
    of_card = order_of_card(session, station, card)
    of_paper, serial_number = order_of_paper(session, paper)
    if of_card != of_paper or card.serial_number != serial_number:
        raise StateConflict(
            "card {card} is of order {of_card}, but what was scanned with it is of order {of_paper}, "
            "card {other}: they do not go into one envelope. Nothing was changed",
            card=card.serial_number,
            of_card=of_card,
            of_paper=of_paper,
            other=serial_number,
        )
    label_id = None
    if isinstance(paper, LabelScan):
        label_id = session.scalars(
            select(Label.id).where(
                Label.order_id == of_paper, Label.serial_number == serial_number, Label.copy == paper.copy
            )
        ).one()
    pair = ScannedPair(
        order_id=of_paper,
        serial_number=serial_number,
        label_id=label_id,
        operator=actor.operator,
        station=actor.station,
        scanned_at=now,
    )
    session.add(pair)
    session.flush()
    copy = paper.copy if isinstance(paper, LabelScan) else None
    audit.record(session, actor, now, "shipping.pair", of_paper, serial_number=serial_number, copy=copy)
    return pair


def require_still_pair(session: Session, pair: ScannedPair) -> None:
    """Refuse a pair that no longer stands: the order has another card now, or a later label was printed.

    Raises:
        StateConflict: as said.
    """
    binding = live_binding(session, order_id=pair.order_id)
    if binding is None or binding.serial_number != pair.serial_number:
        state = get_order(session, pair.order_id).state
        raise StateConflict(
            "order {order} ({state}) no longer has card {card}: it is not shipped",
            order=pair.order_id,
            state=state,
            card=pair.serial_number,
        )
    if pair.label_id is not None:
        copy = session.get_one(Label, pair.label_id).copy
        if void := void_label(copy, copies(session, pair.order_id, pair.serial_number)):
            raise StateConflict(
                "order {order}: {void}. Scan card and label again", order=pair.order_id, void=void
            )
