"""A login's steps for the portal. Every refusal sounds the same there; the audit trail has the reason."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, delete, select, update
from sqlalchemy.orm import Session

from dscplus_station import audit
from dscplus_station.actor import Actor, Role
from dscplus_station.db import run, table_of
from dscplus_station.devices.rules import DeviceType
from dscplus_station.devices.tables import Assignment
from dscplus_station.errors import NotFound, NotPermitted
from dscplus_station.keystore.interface import Keystore
from dscplus_station.limits.rules import WITHDRAWAL_LIMITS
from dscplus_station.limits.service import leeway_with
from dscplus_station.login.kinds import Asks
from dscplus_station.login.rules import OUTCOME_TOLD, Purpose
from dscplus_station.login.service import issue, issue_challenge
from dscplus_station.operators.hashing import digest
from dscplus_station.optout.rules import RESTRICTIONS
from dscplus_station.optout.service import is_opted_out
from dscplus_station.passwords.service import PasswordCheck
from dscplus_station.portal.rules import (
    WINDOW,
    after_failure,
    is_fresh,
    is_live,
    is_locked,
    is_open,
    lifetime,
    password_alone,
)
from dscplus_station.portal.tables import PortalLogin, WrongPasswords
from dscplus_station.sessions.devices import device_to_pick, login_devices
from dscplus_station.sessions.service import Login, SessionFacts, Withdrawals, answered
from dscplus_station.station import Station
from dscplus_station.users.identity import require_open
from dscplus_station.users.tables import Closure, User

TOKEN_BYTES = 24
_NO_LOGIN = "no login under way"
_UNKNOWN = "unknown"
"""Stands for a user in the audit trail where it is not known whose login it was to be."""

# Statements of every login, made once: building them takes longer than running them.
_logins = table_of(PortalLogin)
_BY_TOKEN = select(_logins).where(_logins.c.token_hash == bindparam("token_hash"))
_COUNT_TRY = update(_logins).where(_logins.c.id == bindparam("login_id")).values(tries=_logins.c.tries + 1)
_END = (
    update(_logins)
    .where(_logins.c.id == bindparam("login_id"), _logins.c.ended_at.is_(None))
    .values(ended_at=bindparam("now"), device_id=bindparam("device"))
)


class LoginRefused(NotPermitted):
    """Whoever logs in hears this and no more, whatever the reason (R6)."""

    def __init__(self) -> None:
        super().__init__("not logged in: begin again with user name and password")


@dataclass(frozen=True)
class Pick:
    """A device that can be picked: what it is asked for."""

    serial_number: str
    type: DeviceType
    asks: Asks


@dataclass(frozen=True)
class Begun:
    """A login whose password was right: what to pick from; or a session, if no device is asked for (R45)."""

    login: str = field(repr=False)
    user: str
    expires_at: datetime
    devices: list[Pick]
    session: SessionFacts | None


@dataclass(frozen=True)
class Asked:
    """What the device is asked: six digits, two indexes, or nothing (a passcode answers at once)."""

    serial_number: str
    asks: Asks
    challenge: str | None
    expires_at: datetime


def begin(station: Station, actor: Actor, check: PasswordCheck, user_name: str, password: str) -> Begun:
    """Begin a login by user name and password; only then are there devices to pick, and a challenge (R1).

    Raises:
        LoginRefused: unknown or wrong, all the same.
    """
    actor.require(Role.CLIENT_SERVICES, "log users in")
    right = check(user_name, password)
    with station.database.writing() as session:
        now = station.now()
        user = session.get(User, user_name)
        locked = _count(session, now, user_name, right=right and user is not None)
        if user is None or not right or locked:
            because = "unknown user" if user is None else "locked" if locked else "wrong password"
            _record_refusal(session, actor, now, user.name if user is not None else _UNKNOWN, because)
        else:
            closed = session.get(Closure, user_name) is not None
            enrolled = session.scalar(
                select(Assignment.id)
                .where(Assignment.user_name == user_name, Assignment.activated_at.is_not(None))
                .limit(1)
            )
            alone = password_alone(closed=closed, was_enrolled=enrolled is not None)
            token = secrets.token_urlsafe(TOKEN_BYTES)
            session.add(
                PortalLogin(
                    token_hash=digest(token),
                    user_name=user_name,
                    begun_at=now,
                    tries=0,
                    ended_at=now if alone else None,
                )
            )
            audit.record(session, actor, now, "portal.begin", user_name, password_alone=alone)
    if user is None or not right or locked:
        raise LoginRefused
    facts = _without_device(station, user_name, closed=closed) if alone else None
    return Begun(
        token,
        user_name,
        now + lifetime(station.settings.login),
        [] if alone else _picks(station, user_name),
        facts,
    )


def ask(station: Station, actor: Actor, login: str, serial_number: str) -> Asked:
    """Ask the picked device of a login that has begun (R1, R23).

    Raises:
        LoginRefused: the login is over, or the device is not one that this user can pick.
    """
    actor.require(Role.CLIENT_SERVICES, "log users in")
    with station.database.writing() as session:
        now = station.now()
        begun = _open_login(session, station, now, login)
        asked = _ask(session, station, actor, now, begun, serial_number) if begun else _NO_LOGIN
        if not isinstance(asked, Asked):
            _record_refusal(session, actor, now, begun.user_name if begun else _UNKNOWN, asked)
    if isinstance(asked, Asked):
        return asked
    raise LoginRefused


def _ask(
    session: Session, station: Station, actor: Actor, now: datetime, begun: Row[Any], serial_number: str
) -> Asked | str:
    """Ask the picked device, or tell why it is not asked; nothing was changed then."""
    picked = device_to_pick(session, now, begun.user_name, serial_number)
    if picked is None:
        return "no device to pick"
    device, kind = picked
    if kind.asks is Asks.PASSCODE:
        return Asked(serial_number, kind.asks, None, begun.begun_at + lifetime(station.settings.login))
    try:
        require_open(session, begun.user_name)
        issued = issue(session, station, actor, now, device, kind, Purpose.LOGIN)
    except NotPermitted as refusal:
        return str(refusal)
    return Asked(serial_number, issued.asks, issued.challenge, issued.expires_at)


def answer(
    station: Station,
    actor: Actor,
    keystore: Keystore,
    login: str,
    serial_number: str,
    question: str,
    response: str,
) -> SessionFacts:
    """Judge the picked device's answer; with a right one, what the session goes by. It ends the login.

    Raises:
        LoginRefused: wrong, used, expired, foreign, locked, no login under way: all the same.
        WrongUsage: it has not the form of such a device's answer: no attempt.
    """
    actor.require(Role.CLIENT_SERVICES, "log users in")
    with station.database.writing() as session:
        now = station.now()
        begun = _open_login(session, station, now, login)
        told: SessionFacts | str = _NO_LOGIN
        if begun is not None:
            try:
                done = answered(
                    session, station, actor, now, keystore, serial_number, question, response, begun.user_name
                )
                told = _end(session, now, begun, done)
            except (NotPermitted, NotFound) as refusal:  # nothing was changed
                told = str(refusal)
        if not isinstance(told, SessionFacts):  # with what was counted, or neither
            _record_refusal(session, actor, now, begun.user_name if begun else _UNKNOWN, told)
    if isinstance(told, SessionFacts):
        return told
    raise LoginRefused


def _end(session: Session, now: datetime, begun: Row[Any], done: Login) -> SessionFacts | str:
    """Let a right answer end the login, a wrong one count against it; the facts, or why there are none."""
    if done.session is None:
        run(session, _COUNT_TRY, {"login_id": begun.id})
        return OUTCOME_TOLD[done.answer.outcome]
    ended = {"login_id": begun.id, "now": now, "device": done.answer.device_id}
    return done.session if run(session, _END, ended).rowcount == 1 else "this login was answered already"


def ask_for(station: Station, actor: Actor, login: str, serial_number: str, purpose: Purpose) -> Asked:
    """Ask a device of a login's user for something else than the login: an activation, a sharing … (R1, R27).

    The login is one whose password was right within two lifetimes of a challenge, or that ended within
    fifteen minutes.

    Raises:
        LoginRefused: it is none.
        NotFound, NotPermitted, WrongUsage: as for `login.service.issue_challenge`.
    """
    actor.require(Role.CLIENT_SERVICES, "log users in")
    found = station.database.look_up(_BY_TOKEN, {"token_hash": digest(login)})
    if found is None or not is_live(station.now(), found.begun_at, found.ended_at, station.settings.login):
        raise _refused(station, actor, _UNKNOWN, _NO_LOGIN)
    issued = issue_challenge(station, actor, serial_number, found.user_name, purpose)
    return Asked(serial_number, issued.asks, issued.challenge, issued.expires_at)


def fresh_login(station: Station, actor: Actor, login: str, user_name: str) -> PortalLogin:
    """A login of this user's that a device has answered just now.

    Raises:
        LoginRefused: it is none.
    """
    with station.database.reading() as session:
        found = session.scalars(
            select(PortalLogin).where(
                PortalLogin.token_hash == digest(login), PortalLogin.user_name == user_name
            )
        ).one_or_none()
    if found is None or found.device_id is None or not is_fresh(station.now(), found.ended_at):
        raise _refused(
            station, actor, found.user_name if found else _UNKNOWN, "no device answered it just now"
        )
    return found


def _count(session: Session, now: datetime, user_name: str, *, right: bool) -> bool:
    """Count a password for a name, known or not, with the same work; whether the name is locked (R6)."""
    session.execute(delete(WrongPasswords).where(WrongPasswords.first_failure_at <= now - WINDOW))
    wrong = session.get(WrongPasswords, digest(user_name))
    if wrong is not None and is_locked(now, wrong.failures, wrong.first_failure_at):
        return True
    if right:
        if wrong is not None:
            session.delete(wrong)
        return False
    failures, since = after_failure(
        now, wrong.failures if wrong else 0, wrong.first_failure_at if wrong else None
    )
    session.merge(WrongPasswords(name_hash=digest(user_name), failures=failures, first_failure_at=since))
    return False


def _picks(station: Station, user_name: str) -> list[Pick]:
    return [
        Pick(one.serial_number, one.type, one.asks)
        for one in login_devices(station, user_name)
        if one.asks is not None
    ]


def _open_login(session: Session, station: Station, now: datetime, login: str) -> Row[Any] | None:
    """The row of the login that is under way."""
    found = run(session, _BY_TOKEN, {"token_hash": digest(login)}).one_or_none()
    if found is None or not is_open(now, found.begun_at, found.ended_at, found.tries, station.settings.login):
        return None
    return found


def _refused(station: Station, actor: Actor, subject: str, because: str) -> LoginRefused:
    """Put a refusal on record where nothing else was changed."""
    with station.database.writing() as session:
        _record_refusal(session, actor, station.now(), subject, because)
    return LoginRefused()


def _record_refusal(session: Session, actor: Actor, now: datetime, subject: str, because: str) -> None:
    audit.record(session, actor, now, "portal.refused", subject, because=because[:200])


def _without_device(station: Station, user_name: str, *, closed: bool) -> SessionFacts:
    """What a session by password alone may do: a closed account has the portal only (R45)."""
    kind = DeviceType.NONE
    with station.database.reading() as session:
        out = is_opted_out(session, user_name)
        withdrawals = None
        if not closed:
            limits = WITHDRAWAL_LIMITS[kind]
            left = leeway_with(session, station, user_name, kind).left
            withdrawals = Withdrawals(limits.per_day, limits.per_five_business_days, left)
    return SessionFacts(
        device=kind,
        portal_only=closed,
        expires_at=None,
        withdrawals=withdrawals,
        opted_out=out,
        restrictions=RESTRICTIONS if out else (),
    )
