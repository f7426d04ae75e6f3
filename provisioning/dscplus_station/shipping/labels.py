"""Printing of labels, as records: each has its own number, and only the last of a card counts."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dscplus_station import audit
from dscplus_station.actor import Actor, Role
from dscplus_station.errors import StateConflict
from dscplus_station.orders.rules import OrderState
from dscplus_station.orders.service import get_order, live_binding
from dscplus_station.scans.rules import label_code
from dscplus_station.shipping.rules import labels_printed
from dscplus_station.shipping.tables import Label
from dscplus_station.station import Station
from dscplus_station.stock.rules import CardState
from dscplus_station.stock.service import get_card, move_card


@dataclass(frozen=True)
class IssuedLabel:
    """A label to be printed now. `barcode` is its text; `copy` 2 and more make the earlier ones void."""

    order: str
    serial_number: str
    copy: int
    barcode: str


def issue_label(station: Station, actor: Actor, order_id: str) -> IssuedLabel:
    """Record that the label of an order's card is printed, before it is: the card is LABELLED.

    A label that did not come out is issued again, as the next copy: then it cannot matter whether the first
    one turns up after all.

    Raises:
        NotFound: there is no such order.
        StateConflict: it has no card that is ready, or this station prints no labels.
        NotPermitted: the actor may not print labels.
    """
    actor.require(Role.PROVISIONING, "print labels")
    with station.database.writing() as session:
        return issue(session, station, actor, station.now(), order_id)


def issue(session: Session, station: Station, actor: Actor, now: datetime, order_id: str) -> IssuedLabel:
    """As `issue_label`, within the caller's transaction."""
    if not labels_printed(station.settings.labels):
        raise StateConflict("this station prints no labels ([labels] printed = false)")
    order = get_order(session, order_id)
    binding = live_binding(session, order_id=order_id)
    if order.state is not OrderState.IN_PROVISIONING or binding is None:
        raise StateConflict(
            "order {order} is {state}: it has no card to print a label for", order=order_id, state=order.state
        )
    serial_number = binding.serial_number
    if get_card(session, serial_number).state is not CardState.LABELLED:
        move_card(session, actor, now, serial_number, CardState.LABELLED, f"order {order_id}")
    copy = copies(session, order_id, serial_number) + 1
    session.add(Label(order_id=order_id, serial_number=serial_number, copy=copy, issued_at=now))
    session.flush()
    audit.record(session, actor, now, "shipping.label", order_id, serial_number=serial_number, copy=copy)
    return IssuedLabel(order_id, serial_number, copy, label_code(order_id, serial_number, copy))


def copies(session: Session, order_id: str, serial_number: str) -> int:
    """How many labels were printed for an order's card."""
    query = select(func.max(Label.copy)).where(
        Label.order_id == order_id, Label.serial_number == serial_number
    )
    return session.scalar(query) or 0
