"""Cards that go back; closed accounts (R41 to R45)."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import StringConstraints

from dscplus_station.api.calls import Call
from dscplus_station.api.context import (
    KEYED,
    Body,
    Cursor,
    DeviceName,
    Limit,
    NumberPath,
    OrderPath,
    Page,
    Portal,
    UserPath,
    Words,
    after_cursor,
    answers,
    page,
)
from dscplus_station.closing.service import Closed, close_account
from dscplus_station.returns import overview, service
from dscplus_station.returns.addresses import Region, read_regions
from dscplus_station.returns.overview import Form, ReturnView
from dscplus_station.returns.rules import ReturnReason

router = APIRouter(route_class=Call, prefix="/v1", tags=["returns"])

Short = Annotated[str, StringConstraints(min_length=1, max_length=60)]


class NewReturn(Body):
    """A card that is to be sent back."""

    device: DeviceName
    reason: ReturnReason
    region: Annotated[str, StringConstraints(pattern="^[a-z-]{1,20}$")] | None = None


class Posted(Body):
    """How it was posted; `on`: today, unless it is said."""

    carrier: Short
    tracking: Short
    on: date | None = None


class Closing(Body):
    """Why an account is closed."""

    because: Words


@router.post(
    "/returns",
    status_code=201,
    dependencies=KEYED,
    responses=answers(404, 409),
    summary="Announce a return",
)
def announce(caller: Portal, wanted: NewReturn) -> ReturnView:
    """R41. A replacement return is phoned in (R43), so not announced here."""
    number = service.announce(
        caller.station, caller.actor, wanted.device, wanted.reason, region=wanted.region
    )
    return overview.view(caller.station, number)


@router.get("/returns/{number}", responses=answers(404), summary="One return")
def show(caller: Portal, number: NumberPath) -> ReturnView:
    """How far it is, and between which days its receipt shows (R42)."""
    return overview.view(caller.station, number)


@router.get("/returns/{number}/form", responses=answers(404, 409), summary="The form that goes with the card")
def form(caller: Portal, number: NumberPath) -> Form:
    """In the user's language, with the region's address (R41)."""
    return overview.form(caller.station, number)


@router.get(
    "/returns/{number}/form.pdf",
    response_class=Response,
    responses=answers(404, 409) | {200: {"description": "To be printed", "content": {"application/pdf": {}}}},
    summary="The same form, to be printed",
)
def printed_form(caller: Portal, number: NumberPath) -> Response:
    """One page; its barcode names the return at the returns desk (R41)."""
    from dscplus_station.documents.service import form_of_return

    return Response(form_of_return(caller.station, caller.actor, number), media_type="application/pdf")


@router.get("/return-regions", responses=answers(), summary="Where cards are sent back to")
def regions(caller: Portal) -> list[Region]:
    """The `key` of one is what a return names as its `region`; else the card's country decides."""
    return list(read_regions(caller.station.home).values())


@router.get("/orders/{order}/returns", responses=answers(), summary="The returns of an order's card")
def of_order(caller: Portal, order: OrderPath, limit: Limit = 50, cursor: Cursor = None) -> Page[ReturnView]:
    """Oldest first."""
    after = after_cursor(cursor, int) or 0
    found = overview.returns(caller.station, order_id=order, after=after, limit=limit + 1)
    return page(found, limit, lambda one: one.number)


@router.get("/users/{user}/returns", responses=answers(), summary="The returns of a user's cards")
def of_user(caller: Portal, user: UserPath, limit: Limit = 50, cursor: Cursor = None) -> Page[ReturnView]:
    """Oldest first."""
    after = after_cursor(cursor, int) or 0
    found = overview.returns(caller.station, user=user, after=after, limit=limit + 1)
    return page(found, limit, lambda one: one.number)


@router.post("/returns/{number}/posted", responses=answers(404, 409), summary="Tell how it was posted")
def posted(caller: Portal, number: NumberPath, told: Posted) -> ReturnView:
    """Tracked (R41); the receipt shows 3 to 5 business days later (R42)."""
    service.post(caller.station, caller.actor, number, told.carrier, told.tracking, told.on)
    return overview.view(caller.station, number)


@router.post(
    "/users/{user}/closure", dependencies=KEYED, responses=answers(404, 409), summary="Close an account"
)
def close(caller: Portal, user: UserPath, why: Closing) -> Closed:
    """R45, for good: tells which cards go back, and which code cards are to be destroyed (R44)."""
    return close_account(caller.station, caller.actor, user, why.because)
