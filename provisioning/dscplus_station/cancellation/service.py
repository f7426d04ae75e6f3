"""Cancelling an order before shipment: its PIN goes, its card is let go, its run ends; one transaction."""

from dataclasses import dataclass

from sqlalchemy import select

from dscplus_station import audit, locks
from dscplus_station.actor import Actor, Role
from dscplus_station.devices.service import end_device
from dscplus_station.devices.tables import Device
from dscplus_station.errors import StateConflict
from dscplus_station.holds.rules import HoldEnd
from dscplus_station.holds.service import end_hold
from dscplus_station.orders.rules import OrderState
from dscplus_station.orders.service import get_order, live_binding, move_order, release
from dscplus_station.personalise.rules import RunResult, RunState
from dscplus_station.personalise.tables import Run
from dscplus_station.station import Station
from dscplus_station.stock.rules import CardState
from dscplus_station.stock.service import get_card, move_card


@dataclass(frozen=True)
class Cancelled:
    """A cancelled order, the card it had, and whether that card must be wiped before it can serve again."""

    order: str
    serial_number: str | None
    must_be_wiped: bool


def cancel(station: Station, actor: Actor, order_id: str) -> Cancelled:
    """Cancel an order that was not shipped.

    A card to which no key was written becomes BLANK at once. Any other one carries issuer keys, perhaps this
    order's seed and PIN: it keeps its state and serves no order; a later
    order's run takes it up and wipes it first.

    Raises:
        NotFound: there is no such order.
        StateConflict: it was shipped, or cancelled before.
        HeldByAnother: its card is being personalised right now.
    """
    actor.require(Role.ORDERS, "cancel orders")
    with station.database.reading() as session:
        get_order(session, order_id)
        binding = live_binding(session, order_id=order_id)
    if binding is None:
        return _cancel(station, actor, order_id, None)
    with locks.hold(station.home.locks, f"card {binding.serial_number}", "orders cancel"):
        return _cancel(station, actor, order_id, binding.serial_number)


def _cancel(station: Station, actor: Actor, order_id: str, locked: str | None) -> Cancelled:
    because = f"order {order_id} was cancelled"
    with station.database.writing() as session:
        now = station.now()
        if get_order(session, order_id).state is OrderState.CANCELLED:
            raise StateConflict("order {order} was cancelled before", order=order_id)
        move_order(session, actor, now, order_id, OrderState.CANCELLED, "asked for")
        end_hold(session, actor, now, order_id, HoldEnd.ORDER_CANCELLED)
        serial_number = release(session, actor, now, order_id, because)
        if serial_number != locked:
            raise StateConflict("order {order} was given a card meanwhile: cancel it again", order=order_id)
        untouched = True
        run = session.scalars(
            select(Run).where(Run.order_id == order_id, Run.ended_at.is_(None))
        ).one_or_none()
        if run is not None:
            untouched = run.state is RunState.RESERVED
            run.ended_at, run.result, run.sealed_seed = now, RunResult.CANCELLED, None
        if serial_number is None:
            return Cancelled(order_id, None, False)
        card = get_card(session, serial_number)
        device = session.scalars(
            select(Device).where(Device.serial_number == serial_number, Device.ended_at.is_(None))
        ).one_or_none()
        if device is not None:
            end_device(session, actor, now, device, because)
        blank = card.state is CardState.RESERVED and untouched
        if blank:
            move_card(session, actor, now, serial_number, CardState.BLANK, because)
        audit.record(session, actor, now, "order.cancel", order_id, serial_number=serial_number, blank=blank)
        return Cancelled(order_id, serial_number, not blank)
