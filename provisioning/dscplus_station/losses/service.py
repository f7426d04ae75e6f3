"""A card is reported: nobody uses it any more from that moment on; its deposit ends by R12."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from dscplus_station import audit
from dscplus_station.activation.service import take_out_of_use
from dscplus_station.actor import Actor, Role
from dscplus_station.errors import StateConflict
from dscplus_station.holds.rules import HoldState
from dscplus_station.holds.service import hold_of
from dscplus_station.losses.rules import GONE, ReportKind, is_captured
from dscplus_station.losses.tables import CardReport
from dscplus_station.notices.outbox import queue
from dscplus_station.notices.rules import NoticeKind
from dscplus_station.orders.rules import OrderState
from dscplus_station.orders.service import get_order, live_binding, move_order
from dscplus_station.orders.tables import Order
from dscplus_station.station import Station
from dscplus_station.stock.rules import CardState
from dscplus_station.stock.service import get_card, move_card
from dscplus_station.wording import words
from dscplus_station.words import require_words


@dataclass(frozen=True)
class Reported:
    """A reported card: whom it was taken from just now, and what becomes of the deposit.

    `deposit`: None if there is none. `captured`: whether that is to be captured, or released on return.
    """

    serial_number: str
    order: str
    kind: ReportKind
    revoked_for: list[str]
    deposit: HoldState | None
    captured: bool


def report(
    station: Station, actor: Actor, serial_number: str, kind: ReportKind, note: str | None = None
) -> Reported:
    """Record what happened to a card in its holder's hands; every assignment is revoked at once (R10, R12).

    An order whose card was not active yet is UNDELIVERED with it. The same report again changes nothing;
    another one corrects it, as long as the deposit is held.

    Raises:
        NotFound: no such card.
        BadInput: the note is too long.
        StateConflict: it is not out with a holder; or its deposit has ended by what was reported before.
    """
    actor.require(Role.CLIENT_SERVICES, "report cards")
    if note is not None:
        require_words(words("card {card}: a note", card=serial_number), note)
    with station.database.writing() as session:
        now = station.now()
        card, order = get_card(session, serial_number), _order_out(session, serial_number)
        hold = hold_of(session, order.id)
        state = hold.state if hold else None
        known = session.get(CardReport, order.id, with_for_update=True)
        if known is not None and known.kind is kind:
            return Reported(serial_number, order.id, kind, [], state, is_captured(kind))
        if known is not None and state not in (None, HoldState.HELD):
            raise StateConflict(
                "card {card} was reported {kind}, and its deposit is {state}: that stands",
                card=serial_number,
                kind=known.kind,
                state=state,
            )
        because = f"reported {kind}"
        users = take_out_of_use(session, actor, now, serial_number, because)
        if order.state is OrderState.SHIPPED:  # nobody can activate the card any more: the order ends here
            move_order(session, actor, now, order.id, OrderState.UNDELIVERED, because)
        if kind in GONE and card.state is CardState.SHIPPED:
            move_card(session, actor, now, serial_number, CardState.LOST, because)
        if known is None:
            known = CardReport(order_id=order.id, serial_number=serial_number)
            session.add(known)
        known.kind, known.note, known.reported_at, known.reported_by = kind, note, now, actor.operator
        session.flush()
        audit.record(session, actor, now, "card.report", serial_number, order=order.id, kind=kind)
        queue(session, actor, now, NoticeKind.CARD_REPORTED, order, serial_number)
        return Reported(serial_number, order.id, kind, users, state, is_captured(kind))


def _order_out(session: Session, serial_number: str) -> Order:
    """The order whose card is out with its holder, or was.

    Raises:
        StateConflict: it is not out.
    """
    card = get_card(session, serial_number)
    binding = live_binding(session, serial_number=serial_number)
    if binding is None or card.state not in (CardState.SHIPPED, CardState.LOST):
        raise StateConflict("card {card} is {state}: no holder has it", card=serial_number, state=card.state)
    return get_order(session, binding.order_id)


def report_of(session: Session, order_id: str) -> CardReport | None:
    """What was reported of an order's card."""
    return session.get(CardReport, order_id)
