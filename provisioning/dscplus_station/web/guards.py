"""What is checked and added at every request, before a page is asked and whatever it answers."""

import traceback
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dscplus_station import log
from dscplus_station.web.addresses import Addresses

MAX_BODY = 256 * 1024
"""Bytes of a form: the longest one, the count of a shelf, has some twenty thousand."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
"""Nothing from elsewhere, nothing inline, nobody frames us."""

HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not `no-referrer`: with it, browsers post forms with `Origin: null`.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Guards:
    """ASGI middleware: whose host it is, whose page asks, how long a form is, the headers of every answer; no
    trace leaves.

    Args:
        failed: makes the page for a mistake of ours.
    """

    def __init__(
        self, app: ASGIApp, addresses: Addresses, failed: Callable[[Request], Awaitable[Response] | Response]
    ) -> None:
        self._app = app
        self._addresses = addresses
        self._failed = failed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False
        received = 0

        async def measured() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > MAX_BODY:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return message

        async def guarded(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
                if self._addresses.tls:
                    headers["Strict-Transport-Security"] = "max-age=31536000"
            await send(message)

        refusal = self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, guarded)
            return
        try:
            await self._app(scope, measured, guarded)
        except ClientDisconnect:
            return  # it went on to another page in the midst of a form: nothing was done, and nobody waits
        except Exception as error:
            if begun:
                raise
            _log_mistake(scope, error)
            answer = self._failed(Request(scope, receive))
            await (answer if isinstance(answer, Response) else await answer)(scope, receive, guarded)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if headers.get("host", "").lower() not in self._addresses.hosts:
            return PlainTextResponse(
                "The station does not answer by that name. Open the address that `dsc-station serve` told.\n",
                status_code=421,
            )
        if scope["method"] in SAFE_METHODS:
            return None
        # Every browser of these years says where a POST comes from, by one of the two at least.
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        ours = origin in self._addresses.origins if origin is not None else site == "same-origin"
        if not ours or site not in (None, "same-origin"):
            return PlainTextResponse("This came from another page: nothing was changed.\n", status_code=403)
        return None


def _log_mistake(scope: Scope, error: Exception) -> None:
    """Its kind and place; not its words, which may hold what somebody typed."""
    where = traceback.extract_tb(error.__traceback__)[-1]
    log.error(
        "kiosk: a mistake of ours",
        error=type(error).__name__,
        place=f"{where.filename}:{where.lineno}",
        path=scope["path"],
    )
