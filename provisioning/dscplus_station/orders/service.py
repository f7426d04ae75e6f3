"""What the rooms around an order do to it: each within the caller's transaction."""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from dscplus_station import audit
from dscplus_station.actor import Actor
from dscplus_station.db import affected
from dscplus_station.errors import NotFound, StateConflict
from dscplus_station.orders.rules import ORDER_TRANSITIONS, PIN_KEPT, OrderState
from dscplus_station.orders.tables import Binding, Order
from dscplus_station.wording import words


def get_order(session: Session, order_id: str) -> Order:
    """The order.

    Raises:
        NotFound: there is none of that name.
    """
    order = session.get(Order, order_id)
    if order is None:
        raise NotFound("no order {order}: `dsc-station orders list` shows them", order=order_id)
    return order


def live_binding(
    session: Session, *, order_id: str | None = None, serial_number: str | None = None
) -> Binding | None:
    """The live binding of an order or of a card."""
    query = select(Binding).where(Binding.released_at.is_(None))
    if order_id is not None:
        query = query.where(Binding.order_id == order_id)
    if serial_number is not None:
        query = query.where(Binding.serial_number == serial_number)
    return session.scalars(query).one_or_none()


def move_order(
    session: Session, actor: Actor, now: datetime, order_id: str, following: OrderState, because: str
) -> None:
    """Take an order one step along its life; where it may no longer hold its PIN, the PIN goes with the step.

    Raises:
        NotFound: there is no such order.
        StateConflict: its present state does not lead there.
    """
    before = [state for state, after in ORDER_TRANSITIONS.items() if following in after]
    values: dict[str, object] = {"state": following, "changed_at": now}
    if following not in PIN_KEPT:
        values["sealed_pin"] = None
    moved = affected(
        session, update(Order).where(Order.id == order_id, Order.state.in_(before)).values(values)
    )
    if moved != 1:
        order = get_order(session, order_id)
        raise StateConflict(
            "order {order} is {state}: it cannot become {following}",
            order=order_id,
            state=order.state,
            following=following,
        )
    audit.record(session, actor, now, f"order.{following}", order_id, because=because)


def erase_pin(session: Session, actor: Actor, now: datetime, order_id: str) -> None:
    """Erase the sealed PIN, in the transaction which says that the card has it."""
    affected(session, update(Order).where(Order.id == order_id).values(sealed_pin=None))
    audit.record(session, actor, now, "order.pin-erased", order_id)


def bind(session: Session, actor: Actor, now: datetime, order_id: str, serial_number: str) -> None:
    """Let a card serve an order: the schema admits one live card an order and one live order a card.

    Raises:
        StateConflict: one of the two is bound already.
    """
    for bound, told in (
        (live_binding(session, order_id=order_id), words("order {order} is served", order=order_id)),
        (
            live_binding(session, serial_number=serial_number),
            words("card {card} is bound", card=serial_number),
        ),
    ):
        if bound is not None:
            raise StateConflict(
                "{told} already: order {order}, card {card}",
                told=told,
                order=bound.order_id,
                card=bound.serial_number,
            )
    session.add(Binding(order_id=order_id, serial_number=serial_number, bound_at=now))
    audit.record(session, actor, now, "order.bind", order_id, serial_number=serial_number)


def release(session: Session, actor: Actor, now: datetime, order_id: str, because: str) -> str | None:
    """End an order's live binding; gives the card's serial number, or None if there was none."""
    binding = live_binding(session, order_id=order_id)
    if binding is None:
        return None
    binding.released_at, binding.release_reason = now, because
    audit.record(
        session, actor, now, "order.release", order_id, serial_number=binding.serial_number, because=because
    )
    return binding.serial_number
