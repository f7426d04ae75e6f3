"""Activation by the user and by the timer, idempotent towards each other (R13 to R16)."""

from datetime import date, datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from dscplus_station import audit
from dscplus_station.activation.rules import TimerState, activation_day
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
from dscplus_station.notices.outbox import queue, withdraw
from dscplus_station.notices.rules import NoticeKind
from dscplus_station.orders.rules import OrderState
from dscplus_station.orders.service import get_order, move_order
from dscplus_station.orders.tables import Order
from dscplus_station.sharing.ending import end_sharings_of_device
from dscplus_station.station import Station
from dscplus_station.wording import words
from dscplus_station.words import require_words

ANNOUNCEMENTS = (
    NoticeKind.CARD_SHIPPED,
    NoticeKind.ACTIVATION_APPROACHING,
    NoticeKind.ACTIVATION_IMMINENT,
)
"""What is no longer true once the timer has ended."""


def start_timer(
    session: Session,
    station: Station,
    actor: Actor,
    now: datetime,
    order: Order,
    serial_number: str,
    shipment_id: int,
    shipped_on: date,
) -> date:
    """Start a shipped card's timer, within the transaction of its shipment; gives the day."""
    due_on = activation_day(order.kind, shipped_on, station.settings.activation)
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
    withdraw(session, actor, now, order.id, (NoticeKind.SHIPMENT_UNDONE,), "it is shipped again")
    queue(
        session,
        actor,
        now,
        NoticeKind.CARD_SHIPPED,
        order,
        serial_number,
        shipment_id=shipment_id,
        day=due_on,
        useful_until=due_on,
    )
    return due_on


def stop_timer(session: Session, actor: Actor, now: datetime, serial_number: str, because: str) -> bool:
    """Stop a card's running timer (R15, R16); False if none runs."""
    return end_timer(session, actor, now, serial_number, TimerState.STOPPED, because)


def activate_by_user(
    session: Session, actor: Actor, now: datetime, order_id: str, assignment: Assignment, serial_number: str
) -> None:
    """Activate after a valid response (R15), within the transaction that has checked it.

    Raises:
        StateConflict: the order is not on its way, or the assignment is not PENDING.
    """
    end_timer(session, actor, now, serial_number, TimerState.DONE, "activated by its user")
    order = get_order(session, order_id)
    make_active(session, actor, now, order, assignment, serial_number, ActivatedBy.USER)


def revoke_card(station: Station, actor: Actor, serial_number: str, because: str) -> list[str]:
    """Revoke all users' assignments of a card; one still in the post is not activated any more (R15).

    Returns:
        the users it was revoked for.

    Raises:
        BadInput: the reason is empty or too long.
        NotFound: it is no personalised card, or has no users any more.
    """
    actor.require(Role.CLIENT_SERVICES, "revoke a card")
    require_words(words("card {card}: a reason", card=serial_number), because)
    with station.database.writing() as session:
        users = take_out_of_use(session, actor, station.now(), serial_number, because)
        if not users:
            raise NotFound("card {card} has no users (any more): nothing was changed", card=serial_number)
    return users


def take_out_of_use(
    session: Session, actor: Actor, now: datetime, serial_number: str, because: str
) -> list[str]:
    """Take a device from all its users, for good: sharings end (R30), assignments are revoked, no timer runs.

    Returns:
        the users it was taken from.

    Raises:
        NotFound: it is no device.
    """
    device = live_device(session, serial_number)
    users = [assignment.user_name for assignment in live_assignments(session, device.id)]
    end_sharings_of_device(session, actor, now, device.id, because)
    revoke_card_users(session, actor, now, serial_number, because)
    stop_timer(session, actor, now, serial_number, because)
    return users


def make_active(
    session: Session,
    actor: Actor,
    now: datetime,
    order: Order,
    assignment: Assignment,
    serial_number: str,
    by: ActivatedBy,
) -> None:
    """Make a card active: order FULFILLED, what it replaces revoked, interim access ended (R15).

    Raises:
        StateConflict: the order is not on its way, or the assignment is not PENDING.
    """
    if assignment.state is not AssignmentState.PENDING:
        raise StateConflict(
            "card {card} is {state} for {user}, not PENDING: release it first, then activate it",
            card=serial_number,
            state=assignment.state,
            user=assignment.user_name,
        )
    move_order(session, actor, now, order.id, OrderState.FULFILLED, f"active, by {by}")
    move_assignment(
        session, actor, now, assignment, AssignmentState.ACTIVE, f"activated by {by}", activated_by=by
    )
    if order.replaces is not None and is_user_of(session, order.replaces, assignment.user_name):
        # Else it was revoked before: by now the card may have come back and be somebody else's.
        take_out_of_use(session, actor, now, order.replaces, f"replaced by card {serial_number}")
    end_interim_access(session, actor, now, assignment.user_name, f"card {serial_number} is active")


def end_timer(
    session: Session, actor: Actor, now: datetime, serial_number: str, state: TimerState, because: str
) -> bool:
    """End a card's running timer, and withdraw what its user was to be told of it; False if none runs."""
    running = (ActivationTimer.serial_number == serial_number, ActivationTimer.state == TimerState.RUNNING)
    order_id = session.scalar(select(ActivationTimer.order_id).where(*running))
    if order_id is None:
        return False
    affected(
        session,
        update(ActivationTimer).where(*running).values(state=state, ended_at=now, end_reason=because),
    )
    audit.record(session, actor, now, f"activation.timer.{state}", serial_number, because=because)
    withdraw(session, actor, now, order_id, ANNOUNCEMENTS, because)
    return True
