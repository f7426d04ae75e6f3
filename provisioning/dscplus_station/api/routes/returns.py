"""Cards that go back; closed accounts (R41 to R45)."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter
from pydantic import StringConstraints

from dscplus_station.api.context import (
    KEYED,
    Body,
    DeviceName,
    NumberPath,
    OrderPath,
    Portal,
    UserPath,
    Words,
    answers,
)
from dscplus_station.closing.service import Closed, close_account
from dscplus_station.returns import overview, service
from dscplus_station.returns.overview import Form, ReturnView
from dscplus_station.returns.rules import ReturnReason

router = APIRouter(prefix="/v1", tags=["returns"])

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


@router.get("/orders/{order}/returns", responses=answers(), summary="The returns of an order's card")
def of_order(caller: Portal, order: OrderPath) -> list[ReturnView]:
    """Oldest first."""
    return overview.returns(caller.station, order_id=order)


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
