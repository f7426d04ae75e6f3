"""The outbox: a notice is queued in the transaction of what it tells, or not at all."""

import secrets
from collections.abc import Iterable
from datetime import date, datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from dscplus_station import audit
from dscplus_station.actor import Actor
from dscplus_station.db import affected
from dscplus_station.notices.rules import CHANNELS, DeliveryState, NoticeKind
from dscplus_station.notices.tables import Delivery, Notice
from dscplus_station.orders.tables import Order


def queue(
    session: Session,
    actor: Actor,
    now: datetime,
    kind: NoticeKind,
    order: Order,
    serial_number: str | None = None,
    *,
    day: date | None = None,
    useful_until: date | None = None,
) -> bool:
    """Queue a notice about an order or its card; False if it was queued before: each is told once (R13).

    Args:
        day: the day that the notice names.
        useful_until: the first day on which it no longer tells anything.
    """
    told = select(Notice.id).where(Notice.order_id == order.id, Notice.kind == kind)
    if session.scalar(told) is not None:
        return False
    facts: dict[str, audit.Detail] = {}
    if serial_number is not None:
        facts["card"] = serial_number[-4:]
    if day is not None:
        facts["day"] = day.isoformat()
    notice = Notice(
        kind=kind,
        order_id=order.id,
        user_name=order.user_name,
        language=order.language,
        facts=audit.canonical(facts),
        useful_until=useful_until,
        queued_at=now,
    )
    session.add(notice)
    session.flush()
    for channel in CHANNELS[kind]:
        session.add(
            Delivery(
                notice_id=notice.id,
                channel=channel,
                reference=secrets.token_hex(16),
                state=DeliveryState.WAITING,
                due_at=now,
            )
        )
    audit.record(session, actor, now, f"notice.{kind}", order.id, user=order.user_name)
    return True


def withdraw(
    session: Session, actor: Actor, now: datetime, order_id: str, kinds: Iterable[NoticeKind], because: str
) -> int:
    """Withdraw what an order's user was to be told and what is no longer true; gives how many deliveries."""
    withdrawn = affected(
        session,
        update(Delivery)
        .where(
            Delivery.state == DeliveryState.WAITING,
            Delivery.notice_id.in_(
                select(Notice.id).where(Notice.order_id == order_id, Notice.kind.in_(list(kinds)))
            ),
        )
        .values(state=DeliveryState.WITHDRAWN, due_at=None, trouble=because[:200]),
    )
    if withdrawn:
        audit.record(session, actor, now, "notice.withdraw", order_id, because=because, number=withdrawn)
    return withdrawn


def forget_untold(
    session: Session, actor: Actor, now: datetime, order_id: str, kinds: Iterable[NoticeKind]
) -> int:
    """Forget an order's notices of which every delivery was withdrawn: nobody was told, so they may be queued
    again. Gives how many.
    """
    reached = select(Delivery.notice_id).where(Delivery.state != DeliveryState.WITHDRAWN)
    untold = session.scalars(
        select(Notice.id).where(
            Notice.order_id == order_id, Notice.kind.in_(list(kinds)), Notice.id.not_in(reached)
        )
    ).all()
    if untold:
        affected(session, delete(Delivery).where(Delivery.notice_id.in_(untold)))
        affected(session, delete(Notice).where(Notice.id.in_(untold)))
        audit.record(session, actor, now, "notice.forget", order_id, number=len(untold))
    return len(untold)
