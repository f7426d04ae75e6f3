"""What the API's handlers have at hand: who asks, with which grants; the shapes of names and pages."""

import base64
import binascii
import json
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Depends, Header, Path, Query, Request, Security
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPBearer
from pydantic import BaseModel, ConfigDict, SecretStr, StringConstraints

from dscplus_station.actor import Actor
from dscplus_station.api.gate import NOT_KEPT
from dscplus_station.api.problems import MEDIA_TYPE, NotProven, Problem
from dscplus_station.api.rows import InRows
from dscplus_station.errors import BadInput, NotAuthorised
from dscplus_station.keystore.grants import GrantedKeystore
from dscplus_station.keystore.interface import Keystore
from dscplus_station.login.rules import Outcome
from dscplus_station.login.service import Answer
from dscplus_station.operators import authentication
from dscplus_station.passwords.service import PasswordCheck
from dscplus_station.station import Station
from dscplus_station.tokens.rules import GRANTS_OF, KEY, Scope
from dscplus_station.tokens.service import Bearer


@dataclass(frozen=True)
class Service:
    """What the process serves with."""

    station: Station
    keystore: Keystore = field(repr=False)
    passwords: PasswordCheck
    countries: Collection[str]
    rows: InRows


@dataclass(frozen=True)
class Caller:
    """A program that asks, with what its token's scope admits."""

    service: Service
    actor: Actor
    scope: Scope
    keystore: Keystore = field(repr=False)

    @property
    def station(self) -> Station:
        """The station."""
        return self.service.station


_bearer = HTTPBearer(auto_error=False, description="A token of `dsc-station api tokens add`.")


def _caller_with(*scopes: Scope) -> Callable[..., Awaitable[Caller]]:
    async def caller(request: Request, _shown: Annotated[object, Security(_bearer)]) -> Caller:
        bearer: Bearer = request.state.bearer
        if bearer.scope not in scopes:
            raise NotAuthorised(f"a token of scope {bearer.scope} does not serve here: {' or '.join(scopes)}")
        service: Service = request.app.state.service
        grants = GRANTS_OF[bearer.scope]
        keystore = GrantedKeystore(service.keystore, grants.seals, grants.unseals)
        return Caller(service, bearer.actor, bearer.scope, keystore)

    return caller


Portal = Annotated[Caller, Depends(_caller_with(Scope.PORTAL))]
PortalOrLogin = Annotated[Caller, Depends(_caller_with(Scope.PORTAL, Scope.LOGIN))]
Warehouse = Annotated[Caller, Depends(_caller_with(Scope.WAREHOUSE))]
Office = Annotated[Caller, Depends(_caller_with(Scope.OFFICE))]
Auditor = Annotated[Caller, Depends(_caller_with(Scope.AUDITOR))]


async def _key(
    idempotency_key: Annotated[
        str,
        Header(
            pattern=KEY,
            description="Drawn by the client for each request, such as a UUID: the same request under the "
            "same key is made once, and answered again as it was, for a day.",
        ),
    ],
) -> None:
    """Only described here: the gate goes by it."""
    del idempotency_key


KEYED = [Depends(_key)]
"""For everything that creates."""


async def _kept_nowhere(request: Request) -> None:
    setattr(request.state, NOT_KEPT, True)


KEPT_NOWHERE = [Depends(_kept_nowhere)]
"""For what gives a secret, or logs somebody in: the same request again under its key hears 410."""


async def only_described(request: Request) -> None:
    """Refuse queries that the call does not know: one that was mistyped would go unnoticed.

    Raises:
        RequestValidationError: there is one.
    """
    known = {one.alias for one in request.scope["route"].dependant.query_params}
    if unknown := sorted(set(request.query_params) - known):
        raise RequestValidationError([{"loc": ("query", name)} for name in unknown])


class Body(BaseModel):
    """What is sent: nothing else than what is described."""

    model_config = ConfigDict(extra="forbid", str_max_length=500)


