"""What goes wrong becomes a page, or a fragment where htmx asked: what, which, what now; never a trace."""

from http import HTTPStatus
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from dscplus_driver.errors import DscError
from dscplus_station import log
from dscplus_station.card_errors import card_error_told
from dscplus_station.errors import StationError
from dscplus_station.http_status import status_of
from dscplus_station.operators.sessions import Locked
from dscplus_station.web.deps import NotSignedIn, who
from dscplus_station.web.render import gettext_of, page


def tell_failures(app: FastAPI) -> None:
    """Give the app its handlers."""
    app.add_exception_handler(NotSignedIn, _to_sign_in)
    app.add_exception_handler(StationError, _station)
    app.add_exception_handler(DscError, _card)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _form)


def told(request: Request, status: int, title: str, words: str) -> Response:
    """A failure as a page; as a fragment for the page's notice where htmx asked."""
    name = "kiosk/notice.html" if request.headers.get("hx-request") else "kiosk/failure.html"
    return page(request, name, status=status, title=title, words=words)


def mistake(request: Request) -> Response:
    """The page for a mistake of ours."""
    _ = gettext_of(request)
    words = _("The station's log has it. Go back and look how far it came before you do it again.")
    return told(request, HTTPStatus.INTERNAL_SERVER_ERROR, _("The station made a mistake"), words)


def _to_sign_in(request: Request, _error: Exception) -> Response:
    locked = isinstance(who(request), Locked)
    path = "/locked" if locked else "/sign-in"
    if request.method == "GET" and request.headers.get("sec-fetch-mode", "navigate") == "navigate":
        asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"{path}?next={quote(asked, safe='')}", HTTPStatus.SEE_OTHER)
    if request.headers.get("hx-request"):
        return PlainTextResponse("", HTTPStatus.UNAUTHORIZED, {"HX-Redirect": path})
    if request.method == "GET":
        return PlainTextResponse("sign in\n", HTTPStatus.UNAUTHORIZED)
    return RedirectResponse(path, HTTPStatus.SEE_OTHER)


def _station(request: Request, error: Exception) -> Response:
    assert isinstance(error, StationError)  # noqa: S101 (registered for it)
    log.error(str(error), path=request.url.path)
    _ = gettext_of(request)
    title = {
        HTTPStatus.NOT_FOUND: _("Not found"),
        HTTPStatus.FORBIDDEN: _("Not permitted"),
        HTTPStatus.SERVICE_UNAVAILABLE: _("The database could not do it"),
    }
    status = status_of(error)
    return told(request, status, title.get(HTTPStatus(status), _("That was not done")), error.told)


def _card(request: Request, error: Exception) -> Response:
    assert isinstance(error, DscError)  # noqa: S101 (registered for it)
    log.error(str(error), path=request.url.path)
    _ = gettext_of(request)
    return told(request, HTTPStatus.CONFLICT, _("The card"), card_error_told(error))


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 (registered for it)
    _ = gettext_of(request)
    if error.status_code == HTTPStatus.NOT_FOUND:
        return told(request, error.status_code, _("Not found"), _("There is no such page."))
    words = _("The browser asked in a way that this page does not know.")
    return told(request, error.status_code, _("That was not done"), words)


def _form(request: Request, error: Exception) -> Response:
    """Fields are named, never what was typed into them."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 (registered for it)
    _ = gettext_of(request)
    names = ", ".join(sorted({str(one["loc"][-1]) for one in error.errors()}))
    words = _("Something is missing or cannot be used: %(names)s. Nothing was changed.", names=names)
    return told(request, HTTPStatus.UNPROCESSABLE_ENTITY, _("That was not done"), words)
