"""Tokens of the API: added, rotated and revoked by a security officer; looked up by what a request bears."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, bindparam, or_, select, update

from dscplus_station import audit
from dscplus_station.actor import Actor, Role
from dscplus_station.db import affected, table_of
from dscplus_station.errors import BadInput, NotFound, StateConflict
from dscplus_station.operators.hashing import digest
from dscplus_station.station import Station
from dscplus_station.tokens.rules import MAX_OVERLAP, ROLES_OF, Scope, is_valid, name_fault
from dscplus_station.tokens.tables import ApiToken

PREFIX = "dsct_"
"""By which scanners for leaked secrets know one."""
TOKEN_BYTES = 32
_DEED = "manage the API's tokens"
_tokens = table_of(ApiToken)
_BEARER = select(_tokens.c.name, _tokens.c.scope, _tokens.c.ends_at).where(
    _tokens.c.token_hash == bindparam("token_hash")
)


@dataclass(frozen=True)
class Bearer:
    """The program that bears a token."""

    name: str
    scope: Scope
    actor: Actor


@dataclass(frozen=True)
class TokenView:
    """A token as a list shows it, never the token."""

    name: str
    scope: Scope
    created_at: datetime
    ends_at: datetime | None


def add(station: Station, actor: Actor, name: str, scope: Scope) -> str:
    """Add a program; gives its token, this once.

    Raises:
        BadInput: a name that cannot be.
        StateConflict: a program of that name has a token.
        NotPermitted: not a security officer.
    """
    actor.require(Role.OPERATORS, _DEED)
    if fault := name_fault(name):
        raise BadInput(f"token {name}: {fault}")
    token = _draw()
    with station.database.writing() as session:
        now = station.now()
        if session.scalar(select(ApiToken.id).where(ApiToken.name == name, _live(now)).limit(1)) is not None:
            raise StateConflict(f"{name} has a token already: rotate or revoke it (dsc-station api tokens)")
        session.add(ApiToken(name=name, scope=scope, token_hash=digest(token), created_at=now))
        audit.record(session, actor, now, "tokens.add", name, scope=scope)
    return token


def rotate(station: Station, actor: Actor, name: str, overlap: timedelta) -> str:
    """Give a program another token, this once; the former works on for the overlap, and then no more.

    Raises:
        NotFound: there is no such token.
        BadInput: a longer overlap than there may be.
        NotPermitted: not a security officer.
    """
    actor.require(Role.OPERATORS, _DEED)
    if not timedelta(0) <= overlap <= MAX_OVERLAP:
        raise BadInput(f"an overlap is 0 to {MAX_OVERLAP.days} days")
    token = _draw()
    with station.database.writing() as session:
        now = station.now()
        newest = session.scalars(
            select(ApiToken).where(ApiToken.name == name, ApiToken.ends_at.is_(None))
        ).one_or_none()
        if newest is None:
            raise NotFound(f"no token {name}: `dsc-station api tokens list`")
        newest.ends_at = now + overlap
        session.flush()
        session.add(ApiToken(name=name, scope=newest.scope, token_hash=digest(token), created_at=now))
        audit.record(
            session, actor, now, "tokens.rotate", name, overlap_hours=int(overlap.total_seconds() / 3600)
        )
    return token


def revoke(station: Station, actor: Actor, name: str) -> None:
    """Let every token of a program end at once.

    Raises:
        NotFound: there is none that works.
        NotPermitted: not a security officer.
    """
    actor.require(Role.OPERATORS, _DEED)
    with station.database.writing() as session:
        now = station.now()
        ended = affected(
            session, update(ApiToken).where(ApiToken.name == name, _live(now)).values(ends_at=now)
        )
        if not ended:
            raise NotFound(f"no token {name} that works: `dsc-station api tokens list`")
        audit.record(session, actor, now, "tokens.revoke", name, tokens=ended)


def tokens(station: Station) -> list[TokenView]:
    """The tokens that work now, by name."""
    with station.database.reading() as session:
        found = session.scalars(
            select(ApiToken).where(_live(station.now())).order_by(ApiToken.name, ApiToken.id)
        )
        return [TokenView(one.name, one.scope, one.created_at, one.ends_at) for one in found]


def bearer_of(station: Station, token: str) -> Bearer | None:
    """Who bears a token now; None if nobody does. Hashes are compared, so time tells nothing of it."""
    found = station.database.look_up(_BEARER, {"token_hash": digest(token)})
    if found is None or not is_valid(station.now(), found.ends_at):
        return None
    actor = Actor(f"api:{found.name}", ROLES_OF[found.scope], station.settings.station)
    return Bearer(found.name, found.scope, actor)


def _draw() -> str:
    return PREFIX + secrets.token_urlsafe(TOKEN_BYTES)


def _live(now: datetime) -> ColumnElement[bool]:
    return or_(ApiToken.ends_at.is_(None), ApiToken.ends_at > now)
