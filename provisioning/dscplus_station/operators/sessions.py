"""Sessions of operators at a station's screens: durable, locked when idle, over after twelve hours."""

import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from dscplus_station import audit
from dscplus_station.actor import Actor
from dscplus_station.db import affected
from dscplus_station.operators.authentication import (
    NotSignedIn,
    Refused,
    actor_of,
    decide,
    try_again,
    try_badge_or_name,
)
from dscplus_station.operators.configuration import idle_time
from dscplus_station.operators.hashing import digest
from dscplus_station.operators.rules import SESSION_LIFETIME, TOUCH_EVERY, SessionState, session_state
from dscplus_station.operators.tables import Operator, OperatorSession
from dscplus_station.station import Station
from dscplus_station.wording import words

TOKEN_BYTES = 32


@dataclass(frozen=True)
class Locked:
    """A session that waits for the PIN or password of its operator."""

    operator: str


def sign_in(station: Station, badge_or_name: str, secret: str, station_name: str) -> str:
    """Open a session for an operator at a station; gives the token for the cookie, kept as a hash only.

    An earlier session of the same operator at the same station ends.

    Raises:
        NotSignedIn: not accepted; the text is fit for whoever stands there.
        BadInput: a badge that was misread; that is no attempt.
    """
    tried = try_badge_or_name(station, badge_or_name, secret)
    with station.database.writing() as session:
        now = station.now()
        decided = decide(session, station_name, now, tried)
        if isinstance(decided, Operator):
            return _open(session, decided, station_name, now)
    raise NotSignedIn(decided.told)


def session_of(station: Station, token: str) -> Actor | Locked | None:
    """Who holds this token now, with the roles held now; `Locked` when idle too long; None: signed out."""
    with station.database.reading() as session:
        found = _live(session, token)
        if found is None:
            return None
        operator = session.get_one(Operator, found.operator)
        match _state(station, found):
            case SessionState.OPEN:
                return actor_of(session, operator, found.station)
            case SessionState.LOCKED:
                return Locked(operator.name)
            case SessionState.ENDED:
                return None


def touch(station: Station, token: str) -> None:
    """Note that the screen is in use, so that it is not locked. A session that is locked or over stays so."""
    now = station.now()
    with station.database.reading() as session:
        found = _live(session, token)
        if found is None or now < found.seen_at + TOUCH_EVERY:
            return
    with station.database.noting() as session:
        found = _live(session, token)
        if found is not None and _state(station, found) is SessionState.OPEN:
            found.seen_at = now


def lock(station: Station, token: str) -> None:
    """Lock the screen now, by hand. What is locked or over stays so."""
    with station.database.writing() as session:
        found = _live(session, token)
        if found is not None and found.locked_at is None:
            found.locked_at = station.now()
            actor = Actor(found.operator, frozenset(), found.station)
            audit.record(session, actor, station.now(), "operators.lock", found.operator)


def unlock(station: Station, token: str, secret: str) -> None:
    """Go on in a locked session, by the PIN or password of its operator.

    Raises:
        NotSignedIn: not accepted, or the session is over.
    """
    with station.database.reading() as session:
        found = _live(session, token)
    if found is None or _state(station, found) is SessionState.ENDED:
        raise NotSignedIn(_OVER)
    tried = try_again(station, found.operator, secret)
    with station.database.writing() as session:
        now = station.now()
        decided = decide(session, found.station, now, tried)
        found = _live(session, token)
        if isinstance(decided, Refused):
            told = decided.told
        elif found is None or _state(station, found) is SessionState.ENDED:
            told = _OVER
        else:
            found.seen_at, found.locked_at = now, None
            actor = Actor(found.operator, frozenset(), found.station)
            audit.record(session, actor, now, "operators.unlock", found.operator)
            return
    raise NotSignedIn(told)


def sign_out(station: Station, token: str) -> None:
    """End a session; one that is over stays so."""
    with station.database.writing() as session:
        found = _live(session, token)
        if found is not None:
            actor = Actor(found.operator, frozenset(), found.station)
            end_sessions(
                session, actor, station.now(), found.operator, "signed out", station_name=found.station
            )


def end_sessions(
    session: Session,
    actor: Actor,
    now: datetime,
    operator: str,
    reason: str,
    *,
    station_name: str | None = None,
) -> int:
    """End an operator's sessions, everywhere or at one station, within the caller's transaction; how many."""
    live = [OperatorSession.operator == operator, OperatorSession.ended_at.is_(None)]
    if station_name is not None:
        live.append(OperatorSession.station == station_name)
    ended = affected(session, update(OperatorSession).where(*live).values(ended_at=now, end_reason=reason))
    if ended:
        audit.record(session, actor, now, "operators.sign-out", operator, because=reason, sessions=ended)
    return ended


@dataclass(frozen=True)
class SessionView:
    """A session that is not over."""

    operator: str
    station: str
    state: SessionState
    opened_at: datetime
    seen_at: datetime
    ends_at: datetime


def live_sessions(station: Station) -> list[SessionView]:
    """The sessions that are open or locked, oldest first."""
    with station.database.reading() as session:
        found = session.scalars(
            select(OperatorSession).where(OperatorSession.ended_at.is_(None)).order_by(OperatorSession.id)
        ).all()
    views = [
        SessionView(
            operator=one.operator,
            station=one.station,
            state=_state(station, one),
            opened_at=one.opened_at,
            seen_at=one.seen_at,
            ends_at=one.opened_at + SESSION_LIFETIME,
        )
        for one in found
    ]
    return [view for view in views if view.state is not SessionState.ENDED]


def end_overdue(station: Station, actor: Actor) -> int:
    """Put on record that sessions have ended by their age; gives how many. Nobody could use them any more."""
    with station.database.writing() as session:
        now = station.now()
        over = session.scalars(
            select(OperatorSession)
            .where(OperatorSession.ended_at.is_(None), OperatorSession.opened_at <= now - SESSION_LIFETIME)
            .order_by(OperatorSession.id)
        ).all()
        for one in over:
            one.ended_at, one.end_reason = now, "its time was over"
            audit.record(session, actor, now, "operators.sign-out", one.operator, because=one.end_reason)
    return len(over)


_OVER = words("the session is over: sign in again")


def _open(session: Session, operator: Operator, station_name: str, now: datetime) -> str:
    actor = Actor(operator.name, frozenset(), station_name)
    end_sessions(session, actor, now, operator.name, "signed in again", station_name=station_name)
    token = secrets.token_urlsafe(TOKEN_BYTES)
    session.add(
        OperatorSession(
            token_hash=digest(token),
            operator=operator.name,
            station=station_name,
            opened_at=now,
            seen_at=now,
        )
    )
    audit.record(session, actor, now, "operators.sign-in", operator.name)
    return token


def _live(session: Session, token: str) -> OperatorSession | None:
    """The session of a token, unless it was ended. Hashes are compared, so time tells nothing of it."""
    return session.scalars(
        select(OperatorSession).where(
            OperatorSession.token_hash == digest(token), OperatorSession.ended_at.is_(None)
        )
    ).one_or_none()


def _state(station: Station, found: OperatorSession) -> SessionState:
    return session_state(
        station.now(),
        idle_time(station.settings),
        opened_at=found.opened_at,
        seen_at=found.seen_at,
        locked_at=found.locked_at,
        ended_at=found.ended_at,
    )
