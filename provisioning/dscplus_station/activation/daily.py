"""The activation job: what the timers ask for on a day, and doing it (R13 to R16)."""

from collections import defaultdict
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from dscplus_station.activation.rules import Notice, TimerState, is_due, notice_due
from dscplus_station.activation.service import end_timer, make_active
from dscplus_station.activation.tables import ActivationTimer
from dscplus_station.actor import Actor, Role
from dscplus_station.devices.held import held
from dscplus_station.devices.rules import ActivatedBy
from dscplus_station.errors import NotFound, StateConflict
from dscplus_station.notices.outbox import queue
from dscplus_station.notices.rules import NoticeKind
from dscplus_station.notices.tables import Notice as NoticeRow
from dscplus_station.orders.service import get_order
from dscplus_station.orders.tables import Order
from dscplus_station.station import Station

PIECE = 100
"""Timers that one query finds."""


@dataclass(frozen=True)
class Due:
    """A running timer, seen from a day: the notice to send then, or that it is due."""

    order: str
    serial_number: str
    user: str
    auto_activates_on: date
    due: bool
    notice: Notice | None


@dataclass(frozen=True)
class TimerRun:
    """What a run of the timers came to: cards whose users were activated or are to be told.

    `held_back` says why a due card was not activated; `stopped`: it was asked to stop before the last card.
    """

    activated: list[str]
    announced: list[str]
    held_back: list[tuple[str, str]]
    stopped: bool = False


_NOTICES = {
    Notice.APPROACHING: NoticeKind.ACTIVATION_APPROACHING,
    Notice.IMMINENT: NoticeKind.ACTIVATION_IMMINENT,
}


def upcoming(station: Station, on: date | None = None) -> list[Due]:
    """All running timers as they stand on a day (today by default), the earliest first."""
    return _running(station, station.day(on), date.max)


def _running(station: Station, day: date, until: date) -> list[Due]:
    """The running timers that are due until a day, as they stand on another one, the earliest first.

    In pieces, each found by the keys at hand: PostgreSQL takes being RUNNING and being due for independent of
    each other, and would expect so many rows of a join that it goes through all notices and orders.
    """
    found: list[Due] = []
    by = (ActivationTimer.due_on, ActivationTimer.shipment_id)
    running = (
        select(ActivationTimer)
        .where(ActivationTimer.state == TimerState.RUNNING, ActivationTimer.due_on <= until)
        .order_by(*by)
        .limit(PIECE)
    )
    with station.database.reading() as session:
        timers = session.scalars(running).all()
        while timers:
            found += _standing(session, station, day, timers)
            last = timers[-1]
            timers = session.scalars(running.where(tuple_(*by) > (last.due_on, last.shipment_id))).all()
    return found


def _standing(session: Session, station: Station, day: date, timers: Sequence[ActivationTimer]) -> list[Due]:
    """Running timers as they stand on a day."""
    shipments, orders = [one.shipment_id for one in timers], [one.order_id for one in timers]
    told = defaultdict(set)
    notices = select(NoticeRow.shipment_id, NoticeRow.kind).where(NoticeRow.shipment_id.in_(shipments))
    for shipment_id, kind in session.execute(notices):
        told[shipment_id].add(kind)
    named = session.execute(select(Order.id, Order.user_name).where(Order.id.in_(orders)))
    users = {order.id: order.user_name for order in named}
    ahead = station.settings.activation
    return [
        Due(
            one.order_id,
            one.serial_number,
            users[one.order_id],
            one.due_on,
            is_due(one.due_on, day),
            notice_due(one.due_on, day, ahead, _already_told(told[one.shipment_id])),
        )
        for one in timers
    ]


def _already_told(kinds: Container[NoticeKind]) -> list[Notice]:
    return [notice for notice, kind in _NOTICES.items() if kind in kinds]


def run_timers(
    station: Station, actor: Actor, on: date | None = None, *, stop: Callable[[], bool] = lambda: False
) -> TimerRun:
    """Activate what is due on a day and queue the notices due on it; one transaction a card, so that one
    trouble holds up no other card (R13, R14).

    A run that comes late activates what became due meanwhile, and announces what is still to come; a second
    run finds nothing.

    Args:
        stop: asked before each card; true: what remains waits for another run.

    Raises:
        HeldByAnother: another run is under way, here or at a station that shares the records.
    """
    actor.require(Role.CLIENT_SERVICES, "run the activation timers")
    run, day = TimerRun([], [], []), station.day(on)
    with station.owning("job activation", "activation run"):
        # Nothing happens to a timer before its first notice: a run does not look further ahead.
        first_notice = timedelta(days=station.settings.activation.approaching)
        for due in _running(station, day, day + first_notice):
            if stop():
                return replace(run, stopped=True)
            try:
                if due.due and _activate_due(station, actor, due, day):
                    run.activated.append(due.serial_number)
                if due.notice is not None and _announce(station, actor, due, due.notice):
                    run.announced.append(due.serial_number)
            except (StateConflict, NotFound) as trouble:
                run.held_back.append((due.serial_number, str(trouble)))
    return run


def _still_running(session: Session, due: Due) -> int | None:
    """The shipment whose timer was seen, if it still runs; a card posted anew has a day of its own."""
    return session.scalar(
        select(ActivationTimer.shipment_id).where(
            ActivationTimer.order_id == due.order,
            ActivationTimer.state == TimerState.RUNNING,
            ActivationTimer.due_on == due.auto_activates_on,
        )
    )


def _announce(station: Station, actor: Actor, due: Due, notice: Notice) -> bool:
    """Queue a notice of what a timer will do; False if the user was faster, or was told already."""
    with station.database.writing() as session:
        shipment_id = _still_running(session, due)
        if shipment_id is None:
            return False
        order, day = get_order(session, due.order), due.auto_activates_on
        return queue(
            session,
            actor,
            station.now(),
            _NOTICES[notice],
            order,
            due.serial_number,
            shipment_id=shipment_id,
            day=day,
            useful_until=day,
        )


def _activate_due(station: Station, actor: Actor, due: Due, day: date) -> bool:
    """Activate one card by its timer; False if its user was faster."""
    with station.database.writing() as session:
        now = station.now()
        if _still_running(session, due) is None:
            return False
        end_timer(session, actor, now, due.serial_number, TimerState.DONE, "due")
        order = get_order(session, due.order)
        assignment = held(session, due.serial_number, order.user_name).assignment(session)
        make_active(session, actor, now, order, assignment, due.serial_number, ActivatedBy.TIMER)
        queue(session, actor, now, NoticeKind.CARD_ACTIVATED, order, due.serial_number, day=day)
        return True
