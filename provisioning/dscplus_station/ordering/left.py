"""Drafts that their client left: closed after a while, so that no PIN is kept for what is never ordered."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select

from dscplus_station.actor import Actor, Role
from dscplus_station.orders.rules import CLIENTS_DRAFT, OrderState
from dscplus_station.orders.service import move_order
from dscplus_station.orders.tables import Order
from dscplus_station.station import Station

READ_AT_ONCE = 1000


@dataclass(frozen=True)
class Closed:
    """How many drafts were closed; `stopped`: before the last of them, as it was asked to stop."""

    number: int
    stopped: bool = False


def close_left(station: Station, actor: Actor, stop: Callable[[], bool] = lambda: False) -> Closed:
    """Cancel the drafts that nobody has changed for so long as `[drafts]` says, one transaction each (R11).

    Their sealed PINs are destroyed with the step. Nothing was held for them, and no card serves them.

    Args:
        stop: asked before each draft; true: the rest waits for another run.
    """
    actor.require(Role.CLIENT_SERVICES, "close drafts that were left")
    days = station.settings.drafts.days_without_change
    number = 0
    while orders := _left(station, timedelta(days=days)):
        for order_id in orders:
            if stop():
                return Closed(number, stopped=True)
            number += _close(station, actor, order_id, days)
    return Closed(number)


def _left(station: Station, after: timedelta) -> list[str]:
    left = (Order.state.in_(CLIENTS_DRAFT), Order.changed_at <= station.now() - after)
    query = select(Order.id).where(*left).order_by(Order.changed_at, Order.id).limit(READ_AT_ONCE)
    with station.database.reading() as session:
        return list(session.scalars(query))


def _close(station: Station, actor: Actor, order_id: str, days: int) -> bool:
    """Close one, unless its client has come back meanwhile."""
    with station.database.writing() as session:
        now = station.now()
        order = session.get_one(Order, order_id, with_for_update=True)
        if order.state not in CLIENTS_DRAFT or order.changed_at > now - timedelta(days=days):
            return False
        move_order(session, actor, now, order_id, OrderState.CANCELLED, f"left for {days} days")
        return True
