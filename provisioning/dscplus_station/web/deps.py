"""What a page asks for by its parameters: the kiosk, and who is signed in."""

from typing import Annotated

from fastapi import Depends, Request

from dscplus_station.actor import Actor
from dscplus_station.operators import sessions
from dscplus_station.operators.sessions import Locked
from dscplus_station.web.kiosk import Kiosk


class NotSignedIn(Exception):
    """Nobody is signed in at this browser, or the page is locked: `failures` leads there."""


def kiosk_of(request: Request) -> Kiosk:
    """The kiosk that serves this request."""
    kiosk: Kiosk = request.app.state.kiosk
    return kiosk


KioskHere = Annotated[Kiosk, Depends(kiosk_of)]


def token_of(request: Request) -> str:
    """The session's token out of the browser's cookie; empty without one."""
    return request.cookies.get(kiosk_of(request).addresses.cookie, "")


def who(request: Request) -> Actor | Locked | None:
    """Who is signed in at this browser; looked up once a request."""
    if not hasattr(request.state, "who"):
        token = token_of(request)
        request.state.who = sessions.session_of(kiosk_of(request).station, token) if token else None
    found: Actor | Locked | None = request.state.who
    return found


def _watching(request: Request) -> Actor:
    actor = who(request)
    if not isinstance(actor, Actor):
        raise NotSignedIn
    return actor


def _signed_in(request: Request) -> Actor:
    actor = _watching(request)
    sessions.touch(kiosk_of(request).station, token_of(request))
    return actor


SignedIn = Annotated[Actor, Depends(_signed_in)]
"""The operator at this browser, who is doing something: every page and form asks for it."""

Watching = Annotated[Actor, Depends(_watching)]
"""The same for what a page fetches by itself: a stream of events does not keep it from locking."""
