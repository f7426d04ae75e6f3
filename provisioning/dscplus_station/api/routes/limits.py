"""What a device admits; codes by SMS; opting out and in (R20 to R22, R32 to R34)."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field, SecretStr, StringConstraints

from dscplus_station.api.calls import Call
from dscplus_station.api.context import (
    KEYED,
    Body,
    Portal,
    Proof,
    UserName,
    UserPath,
    answers,
    require_right,
)
from dscplus_station.devices.rules import DeviceType
from dscplus_station.errors import NotPermitted, StateConflict
from dscplus_station.limits import service, sms
from dscplus_station.limits.rules import Gate
from dscplus_station.limits.service import Leeway
from dscplus_station.notices.configuration import station_gateways
from dscplus_station.notices.rules import Channel
from dscplus_station.optout import service as optout
from dscplus_station.optout.service import Participation

router = APIRouter(route_class=Call, prefix="/v1/users/{user}", tags=["limits"])

Amount = Annotated[int, Field(ge=1, le=10**13, description="US cents")]
Reference = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,40}$")]


class Withdrawal(Body):
    """A withdrawal that the portal wants to let pass. The same `reference` again counts once."""

    device: DeviceType = Field(description="The type of device that authenticated the request.")
    amount_cents: Amount
    reference: Reference


class Deposit(Body):
    """A deposit by ACH or EFT."""

    amount_cents: Amount
    reference: Reference


class Counted(BaseModel):
    """A movement that passed."""

    reference: str
    amount_cents: int


class GateStands(BaseModel):
    """Whether a user may do it without the security team (R21)."""

    gate: Gate
    open: bool
    because: str | None


class Number(Body):
    """A mobile number, as +12025550123."""

    number: Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{6,14}$")]


class Sent(BaseModel):
    """A code was sent."""

    expires_at: datetime


class Code(Body):
    """The code that was sent."""

    code: SecretStr


class Confirmed(BaseModel):
    """Whether the number is confirmed."""

    confirmed: bool


class ByPrimary(Body):
    """Who asks: the account's primary user may, and nobody else (R33)."""

    by: UserName


class BackIn(Proof):
    """The primary user's own device answers a challenge that was issued for opting in (R34)."""

    by: UserName


@router.get("/limits", responses=answers(404), summary="What a user may withdraw today")
def limits(caller: Portal, user: UserPath) -> list[Leeway]:
    """By type of device (R20), in cents; none: without limit."""
    return service.leeway(caller.station, user)


@router.post(
    "/withdrawals", status_code=201, dependencies=KEYED, responses=answers(404, 409), summary="Withdraw"
)
def withdraw(caller: Portal, user: UserPath, wanted: Withdrawal) -> Leeway:
    """Passes and is counted, or is refused (R20); gives what is left."""
    return service.withdraw(
        caller.station, caller.actor, user, wanted.device, wanted.amount_cents, wanted.reference
    )


@router.post("/deposits", status_code=201, dependencies=KEYED, responses=answers(404, 409), summary="Deposit")
def deposit(caller: Portal, user: UserPath, wanted: Deposit) -> Counted:
    """Passes and is counted, or is refused: who has no active device has a first 20,000 USD (R21)."""
    service.deposit(caller.station, caller.actor, user, wanted.amount_cents, wanted.reference)
    return Counted(reference=wanted.reference, amount_cents=wanted.amount_cents)


@router.get("/gates/{gate}", responses=answers(404), summary="Whether a gate is open")
def gate(caller: Portal, user: UserPath, gate: Gate) -> GateStands:
    """R21."""
    try:
        service.require_gate(caller.station, user, gate)
    except NotPermitted as refusal:
        return GateStands(gate=gate, open=False, because=str(refusal))
    return GateStands(gate=gate, open=True, because=None)


@router.post("/sms", status_code=201, dependencies=KEYED, responses=answers(404, 409), summary="Send a code")
def sms_begin(caller: Portal, user: UserPath, to: Number) -> Sent:
    """R22: to a number that the user wants to confirm."""
    gateway = station_gateways(caller.station).get(Channel.SMS)
    if gateway is None:
        raise StateConflict("this station has no gateway for SMS: say [notices.sms] in station.toml")
    return Sent(expires_at=sms.begin(caller.station, caller.actor, caller.keystore, gateway, user, to.number))


@router.post("/sms/confirm", responses=answers(404, 409), summary="Confirm a number by its code")
def sms_confirm(caller: Portal, user: UserPath, given: Code) -> Confirmed:
    """Five tries, five minutes (R22)."""
    code = given.code.get_secret_value()
    return Confirmed(confirmed=sms.confirm(caller.station, caller.actor, caller.keystore, user, code))


@router.post("/sms/remove", status_code=204, responses=answers(404), summary="No more codes by SMS")
def sms_remove(caller: Portal, user: UserPath) -> None:
    """R22: as when the phone app is activated."""
    sms.remove(caller.station, caller.actor, user, "asked for in the portal")


@router.get("/participation", responses=answers(404), summary="Whether a user opted out")
def participation(caller: Portal, user: UserPath) -> Participation:
    """What is restricted then (R32), and who can change it (R33)."""
    return optout.participation(caller.station, user)


@router.post("/opt-out", responses=answers(404, 409), summary="Opt out")
def opt_out(caller: Portal, user: UserPath, asked: ByPrimary) -> Participation:
    """R32, R33; opted out already changes nothing."""
    optout.opt_out(caller.station, caller.actor, asked.by, user)
    return optout.participation(caller.station, user)


@router.post("/opt-in", dependencies=KEYED, responses=answers(404, 409), summary="Opt back in")
def opt_in(caller: Portal, user: UserPath, proof: BackIn) -> Participation:
    """R34: proven by the primary user's own device."""
    answer = optout.opt_in(
        caller.station,
        caller.actor,
        caller.keystore,
        proof.by,
        user,
        proof.device,
        proof.challenge,
        proof.answer.get_secret_value(),
    )
    require_right(answer)
    return optout.participation(caller.station, user)
