"""Interim access, as activation and shipping need it."""

from datetime import date, datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from dscplus_station import audit
from dscplus_station.actor import Actor
from dscplus_station.db import affected
from dscplus_station.interim.tables import InterimAccess, InterimKind


def online_cards_end(session: Session, user_name: str | None = None) -> dict[str, date]:
    """The last days of open online cards, by user; of one user, if named (R16)."""
    query = select(InterimAccess.user_name, InterimAccess.expires_on).where(
        InterimAccess.kind == InterimKind.ONLINE_CARD, InterimAccess.ended_at.is_(None)
    )
    if user_name is not None:
        query = query.where(InterimAccess.user_name == user_name)
    return {row.user_name: row.expires_on for row in session.execute(query)}


def held_interim_access(session: Session, user_name: str, today: date) -> list[InterimKind]:
    """What interim access a user holds on a day: neither ended nor run out (R25)."""
    query = select(InterimAccess.kind).where(
        InterimAccess.user_name == user_name,
        InterimAccess.ended_at.is_(None),
        InterimAccess.expires_on >= today,
    )
    return list(session.scalars(query.order_by(InterimAccess.id)))


def end_interim_access(session: Session, actor: Actor, now: datetime, user_name: str, because: str) -> int:
    """End all interim access of a user (R15); gives how many there were."""
    ended = affected(
        session,
        update(InterimAccess)
        .where(InterimAccess.user_name == user_name, InterimAccess.ended_at.is_(None))
        .values(ended_at=now, end_reason=because),
    )
    if ended:
        audit.record(session, actor, now, "interim.end", user_name, because=because, number=ended)
    return ended
