"""Ending a deposit, within the transaction that has the reason for it (R12)."""

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from dscplus_station import audit
from dscplus_station.actor import Actor, Role
from dscplus_station.db import affected
from dscplus_station.errors import NotPermitted
from dscplus_station.holds.rules import STATE_AFTER, HoldEnd, HoldState
from dscplus_station.holds.tables import Hold


def end_hold(
    session: Session, actor: Actor, now: datetime, order_id: str, end: HoldEnd, second: Actor | None = None
) -> bool:
    """End an order's open hold; False if none is open, so that it ends exactly once (R12).

    Args:
        second: who confirms a capture (R46): a supervisor, and not the actor.

    Raises:
        NotPermitted: a capture without such a second person.
    """
    state = STATE_AFTER[end]
    if state is HoldState.CAPTURED:
        if second is None or second.operator == actor.operator:
            raise NotPermitted(f"capturing the deposit of order {order_id} needs a second person")
        second.require(Role.SUPERVISOR, "confirm the capture of a deposit")
    ended = affected(
        session,
        update(Hold)
        .where(Hold.order_id == order_id, Hold.state == HoldState.HELD)
        .values(state=state, ended_at=now, end_reason=end),
    )
    if ended:
        audit.record(
            session,
            actor,
            now,
            f"hold.{state}",
            order_id,
            because=end,
            second=second.operator if second else None,
        )
    return bool(ended)
