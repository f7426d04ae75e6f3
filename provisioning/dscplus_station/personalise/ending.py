"""How a run ends without a card for its order; and giving up a card that is dead or not to be trusted."""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from dscplus_station import audit, locks
from dscplus_station.actor import Actor, Role
from dscplus_station.db import affected
from dscplus_station.errors import StateConflict
from dscplus_station.orders.rules import OrderState
from dscplus_station.orders.service import live_binding, move_order, release
from dscplus_station.personalise.rules import RunResult
from dscplus_station.personalise.tables import Run
from dscplus_station.quarantine.rules import Cause
from dscplus_station.quarantine.service import set_aside
from dscplus_station.station import Station
from dscplus_station.stock.service import get_card
from dscplus_station.wording import words
from dscplus_station.words import require_words


def place_again(session: Session, actor: Actor, now: datetime, order_id: str, because: str) -> None:
    """Take the order from its card; another card will serve it."""
    release(session, actor, now, order_id, because)
    move_order(session, actor, now, order_id, OrderState.PLACED, because)


def end_run(session: Session, actor: Actor, now: datetime, run_id: str, result: RunResult) -> None:
    """End an open run; its sealed seed is erased here (a completed run's lives on with the verifier).

    Raises:
        StateConflict: it was ended meanwhile.
    """
    run = session.get_one(Run, run_id)
    ended = affected(
        session,
        update(Run)
        .where(Run.ended_at.is_(None), Run.id == run_id)
        .values(ended_at=now, result=result, sealed_seed=None),
    )
    if ended != 1:
        raise StateConflict(
            "the run of order {order} on card {card} was changed meanwhile: run it again",
            order=run.order_id,
            card=run.serial_number,
        )
    audit.record(session, actor, now, f"run.{result}", run.serial_number, run=run_id, order=run.order_id)


def give_up_card(station: Station, actor: Actor, serial_number: str, note: str) -> str | None:
    """Quarantine a card by hand. An order whose personalisation it had begun is placed again.

    Returns:
        That order.

    Raises:
        NotPermitted: the actor may not personalise.
        BadInput: the note is empty or too long.
        NotFound: no such card.
        StateConflict: it is made for an order, whose PIN is erased by now; it is in quarantine or scrapped.
        HeldByAnother: it is being personalised right now.
    """
    actor.require(Role.PROVISIONING, "set cards aside")
    require_words(words("card {card}: a note", card=serial_number), note)
    with (
        locks.hold(station.home.locks, f"card {serial_number}", "quarantine add"),
        station.database.writing() as session,
    ):
        get_card(session, serial_number)
        now = station.now()
        run = session.scalars(
            select(Run).where(Run.serial_number == serial_number, Run.ended_at.is_(None))
        ).one_or_none()
        bound = live_binding(session, serial_number=serial_number)
        if run is None and bound is not None:
            raise StateConflict(
                "card {card} is made for order {order}: cancel the order, or revoke the card",
                card=serial_number,
                order=bound.order_id,
            )
        set_aside(session, actor, now, serial_number, Cause.BY_HAND, {"note": note}, run.id if run else None)
        if run is None:
            return None
        place_again(session, actor, now, run.order_id, f"card {serial_number} was set aside")
        end_run(session, actor, now, run.id, RunResult.QUARANTINED)
        return run.order_id
