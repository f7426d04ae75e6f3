"""The training card: its keys, its display, what to do next, and what each text on it means."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from dscplus_station.training.rules import PIN, Deed, Face, Shown, Situation
from dscplus_station.web import segments
from dscplus_station.web.deps import KioskHere, SignedIn, Watching
from dscplus_station.web.render import page

router = APIRouter()

TEXTS = (
    (Shown.NOTHING, ""),
    (Shown.PIN, "PIN>"),
    (Shown.CHALLENGE, "CHALLNG>"),
    (Shown.RESPONSE, "48213377"),
    (Shown.FOUR_DIGITS, "4 DIGITS"),
    (Shown.SIX_DIGITS, "6 DIGITS"),
    (Shown.WRONG, "WRONG  4"),
    (Shown.BLOCKED, "BLOCKED"),
    (Shown.NOT_SET, "NOT SET"),
    (Shown.LOCKED, "LOCKED"),
    (Shown.ENDED, "ENDED"),
    (Shown.FAULT, "FAULT"),
    (Shown.WINK, "* WINK *"),
    (Shown.KEYS, "KEYS  12"),
    (Shown.PATTERN, "88888888"),
)
"""Every kind of text with an example, as the list on the page has them."""


@router.get("/training")
def show(request: Request, kiosk: KioskHere, _actor: SignedIn, free: bool = False) -> Response:
    """The page; `free`: without guidance."""
    facts = {"free": free, "situations": list(Situation), "deeds": list(Deed), "texts": TEXTS}
    return _page(request, "training/card.html", kiosk.training.face(), **facts)


@router.get("/training/face")
def face(request: Request, kiosk: KioskHere, _actor: Watching) -> Response:
    """What the display shows by now, and what comes next."""
    return _page(request, "training/face.html", kiosk.training.face())


@router.post("/training/press")
def press(
    request: Request,
    kiosk: KioskHere,
    _actor: SignedIn,
    key: Annotated[str, Form(max_length=5)],
    free: Annotated[bool, Form()] = False,
) -> Response:
    """Press a key."""
    return _done(request, kiosk.training.press(key), free=free)


@router.post("/training/situation")
def put(
    kiosk: KioskHere,
    _actor: SignedIn,
    situation: Annotated[Situation, Form()],
    free: Annotated[bool, Form()] = False,
) -> Response:
    """Take a card in another situation."""
    kiosk.training.put(situation)
    return _back(free=free)


@router.post("/training/deed")
def let(
    request: Request,
    kiosk: KioskHere,
    _actor: SignedIn,
    deed: Annotated[Deed, Form()],
    free: Annotated[bool, Form()] = False,
) -> Response:
    """Let the station do something that the display shows."""
    return _done(request, kiosk.training.let(deed), free=free)


@router.post("/training/challenge")
def ask(kiosk: KioskHere, _actor: SignedIn) -> Response:
    """Draw another challenge."""
    kiosk.training.ask()
    return _back(free=False)


@router.post("/training/answer")
def answer(kiosk: KioskHere, _actor: SignedIn, response: Annotated[str, Form(max_length=16)]) -> Response:
    """Judge a response."""
    kiosk.training.answer(response.strip())
    return _back(free=False)


def _page(request: Request, name: str, face: Face, **facts: Any) -> Response:
    width = len(face.display) * segments.WIDTH
    drawing = {"lines": segments.drawn(face.display), "width": width, "height": segments.HEIGHT}
    return page(request, name, face=face, drawing=drawing, pin=PIN, **facts)


def _done(request: Request, face: Face, *, free: bool) -> Response:
    """The display alone where the page's script asked; else the page again."""
    if request.headers.get("hx-request"):
        return _page(request, "training/face.html", face)
    return _back(free=free)


def _back(*, free: bool) -> Response:
    return RedirectResponse("/training?free=1" if free else "/training", 303)
