"""The returns desk: what is on its way, one page a card that came back, the quarantine shelf (R41 to R46)."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from dscplus_station import locks, log
from dscplus_station.actor import Actor, Role
from dscplus_station.desk import sheet as sheets
from dscplus_station.desk import shelf
from dscplus_station.desk.inspecting import inspect, judge_condition
from dscplus_station.desk.rules import Outcome
from dscplus_station.documents.service import form_of_return, tag_of
from dscplus_station.errors import BadInput, NotFound, StateConflict, StationError
from dscplus_station.operators.authentication import NotSignedIn, second_person
from dscplus_station.printing.service import ask_tag
from dscplus_station.quarantine.rules import CAUSE_TOLD, Resolution
from dscplus_station.returns import deposits
from dscplus_station.returns.rules import Condition
from dscplus_station.returns.service import receive
from dscplus_station.scans.rules import CardScan, Command, CommandScan, LabelScan, Unreadable, parse
from dscplus_station.slots.bench import Bench
from dscplus_station.slots.rules import Phase
from dscplus_station.slots.state import SlotState
from dscplus_station.slots.work import Work
from dscplus_station.stock.rules import CardState
from dscplus_station.typesetting.plan_pdf import plans_as_pdf
from dscplus_station.web.deps import KioskHere, SignedIn, Watching
from dscplus_station.web.kiosk import Kiosk
from dscplus_station.web.render import gettext_of, page
from dscplus_station.web.returns import texts
from dscplus_station.web.returns.drawing import desk_facts
from dscplus_station.web.returns.work import disposal, inspection, returns_slots, slot_with
from dscplus_station.web.scanned import Scanned
from dscplus_station.wording import SOURCE_LANGUAGE

router = APIRouter()

Because = Annotated[str, Form(max_length=200)]
Who = Annotated[str, Form(max_length=128)]
Secret = Annotated[str, Form(max_length=256)]


@router.get("/returns")
def home(request: Request, actor: SignedIn, kiosk: KioskHere) -> Response:
    """What is on its way, what waits on the desk, the slots, the shelf."""
    _may_look(actor)
    return page(
        request,
        "returns/home.html",
        queue=sheets.queue(kiosk.station),
        on_shelf=len(sheets.on_the_shelf(kiosk.station)),
        slots=returns_slots(kiosk.bench),
        texts=texts,
        serial_number="",
    )


@router.get("/returns/slots")
def slots(request: Request, actor: Watching, kiosk: KioskHere) -> Response:
    """The slots as they stand: a fragment."""
    _may_look(actor)
    return page(request, "returns/slots.html", slots=returns_slots(kiosk.bench), texts=texts)


@router.post("/returns/scan")
def scan(
    request: Request,
    actor: SignedIn,
    kiosk: KioskHere,
    code: Scanned,
    serial_number: Annotated[str, Form(max_length=10)] = "",
) -> Response:
    """A card: it is received, if it was out, and shown. OK on a card's page: what is recommended is done.

    A refusal stands beside the field, until the next scan.
    """
    try:
        going = _scanned(request, actor, kiosk, code, serial_number)
    except StationError as refused:
        if not request.headers.get("hx-request"):
            raise
        return page(request, "returns/refusal.html", refused=refused.told)
    if request.headers.get("hx-request"):
        return Response(status_code=204, headers={"HX-Redirect": going})
    return RedirectResponse(going, 303)


@router.get("/returns/shelf")
def the_shelf(request: Request, actor: SignedIn, kiosk: KioskHere) -> Response:
    """The cards in quarantine, and the last count."""
    _may_look(actor)
    return page(
        request,
        "returns/shelf.html",
        cases=sheets.on_the_shelf(kiosk.station),
        last=shelf.last_count(kiosk.station),
        causes=CAUSE_TOLD,
    )


@router.post("/returns/shelf/count")
def count(
    actor: SignedIn, kiosk: KioskHere, serials: Annotated[str, Form(max_length=20_000)] = ""
) -> Response:
    """Compare what lies on the shelf with the records."""
    shelf.count(kiosk.station, actor, serials.split())
    return RedirectResponse("/returns/shelf", 303)


@router.get("/returns/{serial_number}")
def card(
    request: Request, actor: SignedIn, kiosk: KioskHere, serial_number: str, asked: int = -1
) -> Response:
    """One card that came back."""
    _may_look(actor)
    return page(request, "returns/card.html", **desk_facts(kiosk, serial_number, asked))


@router.get("/returns/{serial_number}/desk")
def desk(
    request: Request, actor: Watching, kiosk: KioskHere, serial_number: str, asked: int = -1
) -> Response:
    """The part of the card's page that changes: a fragment."""
    _may_look(actor)
    return page(request, "returns/desk.html", **desk_facts(kiosk, serial_number, asked))


