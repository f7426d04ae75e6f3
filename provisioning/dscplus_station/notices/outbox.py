"""The outbox: a notice is queued in the transaction of what it tells, or not at all."""

import json
import secrets
from collections.abc import Collection, Iterable
from datetime import date, datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from dscplus_station import audit
from dscplus_station.actor import Actor
from dscplus_station.db import affected
from dscplus_station.notices.rules import CHANNELS, Channel, DeliveryState, NoticeKind
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
    shipment_id: int | None = None,
    day: date | None = None,
    useful_until: date | None = None,
    channels: Collection[Channel] | None = None,
) -> bool:
    """Queue a notice about an order or its card; False if it was queued before: each is told once (R13).

    Args:
        shipment_id: the shipment that it is about: another one of the same order is told of by itself.
        channels: those of the kind that it goes by; all of them if left out.
        day: the day that the notice names.
        useful_until: the first day on which it no longer tells anything.
    """
    about = (
        (Notice.order_id == order.id) & Notice.shipment_id.is_(None)
        if shipment_id is None
        else Notice.shipment_id == shipment_id
    )
    told = select(Notice.id).where(about, Notice.kind == kind)
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
        shipment_id=shipment_id,
        user_name=order.user_name,
        language=order.language,
        facts=audit.canonical(facts),
        useful_until=useful_until,
        queued_at=now,
    )
    session.add(notice)
    session.flush()
    for channel in CHANNELS[kind]:
        if channels is not None and channel not in channels:
            continue
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
    # By their notices: a query that also named the state would be led through all deliveries that wait.
    told = session.scalars(
        select(Delivery.id)
        .join(Notice, Notice.id == Delivery.notice_id)
        .where(Notice.order_id == order_id, Notice.kind.in_(list(kinds)))
    ).all()
    if not told:
        return 0
    withdrawn = affected(
        session,
        update(Delivery)
        .where(Delivery.id.in_(told), Delivery.state == DeliveryState.WAITING)
        .values(state=DeliveryState.WITHDRAWN, due_at=None, trouble=because[:200]),
    )
    if withdrawn:
        audit.record(session, actor, now, "notice.withdraw", order_id, because=because, number=withdrawn)
    return withdrawn


def correct(session: Session, actor: Actor, now: datetime, order: Order, shipment_id: int, card: str) -> bool:
    """Tell the holder that a shipment which was announced has not left (R13, R16); once a shipment.

    It goes by the channels whose last word is an announcement, of this shipment or of one before whose
    correction was withdrawn. What is being handed over right now counts as gone out: ask before what waits
    is withdrawn. False if no channel has such a last word.
    """
    under_way = (
        (Delivery.state == DeliveryState.WAITING) & (Delivery.attempts > 0) & Delivery.trouble.is_(None)
    )
    went = session.execute(
        select(Delivery.channel, Notice.kind, Notice.facts)
        .join(Notice, Notice.id == Delivery.notice_id)
        .where(
            Notice.order_id == order.id,
            Notice.shipment_id.is_not(None),
            (Delivery.state == DeliveryState.SENT) | under_way,
        )
        .order_by(Notice.id)
    ).all()
    last_words = {channel: (kind, facts) for channel, kind, facts in went}
    wrong = {
        channel: json.loads(facts)["day"]
        for channel, (kind, facts) in last_words.items()
        if kind is not NoticeKind.SHIPMENT_UNDONE
    }
    if not wrong:
        return False
    return queue(
        session,
        actor,
        now,
        NoticeKind.SHIPMENT_UNDONE,
        order,
        card,
        shipment_id=shipment_id,
        day=date.fromisoformat(max(wrong.values())),
        channels=wrong.keys(),
    )
