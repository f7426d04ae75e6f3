"""How the records stand to a card and an order: may they come together, is the card made already?"""

from sqlalchemy import select
from sqlalchemy.orm import Session

from dscplus_station.orders.rules import OrderState
from dscplus_station.orders.service import live_binding
from dscplus_station.orders.tables import Order
from dscplus_station.personalise.tables import Run
from dscplus_station.quarantine.rules import CAUSE_TOLD
from dscplus_station.quarantine.tables import Quarantine
from dscplus_station.slots.claims import Refused, refused
from dscplus_station.slots.rules import Code
from dscplus_station.slots.state import Unfinished
from dscplus_station.stock.rules import CardState
from dscplus_station.stock.tables import Card
from dscplus_station.wording import words

_READY = frozenset({CardState.SECURED, CardState.LABELLED})
_FREE = frozenset({CardState.BLANK, CardState.PERSONALISED, CardState.VERIFIED}) | _READY
"""A card in one of these serves an order, unless one is bound to it; all but BLANK are wiped first."""


def open_order(session: Session, serial_number: str) -> str | None:
    """The order of the card's open run."""
    return session.scalars(
        select(Run.order_id).where(Run.ended_at.is_(None), Run.serial_number == serial_number)
    ).one_or_none()


def unfinished(session: Session) -> tuple[Unfinished, ...]:
    """Every open run, the oldest first."""
    runs = session.scalars(select(Run).where(Run.ended_at.is_(None)).order_by(Run.started_at, Run.id))
    return tuple(Unfinished(run.order_id, run.serial_number, run.state.value, run.started_at) for run in runs)


def made_for(session: Session, serial_number: str) -> str | None:
    """The order that the card is ready for: a bound card is secured by the run of its order only."""
    card = session.get(Card, serial_number)
    bound = live_binding(session, serial_number=serial_number)
    return bound.order_id if card and card.state in _READY and bound else None


def why_not_card(session: Session, serial_number: str, order: str | None = None) -> Refused | None:
    """Why this card cannot be personalised for the order, or for any; None if nothing speaks against it."""
    card = session.get(Card, serial_number)
    if card is None:
        return refused(Code.NOT_IN_STOCK, serial_number=serial_number, order=order)
    if card.state is CardState.QUARANTINED:
        return _quarantined(session, serial_number, order)
    going_on = open_order(session, serial_number)
    if going_on is not None and order in (None, going_on):
        return None
    bound = live_binding(session, serial_number=serial_number)
    serves = going_on or (bound.order_id if bound else None)
    if serves is not None:
        return refused(
            Code.CARD_BOUND, serial_number=serial_number, order=serves, asked=order, state=card.state
        )
    if card.state not in _FREE:
        return refused(Code.CARD_STATE, serial_number=serial_number, state=card.state, order=order)
    return None


def why_not_order(session: Session, order: str, serial_number: str | None = None) -> Refused | None:
    """Why this order cannot be served now, by this card or by any; None if nothing speaks against it."""
    found = session.get(Order, order)
    facts = {"order": order, "serial_number": serial_number}
    if found is None:
        return refused(Code.NO_SUCH_ORDER, **facts)
    if found.state is OrderState.PLACED:
        return None
    if found.state is OrderState.CANCELLED:
        return refused(Code.ORDER_CANCELLED, **facts)
    bound = live_binding(session, order_id=order)
    if found.state is OrderState.IN_PROVISIONING and bound is not None:
        if bound.serial_number == serial_number:
            return None
        return refused(Code.ORDER_SERVED, **facts, bound=bound.serial_number)
    return refused(Code.ORDER_STATE, **facts, state=found.state)


def batch_of(session: Session, serial_number: str) -> str:
    """The batch of a card that is in stock; empty for any other."""
    card = session.get(Card, serial_number)
    return card.batch if card else ""


def _quarantined(session: Session, serial_number: str, order: str | None) -> Refused:
    case = session.scalars(
        select(Quarantine).where(Quarantine.serial_number == serial_number, Quarantine.resolved_at.is_(None))
    ).one()
    return refused(
        Code.QUARANTINED,
        serial_number=serial_number,
        cause=words(CAUSE_TOLD[case.cause]),
        cause_code=case.cause.value,
        evidence=case.evidence,
        order=order,
    )
