"""The list of orders: by last change, day or number; found by order, user, card or tracking number."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from dscplus_station.devices.rules import Profile
from dscplus_station.lists.cards import CARDS, running_timers
from dscplus_station.lists.rules import Way
from dscplus_station.lists.walk import Listing, Trail
from dscplus_station.orders.rules import OrderKind, OrderState
from dscplus_station.orders.tables import Binding, Order
from dscplus_station.shipping.tables import Shipment
from dscplus_station.station import Station


@dataclass(frozen=True)
class OrderRow:
    """An order, and the card that serves it. No name and no address: those are on its own page."""

    order: str
    user: str
    kind: OrderKind
    replaces: str | None
    profile: Profile
    country: str
    state: OrderState
    serial_number: str | None
    placed_at: datetime | None
    estimated_shipment_on: date | None
    auto_activates_on: date | None
    changed_at: datetime


def order_rows(session: Session, _station: Station, order_ids: Sequence[str]) -> list[OrderRow]:
    """These orders, in this order; a handful of queries, however many they are."""
    cards = {
        row[0]: row[1]
        for row in session.execute(
            select(Binding.order_id, Binding.serial_number).where(
                Binding.released_at.is_(None), Binding.order_id.in_(order_ids)
            )
        )
    }
    due = running_timers(session, cards.values())
    found = {
        row.id: row
        for row in session.execute(
            select(
                Order.id,
                Order.user_name,
                Order.kind,
                Order.replaces,
                Order.profile,
                Order.country,
                Order.state,
                Order.placed_at,
                Order.estimated_shipment_on,
                Order.changed_at,
            ).where(Order.id.in_(order_ids))
        )
    }
    return [
        OrderRow(
            order=row.id,
            user=row.user_name,
            kind=row.kind,
            replaces=row.replaces,
            profile=row.profile,
            country=row.country,
            state=row.state,
            serial_number=cards.get(row.id),
            placed_at=row.placed_at,
            estimated_shipment_on=row.estimated_shipment_on,
            auto_activates_on=due.get(cards.get(row.id, "")),
            changed_at=row.changed_at,
        )
        for row in (found[order_id] for order_id in order_ids)
    ]


ORDERS = Listing(
    name="orders",
    row=OrderRow,
    columns=tuple(OrderRow.__dataclass_fields__),
    values={"state": frozenset(OrderState), "kind": frozenset(OrderKind)},
    conditions={"state": lambda value: Order.state == value, "kind": lambda value: Order.kind == value},
    sorts={
        "changed": Trail(
            Way(
                (datetime, str),
                frozenset(
                    {frozenset(), frozenset({"state"}), frozenset({"kind"}), frozenset({"state", "kind"})}
                ),
                ranged=True,
                newest_first=True,
            ),
            (Order.changed_at, Order.id),
            Order.id,
        ),
        "placed": Trail(
            Way((datetime, str), frozenset({frozenset(), frozenset({"state"})}), ranged=True),
            (Order.placed_at, Order.id),
            Order.id,
            always=(Order.placed_at.is_not(None),),
        ),
        "order": Trail(Way((str,)), (Order.id,), Order.id),
    },
    searches={
        "order": Trail(Way((str,)), (Order.id,), Order.id),
        "user": Trail(Way((str, str)), (Order.user_name, Order.id), Order.id),
        "serial": Trail(Way((str, int)), (Binding.serial_number, Binding.id), Binding.order_id),
        "tracking": Trail(Way((str, int)), (Shipment.tracking, Shipment.id), Shipment.order_id),
    },
    facts=order_rows,
    roles=CARDS.roles,
)
