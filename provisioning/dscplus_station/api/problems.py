"""Failures as problem+json (RFC 9457): what, which, what now; never a trace, never what was sent."""

import json
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import Response

from dscplus_station import log
from dscplus_station.errors import (
    BadInput,
    DatabaseFailed,
    HeldByAnother,
    NotFound,
    NotPermitted,
    StateConflict,
    StationError,
    WrongUsage,
)
from dscplus_station.http_status import status_of
from dscplus_station.limits.service import NotEnrolled, OverLimit
from dscplus_station.operators.authentication import NotSignedIn
from dscplus_station.ordering.service import MayNotOrder
from dscplus_station.orders.pin_policy import PinRefused
from dscplus_station.portal.service import LoginRefused
from dscplus_station.sharing.errors import DifferentIdentification, HoldsInterimAccess, LessSecureDevice
from dscplus_station.sharing.rules import DIFFERENT_IDENTIFICATION, LESS_SECURE_DEVICE
from dscplus_station.users.identity import AccountClosed

MEDIA_TYPE = "application/problem+json"
TYPE = "urn:dscplus:problem:"
"""What every `type` begins with."""


PASSING = "passing"
"""Set in the state of a request that was refused for who asked, or for when: it may be made again."""


class NotProven(NotPermitted):
    """A device's answer was not accepted. Why not is on record; whoever asks hears this and no more (R6)."""

    def __init__(self) -> None:
        super().__init__("the device's answer was not accepted: ask for a new challenge")


KINDS: dict[type[StationError], tuple[str, str]] = {
    BadInput: ("bad-input", "Cannot be used as it stands"),
    WrongUsage: ("wrong-usage", "Has not the form of what was asked for"),
    NotFound: ("not-found", "Not found"),
    NotPermitted: ("not-permitted", "Not permitted"),
    HeldByAnother: ("under-way", "Under way"),
    StateConflict: ("state-conflict", "Not in a state for this"),
    DatabaseFailed: ("unavailable", "Not possible for the present"),
    LoginRefused: ("login-refused", "Not logged in"),
    NotProven: ("not-proven", "The device's answer was not accepted"),
    NotSignedIn: ("not-signed-in", "The operator's secret was not accepted"),
    AccountClosed: ("account-closed", "The account is closed"),
    PinRefused: ("pin-refused", "This PIN is refused"),
    MayNotOrder: ("may-not-order", "This user may not order this"),
    NotEnrolled: ("not-enrolled", "This takes an active device"),
    HoldsInterimAccess: ("holds-interim-access", "A user holds interim access"),
    OverLimit: ("over-limit", "More than is left of the limit"),
    LessSecureDevice: ("less-secure-device", LESS_SECURE_DEVICE),
    DifferentIdentification: ("different-identification", DIFFERENT_IDENTIFICATION),
}
"""The `type` of a problem, without its prefix, and its title; programs go by the former, so it stays what it
is. An error that is not named here goes by the nearest one that it comes from."""

OF_REQUESTS: dict[str, str] = {
    "not-kept": "It was done, and its answer is kept nowhere",
    "key-used": "The idempotency key is another request's",
    "under-way": "Under way",
}
"""Those of the gate, beside the plain ones that say no more than their status."""


class Problem(BaseModel):
    """A failure. `detail` is for people; programs go by `type` and `status`."""

    type: str
    title: str
    status: int
    detail: str
    fields: list[str] | None = None
    """Which fields of the request cannot be used."""


_TITLES = dict(KINDS.values()) | OF_REQUESTS


def problem(
    status: int,
    detail: str,
    kind: str | None = None,
    fields: list[str] | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """A failure as the answer to a request."""
    phrase = HTTPStatus(status).phrase
    kind = kind or phrase.lower().replace(" ", "-")
    content: dict[str, Any] = {
        "type": TYPE + kind,
        "title": _TITLES.get(kind, phrase),
        "status": status,
        "detail": detail,
    }
    if fields:
        content["fields"] = fields
    return Response(json.dumps(content), status, headers, MEDIA_TYPE)


def tell_problems(app: FastAPI) -> None:
    """Give the app its handlers."""
    app.add_exception_handler(StationError, _station)
    app.add_exception_handler(RequestValidationError, _form)
    app.add_exception_handler(HTTPException, _http)


def _station(request: Request, error: Exception) -> Response:
    assert isinstance(error, StationError)  # noqa: S101 (registered for it)
    if not error.of_the_deed:
        setattr(request.state, PASSING, True)
    status = HTTPStatus.UNAUTHORIZED if isinstance(error, LoginRefused) else status_of(error)
    kind = next((KINDS[one][0] for one in type(error).__mro__ if one in KINDS), None)
    return problem(status, str(error), kind)


def _form(_request: Request, error: Exception) -> Response:
    """Fields are named, never what was sent in them."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 (registered for it)
    fields = sorted({_field(one) for one in error.errors()})
    told = f"missing, or not as described: {', '.join(fields)}. Nothing was changed."
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, told, "bad-input", fields)


def _field(fault: dict[str, Any]) -> str:
    """The field at fault; the body, where it is no JSON at all, instead of how far it could be read."""
    place = fault["loc"][1:] if fault.get("type") != "json_invalid" else ()
    return ".".join(str(part) for part in place)[:40] or "body"


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 (registered for it)
    headers = dict(error.headers or {})
    path = getattr(request.scope.get("route"), "path", None)
    described = request.app.openapi()["paths"].get(path, {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED and described:
        # All that the path takes (RFC 9110, 10.2.1): the framework names the methods of its first call alone.
        headers["Allow"] = ", ".join(sorted(method.upper() for method in described))
    return problem(error.status_code, HTTPStatus(error.status_code).description, headers=headers)


def mistake(path: str, error: Exception) -> Response:
    """A mistake of ours: the log has its class and place, which is all that is told."""
    log.error("a mistake of the API", path=path, error=type(error).__name__)
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "a mistake of ours; ask before you do it again")