NAME = r"^[A-Za-z0-9][A-Za-z0-9._@+-]{0,39}$"
UserName = Annotated[str, StringConstraints(pattern=NAME)]
OrderName = Annotated[str, StringConstraints(pattern=NAME)]
DeviceName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,39}$")]
LoginName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{16,64}$")]
Words = Annotated[str, StringConstraints(min_length=1, max_length=200)]
"""What people write. The services refuse what cannot be printed."""
Cents = Annotated[int, Query(ge=1, le=10**13)]

UserPath = Annotated[str, Path(pattern=NAME)]
OrderPath = Annotated[str, Path(pattern=NAME)]
DevicePath = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,39}$")]
NumberPath = Annotated[int, Path(ge=1, le=2**31 - 1)]


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The failures that a call can end in, for the description; those of every call are among them."""
    content = {MEDIA_TYPE: {"schema": Problem.model_json_schema()}}
    return {
        status: {"description": Problem.__name__, "content": content}
        for status in sorted({400, 401, 403, 413, 422, 429, 500, 503, *statuses})
    }


def require_right(answer: Answer | None) -> None:
    """Refuse unless a device's answer was right; None: nothing was judged.

    Raises:
        NotProven: it was not.
    """
    if answer is not None and answer.outcome is not Outcome.RIGHT:
        raise NotProven


class Proof(Body):
    """What a device shows, or a sheet has, for a challenge."""

    device: DeviceName
    challenge: Annotated[str, StringConstraints(pattern="^[0-9]{6}$")]
    answer: SecretStr


class Signed(Body):
    """A deed that takes a person: an operator by name or badge, and the secret that proves it."""

    operator: Annotated[str, StringConstraints(pattern=r"^[ -~]{1,64}$")]
    secret: SecretStr


def signer(caller: Caller, signed: Signed) -> Actor:
    """The operator who signs, with the roles of the positions held now: the program has none of its own.

    Raises:
        NotSignedIn: not accepted.
        BadInput: a badge that was misread.
    """
    secret = signed.secret.get_secret_value()
    return authentication.signer(caller.station, caller.actor, signed.operator, secret)


# --- Pages ----------------------------------------------------------------------------------------

Item = TypeVar("Item")


class Page(BaseModel, Generic[Item]):
    """Part of a list. `next`: the cursor of what follows; none: this is the end."""

    items: list[Item]
    next: str | None


Limit = Annotated[int, Query(ge=1, le=200, description="How many at most.")]
Cursor = Annotated[
    str | None,
    Query(
        max_length=200,
        pattern=r"^[A-Za-z0-9_-]+$",
        description="`next` of the page before; none: from the first.",
    ),
]


def cursor_of(last: str | int) -> str:
    """The cursor of what follows after a record."""
    return base64.urlsafe_b64encode(json.dumps(last).encode()).decode().rstrip("=")


def after_cursor(cursor: str | None, kind: type[Item]) -> Item | None:
    """The key that a cursor says was the last.

    Raises:
        BadInput: it is no cursor of this list.
    """
    if cursor is None:
        return None
    try:
        last = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error):
        last = None
    known = last.isprintable() if isinstance(last, str) else isinstance(last, int) and 0 <= last < 2**63
    if type(last) is not kind or not known:
        raise BadInput("this is no cursor of this list: begin with the first page")
    return last


def page_of(whole: Sequence[Item], limit: int, cursor: str | None, key: Callable[[Item], str]) -> Page[Item]:
    """A page of a list that is short by nature, so that it was read whole.

    Raises:
        BadInput: the cursor is none of this list, or what it stands at has left it.
    """
    begin = 0
    if (last := after_cursor(cursor, str)) is not None:
        keys = [key(one) for one in whole]
        if last not in keys:
            raise BadInput("this is no cursor of this list (any more): begin with the first page")
        begin = keys.index(last) + 1
    return page(whole[begin : begin + limit + 1], limit, key)


def page(found: Sequence[Item], limit: int, key: Callable[[Item], str | int]) -> Page[Item]:
    """A page of what was found with a limit of one more."""
    items = list(found[:limit])
    return Page(items=items, next=cursor_of(key(items[-1])) if len(found) > limit else None)
