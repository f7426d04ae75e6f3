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
from dscplus_station.errors import StationError
from dscplus_station.http_status import status_of
from dscplus_station.portal.service import LoginRefused

MEDIA_TYPE = "application/problem+json"


class Problem(BaseModel):
    """A failure. `detail` is for people; programs go by `type` and `status`."""

    type: str
    title: str
    status: int
    detail: str
    fields: list[str] | None = None
    """Which fields of the request cannot be used."""


def problem(
    status: int,
    detail: str,
    kind: str | None = None,
    fields: list[str] | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """A failure as the answer to a request."""
    title = HTTPStatus(status).phrase
    content: dict[str, Any] = {
        "type": f"urn:dscplus:problem:{kind or title.lower().replace(' ', '-')}",
        "title": title,
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


def _station(_request: Request, error: Exception) -> Response:
    assert isinstance(error, StationError)  # noqa: S101 (registered for it)
    status = HTTPStatus.UNAUTHORIZED if isinstance(error, LoginRefused) else status_of(error)
    return problem(status, str(error), _kebab(type(error).__name__))


def _form(_request: Request, error: Exception) -> Response:
    """Fields are named, never what was sent in them."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 (registered for it)
    fields = sorted({".".join(str(part) for part in one["loc"][1:])[:40] or "body" for one in error.errors()})
    told = f"missing, or not as described: {', '.join(fields)}. Nothing was changed."
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, told, "bad-input", fields)


def _http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 (registered for it)
    headers = dict(error.headers or {})
    return problem(error.status_code, HTTPStatus(error.status_code).description, headers=headers)


def mistake(path: str, error: Exception) -> Response:
    """A mistake of ours: the log has its class and place, which is all that is told."""
    log.error("a mistake of the API", path=path, error=type(error).__name__)
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "a mistake of ours; ask before you do it again")


def _kebab(name: str) -> str:
    return "".join(f"-{c.lower()}" if c.isupper() else c for c in name).lstrip("-")
