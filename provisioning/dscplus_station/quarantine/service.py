"""Setting cards aside, and the supervisor's resolution."""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from dscplus_station import audit
from dscplus_station.actor import Actor, Role
from dscplus_station.audit import Detail, canonical
from dscplus_station.db import affected
from dscplus_station.errors import NotFound, NotPermitted
from dscplus_station.quarantine.rules import STATE_AFTER, Cause, Resolution
from dscplus_station.quarantine.tables import Quarantine
from dscplus_station.station import Station
from dscplus_station.stock.rules import CardState
from dscplus_station.stock.service import move_card
from dscplus_station.wording import words
from dscplus_station.words import require_words


def set_aside(
    session: Session,
    actor: Actor,
    now: datetime,
    serial_number: str,
    cause: Cause,
    evidence: dict[str, Detail],
    run_id: str | None = None,
) -> None:
    """Quarantine a card with its evidence, within the caller's transaction.

    Args:
        evidence: what the card showed; no secret in it.

    Raises:
        StateConflict: it is in quarantine already, or scrapped.
    """
    move_card(session, actor, now, serial_number, CardState.QUARANTINED, cause)
    session.add(
        Quarantine(
            serial_number=serial_number,
            run_id=run_id,
            cause=cause,
            evidence=canonical(evidence),
            opened_at=now,
            opened_by=actor.operator,
        )
    )


def open_cases(station: Station) -> list[Quarantine]:
    """The open quarantines, oldest first."""
    with station.database.reading() as session:
        return list(
            session.scalars(
                select(Quarantine).where(Quarantine.resolved_at.is_(None)).order_by(Quarantine.id)
            )
        )


def history(station: Station, serial_number: str) -> list[Quarantine]:
    """All quarantines of a card, oldest first.

    Raises:
        NotFound: it never was in quarantine.
    """
    with station.database.reading() as session:
        found = list(
            session.scalars(
                select(Quarantine).where(Quarantine.serial_number == serial_number).order_by(Quarantine.id)
            )
        )
    if not found:
        raise NotFound("card {card} never was in quarantine", card=serial_number)
    return found


def open_case(session: Session, serial_number: str) -> Quarantine | None:
    """The open quarantine of a card."""
    return session.scalars(
        select(Quarantine).where(Quarantine.serial_number == serial_number, Quarantine.resolved_at.is_(None))
    ).one_or_none()


def end_case(
    session: Session, actor: Actor, now: datetime, serial_number: str, resolution: Resolution, note: str
) -> None:
    """End a quarantine within the caller's transaction: the card is scrapped, or released as BLANK.

    Raises:
        NotPermitted: not a supervisor; or it is to be scrapped by the one who set it aside.
        BadInput: the note is empty or too long.
        NotFound: the card is not in quarantine.
        StateConflict: the card's state changed meanwhile.
    """
    actor.require(Role.SUPERVISOR, "resolve a quarantine")
    require_words(words("card {card}: a note", card=serial_number), note)
    case = open_case(session, serial_number)
    if case is None:
        raise NotFound("card {card} is not in quarantine: `dsc-station quarantine list`", card=serial_number)
    if resolution is Resolution.SCRAP and case.opened_by == actor.operator:
        raise NotPermitted(
            "card {card} was set aside by {operator}: scrapping it needs another person",
            card=serial_number,
            operator=actor.operator,
        )
    ended = affected(
        session,
        update(Quarantine)
        .where(Quarantine.id == case.id, Quarantine.resolved_at.is_(None))
        .values(resolved_at=now, resolved_by=actor.operator, resolution=resolution, note=note),
    )
    if ended != 1:
        raise NotFound("the quarantine of card {card} was resolved meanwhile", card=serial_number)
    move_card(session, actor, now, serial_number, STATE_AFTER[resolution], f"quarantine: {note}")
    audit.record(session, actor, now, "quarantine.resolve", serial_number, resolution=resolution, note=note)
