"""Cards as the other rooms use them: found, moved through their life, counted."""

from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from dscplus_station import audit
from dscplus_station.actor import Actor
from dscplus_station.db import affected
from dscplus_station.errors import NotFound, StateConflict
from dscplus_station.station import Station
from dscplus_station.stock.rules import CARD_TRANSITIONS, CardState
from dscplus_station.stock.tables import Card


def get_card(session: Session, serial_number: str) -> Card:
    """The card.

    Raises:
        NotFound: it is not in stock.
    """
    card = session.get(Card, serial_number)
    if card is None:
        raise NotFound(
            "no card {card} in this station's stock: check the number, or receive it first",
            card=serial_number,
        )
    return card


def move_card(
    session: Session, actor: Actor, now: datetime, serial_number: str, following: CardState, because: str
) -> None:
    """Take a card one step along its life, whoever else is at it: the update itself checks the present state.

    Args:
        because: what brought it about, for the audit row.

    Raises:
        NotFound: it is not in stock.
        StateConflict: its present state does not lead there.
    """
    before = [state for state, after in CARD_TRANSITIONS.items() if following in after]
    moved = affected(
        session,
        update(Card)
        .where(Card.serial_number == serial_number, Card.state.in_(before))
        .values(state=following, changed_at=now),
    )
    if moved != 1:
        card = get_card(session, serial_number)
        raise StateConflict(
            "card {card} is {state}: it cannot become {following}",
            card=serial_number,
            state=card.state,
            following=following,
        )
    audit.record(session, actor, now, f"card.{following}", serial_number, because=because)


def batch_proven(session: Session, batch: str) -> bool:
    """Whether a key of ours has opened a card of the batch.

    Only a card that was opened has shown its sequence counter under R-MAC.
    """
    opened = select(Card.serial_number).where(Card.batch == batch, Card.sequence_counter > 0)
    return session.scalar(opened.limit(1)) is not None


def counts(station: Station) -> list[tuple[str, str, int]]:
    """(batch, state, how many cards), sorted; states without cards are left out."""
    with station.database.reading() as session:
        rows = session.execute(
            select(Card.batch, Card.state, func.count()).group_by(Card.batch, Card.state)
        ).all()
    return sorted((batch, state.value, number) for batch, state, number in rows)
