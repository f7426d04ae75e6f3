"""Opening and ending a deposit, within the transaction that has the reason for it (R12)."""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from dscplus_station import audit
from dscplus_station.actor import Actor, Role
from dscplus_station.db import affected
from dscplus_station.errors import NotPermitted, StateConflict
from dscplus_station.holds.rules import DEPOSIT_CENTS, STATE_AFTER, HoldEnd, HoldState
from dscplus_station.holds.tables import Hold
from dscplus_station.notices.outbox import queue
from dscplus_station.notices.rules import NoticeKind
from dscplus_station.orders.service import get_order
from dscplus_station.station import Station


def open_hold(session: Session, actor: Actor, now: datetime, order_id: str, account: str) -> None:
    """Hold the deposit for an order on an account: once an order (R12).

    Raises:
        StateConflict: the order had a hold before.
    """
    if session.scalar(select(Hold.id).where(Hold.order_id == order_id).limit(1)) is not None:
        raise StateConflict("the deposit of order {order} was held before", order=order_id)
    session.add(
        Hold(
            order_id=order_id,
            account=account,
            amount_cents=DEPOSIT_CENTS,
            currency="USD",
            state=HoldState.HELD,
            opened_at=now,
        )
    )
    session.flush()
    audit.record(session, actor, now, "hold.HELD", order_id, account=account, cents=DEPOSIT_CENTS)


def tie_to_card(session: Session, actor: Actor, now: datetime, order_id: str, serial_number: str) -> None:
    """Let an order's open hold be its shipped card's: a card has one at most. Without a hold: nothing.

    Raises:
        StateConflict: an earlier order's deposit for this card was never ended.
    """
    other = session.scalar(
        select(Hold.order_id).where(Hold.serial_number == serial_number, Hold.state == HoldState.HELD)
    )
    if other is not None and other != order_id:
        raise StateConflict(
            "card {card} has an open deposit, of order {other}: end that one first",
            card=serial_number,
            other=other,
        )
    if affected(
        session,
        update(Hold)
        .where(Hold.order_id == order_id, Hold.state == HoldState.HELD)
        .values(serial_number=serial_number),
    ):
        audit.record(session, actor, now, "hold.card", order_id, serial_number=serial_number)


def untie_from_card(session: Session, actor: Actor, now: datetime, order_id: str) -> None:
    """Let an order's open hold be no card's again: its shipment was undone. Without a hold: nothing."""
    if affected(
        session,
        update(Hold)
        .where(Hold.order_id == order_id, Hold.state == HoldState.HELD, Hold.serial_number.is_not(None))
        .values(serial_number=None),
    ):
        audit.record(session, actor, now, "hold.card", order_id, serial_number=None)


def end_hold(
    session: Session, actor: Actor, now: datetime, order_id: str, end: HoldEnd, proposed_by: str | None = None
) -> bool:
    """End an order's open hold and tell its user; False if none is open, so that it ends exactly once (R12).

    Args:
        proposed_by: who reported what a capture follows from (R46): the actor is a second person, and a
            supervisor.

    Raises:
        NotPermitted: a capture by the one who proposed it, or not by a supervisor.
    """
    state = STATE_AFTER[end]
    if state is HoldState.CAPTURED:
        actor.require(Role.SUPERVISOR, "capture a deposit")
        if proposed_by is None or proposed_by == actor.operator:
            raise NotPermitted(
                "capturing the deposit of order {order} needs another person than who put it on record",
                order=order_id,
            )
    ended = affected(
        session,
        update(Hold)
        .where(Hold.order_id == order_id, Hold.state == HoldState.HELD)
        .values(state=state, ended_at=now, end_reason=end),
    )
    if ended:
        audit.record(session, actor, now, f"hold.{state}", order_id, because=end, proposed_by=proposed_by)
        queue(session, actor, now, _NOTICES[state], get_order(session, order_id))
    return bool(ended)


_NOTICES = {HoldState.RELEASED: NoticeKind.HOLD_RELEASED, HoldState.CAPTURED: NoticeKind.HOLD_CAPTURED}


def hold_of(session: Session, order_id: str) -> Hold | None:
    """The deposit of an order, held or ended; None if it never had one."""
    return session.scalars(select(Hold).where(Hold.order_id == order_id)).one_or_none()


def holds(station: Station, state: HoldState | None = None) -> list[Hold]:
    """All deposits, oldest first; those in one state, if it is named."""
    query = select(Hold).order_by(Hold.id)
    if state is not None:
        query = query.where(Hold.state == state)
    with station.database.reading() as session:
        return list(session.scalars(query))
