"""What every request passes: its size, its token, its pace, its idempotency key; then what goes wrong inside.

Pure ASGI, so that a request which comes again is answered with the very bytes of its first answer.
"""

import asyncio
import math
import re
from collections.abc import AsyncIterator, Awaitable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dscplus_station.api.paces import Paces
from dscplus_station.api.problems import PASSING, mistake, problem
from dscplus_station.api.rows import InRows
from dscplus_station.errors import StationError
from dscplus_station.keystore.interface import Keystore
from dscplus_station.station import Station
from dscplus_station.tokens import replays
from dscplus_station.tokens.replays import Kept
from dscplus_station.tokens.rules import KEY, Pace, Repetition
from dscplus_station.tokens.rules import Scope as TokenScope
from dscplus_station.tokens.service import Bearer, bearer_of

MAX_BODY = 64 * 1024
"""Bytes of a request: the longest one has a few hundred."""


@dataclass(frozen=True)
class Desk:
    """What the gate looks things up with."""

    station: Station
    answers: Keystore = field(repr=False)
    """Granted to seal and unseal kept answers, nothing else."""
    scopes: Collection[TokenScope]
    pace: Pace
    paces: Paces
    rows: InRows
    """Where tokens are looked up."""
    under_way: set[asyncio.Task[Response]] = field(default_factory=set)
    """Requests under a key. Each comes to its end, whether somebody still waits for its answer or not."""

    @asynccontextmanager
    async def lifespan(self, _app: object) -> AsyncIterator[None]:
        """As ASGI has it: the server has ended when what is done can be asked for under its key."""
        yield
        if self.under_way:
            await asyncio.wait(self.under_way)


NOT_KEPT = "not_kept"
"""Set in the state of a request whose answer is a secret, or logs somebody in: a repetition hears that it was
done, no more."""


def _not_kept() -> Response:
    told = "this was done, and what it gave is kept nowhere: if it did not arrive, ask under another key"
    return problem(HTTPStatus.GONE, told, "not-kept")


class Gate:
    """The ASGI middleware."""

    def __init__(self, app: ASGIApp, desk: Desk) -> None:
        self._app = app
        self._desk = desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it here."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            response = await _told(scope, self._respond(Request(scope, receive), scope))
        except asyncio.CancelledError:  # by the server alone, when it ends and has waited for long enough
            told = "the server is being stopped: ask again; what had a key is answered under it"
            response = problem(HTTPStatus.SERVICE_UNAVAILABLE, told)
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Content-Type-Options"] = "nosniff"
        await response(scope, receive, send)

    async def _respond(self, request: Request, scope: Scope) -> Response:
        if not scope["path"].startswith("/v1/"):
            return await self._pass(scope, b"")
        body = await _body(request)
        if body is None:
            return problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a request has {MAX_BODY} bytes at most")
        bearer = await self._desk.rows.do(self._admit, request)
        if isinstance(bearer, Response):
            return bearer
        scope.setdefault("state", {})["bearer"] = bearer
        key = request.headers.get("idempotency-key")
        if key is None or request.method != "POST":
            return await self._pass(scope, body)
        if not re.fullmatch(KEY, key):
            return problem(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                "an idempotency key has 8 to 64 characters: letters, digits and . _ ~ -",
                "bad-input",
                ["Idempotency-Key"],
            )
        # In a task of its own: who waits for it may be cancelled, but the thread that does it cannot.
        making = asyncio.create_task(_told(scope, self._once(request, scope, bearer, key, body)))
        self._desk.under_way.add(making)
        making.add_done_callback(self._desk.under_way.discard)
        return await asyncio.shield(making)

    def _admit(self, request: Request) -> Bearer | Response:
        host = request.client.host if request.client else "unknown"
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        bearer = bearer_of(self._desk.station, token.strip()) if scheme.lower() == "bearer" else None
        if bearer is not None and bearer.scope in self._desk.scopes:
            if seconds := self._desk.paces.of_token(bearer.name, self._desk.pace):
                return _too_fast(seconds)
            return bearer
        if seconds := self._desk.paces.of_address(host):
            return _too_fast(seconds)
        told = "this needs a token that works here: Authorization: Bearer …"
        return problem(HTTPStatus.UNAUTHORIZED, told, headers={"WWW-Authenticate": "Bearer"})

    async def _once(self, request: Request, scope: Scope, bearer: Bearer, key: str, body: bytes) -> Response:
        # With the scope: a name that was given another one since hears nothing that it could not ask for now.
        line = f"{bearer.scope} {request.method} {request.url.path}?{request.url.query}\n".encode()
        station, answers = self._desk.station, self._desk.answers
        begun = await run_in_threadpool(replays.begin, station, answers, bearer.name, key, line + body)
        if isinstance(begun, Kept):
            headers = {"Idempotent-Replayed": "true"}
            return Response(begun.body, begun.status, headers, begun.content_type)
        if begun is Repetition.OTHER:
            told = "this idempotency key was used for another request: draw another one"
            return problem(HTTPStatus.UNPROCESSABLE_ENTITY, told, "key-used", ["Idempotency-Key"])
        if isinstance(begun, Repetition):
            told = "the same request is under way: ask again for its answer"
            return problem(HTTPStatus.CONFLICT, told, "under-way", headers={"Retry-After": "1"})
        try:
            response = await self._pass(scope, body)
        except Exception:
            lost = Kept(HTTPStatus.INTERNAL_SERVER_ERROR, "", b"")
            await run_in_threadpool(replays.finish, station, answers, bearer.name, key, begun, lost)
            raise
        done = response.status_code < HTTPStatus.BAD_REQUEST
        shown = _not_kept() if done and scope["state"].get(NOT_KEPT) else response
        content_type = shown.headers.get("content-type", "application/json")
        kept = Kept(shown.status_code, content_type, bytes(shown.body))
        of_the_deed = not scope["state"].get(PASSING)
        await run_in_threadpool(
            replays.finish, station, answers, bearer.name, key, begun, kept, of_the_deed=of_the_deed
        )
        return response

    async def _pass(self, scope: Scope, body: bytes) -> Response:
        """Let the app answer, and take its answer whole: each one is small."""
        start: Message = {}
        parts: list[bytes] = []
        sent = False

        async def receive() -> Message:
            nonlocal sent
            if sent:
                await asyncio.Event().wait()
            sent = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            else:
                parts.append(message.get("body", b""))

        await self._app(scope, receive, send)
        response = Response(b"".join(parts), start["status"])
        response.raw_headers = list(start["headers"])
        return response


async def _told(scope: Scope, made: Awaitable[Response]) -> Response:
    """A request's answer, or what went wrong."""
    try:
        return await made
    except StationError as error:
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
    except Exception as error:  # noqa: BLE001 (the last line: nothing of it may reach the client)
        return mistake(scope["path"], error)


async def _body(request: Request) -> bytes | None:
    """The request's body; None if it is too long."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY:
            return None
    return body


def _too_fast(seconds: float) -> Response:
    wait = str(max(1, math.ceil(seconds)))
    told = f"too many requests: wait {wait} s"
    return problem(HTTPStatus.TOO_MANY_REQUESTS, told, headers={"Retry-After": wait})
