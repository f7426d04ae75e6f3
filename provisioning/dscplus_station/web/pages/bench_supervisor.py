"""What only a supervisor may do at the bench: take a shipment back, take over what another operator left."""

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from dscplus_station.actor import Actor, Role
from dscplus_station.errors import StationError
from dscplus_station.http_status import status_of
from dscplus_station.operators.authentication import second_person
from dscplus_station.parcels.overview import open_now
from dscplus_station.parcels.taking_over import take_over
from dscplus_station.parcels.undoing import undo_shipment
from dscplus_station.shipping.recent import left_last
from dscplus_station.web.deps import KioskHere, SignedIn, kiosk_of
from dscplus_station.web.jobs import job_troubles
from dscplus_station.web.render import page

router = APIRouter()


class Deed(StrEnum):
    """What may be chosen."""

    UNDO = "undo"
    TAKE_OVER = "take-over"


@router.get("/bench/supervisor")
def show(request: Request, actor: SignedIn) -> Response:
    """What left last, and what is in whose hands."""
    return _page(request, actor)


@router.post("/bench/supervisor")
def do(
    request: Request,
    actor: SignedIn,
    kiosk: KioskHere,
    deed: Annotated[Deed, Form()],
    order: Annotated[str, Form(max_length=64)],
    because: Annotated[str, Form(max_length=400)] = "",
    badge_or_name: Annotated[str, Form(max_length=128)] = "",
    secret: Annotated[str, Form(max_length=256)] = "",
) -> Response:
    """Do it in the supervisor's name: who is signed in, or who proves it here for this one deed."""
    try:
        supervisor = actor
        if deed is Deed.UNDO and Role.SUPERVISOR not in actor.roles:
            supervisor = second_person(kiosk.station, actor, badge_or_name, secret)
        if deed is Deed.UNDO:
            undo_shipment(kiosk.station, supervisor, order, because)
        else:
            take_over(kiosk.station, supervisor, order, because)
    except StationError as refused:
        return _page(request, actor, refused, chosen=order, because=because)
    return RedirectResponse("/bench", 303)


def _page(
    request: Request,
    actor: Actor,
    refused: StationError | None = None,
    chosen: str | None = None,
    because: str = "",
) -> Response:
    if not actor.roles & {Role.PROVISIONING, Role.SHIPPING}:
        actor.require(Role.SUPERVISOR, "work at the bench")
    station = kiosk_of(request).station
    supervises = Role.SUPERVISOR in actor.roles
    hands = [one for one in open_now(station) if (one["operator"], one["station"]) != _place(actor)]
    return page(
        request,
        "bench/supervisor.html",
        status=status_of(refused) if refused else 200,
        refused=refused.told if refused else None,
        chosen=chosen,
        because=because,
        left=left_last(station),
        hands=hands if supervises else [],
        supervises=supervises,
        job_troubles=job_troubles(station) if supervises else [],
    )


def _place(actor: Actor) -> tuple[str, str]:
    return actor.operator, actor.station
