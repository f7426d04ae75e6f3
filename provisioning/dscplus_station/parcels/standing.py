"""What an operator has at hand, as the tables have it; and what of it is over by now."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from dscplus_station import audit
from dscplus_station.actor import Actor
from dscplus_station.orders.rules import OrderState
from dscplus_station.orders.service import get_order, live_binding
from dscplus_station.parcels.rules import Open, ParcelEnd, Situation, WaitEnd, Waiting, first_name
from dscplus_station.parcels.tables import Parcel, WaitingOrder
from dscplus_station.shipping.labels import copies
from dscplus_station.shipping.rules import void_label


@dataclass
class AtHand:
    """The open rows of one operator at one station."""

    waiting: WaitingOrder | None
    parcel: Parcel | None

    def situation(self, session: Session) -> Situation:
        """The same, as a screen may show it."""
        return Situation(
            shown_waiting(session, self.waiting) if self.waiting else None,
            shown_parcel(session, self.parcel) if self.parcel else None,
        )


def at_hand(session: Session, actor: Actor) -> AtHand:
    """What the operator has at hand at this station."""
    return AtHand(
        session.scalars(
            select(WaitingOrder).where(
                WaitingOrder.ended_at.is_(None),
                WaitingOrder.operator == actor.operator,
                WaitingOrder.station == actor.station,
            )
        ).one_or_none(),
        session.scalars(
            select(Parcel).where(
                Parcel.ended_at.is_(None),
                Parcel.operator == actor.operator,
                Parcel.station == actor.station,
            )
        ).one_or_none(),
    )


def waiting_of(session: Session, order_id: str) -> WaitingOrder | None:
    """Who has this order waiting for a card."""
    return session.scalars(
        select(WaitingOrder).where(WaitingOrder.ended_at.is_(None), WaitingOrder.order_id == order_id)
    ).one_or_none()


def parcel_of(session: Session, order_id: str) -> Parcel | None:
    """Who has this order's parcel open."""
    return session.scalars(
        select(Parcel).where(Parcel.ended_at.is_(None), Parcel.order_id == order_id)
    ).one_or_none()


def waiting_at(session: Session, station: str) -> list[WaitingOrder]:
    """The orders that wait for a card at a station, the first one first."""
    return list(
        session.scalars(
            select(WaitingOrder)
            .where(WaitingOrder.ended_at.is_(None), WaitingOrder.station == station)
            .order_by(WaitingOrder.id)
        )
    )


def shown_waiting(session: Session, row: WaitingOrder) -> Waiting:
    """An order that waits, as a screen may show it."""
    order = get_order(session, row.order_id)
    return Waiting(
        order.id,
        first_name(order.name),
        order.country,
        row.expected,
        row.slot,
        stopped=row.stopped_at is not None,
    )


def shown_parcel(session: Session, row: Parcel) -> Open:
    """An open parcel, as a screen may show it."""
    order = get_order(session, row.order_id)
    return Open(
        order.id,
        first_name(order.name),
        order.country,
        row.serial_number,
        card_seen=row.card_at is not None,
        label_seen=row.label_copy is not None,
        paired=row.pair_id is not None,
    )


def end_waiting(session: Session, actor: Actor, now: datetime, row: WaitingOrder, ended_as: WaitEnd) -> None:
    """The order waits no more."""
    row.ended_at, row.ended_as = now, ended_as
    audit.record(session, actor, now, f"parcels.wait.{ended_as}", row.order_id, slot=row.slot)


def end_parcel(session: Session, actor: Actor, now: datetime, row: Parcel, ended_as: ParcelEnd) -> None:
    """The parcel is open no more."""
    row.ended_at, row.ended_as = now, ended_as
    audit.record(session, actor, now, f"parcels.{ended_as}", row.order_id, serial_number=row.serial_number)


def drop_what_is_over(session: Session, actor: Actor, now: datetime, have: AtHand) -> list[str]:
    """End what the records have overtaken: an order cancelled, served or shipped elsewhere, a void label.

    Returns:
        a line for each, which says what became of the order.
    """
    over = []
    if have.waiting is not None:
        state = get_order(session, have.waiting.order_id).state
        if state is not OrderState.PLACED:
            over.append(f"order {have.waiting.order_id} is {state} meanwhile")
            end_waiting(session, actor, now, have.waiting, WaitEnd.GONE)
            have.waiting = None
    if have.parcel is not None:
        state = get_order(session, have.parcel.order_id).state
        binding = live_binding(session, order_id=have.parcel.order_id)
        served = binding is not None and binding.serial_number == have.parcel.serial_number
        if state is not OrderState.IN_PROVISIONING or not served:
            over.append(f"order {have.parcel.order_id} is {state} meanwhile")
            end_parcel(session, actor, now, have.parcel, ParcelEnd.GONE)
            have.parcel = None
        elif void := _void_label(session, have.parcel):
            over.append(f"order {have.parcel.order_id}: {void}. Scan card and label again")
            end_parcel(session, actor, now, have.parcel, ParcelEnd.GONE)
            have.parcel = None
    return over


def _void_label(session: Session, parcel: Parcel) -> str | None:
    """Why the label that a parcel was opened or paired with counts no more, or None."""
    if not parcel.label_copy:
        return None
    return void_label(parcel.label_copy, copies(session, parcel.order_id, parcel.serial_number))
