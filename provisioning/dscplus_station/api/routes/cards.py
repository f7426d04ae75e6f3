"""A client's cards: activated, reported (R10, R15)."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, SecretStr

from dscplus_station.activation.by_user import activate
from dscplus_station.api.calls import Call
from dscplus_station.api.context import (
    KEYED,
    Body,
    Cursor,
    DevicePath,
    Limit,
    LoginName,
    Page,
    Portal,
    Proof,
    UserPath,
    Words,
    answers,
    page_of,
    require_right,
)
from dscplus_station.losses.rules import ReportKind
from dscplus_station.losses.service import Reported, report
from dscplus_station.pins.service import change_pin
from dscplus_station.sessions.devices import LoginDevice, login_devices

router = APIRouter(route_class=Call, prefix="/v1", tags=["cards"])


class Activated(BaseModel):
    """An active card."""

    serial_number: str
    user: str
    active_since: datetime | None


class NewPin(Proof):
    """Another PIN, and what the card shows for a challenge with it."""

    pin: SecretStr
    login: LoginName | None = None


class CardReport(Body):
    """What happened to a card."""

    kind: ReportKind
    note: Words | None = None


@router.get("/users/{user}/devices", responses=answers(404), summary="The devices of a user")
def devices(caller: Portal, user: UserPath, limit: Limit = 50, cursor: Cursor = None) -> Page[LoginDevice]:
    """R23: those that are not revoked, oldest first, and why one cannot be picked. For the portal's pages
    after a login.
    """
    return page_of(login_devices(caller.station, user), limit, cursor, lambda one: one.serial_number)


@router.post(
    "/users/{user}/activations",
    dependencies=KEYED,
    responses=answers(404, 409),
    summary="Activate a card by its user",
)
def activate_card(caller: Portal, user: UserPath, proof: Proof) -> Activated:
    """R15: the serial number on the back, and one right response. What the card replaces ends with it."""
    done = activate(
        caller.station,
        caller.actor,
        caller.keystore,
        proof.device,
        proof.challenge,
        proof.answer.get_secret_value(),
        user,
    )
    require_right(done.answer)
    return Activated(serial_number=done.serial_number, user=done.user, active_since=done.active_since)


@router.post(
    "/users/{user}/pin-changes",
    status_code=204,
    dependencies=KEYED,
    responses=answers(404, 409),
    summary="Choose another PIN",
)
def change(caller: Portal, user: UserPath, wanted: NewPin) -> None:
    """R7, profile B: the response is computed with the new PIN. The former one is proven by `login`, which
    the same card has answered within a quarter of an hour; without it, client services has allowed a reset.
    """
    answer = change_pin(
        caller.station,
        caller.actor,
        caller.keystore,
        user,
        wanted.device,
        wanted.pin.get_secret_value(),
        wanted.challenge,
        wanted.answer.get_secret_value(),
        wanted.login,
    )
    require_right(answer)


@router.post(
    "/cards/{device}/reports",
    status_code=201,
    dependencies=KEYED,
    responses=answers(404, 409),
    summary="Report what happened to a card",
)
def report_card(caller: Portal, device: DevicePath, told: CardReport) -> Reported:
    """Nobody uses it any more from that moment on; what becomes of the deposit (R12)."""
    return report(caller.station, caller.actor, device, told.kind, told.note)