@router.post("/returns/{serial_number}/inspect")
def look_at(
    request: Request,
    actor: SignedIn,
    kiosk: KioskHere,
    serial_number: str,
    first: Annotated[bool, Form()] = False,
) -> Response:
    """Make the checks on the card in the slot; anew if they were made before, unless `first`."""
    actor.require(Role.RETURNS, "inspect cards")
    slot = slot_with(kiosk.bench, serial_number)
    if kiosk.bench is None or slot is None:
        raise StateConflict("card {card} is in no slot for returns: plug it in", card=serial_number)
    try:
        asked = _ask(kiosk.bench, slot, inspection(kiosk, actor, serial_number, first=first))
    except StateConflict:
        if not first:
            raise
        asked = -1  # the page has begun it already, or another one
    return _answer(request, kiosk, serial_number, asked)


@router.post("/returns/{serial_number}/no-answer")
def no_answer(actor: SignedIn, kiosk: KioskHere, serial_number: str) -> Response:
    """The card is dead, or answers in no slot."""
    with locks.hold(kiosk.station.home.locks, f"card {serial_number}", "returns desk"):
        inspect(kiosk.station, kiosk.keystore, actor, serial_number, None)
    return _to(serial_number)


@router.post("/returns/{serial_number}/condition")
def condition(
    request: Request,
    actor: SignedIn,
    kiosk: KioskHere,
    serial_number: str,
    seen: Annotated[Condition, Form()],
) -> Response:
    """What the clerk sees of the card; the recommendation follows."""
    last = sheets.last_inspection(kiosk.station, serial_number)
    if last is None:
        raise NotFound("card {card} was not inspected", card=serial_number)
    judge_condition(kiosk.station, actor, last.number, seen)
    return _answer(request, kiosk, serial_number)


@router.post("/returns/{serial_number}/do")
def decide(
    actor: SignedIn,
    kiosk: KioskHere,
    serial_number: str,
    outcome: Annotated[Outcome | None, Form()] = None,
    because: Because = "",
) -> Response:
    """Do what is recommended, or, with the reason, something else that is open."""
    return RedirectResponse(_decide(kiosk, actor, serial_number, outcome, because), 303)


@router.post("/returns/{serial_number}/capture")
def capture(actor: SignedIn, kiosk: KioskHere, serial_number: str, who: Who, secret: Secret) -> Response:
    """Capture the deposit: a second person signs for it here and now (R12, R46)."""
    order = sheets.sheet(kiosk.station, serial_number).order
    if order is None:
        raise NotFound("card {card} served no order: it has no deposit", card=serial_number)
    deposits.capture(kiosk.station, actor, order, _second(kiosk, actor, who, secret))
    return _to(serial_number)


@router.post("/returns/{serial_number}/resolve")
def resolve(
    actor: SignedIn,
    kiosk: KioskHere,
    serial_number: str,
    resolution: Annotated[Resolution, Form()],
    note: Because = "",
    who: Who = "",
    secret: Secret = "",
) -> Response:
    """End a quarantine; a scrap takes a second person."""
    second = _second(kiosk, actor, who, secret) if resolution is Resolution.SCRAP else None
    shelf.resolve(kiosk.station, actor, serial_number, resolution, note, second)
    return _to(serial_number)


@router.get("/returns/{serial_number}/tag.pdf")
def tag(actor: SignedIn, kiosk: KioskHere, serial_number: str) -> Response:
    """The tag of a card in quarantine, to print."""
    _may_look(actor)
    plan = tag_of(kiosk.station, serial_number)
    return Response(plans_as_pdf([plan], SOURCE_LANGUAGE, kiosk.station.now()), media_type="application/pdf")


@router.get("/returns/{number}/form.pdf")
def form(actor: SignedIn, kiosk: KioskHere, number: int) -> Response:
    """The form of an announced return, by the return's number."""
    return Response(form_of_return(kiosk.station, actor, number), media_type="application/pdf")


