"""Reports across the rooms, read-only: what the command line (later the pages) show of orders and cards."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from dscplus_station.activation.tables import ActivationTimer
from dscplus_station.devices.tables import Assignment, Device
from dscplus_station.interim.rules import gap_warning
from dscplus_station.interim.service import online_card_ends
from dscplus_station.orders.service import get_order
from dscplus_station.orders.tables import Binding, Order
from dscplus_station.personalise.tables import Run
from dscplus_station.shipping.tables import Shipment
from dscplus_station.station import Station
from dscplus_station.stock.service import get_card
from dscplus_station.stock.tables import Card


def orders(station: Station) -> list[dict[str, Any]]:
    """All orders, oldest first, each with the card that serves it."""
    with station.database.reading() as session:
        rows = session.execute(
            select(Order, Binding.serial_number)
            .outerjoin(Binding, (Binding.order_id == Order.id) & Binding.released_at.is_(None))
            .order_by(Order.placed_at, Order.id)
        ).all()
        return [_order(order, serial) for order, serial in rows]


def order(station: Station, order_id: str) -> dict[str, Any]:
    """One order, with every card that was bound to it.

    Raises:
        NotFound: there is none of that name.
    """
    with station.database.reading() as session:
        found = get_order(session, order_id)
        bindings = list(
            session.scalars(select(Binding).where(Binding.order_id == order_id).order_by(Binding.id))
        )
        live = next((one.serial_number for one in bindings if one.released_at is None), None)
        return _order(found, live) | {
            "language": found.language,
            "name": found.name,
            "address": found.address,
            "country": found.country,
            "pin_kept": found.sealed_pin is not None,
            "placed_at": found.placed_at,
            "cards": [
                {
                    "serial_number": one.serial_number,
                    "bound_at": one.bound_at,
                    "released_at": one.released_at,
                    "release_reason": one.release_reason,
                }
                for one in bindings
            ],
        }


def cards(station: Station, serial_number: str | None = None) -> list[dict[str, Any]]:
    """All cards, or one: physical state, the order it serves or served last, its user, dates and runs.

    `user` and `assignment` are the order's user's; `users` has everybody who shares the card (R4).

    Raises:
        NotFound: no such card.
    """
    with station.database.reading() as session:
        if serial_number is not None:
            found = [get_card(session, serial_number)]
        else:
            found = list(session.scalars(select(Card).order_by(Card.serial_number)))
        only = {card.serial_number for card in found} if serial_number is not None else None
        bindings = _latest(session, Binding, only)
        shipments = _latest(session, Shipment, only)
        timers = _latest(session, ActivationTimer, only)
        devices = _latest(session, Device, only)
        runs = _grouped(_rows(session, Run, only, Run.started_at))
        users = _users(session)
        return [
            _card(
                session,
                card,
                bindings.get(card.serial_number),
                shipments.get(card.serial_number),
                timers.get(card.serial_number),
                users.get(devices[card.serial_number].id, []) if card.serial_number in devices else [],
                runs.get(card.serial_number, []),
            )
            for card in found
        ]


def _order(order: Order, serial_number: str | None) -> dict[str, Any]:
    return {
        "order": order.id,
        "user": order.user_name,
        "kind": order.kind,
        "replaces": order.replaces,
        "profile": order.profile,
        "state": order.state,
        "serial_number": serial_number,
    }


def _card(
    session: Session,
    card: Card,
    binding: Binding | None,
    shipment: Shipment | None,
    timer: ActivationTimer | None,
    users: list[Assignment],
    runs: list[Run],
) -> dict[str, Any]:
    order = session.get_one(Order, binding.order_id) if binding else None
    own = next((one for one in users if order and one.user_name == order.user_name), None)
    shipped_on: date | None = shipment.shipped_on if shipment else None
    online_ends = online_card_ends(session, order.user_name) if order else None
    activates_on = timer.due_on if timer and timer.ended_at is None else None
    return {
        "serial_number": card.serial_number,
        "batch": card.batch,
        "state": card.state,
        "order": order.id if order else None,
        "user": order.user_name if order else None,
        "assignment": own.state if own else None,
        "users": [{"user": one.user_name, "assignment": one.state} for one in users],
        "shipped_on": shipped_on,
        "auto_activates_on": activates_on,
        "online_card_ends_on": online_ends,
        "warning": gap_warning(order.user_name, online_ends, activates_on)
        if order and online_ends and activates_on
        else None,
        "runs": [
            {
                "run": run.id,
                "order": run.order_id,
                "state": run.state,
                "started_at": run.started_at,
                "ended_at": run.ended_at,
                "result": run.result,
            }
            for run in runs
        ],
    }


def _users(session: Session) -> dict[int, list[Assignment]]:
    users: dict[int, list[Assignment]] = {}
    for one in session.scalars(select(Assignment).order_by(Assignment.id)):
        users.setdefault(one.device_id, []).append(one)
    return users


def _rows(session: Session, table: Any, only: set[str] | None, order_by: Any) -> Iterable[Any]:
    query = select(table).order_by(order_by)
    if only is not None:
        query = query.where(table.serial_number.in_(only))
    return session.scalars(query)


def _latest(session: Session, table: Any, only: set[str] | None) -> dict[str, Any]:
    return {row.serial_number: row for row in _rows(session, table, only, table.id)}


def _grouped(rows: Iterable[Any]) -> dict[str, list[Any]]:
    grouped: dict[str, list[Any]] = {}
    for row in rows:
        grouped.setdefault(row.serial_number, []).append(row)
    return grouped
