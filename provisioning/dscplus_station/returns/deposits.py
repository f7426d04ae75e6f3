"""How the deposit of a card that was out ends: by the inspection, or captured by a second person (R12)."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from dscplus_station import audit
from dscplus_station.actor import Actor, Role
from dscplus_station.errors import NotPermitted, StateConflict
from dscplus_station.holds.rules import STATE_AFTER, HoldEnd, HoldState
from dscplus_station.holds.service import end_hold
from dscplus_station.losses.rules import DEPOSIT_ENDS, is_captured
from dscplus_station.losses.service import report_of
from dscplus_station.operators.service import has_operators
from dscplus_station.orders.rules import OrderState
from dscplus_station.orders.service import get_order
from dscplus_station.orders.tables import Order
from dscplus_station.returns.rules import ON_THE_WAY, Condition, ReturnState, judged_end
from dscplus_station.returns.tables import Return
from dscplus_station.station import Station
from dscplus_station.users.tables import Closure

_CAPTURE = "capture a deposit"


def capture(station: Station, actor: Actor, order_id: str, second: Actor | None = None) -> HoldEnd:
    """Capture the deposit of an order, for what somebody else has put on record (R12, R46); once.

    Args:
        second: a supervisor who has proven it for this deed (`operators.authentication.second_person`), while
            `actor` is at the returns desk; None only in a home without operators, where `actor` decides.

    Raises:
        NotFound: there is no such order.
        NotPermitted: not a supervisor, the one who put it on record, or nobody beside the first person.
        StateConflict: nothing on record captures it, its card is on its way back, or no deposit is held.
    """
    decides = actor
    if second is None:
        actor.require(Role.SUPERVISOR, _CAPTURE)
    else:
        actor.require(Role.RETURNS, _CAPTURE)
        actor.require_second(second, Role.SUPERVISOR, _CAPTURE)
        decides = second
    with station.database.writing() as session:
        now = station.now()
        if second is None and has_operators(session):
            raise NotPermitted("capturing a deposit needs a second person, who signs for it here and now")
        end, proposed_by = _grounds(session, get_order(session, order_id))
        if not end_hold(session, decides, now, order_id, end, proposed_by):
            raise StateConflict("order {order} has no deposit that is held", order=order_id)
        if second is not None:
            audit.record(session, actor, now, "returns.capture", order_id, second=second.operator)
        return end


def end_by_judgement(
    session: Session,
    actor: Actor,
    now: datetime,
    found: Return,
    condition: Condition,
    *,
    our_card: bool = True,
) -> HoldEnd:
    """Put on record how the deposit of an inspected return ends (R12), within the caller's transaction.

    A release is done at once; a capture waits for a second person (`capture`). Judged again, the later
    judgement counts, as long as the deposit is held.
    """
    order = get_order(session, found.order_id)
    report = report_of(session, order.id)
    end = judged_end(
        report.kind if report else None,
        condition,
        replaced=_is_replaced(session, order),
        our_card=our_card,
    )
    found.judged_end, found.judged_by = end, actor.operator
    session.flush()
    audit.record(session, actor, now, "return.judged", found.serial_number, number=found.id, end=end)
    if STATE_AFTER[end] is HoldState.RELEASED:
        end_hold(session, actor, now, order.id, end)
    return end


def _is_replaced(session: Session, order: Order) -> bool:
    """Whether the user has ordered another card in place of this order's."""
    report = report_of(session, order.id)
    query = select(Order.id).where(
        Order.replaces == (report.serial_number if report else None),
        Order.user_name == order.user_name,
        Order.placed_at.is_not(None),
        Order.state != OrderState.CANCELLED,
    )
    return session.scalar(query.limit(1)) is not None


def _grounds(session: Session, order: Order) -> tuple[HoldEnd, str]:
    """What captures an order's deposit, and who has put it on record.

    Raises:
        StateConflict: nothing does.
    """
    back = session.scalars(
        select(Return)
        .where(Return.order_id == order.id, Return.state.not_in(ON_THE_WAY))
        .order_by(Return.id.desc())
        .limit(1)
    ).one_or_none()
    if back is not None and back.judged_end is not None and back.judged_by is not None:
        if STATE_AFTER[back.judged_end] is HoldState.CAPTURED:
            return back.judged_end, back.judged_by
    elif back is not None:
        raise StateConflict(
            "order {order}: its card is here, and the returns desk has not judged it yet: "
            "`dsc-station returns inspect {card}` first",
            order=order.id,
            card=back.serial_number,
        )
    report = report_of(session, order.id)
    if back is None and report is not None and is_captured(report.kind):
        return DEPOSIT_ENDS[report.kind], report.reported_by
    closure = session.get(Closure, order.user_name)
    if closure is None or back is not None:
        raise StateConflict(
            "order {order}: its card was not reported lost, stolen or damaged on purpose, nor found "
            "so by the returns desk, nor is {user}'s account closed without its return: its deposit "
            "is released when the card is back",
            order=order.id,
            user=order.user_name,
        )
    on_its_way = session.scalar(
        select(Return.id).where(Return.order_id == order.id, Return.state == ReturnState.IN_TRANSIT)
    )
    if on_its_way is not None:
        raise StateConflict(
            "order {order}: its card is on its way back: return {on_its_way}",
            order=order.id,
            on_its_way=on_its_way,
        )
    return HoldEnd.CLOSED_WITHOUT_RETURN, closure.closed_by
