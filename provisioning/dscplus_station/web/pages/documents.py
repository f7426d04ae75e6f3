"""Documents: what is printed on paper, as PDF; and the queue of the label printer."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from dscplus_station.actor import Actor, Role
from dscplus_station.documents import service as documents
from dscplus_station.printing import service as printing
from dscplus_station.printing.configuration import read_printer
from dscplus_station.typesetting.plan_pdf import plans_as_pdf
from dscplus_station.web.deps import KioskHere, SignedIn
from dscplus_station.web.render import page
from dscplus_station.wording import SOURCE_LANGUAGE

router = APIRouter()

SHOWN_JOBS = 20
MAX_LETTERS = 200
"""Orders in one address; more letters at once are made on the command line."""


@router.get("/documents")
def show(request: Request, actor: SignedIn, kiosk: KioskHere) -> Response:
    """The page."""
    _may(actor)
    station = kiosk.station
    return page(
        request,
        "documents/page.html",
        open_jobs=printing.jobs(station, open_only=True, limit=SHOWN_JOBS),
        latest=printing.jobs(station, open_only=False, limit=SHOWN_JOBS),
        today=station.today(),
        carriers=documents.carriers_on(station, station.today()),
        prints=Role.PROVISIONING in actor.roles,
        ships=Role.SHIPPING in actor.roles,
        returns=bool({Role.RETURNS, Role.CLIENT_SERVICES} & actor.roles),
    )


@router.post("/documents/labels/print")
def print_waiting(actor: SignedIn, kiosk: KioskHere) -> Response:
    """Send what waits for the label printer."""
    printing.send_waiting(kiosk.station, actor, read_printer(kiosk.station))
    return RedirectResponse("/documents", 303)


@router.post("/documents/labels/reprint")
def reprint(
    actor: SignedIn,
    kiosk: KioskHere,
    order: Annotated[str, Form(max_length=40)],
    because: Annotated[str, Form(max_length=200)],
) -> Response:
    """Print another label for an order's card."""
    printing.reprint_label(kiosk.station, actor, read_printer(kiosk.station), order.strip(), because)
    return RedirectResponse("/documents", 303)


@router.post("/documents/labels/tag")
def print_tag(
    actor: SignedIn, kiosk: KioskHere, serial_number: Annotated[str, Form(max_length=10)]
) -> Response:
    """Print the tag of a card in quarantine."""
    printing.print_tag(kiosk.station, actor, read_printer(kiosk.station), serial_number.strip())
    return RedirectResponse("/documents", 303)


@router.get("/documents/letters.pdf")
def letters(
    actor: SignedIn,
    kiosk: KioskHere,
    order: Annotated[list[str], Query(min_length=1, max_length=MAX_LETTERS)],
) -> Response:
    """The letters of orders, a page each."""
    orders = [one.strip() for one in order]
    name = f"letter-{orders[0]}.pdf" if len(orders) == 1 else "letters.pdf"
    return _pdf(name, documents.letters_for(kiosk.station, actor, orders))


@router.get("/documents/return-form.pdf")
def return_form(actor: SignedIn, kiosk: KioskHere, number: int) -> Response:
    """The form of an announced return."""
    content = documents.form_of_return(kiosk.station, actor, number)
    return _pdf(f"return-form-{number}.pdf", content)


@router.get("/documents/packing-list.pdf")
def packing_list(
    actor: SignedIn,
    kiosk: KioskHere,
    carrier: Annotated[str, Query(max_length=60)],
    on: date | None = None,
) -> Response:
    """What was handed to a carrier on a day."""
    content = documents.packing_list_of(kiosk.station, actor, carrier, on)
    return _pdf(f"packing-list-{on or kiosk.station.today()}.pdf", content)


@router.get("/documents/commands.pdf")
def commands(_actor: SignedIn, kiosk: KioskHere) -> Response:
    """The sheet of command barcodes."""
    return _pdf("commands.pdf", documents.sheet_of_commands(kiosk.station))


@router.get("/documents/quarantine-tag.pdf")
def quarantine_tag(
    actor: SignedIn, kiosk: KioskHere, serial_number: Annotated[str, Query(max_length=10)]
) -> Response:
    """The tag of a card in quarantine, on paper."""
    _may(actor)
    plan = documents.tag_of(kiosk.station, serial_number.strip())
    content = plans_as_pdf([plan], SOURCE_LANGUAGE, kiosk.station.now())
    return _pdf(f"tag-{serial_number.strip()}.pdf", content)


@router.post("/documents/badge.pdf")
def badge(
    actor: SignedIn,
    kiosk: KioskHere,
    operator: Annotated[str, Form(max_length=32)],
    code: Annotated[str, Form(max_length=60)],
) -> Response:
    """An operator's badge. A form's, since no address may hold its code."""
    content = documents.badge_of(kiosk.station, actor, operator, code)
    return _pdf("badge.pdf", content)


def _pdf(name: str, content: bytes) -> Response:
    """A PDF to look at and print, which no cache keeps."""
    plain = "".join(character if character.isalnum() or character in "-." else "_" for character in name)
    return Response(
        content,
        media_type="application/pdf",
        headers={
            "Content-Disposition": f'inline; filename="{plain.encode("ascii", "replace").decode()}"',
            "Cache-Control": "no-store",
        },
    )


def _may(actor: Actor) -> None:
    if not {Role.SHIPPING, Role.SUPERVISOR} & actor.roles:
        actor.require(Role.PROVISIONING, "see what is printed")
