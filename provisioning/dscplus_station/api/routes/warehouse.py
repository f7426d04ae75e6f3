"""A warehouse's programs: stock, shipments, parcels that never arrived, cards that come back."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field, StringConstraints
from sqlalchemy import and_, select

from dscplus_station.activation.rules import TimerState
from dscplus_station.api.calls import Call
from dscplus_station.api.context import (
    KEYED,
    Body,
    Cursor,
    DevicePath,
    Limit,
    OrderPath,
    Page,
    Warehouse,
    after_cursor,
    answers,
    page,
)
from dscplus_station.lists.rules import write_view
from dscplus_station.lists.service import look
from dscplus_station.lists.shipments import SHIPMENTS, ShipmentRow
from dscplus_station.orders.tables import Binding
from dscplus_station.returns import overview
from dscplus_station.returns.overview import ReturnView
from dscplus_station.returns.rules import ReturnState
from dscplus_station.returns.service import Received, receive
from dscplus_station.shipping.rules import Scanned
from dscplus_station.shipping.service import Shipped, report_undelivered, ship
from dscplus_station.stock.rules import CardState
from dscplus_station.stock.service import counts
from dscplus_station.stock.tables import Card

router = APIRouter(route_class=Call, prefix="/v1/warehouse", tags=["warehouse"])


class Count(BaseModel):
    """How many cards of a batch are in a state."""

    batch: str
    state: CardState
    cards: int


class StockCard(BaseModel):
    """A card's place in its physical life, and the order that it serves."""

    serial_number: str
    batch: str
    state: CardState
    order: str | None


Scan = Annotated[str, StringConstraints(pattern=r"^[ -~]{1,120}$")]
Short = Annotated[str, StringConstraints(min_length=1, max_length=60)]


class Parcel(Body):
    """What was scanned when a parcel was closed, and how it travels; `on`: today, unless it is said."""

    card: Scan = Field(description="The serial number on the card's back.")
    label: Scan = Field(description="The card's label; at a station that prints none, the order's barcode.")
    carrier: Short
    tracking: Short
    on: date | None = None


Tracking = Annotated[str | None, Query(pattern=r"^[ -~]{1,60}$", description="Its number begins so.")]
Carrier = Annotated[str | None, Query(min_length=1, max_length=60)]


@router.get("/stock", responses=answers(), summary="How many cards there are")
def stock(caller: Warehouse) -> list[Count]:
    """By batch and state."""
    return [
        Count(batch=batch, state=CardState(state), cards=number)
        for batch, state, number in counts(caller.station)
    ]


@router.get("/cards", responses=answers(), summary="The cards")
def cards(
    caller: Warehouse, state: CardState | None = None, limit: Limit = 50, cursor: Cursor = None
) -> Page[StockCard]:
    """By serial number; those in one state, if it is named: LABELLED ones are ready to be shipped."""
    bound = and_(Binding.serial_number == Card.serial_number, Binding.released_at.is_(None))
    query = select(Card, Binding.order_id).outerjoin(Binding, bound)
    query = query.order_by(Card.serial_number).limit(limit + 1)
    if state is not None:
        query = query.where(Card.state == state)
    if (last := after_cursor(cursor, str)) is not None:
        query = query.where(Card.serial_number > last)
    with caller.station.database.reading() as session:
        found = [
            StockCard(serial_number=one.serial_number, batch=one.batch, state=one.state, order=order)
            for one, order in session.execute(query)
        ]
    return page(found, limit, lambda one: one.serial_number)


@router.post(
    "/orders/{order}/shipments",
    status_code=201,
    dependencies=KEYED,
    responses=answers(404, 409),
    summary="Ship an order's card",
)
def shipped(caller: Warehouse, order: OrderPath, parcel: Parcel) -> Shipped:
    """Card and label were both scanned and must be one pair, of this order. Gives the day on which the card
    activates by itself (R13, R14), and a warning if its user has no access before (R16).
    """
    scanned = Scanned(parcel.card, parcel.label)
    return ship(caller.station, caller.actor, order, parcel.carrier, parcel.tracking, scanned, parcel.on)


@router.get("/shipments", responses=answers(), summary="The shipments")
def shipments(
    caller: Warehouse,
    carrier: Carrier = None,
    tracking: Tracking = None,
    timer: TimerState | None = None,
    since: Annotated[date | None, Query(description="Shipped on this day or later; `timer`: due.")] = None,
    until: Annotated[date | None, Query(description="Shipped on this day or before; `timer`: due.")] = None,
    limit: Limit = 50,
    cursor: Annotated[str | None, Query(max_length=600, pattern=r"^[A-Za-z0-9_-]+$")] = None,
) -> Page[ShipmentRow]:
    """The last first; those found by their number in its order; those with a timer in one state by the day
    on which they activate. Not everything can be asked together: what cannot is refused (422).
    """
    asked = {
        "carrier": carrier,
        "q": tracking,
        "by": "tracking" if tracking else None,
        "timer": timer,
        "sort": "due" if timer and not tracking else None,
        "from": since.isoformat() if since else None,
        "to": until.isoformat() if until else None,
        "rows": str(limit),
        "after": cursor,
    }
    found = look(caller.station, caller.actor, SHIPMENTS, {name: one for name, one in asked.items() if one})
    following = write_view(SHIPMENTS.shape, found.next)["after"] if found.next else None
    return Page(items=found.rows, next=following)


@router.post(
    "/orders/{order}/undelivered",
    status_code=204,
    dependencies=KEYED,
    responses=answers(404, 409),
    summary="A parcel never arrived",
)
def undelivered(caller: Warehouse, order: OrderPath) -> None:
    """R16: the report stops the timer."""
    report_undelivered(caller.station, caller.actor, order)


@router.get("/returns", responses=answers(), summary="The cards that come back")
def returns(
    caller: Warehouse, state: ReturnState | None = None, limit: Limit = 50, cursor: Cursor = None
) -> Page[ReturnView]:
    """By number; those in one state, if it is named: IN_TRANSIT ones are on their way here."""
    after = after_cursor(cursor, int) or 0
    found = overview.returns(caller.station, state=state, after=after, limit=limit + 1)
    return page(found, limit, lambda one: one.number)


@router.post(
    "/cards/{device}/receipts",
    status_code=201,
    dependencies=KEYED,
    responses=answers(404, 409),
    summary="A card has come back",
)
def received(caller: Warehouse, device: DevicePath) -> Received:
    """Revoked for everybody at once; its deposit ends by R12."""
    return receive(caller.station, caller.actor, device)
