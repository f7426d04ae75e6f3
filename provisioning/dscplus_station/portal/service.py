"""A login's steps for the portal. Every refusal sounds the same there; the audit trail has the reason."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from dscplus_station import audit
from dscplus_station.actor import Actor, Role
from dscplus_station.db import affected
from dscplus_station.devices.rules import DeviceType
from dscplus_station.devices.service import live_device
from dscplus_station.devices.tables import Assignment
from dscplus_station.errors import NotFound, NotPermitted
from dscplus_station.keystore.interface import Keystore
from dscplus_station.limits.rules import WITHDRAWAL_LIMITS
from dscplus_station.limits.service import leeway_with
from dscplus_station.login.kinds import Asks
from dscplus_station.login.rules import OUTCOME_TOLD, Outcome, Purpose
from dscplus_station.login.service import issue_challenge
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
from dscplus_station.sessions.devices import login_devices
from dscplus_station.sessions.service import SessionFacts, Withdrawals, log_in
from dscplus_station.station import Station
from dscplus_station.users.tables import Closure, User

TOKEN_BYTES = 24


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
            subject = user.name if user is not None else "unknown"
            audit.record(session, actor, now, "portal.refused", subject, because=because)
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
    begun = _open_login(station, login)
    if begun is None:
        raise _refused(station, actor, "unknown", "no login under way")
    user = begun.user_name
    picked = next((one for one in _picks(station, user) if one.serial_number == serial_number), None)
    if picked is None:
        raise _refused(station, actor, user, "no device to pick")
    if picked.asks is Asks.PASSCODE:
        return Asked(serial_number, picked.asks, None, begun.begun_at + lifetime(station.settings.login))
    try:
        issued = issue_challenge(station, actor, serial_number, user, Purpose.LOGIN)
    except (NotPermitted, NotFound) as refusal:
        raise _refused(station, actor, user, str(refusal)) from None
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
    begun = _open_login(station, login)
    if begun is None:
        raise _refused(station, actor, "unknown", "no login under way")
    user = begun.user_name
    try:
        done = log_in(station, actor, keystore, serial_number, question, response, user)
    except (NotPermitted, NotFound) as refusal:
        raise _refused(station, actor, user, str(refusal)) from None
    with station.database.noting() as session:
        if done.answer.outcome is not Outcome.RIGHT:
            session.execute(
                update(PortalLogin).where(PortalLogin.id == begun.id).values(tries=PortalLogin.tries + 1)
            )
            ended = 0
        else:
            device = live_device(session, serial_number)
            ended = affected(
                session,
                update(PortalLogin)
                .where(PortalLogin.id == begun.id, PortalLogin.ended_at.is_(None))
                .values(ended_at=station.now(), device_id=device.id),
            )
    if done.answer.outcome is not Outcome.RIGHT:
        raise _refused(station, actor, user, OUTCOME_TOLD[done.answer.outcome])
    if ended != 1 or done.session is None:
        raise _refused(station, actor, user, "this login was answered already")
    return done.session


def ask_for(station: Station, actor: Actor, login: str, serial_number: str, purpose: Purpose) -> Asked:
    """Ask a device of a login's user for something else than the login: an activation, a sharing … (R1, R27).

    The login is one whose password was right within two lifetimes of a challenge, or that ended within
    fifteen minutes.

    Raises:
        LoginRefused: it is none.
        NotFound, NotPermitted, WrongUsage: as for `login.service.issue_challenge`.
    """
    actor.require(Role.CLIENT_SERVICES, "log users in")
    with station.database.reading() as session:
        found = session.scalars(
            select(PortalLogin).where(PortalLogin.token_hash == digest(login))
        ).one_or_none()
    if found is None or not is_live(station.now(), found.begun_at, found.ended_at, station.settings.login):
        raise _refused(station, actor, "unknown", "no login under way")
    issued = issue_challenge(station, actor, serial_number, found.user_name, purpose)
    return Asked(serial_number, issued.asks, issued.challenge, issued.expires_at)


def fresh_login(station: Station, login: str, user_name: str) -> PortalLogin:
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
        raise LoginRefused
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


def _open_login(station: Station, login: str) -> PortalLogin | None:
    with station.database.reading() as session:
        found = session.scalars(
            select(PortalLogin).where(PortalLogin.token_hash == digest(login))
        ).one_or_none()
    if found is None or not is_open(
        station.now(), found.begun_at, found.ended_at, found.tries, station.settings.login
    ):
        return None
    return found


def _refused(station: Station, actor: Actor, subject: str, because: str) -> LoginRefused:
    with station.database.writing() as session:
        audit.record(session, actor, station.now(), "portal.refused", subject, because=because[:200])
    return LoginRefused()


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
