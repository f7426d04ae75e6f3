"""Proving who one is: badge and PIN, badge and password, or name and password.

The slow hash is computed while no transaction is open, and always: whoever asks learns neither from the words
nor from the time whether there is such a name. Only who shows a badge is told that it is locked, and whose.
Failures by badge and by name are counted by themselves.
"""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from dscplus_station import audit
from dscplus_station.actor import Actor, Role
from dscplus_station.errors import BadInput, NotAuthorised
from dscplus_station.operators.badges import looks_like_badge, read_badge
from dscplus_station.operators.hashing import digest, hash_secret, needs_rehash, secret_fits
from dscplus_station.operators.rules import (
    MAX_FAILURES,
    PASSWORD_CHARACTERS,
    Refusal,
    SecretKind,
    canonical_secret,
    is_locked,
    kind_of_secret,
    refusal,
    roles_of,
    wait_after,
)
from dscplus_station.operators.tables import Operator, OperatorPosition
from dscplus_station.station import Station
from dscplus_station.wording import words

NOBODY = "nobody"
"""The operator of an audit row about somebody who was not let in. No operator can have this name."""


class NotSignedIn(NotAuthorised):
    """The secret was not accepted."""


@dataclass(frozen=True)
class Tried:
    """A secret that was tried, and what it was compared with; nothing is decided yet.

    Args:
        compared_with: the hash, which must still be the operator's when it is decided.
        rehashed: the secret under this release's parameters, if the hash was made under others.
    """

    operator: str | None
    kind: SecretKind
    by_badge: bool
    right: bool
    compared_with: str | None = field(repr=False)
    rehashed: str | None = field(repr=False)


@dataclass(frozen=True)
class Refused:
    """Not let in: why (for the record), and what may be said."""

    because: Refusal
    told: str


def try_badge_or_name(station: Station, badge_or_name: str, secret: str) -> Tried:
    """Try a secret with a badge (PIN or password) or a name (password only). No transaction may be open.

    Raises:
        BadInput: a badge that was misread: no attempt.
    """
    by_badge = looks_like_badge(badge_or_name)
    if by_badge:
        code = read_badge(badge_or_name)
        if code is None:
            raise BadInput("the badge was misread: scan it again")
        wanted = Operator.badge_hash == digest(code)
    else:
        wanted = Operator.name == badge_or_name.strip().lower()
    with station.database.reading() as session:
        operator = session.scalars(select(Operator).where(wanted)).one_or_none()
    return _try(operator, secret, by_badge=by_badge, pin_counts=by_badge)


def try_again(station: Station, name: str, secret: str) -> Tried:
    """Try the PIN or password of an operator whose session stands in for the badge."""
    with station.database.reading() as session:
        operator = session.get(Operator, name)
    return _try(operator, secret, by_badge=True, pin_counts=True)


def _try(operator: Operator | None, secret: str, *, by_badge: bool, pin_counts: bool) -> Tried:
    secret = canonical_secret(secret)
    kind = kind_of_secret(secret)
    encoded = None
    if operator is not None and kind is SecretKind.PASSWORD:
        encoded = operator.password_hash
    elif operator is not None and pin_counts:
        encoded = operator.pin_hash
    right = secret_fits(encoded, secret[: PASSWORD_CHARACTERS[-1] + 1])
    rehashed = hash_secret(secret) if right and encoded and needs_rehash(encoded) else None
    return Tried(operator.name if operator else None, kind, by_badge, right, encoded, rehashed)


def decide(session: Session, station_name: str, now: datetime, tried: Tried) -> Operator | Refused:
    """Let in or refuse, and count, within the caller's transaction, which must commit either way."""
    operator = session.get(Operator, tried.operator) if tried.operator else None
    nobody = Actor(NOBODY, frozenset(), station_name)
    if operator is None:
        audit.record(session, nobody, now, "operators.refused", NOBODY, because=Refusal.UNKNOWN)
        return Refused(Refusal.UNKNOWN, _NEUTRAL)
    kept = operator.password_hash if tried.kind is SecretKind.PASSWORD else operator.pin_hash
    count = _count_of(operator, by_badge=tried.by_badge)
    because = refusal(
        now,
        disabled=operator.disabled_at is not None,
        failures=count.failures,
        wait_until=count.wait_until,
        right=tried.right and tried.compared_with == kept,
    )
    if because is Refusal.WRONG:
        failures = count.failures + 1
        count = _Count(failures, now + wait_after(failures))
        _keep(operator, count, by_badge=tried.by_badge)
    if because is not None:
        audit.record(
            session,
            nobody,
            now,
            "operators.refused",
            operator.name,
            because=because,
            failures=count.failures,
            kind=tried.kind,
            by="badge" if tried.by_badge else "name",
        )
        return Refused(because, _told(operator.name, count, because, now) if tried.by_badge else _NEUTRAL)
    _keep(operator, _Count(0, None), by_badge=tried.by_badge)
    if tried.rehashed is not None and tried.kind is SecretKind.PASSWORD:
        operator.password_hash = tried.rehashed
    elif tried.rehashed is not None:
        operator.pin_hash = tried.rehashed
    return operator


