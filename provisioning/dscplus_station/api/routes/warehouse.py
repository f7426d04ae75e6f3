"""A warehouse's programs: stock, parcels that never arrived, cards that come back."""

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import select

from dscplus_station.api.context import (
    KEYED,
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
from dscplus_station.returns.service import Received, receive
from dscplus_station.shipping.service import report_undelivered
from dscplus_station.stock.rules import CardState
from dscplus_station.stock.service import counts
from dscplus_station.stock.tables import Card

router = APIRouter(prefix="/v1/warehouse", tags=["warehouse"])


class Count(BaseModel):
    """How many cards of a batch are in a state."""

    batch: str
    state: CardState
    cards: int


class StockCard(BaseModel):
    """A card's place in its physical life."""

    serial_number: str
    batch: str
    state: CardState


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
    """By serial number; those in one state, if it is named."""
    query = select(Card).order_by(Card.serial_number).limit(limit + 1)
    if state is not None:
        query = query.where(Card.state == state)
    if (last := after_cursor(cursor, str)) is not None:
        query = query.where(Card.serial_number > last)
    with caller.station.database.reading() as session:
        found = [
            StockCard(serial_number=one.serial_number, batch=one.batch, state=one.state)
            for one in session.scalars(query)
        ]
    return page(found, limit, lambda one: one.serial_number)


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