def _scanned(request: Request, actor: Actor, kiosk: Kiosk, code: str, serial_number: str) -> str:
    """Do what a scan says; gives the page that comes next."""
    actor.require(Role.RETURNS, "receive cards that come back")
    _ = gettext_of(request)
    found = parse(code)
    if isinstance(found, CommandScan) and found.command is Command.OK and serial_number:
        return _decide(kiosk, actor, serial_number, None, "")
    if isinstance(found, Unreadable):
        raise BadInput(_(found.why))
    if not isinstance(found, CardScan | LabelScan):
        raise BadInput(_("That was no card. Scan the number on the back of a card that came back."))
    state = sheets.sheet(kiosk.station, found.serial_number).state
    if state in (CardState.SHIPPED, CardState.LOST):
        receive(kiosk.station, actor, found.serial_number)
    return _path(found.serial_number)


def _decide(kiosk: Kiosk, actor: Actor, serial_number: str, outcome: Outcome | None, because: str) -> str:
    """Do it, or ask the slot to; gives the page to show then."""
    actor.require(Role.RETURNS, "decide what becomes of cards")
    begun = sheets.sheet(kiosk.station, serial_number).begun
    last = sheets.last_inspection(kiosk.station, serial_number)
    if last is None:
        raise NotFound("card {card} was not inspected: plug it in first", card=serial_number)
    wanted = outcome or begun or last.recommendation.outcome
    if wanted is Outcome.QUARANTINE:
        shelf.quarantine(kiosk.station, actor, serial_number, because or None)
        _print_tag(kiosk, actor, serial_number)
        return _path(serial_number)
    slot = slot_with(kiosk.bench, serial_number)
    if kiosk.bench is None or slot is None or slot.phase is Phase.EMPTY:
        raise StateConflict("card {card} is in no slot for returns: plug it in", card=serial_number)
    if begun is None and wanted is not last.recommendation.outcome and not because.strip():
        raise BadInput(
            "card {card}: why {wanted} and not {outcome}?",
            card=serial_number,
            wanted=wanted,
            outcome=last.recommendation.outcome,
        )
    work = disposal(kiosk, actor, serial_number, wanted, because or None)
    return _path(serial_number, _ask(kiosk.bench, slot, work))


def _print_tag(kiosk: Kiosk, actor: Actor, serial_number: str) -> None:
    """Let the label printer print the tag, while nobody waits for it. A printer that is out is no reason
    against the quarantine: what waits is in its queue, and the card's page has the tag as PDF.
    """
    try:
        number = ask_tag(kiosk.station, actor, serial_number)
        if kiosk.labels is not None:
            kiosk.labels.tag(actor, serial_number, number)
    except StationError as error:
        log.error(str(error), card=serial_number)


def _ask(bench: Bench, slot: SlotState, work: Work) -> int:
    """Ask the slot for a work; gives the version of the state that it changes."""
    if slot.alarm is not None:
        bench.acknowledge(slot.number, slot.alarms)
    asked = bench.state(slot.number).version
    bench.work_in(slot.number, work)
    return asked


def _second(kiosk: Kiosk, first: Actor, who: str, secret: str) -> Actor:
    """The second person.

    Raises:
        BadInput: not accepted; told as it was.
    """
    try:
        return second_person(kiosk.station, first, who, secret)
    except NotSignedIn as refused:
        raise BadInput("the second person was not accepted: {refused}", refused=refused) from refused


def _answer(request: Request, kiosk: Kiosk, serial_number: str, asked: int = -1) -> Response:
    """The part that changes where htmx asked, else back to the page."""
    if request.headers.get("hx-request"):
        return page(request, "returns/desk.html", **desk_facts(kiosk, serial_number, asked))
    return RedirectResponse(_path(serial_number, asked), 303)


def _path(serial_number: str, asked: int = -1) -> str:
    return f"/returns/{serial_number}" + (f"?asked={asked}" if asked >= 0 else "")


def _to(serial_number: str) -> Response:
    return RedirectResponse(_path(serial_number), 303)


def _may_look(actor: Actor) -> None:
    if Role.SUPERVISOR not in actor.roles:
        actor.require(Role.RETURNS, "work at the returns desk")
