"""A card's way back: announced, posted, received (R41 to R44). The returns desk's work begins at RECEIVED."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from dscplus_station import audit
from dscplus_station.activation.service import take_out_of_use
from dscplus_station.actor import Actor, Role
from dscplus_station.clock import day_in
from dscplus_station.db import affected
from dscplus_station.devices.service import live_device
from dscplus_station.errors import BadInput, NotFound, NotPermitted, StateConflict
from dscplus_station.notices.outbox import queue
from dscplus_station.notices.rules import NoticeKind
from dscplus_station.orders.rules import OrderState
from dscplus_station.orders.service import get_order, live_binding, move_order
from dscplus_station.returns.addresses import read_regions, region_of
from dscplus_station.returns.rules import (
    ON_THE_WAY,
    RETURN_TRANSITIONS,
    ReturnReason,
    ReturnState,
    announcing_fault,
)
from dscplus_station.returns.tables import Return
from dscplus_station.shipping.service import mark_undelivered
from dscplus_station.station import Station
from dscplus_station.stock.rules import CardState
from dscplus_station.stock.service import get_card, move_card
from dscplus_station.wording import words
from dscplus_station.words import require_words

MAX_TEXT = 60


@dataclass(frozen=True)
class Received:
    """A card that has come back, and from whom it was taken just now."""

    number: int
    serial_number: str
    order: str
    revoked_for: list[str]


def announce(
    station: Station,
    actor: Actor,
    serial_number: str,
    reason: ReturnReason,
    *,
    by_phone: bool = False,
    region: str | None = None,
) -> int:
    """Announce that a card is sent back (R41); gives the return's number. The same again is the same return.

    Args:
        by_phone: the user called; a replacement return begins so (R43).
        region: whose address it goes to; without it, that of the country the card was sent to.

    Raises:
        NotFound: no such device.
        NotPermitted: nothing that is returned, or not so (R30, R43, R44).
        BadInput: no region, or an unknown one.
        StateConflict: it is not out with a holder, or is announced for another reason.
    """
    actor.require(Role.CLIENT_SERVICES, "announce returns")
    regions = read_regions(station.home)
    with station.database.writing() as session:
        now = station.now()
        if fault := announcing_fault(live_device(session, serial_number).type, reason, by_phone=by_phone):
            raise NotPermitted("{card}: {fault}", card=serial_number, fault=fault)
        if (known := open_return(session, serial_number)) is not None:
            if known.reason is reason and known.state in ON_THE_WAY:
                return known.id
            raise StateConflict(
                "{card} has return {number} ({reason}), {state}",
                card=serial_number,
                number=known.id,
                reason=known.reason,
                state=known.state,
            )
        card = get_card(session, serial_number)
        binding = live_binding(session, serial_number=serial_number)
        if binding is None or card.state not in OUT:
            raise StateConflict(
                "card {card} is {state}: no holder has it", card=serial_number, state=card.state
            )
        country = get_order(session, binding.order_id).country
        announced = Return(
            serial_number=serial_number,
            order_id=binding.order_id,
            reason=reason,
            region=region_of(regions, country, region).key,
            state=ReturnState.ANNOUNCED,
            announced_at=now,
            changed_at=now,
        )
        session.add(announced)
        session.flush()
        audit.record(
            session, actor, now, "return.ANNOUNCED", serial_number, number=announced.id, reason=reason
        )
        return announced.id


def post(
    station: Station, actor: Actor, number: int, carrier: str, tracking: str, on: date | None = None
) -> None:
    """Record that the holder has posted an announced card, tracked (R41). The same again changes nothing.

    Args:
        on: the day, in the issuer's zone; today by default.

    Raises:
        NotFound: there is no such return.
        BadInput: carrier or tracking number missing or too long; a day before it was announced.
        NotPermitted: a day to come.
        StateConflict: it was posted otherwise, or has been received.
    """
    actor.require(Role.CLIENT_SERVICES, "record returns")
    require_words(words("return {number}: a carrier", number=number), carrier, MAX_TEXT)
    require_words(words("return {number}: a tracking number", number=number), tracking, MAX_TEXT)
    posted_on = station.day(on)
    with station.database.writing() as session:
        found = get_return(session, number)
        if (found.carrier, found.tracking) == (carrier, tracking):
            return
        if found.state is not ReturnState.ANNOUNCED:
            raise StateConflict(
                "return {number} is {state}, with {carrier} {tracking}",
                number=number,
                state=found.state,
                carrier=found.carrier,
                tracking=found.tracking,
            )
        if posted_on < (announced_on := day_in(station.settings.zone, found.announced_at)):
            raise BadInput(
                "return {number} was announced on {announced_on}, not posted on {posted_on}",
                number=number,
                announced_on=str(announced_on),
                posted_on=str(posted_on),
            )
        found.carrier, found.tracking, found.posted_on = carrier, tracking, posted_on
        session.flush()
        move_return(session, actor, station.now(), found, ReturnState.IN_TRANSIT)


def receive(station: Station, actor: Actor, serial_number: str) -> Received:
    """Record that a card has come back, announced or not, in one transaction: every assignment is revoked at
    once, before anybody can touch its PIN.

    The deposit waits for the inspection, which may find the card damaged on purpose, or that it is another
    card (R12). An order whose card was not active yet is
    UNDELIVERED. Received again, nothing is done. The card is RETURNED: the returns desk goes on with it.

    Raises:
        NotFound: no such card.
        StateConflict: it was not out.
    """
    actor.require(Role.RETURNS, "receive cards that come back")
    with station.database.writing() as session:
        now = station.now()
        card = get_card(session, serial_number)
        found = open_return(session, serial_number)
        if found is not None and found.state not in ON_THE_WAY:
            return Received(found.id, serial_number, found.order_id, [])
        binding = live_binding(session, serial_number=serial_number)
        if binding is None or card.state not in OUT:
            raise StateConflict(
                "card {card} is {state}: it was not out", card=serial_number, state=card.state
            )
        order = get_order(session, binding.order_id)
        move_card(session, actor, now, serial_number, CardState.RETURNED, "it came back")
        users = take_out_of_use(session, actor, now, serial_number, "it came back")
        if found is not None and order.state is OrderState.SHIPPED:
            because = "its holder sent the card back before it was active"
            move_order(session, actor, now, order.id, OrderState.UNDELIVERED, because)
        if found is None:
            if order.state is OrderState.SHIPPED:
                mark_undelivered(session, actor, now, order, "came back undelivered")
            found = Return(
                serial_number=serial_number,
                order_id=order.id,
                state=ReturnState.IN_TRANSIT,
                announced_at=now,
                changed_at=now,
            )
            session.add(found)
            session.flush()
        if found.state is ReturnState.ANNOUNCED:
            move_return(session, actor, now, found, ReturnState.IN_TRANSIT)
        move_return(session, actor, now, found, ReturnState.RECEIVED, received_at=now)
        queue(session, actor, now, NoticeKind.RETURN_RECEIVED, order, serial_number)
        return Received(found.id, serial_number, order.id, users)


def get_return(session: Session, number: int) -> Return:
    """The return of that number, locked until the transaction ends.

    Raises:
        NotFound: there is none.
    """
    found = session.get(Return, number, with_for_update=True)
    if found is None:
        raise NotFound("no return {number}: `dsc-station returns list` shows them", number=number)
    return found


def open_return(session: Session, serial_number: str) -> Return | None:
    """The return of a card that is not disposed of yet, locked until the transaction ends."""
    return session.scalars(
        select(Return)
        .where(Return.serial_number == serial_number, Return.state != ReturnState.DISPOSED)
        .with_for_update()
    ).one_or_none()


OUT = (CardState.SHIPPED, CardState.LOST)
"""With a holder, with a carrier, or nobody knows where."""


def move_return(
    session: Session, actor: Actor, now: datetime, found: Return, following: ReturnState, **facts: object
) -> None:
    """Take a return one step along its life; the update itself checks the present state.

    Raises:
        StateConflict: its present state does not lead there.
    """
    before = [state for state, after in RETURN_TRANSITIONS.items() if following in after]
    moved = affected(
        session,
        update(Return)
        .where(Return.id == found.id, Return.state.in_(before))
        .values(state=following, changed_at=now, **facts),
    )
    if moved != 1:
        raise StateConflict(
            "return {number} is {state}: it cannot become {following}",
            number=found.id,
            state=found.state,
            following=following,
        )
    audit.record(session, actor, now, f"return.{following}", found.serial_number, number=found.id)
