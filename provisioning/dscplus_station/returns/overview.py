"""Returns as people look at them, and the form that goes with the card; read-only."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from dscplus_station.errors import NotPermitted
from dscplus_station.notices.contacts import language_of
from dscplus_station.orders.service import get_order
from dscplus_station.orders.tables import Order
from dscplus_station.returns.addresses import Region, read_regions, region_of
from dscplus_station.returns.rules import ReturnReason, ReturnState, shown_between
from dscplus_station.returns.service import get_return
from dscplus_station.returns.tables import Return
from dscplus_station.returns.texts import form_texts
from dscplus_station.station import Station
from dscplus_station.warehouse import warehouse_days


@dataclass(frozen=True)
class ReturnView:
    """A return. `shown_from`, `shown_until`: between which days its receipt shows, once posted (R42)."""

    number: int
    serial_number: str
    order: str
    user: str
    reason: ReturnReason | None
    state: ReturnState
    carrier: str | None
    tracking: str | None
    posted_on: date | None
    shown_from: date | None
    shown_until: date | None
    received_at: datetime | None


@dataclass(frozen=True)
class Form:
    """The form that is printed and goes with the card (R41)."""

    number: int
    language: str
    title: str
    user: str
    serial_number: str
    reason: str
    to: Region
    steps: list[str]


def view(station: Station, number: int) -> ReturnView:
    """One return.

    Raises:
        NotFound: there is none.
    """
    with station.database.reading() as session:
        return _view(session, station, get_return(session, number))


def returns(
    station: Station,
    *,
    order_id: str | None = None,
    user: str | None = None,
    state: ReturnState | None = None,
    after: int = 0,
    limit: int | None = None,
) -> list[ReturnView]:
    """All returns, oldest first; those of one order or user, or in one state, if it is named.

    Args:
        after: only those with a higher number.
        limit: so many at most.
    """
    query = select(Return).where(Return.id > after).order_by(Return.id).limit(limit)
    if order_id is not None:
        query = query.where(Return.order_id == order_id)
    if user is not None:
        query = query.join(Order, Order.id == Return.order_id).where(Order.user_name == user)
    if state is not None:
        query = query.where(Return.state == state)
    with station.database.reading() as session:
        return [_view(session, station, found) for found in session.scalars(query)]


def form(station: Station, number: int) -> Form:
    """The form of an announced return, in the user's language.

    Raises:
        NotFound: there is none.
        NotPermitted: nobody announced it: the card is here.
        BadInput: the file of addresses cannot be used, or has its region no more.
    """
    with station.database.reading() as session:
        found = get_return(session, number)
        if found.reason is None:
            raise NotPermitted("return {number} was never announced: its card just came", number=number)
        order = get_order(session, found.order_id)
        language = language_of(session, order.user_name) or order.language
        texts = form_texts(found.reason, language)
        region = region_of(read_regions(station.home), order.country, found.region)
        return Form(
            number,
            language,
            texts.title,
            order.user_name,
            found.serial_number,
            texts.reason,
            region,
            texts.steps,
        )


def _view(session: Session, station: Station, found: Return) -> ReturnView:
    window = shown_between(found.posted_on, warehouse_days(station.settings)) if found.posted_on else None
    return ReturnView(
        number=found.id,
        serial_number=found.serial_number,
        order=found.order_id,
        user=session.get_one(Order, found.order_id).user_name,
        reason=found.reason,
        state=found.state,
        carrier=found.carrier,
        tracking=found.tracking,
        posted_on=found.posted_on,
        shown_from=window.first if window else None,
        shown_until=window.last if window else None,
        received_at=found.received_at,
    )
