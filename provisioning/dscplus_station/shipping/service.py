"""Handing cards to carriers (R13, R16), and what never arrived."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from dscplus_station import audit
from dscplus_station.activation.service import start_timer, take_out_of_use
from dscplus_station.actor import Actor, Role
from dscplus_station.clock import day_in
from dscplus_station.devices.service import live_device
from dscplus_station.errors import BadInput, StateConflict
from dscplus_station.holds.rules import HoldEnd
from dscplus_station.holds.service import end_hold, tie_to_card
from dscplus_station.interim.rules import gap_warning
from dscplus_station.interim.service import online_cards_end
from dscplus_station.notices.outbox import queue
from dscplus_station.notices.rules import NoticeKind
from dscplus_station.orders.rules import OrderState
from dscplus_station.orders.service import get_order, move_order
from dscplus_station.orders.tables import Order
from dscplus_station.shipping.pairs import record_pair, require_still_pair
from dscplus_station.shipping.rules import Scanned, labels_printed, read_card, read_paper
from dscplus_station.shipping.tables import ScannedPair, Shipment
from dscplus_station.station import Station
from dscplus_station.stock.rules import CardState
from dscplus_station.stock.service import move_card
from dscplus_station.wording import words
from dscplus_station.words import require_words

MAX_TEXT = 60
NUMBERS_ARE_USED_AGAIN = timedelta(days=365)


@dataclass(frozen=True)
class Shipped:
    """A shipment, with the day its card activates by itself and, if there is a gap before it, the warning."""

    order: str
    serial_number: str
    user: str
    shipped_on: date
    auto_activates_on: date
    warning: str | None


def ship(
    station: Station,
    actor: Actor,
    order_id: str,
    carrier: str,
    tracking: str,
    scanned: Scanned,
    on: date | None = None,
) -> Shipped:
    """Record that an order's card was handed to a carrier: order and card SHIPPED, its timer started.

    Args:
        scanned: what was scanned at packing: the card and its label must be one pair, of this order.
        on: the day, in the issuer's zone; today by default.

    Raises:
        NotFound: there is no such order or card.
        StateConflict: the pair is not this order's; the order has no card that is ready, or was shipped; the
            tracking number is on another parcel.
        BadInput: a scan cannot be read; carrier or tracking number missing or too long; a day before the
            card was made.
        NotPermitted: a day to come.
    """
    actor.require(Role.SHIPPING, "ship a card")
    card = read_card(scanned.card)
    paper = read_paper(scanned.paper, labels=labels_printed(station.settings.labels))
    shipped_on = station.day(on)
    with station.database.writing() as session:
        now = station.now()
        order = get_order(session, order_id)
        if order.state is not OrderState.IN_PROVISIONING:
            raise StateConflict(
                "order {order} is {state}: it has no card that is ready to ship",
                order=order_id,
                state=order.state,
            )
        pair = record_pair(session, station, actor, now, card, paper)
        if pair.order_id != order_id:
            raise StateConflict(
                "card {card} and its label are of order {order}, not of {asked}: nothing was shipped",
                card=pair.serial_number,
                order=pair.order_id,
                asked=order_id,
            )
        return book(session, station, actor, now, pair, carrier, tracking, shipped_on)


def book(
    session: Session,
    station: Station,
    actor: Actor,
    now: datetime,
    pair: ScannedPair,
    carrier: str,
    tracking: str,
    shipped_on: date,
) -> Shipped:
    """Book the shipment of a pair that was scanned, within the caller's transaction.

    Raises:
        as `ship`.
    """
    actor.require(Role.SHIPPING, "ship a card")
    order_id, serial_number = pair.order_id, pair.serial_number
    require_words(words("order {order}: a carrier", order=order_id), carrier, MAX_TEXT)
    require_words(words("order {order}: a tracking number", order=order_id), tracking, MAX_TEXT)
    require_still_pair(session, pair)
    _require_own_number(session, order_id, tracking, shipped_on)
    order = get_order(session, order_id)
    move_card(session, actor, now, serial_number, CardState.SHIPPED, f"order {order_id}")
    made_on = day_in(station.settings.zone, live_device(session, serial_number).enrolled_at)
    if shipped_on < made_on:
        raise BadInput(
            "order {order}: its card was made on {made_on}, it cannot leave on {shipped_on}",
            order=order_id,
            made_on=str(made_on),
            shipped_on=str(shipped_on),
        )
    move_order(session, actor, now, order_id, OrderState.SHIPPED, f"{carrier} {tracking}")
    shipment = Shipment(
        order_id=order_id,
        serial_number=serial_number,
        pair_id=pair.id,
        carrier=carrier,
        tracking=tracking,
        shipped_on=shipped_on,
        recorded_at=now,
    )
    session.add(shipment)
    session.flush()
    tie_to_card(session, actor, now, order_id, serial_number)
    due_on = start_timer(session, station, actor, now, order, serial_number, shipment.id, shipped_on)
    last_day = online_cards_end(session, station.settings.zone, order.user_name).get(order.user_name)
    warning = gap_warning(order.user_name, last_day, due_on) if last_day else None
    audit.record(
        session,
        actor,
        now,
        "shipping.ship",
        order_id,
        shipped_on=shipped_on.isoformat(),
        warned=bool(warning),
        pair=pair.id,
    )
    return Shipped(order_id, serial_number, order.user_name, shipped_on, due_on, warning)


def _require_own_number(session: Session, order_id: str, tracking: str, shipped_on: date) -> None:
    """Refuse a tracking number that is on another parcel: most likely the last one's was scanned again.

    Carriers use numbers again, the post after a year at the earliest.
    """
    taken = session.scalar(
        select(Shipment.order_id)
        .where(
            Shipment.tracking == tracking,
            Shipment.undone_at.is_(None),
            Shipment.shipped_on > shipped_on - NUMBERS_ARE_USED_AGAIN,
        )
        .limit(1)
    )
    if taken is not None:
        raise StateConflict(
            "tracking number {tracking} is on the parcel of order {taken}: scan the one on this "
            "parcel (order {order})",
            tracking=tracking,
            taken=taken,
            order=order_id,
        )


def report_undelivered(station: Station, actor: Actor, order_id: str) -> str:
    """Record that an order's card never arrived: its timer stops, its users are revoked (R16), and its
    deposit is released, since its holder never had it (R12).

    Returns:
        the card's serial number; it stays SHIPPED until it comes back.

    Raises:
        NotFound: there is no such order.
        StateConflict: it was not shipped, or is active already.
    """
    actor.require(Role.SHIPPING, "report an order undelivered")
    with station.database.writing() as session:
        now = station.now()
        serial_number = mark_undelivered(session, actor, now, get_order(session, order_id), "never arrived")
        end_hold(session, actor, now, order_id, HoldEnd.UNDELIVERED)
        return serial_number


def mark_undelivered(session: Session, actor: Actor, now: datetime, order: Order, how: str) -> str:
    """Mark a shipped order undelivered, within the caller's transaction; gives its card's serial number.

    Raises:
        StateConflict: it was not shipped, or is active already.
    """
    move_order(session, actor, now, order.id, OrderState.UNDELIVERED, how)
    shipment = session.scalars(
        select(Shipment).where(
            Shipment.order_id == order.id, Shipment.undelivered_at.is_(None), Shipment.undone_at.is_(None)
        )
    ).one()
    shipment.undelivered_at = now
    take_out_of_use(session, actor, now, shipment.serial_number, f"order {order.id} {how}")
    queue(session, actor, now, NoticeKind.CARD_UNDELIVERED, order, shipment.serial_number)
    return shipment.serial_number
