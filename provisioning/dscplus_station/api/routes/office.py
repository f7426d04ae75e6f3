"""The broker's back office: what compliance decides, what client services and supervisors do for a caller.

A token is a program. Each deed here names the operator who does it, and who proves it there and then: the
roles of that operator count, and the audit trail has that name.
"""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel

from dscplus_station.api.calls import Call
from dscplus_station.api.context import (
    KEYED,
    Cursor,
    DeviceName,
    DevicePath,
    Limit,
    NumberPath,
    Office,
    Page,
    Signed,
    UserName,
    UserPath,
    Words,
    after_cursor,
    answers,
    page,
    signer,
)
from dscplus_station.api.routes.returns import NewReturn
from dscplus_station.devices.rules import AssignmentState
from dscplus_station.login.service import release_lock
from dscplus_station.pins.service import allow_reset
from dscplus_station.returns import overview
from dscplus_station.returns import service as returns
from dscplus_station.returns.overview import ReturnView
from dscplus_station.sharing import service as sharing
from dscplus_station.sharing.review import Review, review, sharings
from dscplus_station.sharing.rules import SharingState

router = APIRouter(route_class=Call, prefix="/v1/office", tags=["office"])


class Noted(Signed):
    """A decision, and why."""

    note: Words


class PinResetWanted(Signed):
    """A forgotten PIN: how the identity was checked, never what was answered."""

    device: DeviceName
    identity_check: Words


class PinResetAllowed(BaseModel):
    """Until when the user may choose another PIN, once."""

    user: str
    serial_number: str
    until: datetime


class Locked(Signed):
    """A user whose device is locked."""

    user: UserName


class Released(BaseModel):
    """How a device stands for its user after the release."""

    serial_number: str
    user: str
    assignment: AssignmentState


class PhonedReturn(Signed, NewReturn):
    """A return that a caller announces; a replacement return begins so (R43)."""


@router.get("/sharings", responses=answers(), summary="The sharings")
def listed(
    caller: Office, state: SharingState | None = None, limit: Limit = 50, cursor: Cursor = None
) -> Page[Review]:
    """By number; those in one state, if it is named: PENDING ones wait for compliance (R28)."""
    found = sharings(caller.station, state=state, after=after_cursor(cursor, int) or 0, limit=limit + 1)
    return page(found, limit, lambda one: one.sharing)


@router.post(
    "/sharings/{number}/approve",
    dependencies=KEYED,
    responses=answers(404, 409),
    summary="Compliance approves a sharing",
)
def approve(caller: Office, number: NumberPath, decided: Noted) -> Review:
    """R28: if all that must hold still does; else it stays PENDING, and the problem tells why (R29)."""
    sharing.approve(caller.station, signer(caller, decided), caller.keystore, number, decided.note)
    return review(caller.station, number)


@router.post(
    "/sharings/{number}/reject",
    dependencies=KEYED,
    responses=answers(404, 409),
    summary="Compliance rejects a sharing",
)
def reject(caller: Office, number: NumberPath, decided: Noted) -> Review:
    """R28."""
    sharing.reject(caller.station, signer(caller, decided), number, decided.note)
    return review(caller.station, number)


@router.post(
    "/users/{user}/pin-resets",
    status_code=201,
    dependencies=KEYED,
    responses=answers(404, 409),
    summary="Allow another PIN for a forgotten one",
)
def pin_reset(caller: Office, user: UserPath, wanted: PinResetWanted) -> PinResetAllowed:
    """R7, profile B: client services has checked who calls; the user chooses it in the portal."""
    operator = signer(caller, wanted)
    until = allow_reset(caller.station, operator, user, wanted.device, wanted.identity_check)
    return PinResetAllowed(user=user, serial_number=wanted.device, until=until)


@router.post(
    "/devices/{device}/releases",
    dependencies=KEYED,
    responses=answers(404, 409),
    summary="Release a locked device",
)
def release(caller: Office, device: DevicePath, locked: Locked) -> Released:
    """R6: wrong answers in a row have locked it for that user; a supervisor releases it."""
    state = release_lock(caller.station, signer(caller, locked), device, locked.user)
    return Released(serial_number=device, user=locked.user, assignment=state)


@router.post(
    "/returns",
    status_code=201,
    dependencies=KEYED,
    responses=answers(404, 409),
    summary="Announce a return for a caller",
)
def announce(caller: Office, wanted: PhonedReturn) -> ReturnView:
    """R43: a replacement return is phoned in."""
    operator = signer(caller, wanted)
    number = returns.announce(
        caller.station, operator, wanted.device, wanted.reason, by_phone=True, region=wanted.region
    )
    return overview.view(caller.station, number)
