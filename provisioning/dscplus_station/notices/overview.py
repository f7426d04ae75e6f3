"""The outbox as people look at it, read-only."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select

from dscplus_station.notices.rules import Channel, DeliveryState
from dscplus_station.notices.tables import Delivery, Notice
from dscplus_station.station import Station


def deliveries(station: Station, state: DeliveryState | None, user_name: str | None) -> list[dict[str, Any]]:
    """Deliveries with what they are about, the newest first; neither addresses nor texts."""
    query = select(Delivery, Notice).join(Notice, Notice.id == Delivery.notice_id)
    if state is not None:
        query = query.where(Delivery.state == state)
    if user_name is not None:
        query = query.where(Notice.user_name == user_name)
    with station.database.reading() as session:
        return [
            {
                "reference": delivery.reference,
                "order": notice.order_id,
                "kind": notice.kind,
                "user": notice.user_name,
                "channel": delivery.channel,
                "state": delivery.state,
                "attempts": delivery.attempts,
                "queued_at": notice.queued_at,
                "due_at": delivery.due_at,
                "sent_at": delivery.sent_at,
                "trouble": delivery.trouble,
            }
            for delivery, notice in session.execute(query.order_by(Delivery.id.desc()))
        ]


def waiting_without(station: Station, channels: Sequence[Channel]) -> dict[Channel, int]:
    """How many deliveries wait on channels that have no gateway."""
    query = (
        select(Delivery.channel, func.count())
        .where(Delivery.state == DeliveryState.WAITING, Delivery.channel.in_(channels))
        .group_by(Delivery.channel)
    )
    with station.database.reading() as session:
        return {row[0]: row[1] for row in session.execute(query)}
