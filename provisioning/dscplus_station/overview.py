"""One order and one card with what the rooms know of them, read-only; many of them: `lists`."""

from typing import Any

from sqlalchemy import select

from dscplus_station.activation.tables import ActivationTimer
from dscplus_station.devices.tables import Assignment, Device
from dscplus_station.holds.tables import Hold
from dscplus_station.interim.rules import gap_warning
from dscplus_station.interim.service import online_cards_end
from dscplus_station.losses.tables import CardReport
from dscplus_station.orders.service import get_order, live_binding
from dscplus_station.orders.tables import Binding, Order
from dscplus_station.personalise.tables import Run
from dscplus_station.returns.tables import Return
from dscplus_station.shipping.tables import Shipment
from dscplus_station.station import Station
from dscplus_station.stock.service import get_card


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


def card(station: Station, serial_number: str) -> dict[str, Any]:
    """One card: physical state, the order it serves, its user, dates and runs.

    `user` and `assignment` are the order's user's; `users` has everybody who shares the card (R4). `warning`
    is R16's: the user's online card ends before this card activates.

    Raises:
        NotFound: no such card.
    """
    with station.database.reading() as session:
        found = get_card(session, serial_number)
        bound = live_binding(session, serial_number=serial_number)
        user = get_order(session, bound.order_id).user_name if bound else None
        # Of shipments, timers and devices, the last one counts.
        shipped_on = session.scalar(
            select(Shipment.shipped_on)
            .where(Shipment.serial_number == serial_number, Shipment.undone_at.is_(None))
            .order_by(Shipment.id.desc())
            .limit(1)
        )
        timer = session.scalar(
            select(ActivationTimer)
            .where(ActivationTimer.serial_number == serial_number)
            .order_by(ActivationTimer.id.desc())
            .limit(1)
        )
        device = (
            select(Device.id).where(Device.serial_number == serial_number).order_by(Device.id.desc()).limit(1)
        )
        users = session.execute(
            select(Assignment.user_name, Assignment.state)
            .where(Assignment.device_id == device.scalar_subquery())
            .order_by(Assignment.id)
        ).all()
        runs = session.scalars(select(Run).where(Run.serial_number == serial_number).order_by(Run.started_at))
        activates_on = timer.due_on if timer is not None and timer.ended_at is None else None
        online_ends = online_cards_end(session, station.settings.zone, user).get(user) if user else None
        return {
            "serial_number": found.serial_number,
            "batch": found.batch,
            "state": found.state,
            "order": bound.order_id if bound else None,
            "user": user,
            "assignment": next((state for name, state in users if name == user), None),
            "users": [{"user": name, "assignment": state} for name, state in users],
            "shipped_on": shipped_on,
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
