"""The list of what holders are told: a row a delivery, the newest first; neither addresses nor texts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import join, select
from sqlalchemy.orm import Session

from dscplus_station.actor import Role
from dscplus_station.lists.rules import Way
from dscplus_station.lists.walk import Listing, Trail
from dscplus_station.notices.rules import Channel, DeliveryState, NoticeKind
from dscplus_station.notices.tables import Delivery, Notice
from dscplus_station.station import Station


@dataclass(frozen=True)
class NoticeRow:
    """One notice on one channel."""

    reference: str
    order: str
    kind: NoticeKind
    user: str
    channel: Channel
    state: DeliveryState
    attempts: int
    queued_at: datetime
    due_at: datetime | None
    sent_at: datetime | None
    trouble: str | None


def notice_rows(session: Session, _station: Station, deliveries: Sequence[int]) -> list[NoticeRow]:
    """These deliveries, in this order, by one query."""
    found: dict[int, tuple[Any, ...]] = {
        row[0]: row[1:]
        for row in session.execute(
            select(
                Delivery.id,
                Delivery.reference,
                Notice.order_id,
                Notice.kind,
                Notice.user_name,
                Delivery.channel,
                Delivery.state,
                Delivery.attempts,
                Notice.queued_at,
                Delivery.due_at,
                Delivery.sent_at,
                Delivery.trouble,
            )
            .join(Notice, Notice.id == Delivery.notice_id)
            .where(Delivery.id.in_(deliveries))
        )
    }
    return [NoticeRow(*found[number]) for number in deliveries]


_BOTH = join(Notice, Delivery, Delivery.notice_id == Notice.id)

NOTICES = Listing(
    name="notices",
    row=NoticeRow,
    columns=tuple(NoticeRow.__dataclass_fields__),
    values={"state": frozenset(DeliveryState)},
    conditions={"state": lambda value: Delivery.state == value},
    sorts={
        "queued": Trail(
            Way((int,), frozenset({frozenset(), frozenset({"state"})}), newest_first=True),
            (Delivery.id,),
            Delivery.id,
        ),
    },
    searches={
        "order": Trail(
            Way((str, int, str)), (Notice.order_id, Notice.id, Delivery.channel), Delivery.id, _BOTH
        ),
        "user": Trail(
            Way((str, int, str)), (Notice.user_name, Notice.id, Delivery.channel), Delivery.id, _BOTH
        ),
    },
    facts=notice_rows,
    roles=frozenset({Role.CLIENT_SERVICES, Role.SHIPPING, Role.SUPERVISOR, Role.AUDIT}),
)
