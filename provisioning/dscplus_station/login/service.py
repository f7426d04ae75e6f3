"""Challenges and responses: what stands between a device and a login (R6), whatever its type (R23)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, insert, select, update
from sqlalchemy.orm import Session

from dscplus_station import audit
from dscplus_station.actor import Actor, Role
from dscplus_station.db import run, table_of
from dscplus_station.devices.held import Held, held
from dscplus_station.devices.rules import INTERIM, AssignmentState, is_over
from dscplus_station.devices.service import move_assignment
from dscplus_station.devices.tables import Assignment
from dscplus_station.errors import NotPermitted, TooSoon, WrongUsage
from dscplus_station.keystore.interface import Keystore
from dscplus_station.login.kinds import Asks, Kind, kind_of
from dscplus_station.login.rules import (
    MAX_CHALLENGES,
    Outcome,
    Purpose,
    locks,
    purpose_fault,
    purpose_now,
    states_for,
    unanswerable,
    wrong_after,
)
from dscplus_station.login.tables import Attempt, Challenge
from dscplus_station.station import Station
from dscplus_station.users.identity import require_open

# Statements of every login, made once: building them takes longer than running them.
_challenges = table_of(Challenge)
_RECENT = (
    select(_challenges.c.question, _challenges.c.issued_at)
    .where(_challenges.c.assignment_id == bindparam("of"), _challenges.c.issued_at > bindparam("since"))
    .order_by(_challenges.c.issued_at)
)
_ASKED = (
    select(_challenges.c.id, _challenges.c.expires_at, _challenges.c.used_at)
    .where(
        _challenges.c.assignment_id == bindparam("of"),
        _challenges.c.question == bindparam("asked"),
        _challenges.c.purpose == bindparam("for"),
    )
    .order_by(_challenges.c.id.desc())
    .limit(1)
)
_USE_UP = (
    update(_challenges)
    .where(_challenges.c.id == bindparam("challenge_id"), _challenges.c.used_at.is_(None))
    .values(used_at=bindparam("now"))
)
_COUNT_WRONG = (
    update(table_of(Assignment))
    .where(table_of(Assignment).c.id == bindparam("of"))
    .values(wrong_responses=bindparam("wrong"))
)
_NEW_CHALLENGE = insert(_challenges)
_NEW_ATTEMPT = insert(table_of(Attempt))


@dataclass(frozen=True)
class Issued:
    """A challenge, for whom, what it asks for, and until when it can be answered."""

    serial_number: str
    user: str
    challenge: str
    asks: Asks
    expires_at: datetime


@dataclass(frozen=True)
class Answer:
    """How a response was judged. It is never true by accident: ask for `outcome`."""

    serial_number: str
    user: str
    device_id: int
    outcome: Outcome
    locked: bool
    tries_left: int

    def __bool__(self) -> bool:
        raise TypeError("an Answer is neither true nor false: ask for its outcome")


def issue_challenge(
    station: Station,
    actor: Actor,
    serial_number: str,
    user_name: str | None = None,
    purpose: Purpose | None = None,
) -> Issued:
    """Issue a challenge for one user of a device: random, answerable once, within `[login]`'s minutes (R6).

    To a card it is six digits, no multiple of 16; to a code card two indexes of three digits each (R18).

    Args:
        purpose: what its answer will serve for, and for nothing else; None: what the device is ready for, its
            activation or a login.

    Raises:
        NotFound: no such device or user.
        WrongUsage: several users and none named; a passcode, which answers no challenge.
        NotPermitted: locked, dormant or expired, or not verified here; a closed account (R45); or too many
            challenges within one lifetime of a challenge.
    """
    actor.require(Role.CLIENT_SERVICES, "issue challenges")
    with station.database.writing() as session:
        now = station.now()
        device = held(session, serial_number, user_name)
        require_open(session, device.user_name)
        purpose = purpose or purpose_now(device.state)
        kind = require_usable(device, now, *states_for(purpose))
        if fault := purpose_fault(device.type, purpose):
            raise NotPermitted(f"{serial_number}: {fault}")
        return issue(session, station, actor, now, device, kind, purpose)


def issue(
    session: Session,
    station: Station,
    actor: Actor,
    now: datetime,
    device: Held,
    kind: Kind,
    purpose: Purpose,
) -> Issued:
    """Issue a challenge for a usable device, within the caller's transaction.

    Raises:
        WrongUsage, NotPermitted: a passcode; too many challenges at a time. Nothing was changed.
    """
    serial_number, user = device.serial_number, device.user_name
    if kind.new_question is None:
        raise WrongUsage(f"{serial_number} is a {device.type}: it answers no challenge, verify it at once")
    lifetime = station.settings.login.challenge_lifetime
    recent = run(session, _RECENT, {"of": device.assignment_id, "since": now - lifetime}).all()
    if len(recent) >= MAX_CHALLENGES:
        again = recent[-MAX_CHALLENGES].issued_at + lifetime
        raise TooSoon(
            f"card {serial_number}: {len(recent)} challenges for {user} within "
            f"{lifetime.seconds // 60} minutes: the next one from {again:%H:%M:%S} UTC"
        )
    open_questions = {one.question for one in recent}
    while (question := kind.new_question()) in open_questions:
        pass
    expires_at = now + lifetime
    row = {"assignment_id": device.assignment_id, "question": question, "purpose": purpose}
    run(session, _NEW_CHALLENGE, {**row, "issued_at": now, "expires_at": expires_at})
    audit.record(session, actor, now, "login.challenge", serial_number, user=user, purpose=purpose)
    return Issued(serial_number, user, question, kind.asks, expires_at)


def check_login(
    station: Station,
    actor: Actor,
    keystore: Keystore,
    serial_number: str,
    question: str,
    response: str,
    user_name: str | None = None,
) -> Answer:
    """Judge a response as a login does: only an ACTIVE user's right answer to an open challenge is RIGHT.

    Raises:
        WrongUsage: the answer has not the form of the device's; several users and none named.
        NotFound: no such device or user.
        NotPermitted: the device is not active for the user, locked or expired; or it is not for this purpose.
    """
    actor.require(Role.CLIENT_SERVICES, "check responses")
    with station.database.writing() as session:
        now, purpose = station.now(), Purpose.LOGIN
        return prove(
            session, station, actor, now, keystore, serial_number, user_name, question, response, purpose
        )


def prove(
    session: Session,
    station: Station,
    actor: Actor,
    now: datetime,
    keystore: Keystore,
    serial_number: str,
    user_name: str | None,
    question: str,
    response: str,
    purpose: Purpose,
) -> Answer:
    """Judge a response of an ACTIVE user's device, as `judge` does, within the caller's transaction.

    Raises:
        WrongUsage, NotFound, NotPermitted: as for `check_login`; nothing was changed then.
    """
    device = provable(session, now, serial_number, user_name, purpose)
    return judge(session, station, actor, now, keystore, device, question, response, purpose)


def provable(
    session: Session, now: datetime, serial_number: str, user_name: str | None, purpose: Purpose
) -> Held:
    """The ACTIVE user's device whose answer serves a purpose, within the caller's transaction.

    Raises:
        WrongUsage, NotFound, NotPermitted: as for `check_login`.
    """
    device = held(session, serial_number, user_name)
    require_open(session, device.user_name)
    require_usable(device, now, AssignmentState.ACTIVE)
    if fault := purpose_fault(device.type, purpose):
        raise NotPermitted(f"{serial_number}: {fault}")
    return device


def judge(
    session: Session,
    station: Station,
    actor: Actor,
    now: datetime,
    keystore: Keystore,
    device: Held,
    question: str,
    response: str,
    purpose: Purpose,
    *,
    fits: Callable[[Keystore, Held, str, str], bool] | None = None,
) -> Answer:
    """Judge a response and record the attempt, within the caller's transaction, which must commit either way.

    The challenge is used up by any answer in time, right or wrong; the fifth wrong one in a
    row locks, or the one that `[login]` says (R6).

    Args:
        question: empty for a passcode, which answers none (R17).
        fits: compares otherwise than the kind of device does: with a PIN that is not kept yet (R7).

    Raises:
        WrongUsage: the answer has not the form of the device's: no attempt.
    """
    kind = _verified(device)
    if fault := kind.fault(question, response):
        raise WrongUsage(fault)
    challenge, outcome = _take(session, now, device, question, purpose) if kind.new_question else (None, None)
    if outcome is None:
        right = (fits or kind.fits)(keystore, device, question, response)
        outcome = Outcome.RIGHT if right else Outcome.WRONG

    if (wrong := wrong_after(outcome, device.wrong_responses)) != device.wrong_responses:
        run(session, _COUNT_WRONG, {"of": device.assignment_id, "wrong": wrong})
    attempt = {"assignment_id": device.assignment_id, "challenge_id": challenge.id if challenge else None}
    run(session, _NEW_ATTEMPT, {**attempt, "purpose": purpose, "outcome": outcome, "at": now})
    user, card = device.user_name, device.serial_number
    audit.record(session, actor, now, "login.attempt", card, user=user, outcome=outcome, purpose=purpose)
    figures = station.settings.login
    locked = locks(wrong, figures)
    if locked:
        because, assignment = f"{wrong} wrong responses", device.assignment(session)
        move_assignment(session, actor, now, assignment, AssignmentState.LOCKED, because)
    tries_left = max(0, figures.wrong_responses - wrong)
    return Answer(card, user, device.device_id, outcome, locked, tries_left)


def _take(
    session: Session, now: datetime, device: Held, question: str, purpose: Purpose
) -> tuple[Row[Any] | None, Outcome | None]:
    """Use up the challenge that is answered; gives it, and why it cannot be answered, or None."""
    asked = {"of": device.assignment_id, "asked": question, "for": purpose}
    challenge = run(session, _ASKED, asked).one_or_none()
    outcome = unanswerable(
        now,
        issued_for_this=challenge is not None,
        used_at=challenge.used_at if challenge else None,
        expires_at=challenge.expires_at if challenge else None,
    )
    if outcome is None and challenge is not None:
        used = run(session, _USE_UP, {"challenge_id": challenge.id, "now": now})
        outcome = None if used.rowcount == 1 else Outcome.REPLAYED
    return challenge, outcome


def release_lock(
    station: Station, actor: Actor, serial_number: str, user_name: str | None = None
) -> AssignmentState:
    """Release a locked user of a card: back to what it was before, ACTIVE or PENDING (R6).

    Raises:
        NotFound, WrongUsage: as for `issue_challenge`.
        NotPermitted: not a supervisor, or it is not locked.
    """
    actor.require(Role.SUPERVISOR, "release a locked card")
    with station.database.writing() as session:
        now = station.now()
        assignment = held(session, serial_number, user_name).assignment(session)
        if assignment.state is not AssignmentState.LOCKED:
            raise NotPermitted(f"card {serial_number} is {assignment.state}, not LOCKED: nothing to release")
        following = AssignmentState.ACTIVE if assignment.activated_at else AssignmentState.PENDING
        assignment.wrong_responses = 0
        move_assignment(session, actor, now, assignment, following, "released")
        return following


def require_usable(device: Held, now: datetime, *states: AssignmentState) -> Kind:
    """How a device is asked and judged, provided that it is so for its user now, in one of `states`.

    Raises:
        NotPermitted: its answers are not verified here; another state; or it has expired (R17, R18).
    """
    kind = _verified(device)
    if device.state not in states:
        activation = "access confirm" if device.type in INTERIM else "activate"
        advice = {
            AssignmentState.PENDING: f"activate it first (dsc-station {activation})",
            AssignmentState.LOCKED: "a supervisor can release it (dsc-station cards release)",
            AssignmentState.DORMANT: "its user shares another device",
        }.get(device.state, "it is active already")
        raise NotPermitted(f"card {device.serial_number} is {device.state} for {device.user_name}: {advice}")
    if is_over(device.expires_at, now):
        raise NotPermitted(
            f"the {device.type} {device.serial_number} expired at {device.expires_at:%Y-%m-%d %H:%M} UTC"
        )
    return kind


def _verified(device: Held) -> Kind:
    kind = kind_of(device)
    if kind is None:
        raise NotPermitted(f"{device.serial_number} is a {device.type}: its answers are not verified here")
    return kind
