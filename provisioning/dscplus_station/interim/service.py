"""Interim access, as activation and shipping need it."""

from datetime import date, datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from dscplus_station import audit
from dscplus_station.actor import Actor
from dscplus_station.db import affected
from dscplus_station.interim.tables import InterimAccess, InterimKind


def online_card_ends(session: Session, user_name: str) -> date | None:
    """The last day of a user's open online card, or None without one (R16)."""
    return session.scalar(
        select(func.max(InterimAccess.expires_on)).where(
            InterimAccess.user_name == user_name,
            InterimAccess.kind == InterimKind.ONLINE_CARD,
            InterimAccess.ended_at.is_(None),
        )
    )


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
