"""Reports across the rooms, read-only: what the command line (later the pages) show of orders and cards."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session

from dscplus_station.activation.tables import ActivationTimer
from dscplus_station.devices.tables import Assignment, Device
from dscplus_station.holds.tables import Hold
from dscplus_station.interim.rules import gap_warning
from dscplus_station.interim.service import online_cards_end
from dscplus_station.losses.tables import CardReport
from dscplus_station.orders.service import get_order
from dscplus_station.orders.tables import Binding, Order
from dscplus_station.personalise.tables import Run
from dscplus_station.returns.tables import Return
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
            .order_by(func.coalesce(Order.placed_at, Order.changed_at), Order.id)
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
            "account": found.hold_account,
            "estimated_shipment_on": found.estimated_shipment_on,
            "report": (known.kind if (known := session.get(CardReport, order_id)) else None),
            "returns": [
                {
                    "number": one.id,
                    "serial_number": one.serial_number,
                    "reason": one.reason,
                    "state": one.state,
                    "posted_on": one.posted_on,
                    "received_at": one.received_at,
                }
                for one in session.scalars(
                    select(Return).where(Return.order_id == order_id).order_by(Return.id)
                )
            ],
            "holds": [
                {
                    "account": hold.account,
                    "amount_cents": hold.amount_cents,
                    "currency": hold.currency,
                    "state": hold.state,
                    "ended_at": hold.ended_at,
                    "end_reason": hold.end_reason,
                }
                for hold in session.scalars(select(Hold).where(Hold.order_id == order_id).order_by(Hold.id))
            ],
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
    """All cards, or one: physical state, the order it serves, its user, dates and runs.

    `user` and `assignment` are the order's user's; `users` has everybody who shares the card (R4). One query
    a table, however many cards there are.

    Raises:
        NotFound: no such card.
    """
    with station.database.reading() as session:
        if serial_number is not None:
            get_card(session, serial_number)

        def by_card(query: Select[*tuple[Any, ...]]) -> dict[str, list[Row[*tuple[Any, ...]]]]:
            return _by_card(session, query, serial_number)

        bindings = by_card(
            select(Binding.serial_number, Order.id, Order.user_name)
            .join(Order)
            .where(Binding.released_at.is_(None))
        )
        shipments = by_card(
            select(Shipment.serial_number, Shipment.shipped_on)
            .where(Shipment.undone_at.is_(None))
            .order_by(Shipment.id)
        )
        timers = by_card(
            select(ActivationTimer.serial_number, ActivationTimer.due_on, ActivationTimer.ended_at).order_by(
                ActivationTimer.id
            )
        )
        users = by_card(
            select(Device.serial_number, Device.id, Assignment.user_name, Assignment.state)
            .join(Assignment)
            .order_by(Device.id, Assignment.id)
        )
        runs = by_card(
            select(
                Run.serial_number, Run.id, Run.order_id, Run.state, Run.started_at, Run.ended_at, Run.result
            ).order_by(Run.started_at)
        )
        online_cards = online_cards_end(session, station.settings.zone)
        found = by_card(select(Card.serial_number, Card.batch, Card.state).order_by(Card.serial_number))
    return [
        _card(
            card,
            bindings[serial],
            shipments[serial],
            timers[serial],
            users[serial],
            runs[serial],
            online_cards,
        )
        for serial, (card,) in found.items()
    ]


def _by_card(
    session: Session, query: Select[*tuple[Any, ...]], serial_number: str | None
) -> dict[str, list[Row[*tuple[Any, ...]]]]:
    """Rows by their first column, a serial number: of all cards or of one. No row, no list: an empty one."""
    if serial_number is not None:
        query = query.where(query.selected_columns[0] == serial_number)
    rows: dict[str, list[Row[*tuple[Any, ...]]]] = defaultdict(list)
    for row in session.execute(query):
        rows[row[0]].append(row)
    return rows


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
    card: Row[*tuple[Any, ...]],
    bindings: Sequence[Row[*tuple[Any, ...]]],
    shipments: Sequence[Row[*tuple[Any, ...]]],
    timers: Sequence[Row[*tuple[Any, ...]]],
    users: Sequence[Row[*tuple[Any, ...]]],
    runs: Sequence[Row[*tuple[Any, ...]]],
    online_cards: dict[str, date],
) -> dict[str, Any]:
    """One card's record; of bindings, shipments, timers and devices the last one counts."""
    order, user = (bindings[-1].id, bindings[-1].user_name) if bindings else (None, None)
    present = [one for one in users if one.id == users[-1].id]
    activates_on = timers[-1].due_on if timers and timers[-1].ended_at is None else None
    online_ends = online_cards.get(user) if user else None
    return {
        "serial_number": card.serial_number,
        "batch": card.batch,
        "state": card.state,
        "order": order,
        "user": user,
        "assignment": next((one.state for one in present if one.user_name == user), None),
        "users": [{"user": one.user_name, "assignment": one.state} for one in present],
        "shipped_on": shipments[-1].shipped_on if shipments else None,
        "auto_activates_on": activates_on,
        "online_card_ends_on": online_ends,
        "warning": gap_warning(user, online_ends, activates_on)
        if user and online_ends and activates_on
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