@dataclass(frozen=True)
class _Count:
    """Failures in a row of one way in, and until when the next attempt waits."""

    failures: int
    wait_until: datetime | None


def _count_of(operator: Operator, *, by_badge: bool) -> _Count:
    if by_badge:
        return _Count(operator.failures, operator.wait_until)
    return _Count(operator.name_failures, operator.name_wait_until)


def _keep(operator: Operator, count: _Count, *, by_badge: bool) -> None:
    if by_badge:
        operator.failures, operator.wait_until = count.failures, count.wait_until
    else:
        operator.name_failures, operator.name_wait_until = count.failures, count.wait_until


def second_person(station: Station, first: Actor, badge_or_name: str, secret: str) -> Actor:
    """A supervisor, and another operator than the first, who proves it here and now, for one deed (R46). No
    session begins.

    A wrong secret counts as at a sign-in, whoever it is. Who may not be the second person is told so after
    the right secret only: nobody learns here who holds which position.

    Raises:
        NotSignedIn: not accepted; or it is the first person again, or no supervisor.
        BadInput: a badge that was misread.
    """
    tried = try_badge_or_name(station, badge_or_name, secret)
    with station.database.writing() as session:
        now = station.now()
        decided = decide(session, first.station, now, tried)
        if isinstance(decided, Operator):
            second = actor_of(session, decided, first.station)
            because = _no_second(first, second)
            audit.record(session, first, now, "operators.second-person", second.operator, refused=because)
            if because is None:
                return second
            decided = Refused(because, _NO_SECOND[because])
    raise NotSignedIn(decided.told)


def signer(station: Station, program: Actor, badge_or_name: str, secret: str) -> Actor:
    """An operator who proves it here and now, for one deed that a program asks for. No session begins.

    Whether this operator may do it is the deed's to say. A wrong secret counts as at a sign-in.

    Raises:
        NotSignedIn: not accepted.
        BadInput: a badge that was misread.
    """
    tried = try_badge_or_name(station, badge_or_name, secret)
    with station.database.writing() as session:
        now = station.now()
        decided = decide(session, program.station, now, tried)
        if isinstance(decided, Operator):
            audit.record(session, program, now, "operators.signs", decided.name)
            return actor_of(session, decided, program.station)
    raise NotSignedIn(decided.told)


def _no_second(first: Actor, second: Actor) -> Refusal | None:
    """Why who proved it is not the second person."""
    if second.operator == first.operator:
        return Refusal.SAME_PERSON
    return None if Role.SUPERVISOR in second.roles else Refusal.NO_SUPERVISOR


_NO_SECOND = {
    Refusal.SAME_PERSON: words("this needs another person than the one who signed in"),
    Refusal.NO_SUPERVISOR: words("the second person needs the role {role}", role=Role.SUPERVISOR),
}


def actor_of(session: Session, operator: Operator, station_name: str) -> Actor:
    """An operator at a station, with the roles of the positions held now."""
    positions = session.scalars(
        select(OperatorPosition.position).where(OperatorPosition.operator == operator.name)
    )
    return Actor(operator.name, roles_of(positions.all()), station_name)


_NEUTRAL = words(
    "not accepted: name or badge and secret do not go together, or the wait after a wrong one is not over. "
    "{most} in a row lock; a supervisor releases (dsc-station operators release NAME)",
    most=MAX_FAILURES,
)


def _told(name: str, count: _Count, because: Refusal, now: datetime) -> str:
    locked = words(
        "{operator} is locked after {most} wrong secrets in a row: "
        "a supervisor releases it (dsc-station operators release {operator})",
        operator=name,
        most=MAX_FAILURES,
    )
    match because:
        case Refusal.DISABLED:
            return words("{operator} is disabled: ask a security officer", operator=name)
        case Refusal.LOCKED:
            return locked
        case Refusal.WAITING:
            assert count.wait_until is not None  # noqa: S101 (that is what WAITING says)
            seconds = -(-(count.wait_until - now).total_seconds() // 1)
            return words(
                "after a wrong secret comes a wait: {seconds} s more, then try again",
                seconds=f"{seconds:.0f}",
            )
        case _:
            left = MAX_FAILURES - count.failures
            if is_locked(count.failures):
                return locked
            return words("the secret is wrong; {left} tries left", left=left)
