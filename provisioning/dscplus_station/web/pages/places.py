"""Where one arrives, and the choice of the language."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from dscplus_station.errors import BadInput
from dscplus_station.web.deps import SignedIn, kiosk_of
from dscplus_station.web.language import COOKIE, NAMES
from dscplus_station.web.navigation import places_for
from dscplus_station.web.render import page
from dscplus_station.web.ways import own_path

router = APIRouter()


@router.get("/")
def arrive(request: Request, actor: SignedIn) -> Response:
    """The first place that is for this operator."""
    places = places_for(actor, request.app.state.served)
    if places:
        return RedirectResponse(places[0].path, 303)
    return page(request, "kiosk/nothing_here.html")


@router.post("/language")
def choose_language(
    request: Request, language: Annotated[str, Form()], back: Annotated[str, Form()] = "/"
) -> Response:
    """Show the pages at this browser in another language."""
    if language not in NAMES:
        raise BadInput("the pages speak {languages}", languages=", ".join(NAMES.values()))
    response = RedirectResponse(own_path(back), 303)
    addresses = kiosk_of(request).addresses
    response.set_cookie(
        COOKIE, language, 365 * 86400, path="/", httponly=True, samesite="strict", secure=addresses.tls
    )
    return response
