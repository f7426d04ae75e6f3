"""Logging in: user name and password, then a device's answer (R1, R6, R23)."""

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import SecretStr, StringConstraints

from dscplus_station.api.calls import Call
from dscplus_station.api.context import (
    KEPT_NOWHERE,
    Body,
    DeviceName,
    LoginName,
    Portal,
    PortalOrLogin,
    UserName,
    answers,
)
from dscplus_station.login.rules import Purpose
from dscplus_station.portal import service
from dscplus_station.portal.service import Asked, Begun
from dscplus_station.sessions.service import SessionFacts

router = APIRouter(route_class=Call, prefix="/v1/logins", tags=["login"], dependencies=KEPT_NOWHERE)
"""An answer that is kept would log in once more, after the session's end, a loss, a closed account."""


class Credentials(Body):
    """What a user types first."""

    user: UserName
    password: SecretStr


class PickedDevice(Body):
    """The device that a user picks."""

    login: LoginName
    device: DeviceName


class OtherPurpose(PickedDevice):
    """A device that is asked for something else than a login."""

    purpose: Literal[Purpose.ACTIVATION, Purpose.SHARING, Purpose.OPT_IN, Purpose.PIN_CHANGE]


class DeviceAnswer(Body):
    """What the device shows, or the sheet has. `challenge` is empty for a passcode."""

    login: LoginName
    device: DeviceName
    challenge: Annotated[str, StringConstraints(pattern=r"^([0-9]{6})?$")] = ""
    answer: SecretStr


@router.post("", status_code=201, responses=answers(410), summary="Begin a login by user name and password")
def begin(caller: PortalOrLogin, asked: Credentials) -> Begun:
    """Gives the devices to pick from; a session at once where none is asked for (R45). Whatever is wrong, the
    answer is one: 401.
    """
    passwords = caller.service.passwords
    return service.begin(
        caller.station, caller.actor, passwords, asked.user, asked.password.get_secret_value()
    )


@router.post("/challenge", status_code=201, responses=answers(410), summary="Ask the picked device")
async def challenge(caller: PortalOrLogin, picked: PickedDevice) -> Asked:
    """A challenge: random, answerable once until `expires_at`, for this login's user and purpose only."""
    return await caller.service.rows.do(
        service.ask, caller.station, caller.actor, picked.login, picked.device
    )


@router.post(
    "/other-challenge", status_code=201, responses=answers(404, 409, 410), summary="Ask for something else"
)
def other_challenge(caller: Portal, picked: OtherPurpose) -> Asked:
    """For an activation (R15), a sharing (R27), opting in (R34), another PIN (R7): a device of a login's
    user, whose password was right just now (until `expires_at` of the login), or that was answered within
    fifteen minutes. Its answer goes there.
    """
    return service.ask_for(caller.station, caller.actor, picked.login, picked.device, picked.purpose)


@router.post("/answer", responses=answers(410), summary="Judge the device's answer")
async def answer(caller: PortalOrLogin, given: DeviceAnswer) -> SessionFacts:
    """Right: what the session may do, by the device that answered. Anything else: 401, without a reason."""
    return await caller.service.rows.do(
        service.answer,
        caller.station,
        caller.actor,
        caller.keystore,
        given.login,
        given.device,
        given.challenge,
        given.answer.get_secret_value(),
    )
