"""Interim access (R17 to R19). A temporary passcode is given on the telephone only, so by no call of this."""

import base64
from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel

from dscplus_station.api.calls import Call
from dscplus_station.api.context import (
    KEPT_NOWHERE,
    KEYED,
    Cursor,
    Limit,
    Page,
    Portal,
    Proof,
    UserPath,
    answers,
    page_of,
    require_right,
)
from dscplus_station.clock import last_day
from dscplus_station.interim.online_card import confirm_online_card, make_online_card
from dscplus_station.interim.service import InterimAccess, interim_access
from dscplus_station.interim.ways import WaysBack, ways_back

router = APIRouter(route_class=Call, prefix="/v1", tags=["interim access"])


class PrintedCard(BaseModel):
    """An Online Security Code Card: `pdf` in base64, to be printed at once and kept nowhere."""

    serial_number: str
    confirm_before: datetime
    pdf: str


class ConfirmedCard(BaseModel):
    """An online card that logs in until `expires_at`."""

    serial_number: str
    user: str
    expires_at: datetime | None


@router.get("/users/{user}/interim-access", responses=answers(), summary="Interim access of a user")
def given(caller: Portal, user: UserPath, limit: Limit = 50, cursor: Cursor = None) -> Page[InterimAccess]:
    """All that was ever given, oldest first; no secret is in it."""
    return page_of(interim_access(caller.station, user), limit, cursor, lambda one: one.serial_number)


@router.get("/users/{user}/ways-back", responses=answers(404), summary="What can be offered to a caller")
def ways(caller: Portal, user: UserPath) -> WaysBack:
    """R19: the phone app, if the number is confirmed; a passcode, if it is not the second in a row (R17)."""
    return ways_back(caller.station, user)


@router.post(
    "/users/{user}/online-cards",
    status_code=201,
    dependencies=KEYED + KEPT_NOWHERE,
    responses=answers(404, 409, 410),
    summary="Make an online card to print",
)
def make(caller: Portal, user: UserPath) -> PrintedCard:
    """R18: for whoever holds a passcode that works. Made again, the last one printed counts.

    The sheet is given once: the same request again hears 410, and another one makes another sheet.
    """
    from dscplus_station.interim.sheet import online_card_sheet

    station = caller.station
    card = make_online_card(station, caller.actor, caller.keystore, user)
    confirm_by = last_day(station.settings.zone, card.confirm_before)
    pdf = online_card_sheet(card, station.settings.issuer, confirm_by, station.now())
    return PrintedCard(
        serial_number=card.serial_number,
        confirm_before=card.confirm_before,
        pdf=base64.b64encode(pdf).decode(),
    )


@router.post(
    "/online-cards/confirmations",
    dependencies=KEYED,
    responses=answers(404, 409),
    summary="Confirm a printed card",
)
def confirm(caller: Portal, proof: Proof) -> ConfirmedCard:
    """R18: one right answer of it; it logs in for 21 days, and the passcode ends."""
    done = confirm_online_card(
        caller.station,
        caller.actor,
        caller.keystore,
        proof.device,
        proof.challenge,
        proof.answer.get_secret_value(),
    )
    require_right(done.answer)
    return ConfirmedCard(serial_number=done.serial_number, user=done.user, expires_at=done.expires_at)
