"""The bench: scans, slots and parcels on one page, kept up to date by a stream of events."""

from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse

from dscplus_station.actor import Actor, Role
from dscplus_station.errors import NotFound
from dscplus_station.printing.service import PrintedAgain, ask_again
from dscplus_station.web.bench import drawing, scanning
from dscplus_station.web.bench.stream import events
from dscplus_station.web.deps import KioskHere, SignedIn, Watching
from dscplus_station.web.labelling import ASKED
from dscplus_station.web.render import page
from dscplus_station.web.scanned import Scanned

router = APIRouter()


@router.get("/bench")
def show(request: Request, actor: SignedIn, kiosk: KioskHere) -> Response:
    """The page, whole as it stands; the stream takes over from there."""
    _may(actor)
    slots = kiosk.bench.snapshot().slots if kiosk.bench is not None else ()
    whole = drawing.whole(request, actor, slots)
    return page(request, "bench/page.html", whole=whole, has_slots=kiosk.bench is not None)


@router.get("/bench/events")
def stream(request: Request, actor: Watching, kiosk: KioskHere) -> Response:
    """The stream of events."""
    _may(actor)
    if kiosk.bench is None:
        raise NotFound("this station has no slots: there is nothing to tell of")
    return StreamingResponse(events(request, actor), media_type="text/event-stream")


@router.post("/bench/scan")
def scan(request: Request, actor: SignedIn, kiosk: KioskHere, code: Scanned) -> Response:
    """Take what was scanned or typed."""
    _may(actor)
    if code.strip() and scanning.take(kiosk, actor, code) is scanning.Then.SUPERVISOR:
        return _go(request, "/bench/supervisor")
    return _desk(request, actor)


@router.post("/bench/ok")
def acknowledge(
    request: Request, actor: SignedIn, kiosk: KioskHere, since: Annotated[int, Form()]
) -> Response:
    """Take the refusal away that was on the desk; pressed twice, it leaves the next one."""
    kiosk.desks.acknowledge(actor.operator, since)
    return _desk(request, actor)


@router.post("/bench/slots/{slot}/ok")
def acknowledge_slot(
    request: Request, actor: SignedIn, kiosk: KioskHere, slot: int, alarm: Annotated[int, Form()]
) -> Response:
    """Take the alarm away that was on the slot's tile, and none that came after it; the stream shows it."""
    _may(actor)
    if kiosk.bench is None:
        raise NotFound("no slot {slot}: this station has no slots", slot=slot)
    kiosk.bench.acknowledge(slot, alarm)
    return Response(status_code=204) if request.headers.get("hx-request") else RedirectResponse("/bench", 303)


@router.post("/bench/labels/again")
def print_again(
    request: Request,
    actor: SignedIn,
    kiosk: KioskHere,
    order: Annotated[str, Form(max_length=40)],
    number: Annotated[int, Form(alias="copy")],
) -> Response:
    """Print another label in the place of one that may not have come out; the earlier ones are void. Pressed
    twice it prints once.
    """
    _may(actor)
    if kiosk.labels is None:
        raise NotFound("this station has no slots: no label prints here by itself")
    with suppress(PrintedAgain):
        kiosk.labels.again(actor, order, ask_again(kiosk.station, actor, order, ASKED, number))
    return _desk(request, actor)


def _desk(request: Request, actor: Actor) -> Response:
    if request.headers.get("hx-request"):
        return HTMLResponse(drawing.desk(request, actor).draw(request))
    return RedirectResponse("/bench", 303)


def _go(request: Request, path: str) -> Response:
    if request.headers.get("hx-request"):
        return Response(status_code=204, headers={"HX-Redirect": path})
    return RedirectResponse(path, 303)


def _may(actor: Actor) -> None:
    if Role.SHIPPING not in actor.roles:
        actor.require(Role.PROVISIONING, "work at the bench")
