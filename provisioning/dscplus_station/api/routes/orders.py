"""A client's order from the draft to the confirmation (R9 to R12)."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field, SecretStr, StringConstraints

from dscplus_station.api.calls import Call
from dscplus_station.api.context import (
    KEYED,
    Body,
    Cursor,
    DeviceName,
    Limit,
    OrderName,
    OrderPath,
    Page,
    Portal,
    UserName,
    UserPath,
    Words,
    after_cursor,
    answers,
    page,
)
from dscplus_station.cancellation.service import Cancelled, cancel
from dscplus_station.devices.rules import Profile
from dscplus_station.errors import NotFound
from dscplus_station.holds.rules import HoldEnd, HoldState
from dscplus_station.holds.service import hold_of
from dscplus_station.ordering import service
from dscplus_station.ordering.rules import Purpose
from dscplus_station.ordering.service import Address, Summary, Wish
from dscplus_station.orders.service import get_order
from dscplus_station.shipping.delivery import DeliveryView, delivery_of

router = APIRouter(route_class=Call, prefix="/v1", tags=["orders"])


class ShippingAddress(Body):
    """Where the card goes."""

    name: Words
    address: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    country: Annotated[str, StringConstraints(pattern="^[A-Z]{2}$")] = Field(description="ISO 3166-1 alpha-2")

    def given(self) -> Address:
        """As the service takes it."""
        return Address(self.name, self.address, self.country)


class NewOrder(Body):
    """What a client wants. The portal names the order."""

    order: OrderName
    user: UserName
    purpose: Purpose
    replaces: DeviceName | None = None
    profile: Profile = Profile.CARD_PIN
    language: Annotated[str, StringConstraints(pattern="^[a-z]{2}$")] | None = None
    equity_cents: Annotated[int, Field(ge=0, le=10**16)] | None = None
    address: ShippingAddress | None = Field(
        default=None, description="None: where the user's last order went."
    )


class ChosenPin(Body):
    """The PIN, as the user typed it."""

    pin: SecretStr


class HoldView(BaseModel):
    """An order's deposit; `because`: how it ended."""

    order: str
    account: str
    amount_cents: int
    state: HoldState
    held_at: datetime
    ended_at: datetime | None
    because: HoldEnd | None


class ChosenAccount(Body):
    """The account that carries the deposit."""

    account: Annotated[str, StringConstraints(pattern=r"^[!-~]{1,40}$")]


@router.post(
    "/orders",
    status_code=201,
    dependencies=KEYED,
    responses=answers(404, 409),
    summary="Begin an order",
)
def draft(caller: Portal, wanted: NewOrder) -> Summary:
    """R9, R10: who may order, and for what. The same order again is the one that is there."""
    wish = Wish(wanted.order, wanted.user, wanted.purpose, wanted.replaces, wanted.profile, wanted.language)
    address = wanted.address.given() if wanted.address else None
    return service.draft(
        caller.station, caller.actor, wish, wanted.equity_cents, address, caller.service.countries
    )


@router.get("/orders/{order}", responses=answers(404), summary="An order as its client sees it")
def show(caller: Portal, order: OrderPath) -> Summary:
    """The summary (R11); never the PIN."""
    return service.summary(caller.station, order)


@router.get("/orders/{order}/delivery", responses=answers(404), summary="Where an order's card is")
def delivery(caller: Portal, order: OrderPath) -> DeliveryView:
    """Carrier and number, when the card activates by itself (R13, R14), and on how many days before that
    nothing else works (R16).
    """
    return delivery_of(caller.station, order)


@router.get("/orders/{order}/hold", responses=answers(404), summary="The deposit of an order")
def deposit(caller: Portal, order: OrderPath) -> HoldView:
    """R12: held, released or charged, and why."""
    with caller.station.database.reading() as session:
        get_order(session, order)
        hold = hold_of(session, order)
    if hold is None:
        raise NotFound(f"order {order} has no deposit")
    return HoldView(
        order=order,
        account=hold.account,
        amount_cents=hold.amount_cents,
        state=hold.state,
        held_at=hold.opened_at,
        ended_at=hold.ended_at,
        because=HoldEnd(hold.end_reason) if hold.end_reason else None,
    )


@router.get("/users/{user}/orders", responses=answers(), summary="A user's orders")
def of_user(caller: Portal, user: UserPath, limit: Limit = 50, cursor: Cursor = None) -> Page[Summary]:
    """In the order of their names."""
    found = service.summaries(caller.station, user, after_cursor(cursor, str) or "", limit + 1)
    return page(found, limit, lambda one: one.order)


@router.put("/orders/{order}/address", responses=answers(404, 409), summary="Change where the card goes")
def change_address(caller: Portal, order: OrderPath, address: ShippingAddress) -> Summary:
    """Of a draft (R11)."""
    return service.change_address(
        caller.station, caller.actor, order, address.given(), caller.service.countries
    )


@router.put("/orders/{order}/pin", responses=answers(404, 409), summary="Choose the PIN")
def choose_pin(caller: Portal, order: OrderPath, chosen: ChosenPin) -> Summary:
    """Of a draft (R3, R8): sealed at once, and never shown again."""
    return service.choose_pin(
        caller.station, caller.actor, caller.keystore, order, chosen.pin.get_secret_value()
    )


@router.put("/orders/{order}/account", responses=answers(404, 409), summary="Choose the deposit's account")
def choose_account(caller: Portal, order: OrderPath, chosen: ChosenAccount) -> Summary:
    """One of the person's own (R11)."""
    return service.choose_account(caller.station, caller.actor, order, chosen.account)


@router.post("/orders/{order}/review", responses=answers(404, 409), summary="Go on to the summary")
def review(caller: Portal, order: OrderPath) -> Summary:
    """R11: everything is chosen; asked again, it is shown again."""
    return service.review(caller.station, caller.actor, order)


@router.post("/orders/{order}/back", responses=answers(404, 409), summary="Go back, to change something")
def back(caller: Portal, order: OrderPath) -> Summary:
    """R11: nothing is lost."""
    return service.back(caller.station, caller.actor, order)


@router.post(
    "/orders/{order}/place", dependencies=KEYED, responses=answers(404, 409), summary="Place the order"
)
def place(caller: Portal, order: OrderPath) -> Summary:
    """R11, R12: 20 USD are held, once, and the shipment is estimated."""
    return service.place(caller.station, caller.actor, order)


@router.post(
    "/orders/{order}/cancel", dependencies=KEYED, responses=answers(404, 409), summary="Cancel the order"
)
def cancel_order(caller: Portal, order: OrderPath) -> Cancelled:
    """Before its shipment; the deposit is released (R12)."""
    return cancel(caller.station, caller.actor, order)
