"""The list of cards: by serial number or last change; found by order, user or tracking number, too."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import join, select
from sqlalchemy.orm import Session

from dscplus_station.activation.rules import TimerState
from dscplus_station.activation.tables import ActivationTimer
from dscplus_station.actor import Role
from dscplus_station.devices.rules import AssignmentState
from dscplus_station.devices.tables import Assignment, Device
from dscplus_station.lists.rules import Way
from dscplus_station.lists.walk import Listing, Trail
from dscplus_station.orders.tables import Binding, Order
from dscplus_station.shipping.tables import Shipment
from dscplus_station.station import Station
from dscplus_station.stock.rules import CardState
from dscplus_station.stock.tables import Card


@dataclass(frozen=True)
class CardRow:
    """A card: where it is, the order that it serves, that order's user, and when it activates by itself."""

    serial_number: str
    batch: str
    state: CardState
    order: str | None
    user: str | None
    assignment: AssignmentState | None
    shipped_on: date | None
    auto_activates_on: date | None
    changed_at: datetime


def card_rows(session: Session, _station: Station, serial_numbers: Sequence[str]) -> list[CardRow]:
    """These cards, in this order; a handful of queries, however many they are."""
    served = {
        serial: (order, user)
        for serial, order, user in session.execute(
            select(Binding.serial_number, Order.id, Order.user_name)
            .join(Order)
            .where(Binding.released_at.is_(None), Binding.serial_number.in_(serial_numbers))
        )
    }
    shipped = {
        row[0]: row[1]
        for row in session.execute(
            select(Shipment.serial_number, Shipment.shipped_on)
            .where(Shipment.serial_number.in_(serial_numbers), Shipment.undone_at.is_(None))
            .order_by(Shipment.id)
        )
    }
    due = running_timers(session, serial_numbers)
    # Of the devices that a card has been, the last one counts.
    assigned = {
        (serial, user): (device, state)
        for serial, device, user, state in session.execute(
            select(Device.serial_number, Device.id, Assignment.user_name, Assignment.state)
            .join(Assignment)
            .where(Device.serial_number.in_(serial_numbers))
            .order_by(Device.id, Assignment.id)
        )
    }
    last_device = {serial: device for (serial, _), (device, _) in assigned.items()}
    found = {
        row.serial_number: row
        for row in session.execute(
            select(Card.serial_number, Card.batch, Card.state, Card.changed_at).where(
                Card.serial_number.in_(serial_numbers)
            )
        )
    }
    rows = []
    for serial in serial_numbers:
        card = found[serial]
        order, user = served.get(serial, (None, None))
        device, assignment = assigned.get((serial, user or ""), (None, None))
        rows.append(
            CardRow(
                serial,
                card.batch,
                card.state,
                order,
                user,
                assignment if device == last_device.get(serial) else None,
                shipped.get(serial),
                due.get(serial),
                card.changed_at,
            )
        )
    return rows


def running_timers(session: Session, serial_numbers: Collection[str]) -> dict[str, date]:
    """The days on which these cards activate by themselves; nothing for a card whose timer has ended.

    The state is looked at here: asked for in SQL, it would lead through an index of all running timers.
    """
    query = select(ActivationTimer.serial_number, ActivationTimer.due_on, ActivationTimer.state).where(
        ActivationTimer.serial_number.in_(serial_numbers)
    )
    return {serial: day for serial, day, state in session.execute(query) if state is TimerState.RUNNING}


CARDS = Listing(
    name="cards",
    row=CardRow,
    columns=tuple(CardRow.__dataclass_fields__),
    values={"state": frozenset(CardState), "batch": None},
    conditions={"state": lambda value: Card.state == value, "batch": lambda value: Card.batch == value},
    sorts={
        "serial": Trail(
            Way(
                (str,),
                frozenset(
                    {frozenset(), frozenset({"state"}), frozenset({"batch"}), frozenset({"state", "batch"})}
                ),
            ),
            (Card.serial_number,),
            Card.serial_number,
        ),
        "changed": Trail(
            Way(
                (datetime, str),
                frozenset({frozenset(), frozenset({"state"})}),
                ranged=True,
                newest_first=True,
            ),
            (Card.changed_at, Card.serial_number),
            Card.serial_number,
        ),
    },
    searches={
        "serial": Trail(
            Way(
                (str,),
                frozenset(
                    {frozenset(), frozenset({"state"}), frozenset({"batch"}), frozenset({"state", "batch"})}
                ),
            ),
            (Card.serial_number,),
            Card.serial_number,
        ),
        "order": Trail(
            Way((str,)), (Binding.order_id,), Binding.serial_number, always=(Binding.released_at.is_(None),)
        ),
        "user": Trail(
            Way((str, str)),
            (Order.user_name, Order.id),
            Binding.serial_number,
            join(Order, Binding, Binding.order_id == Order.id),
            (Binding.released_at.is_(None),),
        ),
        "tracking": Trail(Way((str, int)), (Shipment.tracking, Shipment.id), Shipment.serial_number),
    },
    facts=card_rows,
    roles=frozenset(
        {Role.STOCK, Role.ORDERS, Role.PROVISIONING, Role.SHIPPING, Role.CLIENT_SERVICES, Role.RETURNS}
        | {Role.SUPERVISOR, Role.AUDIT}
    ),
)
