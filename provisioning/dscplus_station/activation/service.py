"""Activation by the user and by the timer, idempotent towards each other (R13 to R16)."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from dscplus_station import audit, locks
from dscplus_station.activation.rules import Notice, TimerState, activation_day, is_due, notice_due
from dscplus_station.activation.tables import ActivationTimer
from dscplus_station.actor import Actor, Role
from dscplus_station.db import affected
from dscplus_station.devices.rules import ActivatedBy, AssignmentState
from dscplus_station.devices.service import (
    is_user_of,
    live_assignments,
    live_device,
    move_assignment,
    revoke_card_users,
)
from dscplus_station.devices.tables import Assignment
from dscplus_station.errors import NotFound, StateConflict
from dscplus_station.interim.service import end_interim_access
from dscplus_station.orders.rules import OrderState
from dscplus_station.orders.service import get_order, move_order
from dscplus_station.orders.tables import Order
from dscplus_station.station import Station
from dscplus_station.words import require_words


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
    """What a run of the timers came to; `held_back` says why a due card was not activated."""

    activated: list[str]
    held_back: list[tuple[str, str]]


def start_timer(
    session: Session,
    actor: Actor,
    now: datetime,
    order: Order,
    serial_number: str,
    shipment_id: int,
    shipped_on: date,
) -> date:
    """Start a shipped card's timer, within the transaction of its shipment; gives the day."""
    due_on = activation_day(order.kind, shipped_on)
    session.add(
        ActivationTimer(
            shipment_id=shipment_id,
            order_id=order.id,
            serial_number=serial_number,
            due_on=due_on,
            state=TimerState.RUNNING,
        )
    )
    audit.record(session, actor, now, "activation.timer", serial_number, due_on=due_on.isoformat())
    return due_on


def stop_timer(session: Session, actor: Actor, now: datetime, serial_number: str, because: str) -> bool:
    """Stop a card's running timer (R15, R16); False if none runs."""
    return _end_timer(session, actor, now, serial_number, TimerState.STOPPED, because)


def upcoming(station: Station, on: date | None = None) -> list[Due]:
    """All running timers as they stand on a day (today by default), the earliest first."""
    day = station.day(on)
    with station.database.reading() as session:
        timers = session.execute(
            select(ActivationTimer, Order.user_name)
            .join(Order, Order.id == ActivationTimer.order_id)
            .where(ActivationTimer.state == TimerState.RUNNING)
            .order_by(ActivationTimer.due_on, ActivationTimer.id)
        ).all()
    return [
        Due(
            timer.order_id,
            timer.serial_number,
            user,
            timer.due_on,
            is_due(timer.due_on, day),
            notice_due(timer.due_on, day),
        )
        for timer, user in timers
    ]


def run_timers(station: Station, actor: Actor, on: date | None = None) -> TimerRun:
    """Activate what is due on a day; one transaction a card, so that one trouble holds up no other card.

    A run that comes late activates what became due meanwhile; a second run finds nothing.

    Raises:
        HeldByAnother: another run is under way.
    """
    actor.require(Role.CLIENT_SERVICES, "run the activation timers")
    run = TimerRun([], [])
    with locks.hold(station.home.locks, "job activation", "activation run"):
        for due in [timer for timer in upcoming(station, on) if timer.due]:
            try:
                if _activate_due(station, actor, due):
                    run.activated.append(due.serial_number)
            except (StateConflict, NotFound) as trouble:
                run.held_back.append((due.serial_number, str(trouble)))
    return run


def _activate_due(station: Station, actor: Actor, due: Due) -> bool:
    """Activate one card by its timer; False if its user was faster."""
    with station.database.writing() as session:
        now = station.now()
        if not _end_timer(session, actor, now, due.serial_number, TimerState.DONE, "due"):
            return False
        order = get_order(session, due.order)
        assignment = _assignment(session, due.serial_number, order.user_name)
        _activate(session, actor, now, order, assignment, due.serial_number, ActivatedBy.TIMER)
        return True


def activate_by_user(
    session: Session, actor: Actor, now: datetime, order_id: str, assignment: Assignment, serial_number: str
) -> None:
    """Activate after a valid response (R15), within the transaction that has checked it.

    Raises:
        StateConflict: the order is not on its way, or the assignment is not PENDING.
    """
    _end_timer(session, actor, now, serial_number, TimerState.DONE, "activated by its user")
    order = get_order(session, order_id)
    _activate(session, actor, now, order, assignment, serial_number, ActivatedBy.USER)


def revoke_card(station: Station, actor: Actor, serial_number: str, because: str) -> list[str]:
    """Revoke all users' assignments of a card; one still in the post is not activated any more (R15).

    Returns:
        the users it was revoked for.

    Raises:
        BadInput: the reason is empty or too long.
        NotFound: it is no personalised card, or has no users any more.
    """
    actor.require(Role.CLIENT_SERVICES, "revoke a card")
    require_words(f"card {serial_number}: a reason", because)
    with station.database.writing() as session:
        now = station.now()
        live_device(session, serial_number)
        users = revoke_card_users(session, actor, now, serial_number, because)
        if not users:
            raise NotFound(f"card {serial_number} has no users (any more): nothing was changed")
        stop_timer(session, actor, now, serial_number, because)
    return users


def _activate(
    session: Session,
    actor: Actor,
    now: datetime,
    order: Order,
    assignment: Assignment,
    serial_number: str,
    by: ActivatedBy,
) -> None:
    if assignment.state is not AssignmentState.PENDING:
        raise StateConflict(
            f"card {serial_number} is {assignment.state} for {assignment.user_name}, not PENDING: "
            "release it first, then activate it"
        )
    move_order(session, actor, now, order.id, OrderState.FULFILLED, f"active, by {by}")
    move_assignment(
        session, actor, now, assignment, AssignmentState.ACTIVE, f"activated by {by}", activated_by=by
    )
    if order.replaces is not None and is_user_of(session, order.replaces, assignment.user_name):
        # Else it was revoked before: by now the card may have come back and be somebody else's.
        because = f"replaced by card {serial_number}"
        revoke_card_users(session, actor, now, order.replaces, because)
        stop_timer(session, actor, now, order.replaces, because)
    end_interim_access(session, actor, now, assignment.user_name, f"card {serial_number} is active")


def _assignment(session: Session, serial_number: str, user_name: str) -> Assignment:
    device = live_device(session, serial_number)
    for assignment in live_assignments(session, device.id):
        if assignment.user_name == user_name:
            return assignment
    raise StateConflict(f"card {serial_number} is no longer assigned to {user_name}")


def _end_timer(
    session: Session, actor: Actor, now: datetime, serial_number: str, state: TimerState, because: str
) -> bool:
    ended = affected(
        session,
        update(ActivationTimer)
        .where(ActivationTimer.serial_number == serial_number, ActivationTimer.state == TimerState.RUNNING)
        .values(state=state, ended_at=now, end_reason=because),
    )
    if ended:
        audit.record(session, actor, now, f"activation.timer.{state}", serial_number, because=because)
    return bool(ended)
