"""Signing in by badge and PIN or by name and password, the locked page, signing out."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from dscplus_station.actor import Actor
from dscplus_station.errors import BadInput
from dscplus_station.operators import sessions
from dscplus_station.operators.authentication import NotSignedIn as NotAccepted
from dscplus_station.operators.sessions import Locked
from dscplus_station.web.deps import KioskHere, SignedIn, token_of, who
from dscplus_station.web.render import page, set_cookie
from dscplus_station.web.ways import own_path

router = APIRouter()

Secret = Annotated[str, Form(max_length=256)]
Next = Annotated[str, Form(alias="next", max_length=2000)]


@router.get("/sign-in")
def ask(request: Request, next: str = "/") -> Response:  # noqa: A002 (the field's name in the address)
    """Ask who it is."""
    return page(request, "kiosk/sign_in.html", next=own_path(next), refused=None, by_name=False)


@router.post("/sign-in")
def sign_in(
    request: Request,
    kiosk: KioskHere,
    badge_or_name: Annotated[str, Form(max_length=128)],
    secret: Secret,
    by_name: Annotated[bool, Form()] = False,
    going: Next = "/",
) -> Response:
    """Sign in. The cookie is a new one, never one that the browser brought along (session fixation)."""
    try:
        token = sessions.sign_in(kiosk.station, badge_or_name, secret, kiosk.station.settings.station)
    except (NotAccepted, BadInput) as refused:
        facts = {"next": own_path(going), "refused": refused.told, "by_name": by_name}
        return page(request, "kiosk/sign_in.html", status=403, **facts)
    if token_of(request):
        sessions.sign_out(kiosk.station, token_of(request))
    response = RedirectResponse(own_path(going), 303)
    set_cookie(request, response, token)
    return response


@router.get("/locked")
def locked(request: Request, next: str = "/") -> Response:  # noqa: A002
    """Nobody did anything for a while: who left it, and the question for the PIN or password."""
    match who(request):
        case Locked(operator):
            return page(request, "kiosk/locked.html", next=own_path(next), operator=operator, refused=None)
        case Actor():
            return RedirectResponse(own_path(next), 303)
        case None:
            return RedirectResponse("/sign-in", 303)


@router.post("/unlock")
def unlock(request: Request, kiosk: KioskHere, secret: Secret, going: Next = "/") -> Response:
    """Go on where the page was locked."""
    try:
        sessions.unlock(kiosk.station, token_of(request), secret)
    except NotAccepted as refused:
        match who(request):
            case Locked(operator):
                facts = {"next": own_path(going), "operator": operator, "refused": refused.told}
                return page(request, "kiosk/locked.html", status=403, **facts)
            case _:
                return RedirectResponse("/sign-in", 303)
    return RedirectResponse(own_path(going), 303)


@router.post("/lock")
def lock(request: Request, kiosk: KioskHere, back: Annotated[str, Form()] = "/") -> Response:
    """Lock the page: by its button, or by its own clock."""
    sessions.lock(kiosk.station, token_of(request))
    return RedirectResponse(f"/locked?next={quote(own_path(back), safe='')}", 303)


@router.post("/sign-out")
def sign_out(request: Request, kiosk: KioskHere) -> Response:
    """Sign out."""
    sessions.sign_out(kiosk.station, token_of(request))
    response = RedirectResponse("/sign-in", 303)
    addresses = kiosk.addresses
    response.delete_cookie(addresses.cookie, path="/", secure=addresses.tls, httponly=True, samesite="strict")
    return response


@router.post("/still-here", status_code=204)
def still_here(_actor: SignedIn) -> Response:
    """Somebody is at the page, reading or typing: it does not lock."""
    return Response(status_code=204)
