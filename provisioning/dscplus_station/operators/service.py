"""Who the operators are: added and changed by a security officer, released by a supervisor.

The first one is a security officer, added by whoever may open the keystore: that is how a home begins, and
how it is recovered when every security officer is locked.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from dscplus_station import audit
from dscplus_station.actor import Actor, Role
from dscplus_station.errors import BadInput, NotFound, NotPermitted, StateConflict
from dscplus_station.operators.authentication import NOBODY, actor_of
from dscplus_station.operators.badges import PREFIX, draw_badge
from dscplus_station.operators.hashing import digest, hash_secret
from dscplus_station.operators.rules import (
    Position,
    SecretKind,
    canonical_secret,
    is_locked,
    kind_of_secret,
    name_fault,
    positions_fault,
    secret_fault,
)
from dscplus_station.operators.sessions import end_sessions
from dscplus_station.operators.tables import Operator, OperatorPosition
from dscplus_station.station import Station
from dscplus_station.wording import words

_DEED = "say who the operators are"


@dataclass(frozen=True)
class OperatorView:
    """An operator as a list shows it: what there is of badge, PIN and password, never what they are."""

    name: str
    positions: tuple[Position, ...]
    system_user: str | None
    badge: bool
    pin: bool
    password: bool
    disabled: bool
    locked: bool
    """Its badge opens nothing until a supervisor's release."""
    name_locked: bool
    """Its name and password do not."""
    added_at: datetime


def add(
    station: Station,
    actor: Actor,
    name: str,
    positions: Collection[Position],
    *,
    system_user: str | None = None,
    secret: str | None = None,
) -> None:
    """Add an operator. The first one of a home is a security officer.

    Raises:
        BadInput: a name, secret or set of positions that cannot be.
        StateConflict: the name or the system's user is another operator's.
        NotPermitted: not a security officer.
    """
    actor.require(Role.OPERATORS, _DEED)
    wanted = sorted(set(positions))
    fault = name_fault(name) or positions_fault(wanted)
    if name == NOBODY or name.upper().startswith(PREFIX):
        fault = words("no operator can be called {name}", name=name)
    if fault:
        raise BadInput("operator {name}: {fault}", name=name, fault=fault)
    hashed = _hashed(name, secret) if secret is not None else {}
    with station.database.writing() as session:
        now = station.now()
        if session.get(Operator, name) is not None:
            raise StateConflict("there is an operator {name} already", name=name)
        if Position.SECURITY_OFFICER not in wanted and not _officers(session):
            raise BadInput("the first operator is a security officer: --position security-officer")
        _free_system_user(session, system_user)
        session.add(Operator(name=name, system_user=system_user, added_at=now, failures=0, **hashed))
        session.flush()
        session.add_all(OperatorPosition(operator=name, position=position) for position in wanted)
        audit.record(
            session, actor, now, "operators.add", name, positions=" ".join(wanted), system_user=system_user
        )


def set_positions(station: Station, actor: Actor, name: str, positions: Collection[Position]) -> None:
    """Give an operator these positions, and no others; the sessions end, so that the roles count at once.

    Raises:
        BadInput, NotFound, NotPermitted: as for `add`; the last security officer stays one.
    """
    actor.require(Role.OPERATORS, _DEED)
    wanted = sorted(set(positions))
    if fault := positions_fault(wanted):
        raise BadInput("operator {name}: {fault}", name=name, fault=fault)
    with station.database.writing() as session:
        now = station.now()
        get_operator(session, name)
        if Position.SECURITY_OFFICER not in wanted:
            _not_the_last_officer(session, name)
        session.execute(delete(OperatorPosition).where(OperatorPosition.operator == name))
        session.add_all(OperatorPosition(operator=name, position=position) for position in wanted)
        audit.record(session, actor, now, "operators.positions", name, positions=" ".join(wanted))
        end_sessions(session, actor, now, name, "positions changed")


def new_badge(station: Station, actor: Actor, name: str) -> str:
    """Draw a badge for an operator: its code, this once, to be printed. An older one opens nothing any more.

    Raises:
        NotFound, NotPermitted: as for `add`.
    """
    actor.require(Role.OPERATORS, _DEED)
    code = draw_badge()
    with station.database.writing() as session:
        now = station.now()
        get_operator(session, name).badge_hash = digest(code)
        audit.record(session, actor, now, "operators.badge", name)
        end_sessions(session, actor, now, name, "new badge")
    return code


def set_secret(station: Station, actor: Actor, name: str, secret: str) -> SecretKind:
    """Give an operator a PIN (digits alone) or a password; which it was. The operator may do it, too.

    Raises:
        BadInput: it cannot be chosen; it is not repeated.
        NotFound, NotPermitted: as for `add`.
    """
    if actor.operator != name:
        actor.require(Role.OPERATORS, _DEED)
    hashed = _hashed(name, secret)
    kind = kind_of_secret(canonical_secret(secret))
    with station.database.writing() as session:
        now = station.now()
        operator = get_operator(session, name)
        for column, value in hashed.items():
            setattr(operator, column, value)
        audit.record(session, actor, now, "operators.secret", name, kind=kind)
        end_sessions(session, actor, now, name, f"new {kind}")
    return kind


def set_system_user(station: Station, actor: Actor, name: str, system_user: str | None) -> None:
    """Let the command line act as an operator for a user of the system, or (None) for none any more.

    Raises:
        StateConflict: that user is another operator's.
        NotFound, NotPermitted: as for `add`.
    """
    actor.require(Role.OPERATORS, _DEED)
    with station.database.writing() as session:
        operator = get_operator(session, name)
        if system_user != operator.system_user:
            _free_system_user(session, system_user)
        operator.system_user = system_user
        audit.record(session, actor, station.now(), "operators.system-user", name, system_user=system_user)


def disable(station: Station, actor: Actor, name: str) -> None:
    """Let an operator do nothing any more; the sessions end. The records keep the name.

    Raises:
        NotFound, NotPermitted: as for `add`; the last security officer stays.
    """
    actor.require(Role.OPERATORS, _DEED)
    with station.database.writing() as session:
        now = station.now()
        operator = get_operator(session, name)
        if operator.disabled_at is not None:
            raise StateConflict("operator {name} is disabled already", name=name)
        _not_the_last_officer(session, name)
        operator.disabled_at = now
        audit.record(session, actor, now, "operators.disable", name)
        end_sessions(session, actor, now, name, "disabled")


def enable(station: Station, actor: Actor, name: str) -> None:
    """Let a disabled operator work again.

    Raises:
        NotFound, NotPermitted: as for `add`.
    """
    actor.require(Role.OPERATORS, _DEED)
    with station.database.writing() as session:
        operator = get_operator(session, name)
        if operator.disabled_at is None:
            raise StateConflict("operator {name} is not disabled", name=name)
        operator.disabled_at = None
        audit.record(session, actor, station.now(), "operators.enable", name)


def release(station: Station, actor: Actor, name: str) -> None:
    """Release an operator who is locked after wrong secrets: a supervisor does, and for another.

    Raises:
        NotFound: no such operator.
        NotPermitted: not a supervisor, or for oneself.
        StateConflict: there is nothing to release.
    """
    actor.require(Role.SUPERVISOR, "release a locked operator")
    if actor.operator == name:
        raise NotPermitted("{name} does not release {name}: another supervisor does", name=name)
    with station.database.writing() as session:
        operator = get_operator(session, name)
        if not (operator.failures or operator.name_failures):
            raise StateConflict("operator {name} is not locked", name=name)
        operator.failures, operator.wait_until = 0, None
        operator.name_failures, operator.name_wait_until = 0, None
        audit.record(session, actor, station.now(), "operators.release", name)


def operators(station: Station, name: str | None = None) -> list[OperatorView]:
    """All operators by name, or one.

    Raises:
        NotFound: no such operator.
    """
    with station.database.reading() as session:
        query = select(Operator).order_by(Operator.name)
        if name is not None:
            query = query.where(Operator.name == get_operator(session, name).name)
        found = session.scalars(query).all()
        held = session.execute(select(OperatorPosition.operator, OperatorPosition.position)).all()
    positions: dict[str, list[Position]] = {one.name: [] for one in found}
    for holder, position in held:
        if holder in positions:
            positions[holder].append(position)
    return [
        OperatorView(
            name=one.name,
            positions=tuple(sorted(positions[one.name])),
            system_user=one.system_user,
            badge=one.badge_hash is not None,
            pin=one.pin_hash is not None,
            password=one.password_hash is not None,
            disabled=one.disabled_at is not None,
            locked=is_locked(one.failures),
            name_locked=is_locked(one.name_failures),
            added_at=one.added_at,
        )
        for one in found
    ]


def has_operators(session: Session) -> bool:
    """Whether the home has operators; until then the system's user does everything on the command line."""
    return session.scalar(select(Operator.name).limit(1)) is not None


def is_without_officer(station: Station) -> bool:
    """Whether no security officer can act: none yet, or all locked. Then whoever opens the keystore does."""
    with station.database.reading() as session:
        return not any(_can_act(one) for one in _officers(session))


def actor_of_system_user(station: Station, system_user: str) -> Actor | None:
    """The operator as whom a user of the system acts on the command line; None in a home without operators.

    Raises:
        NotPermitted: the home has operators, and none of them carries that user, or it is disabled.
    """
    with station.database.reading() as session:
        if not has_operators(session):
            return None
        operator = session.scalars(
            select(Operator).where(Operator.system_user == system_user, Operator.disabled_at.is_(None))
        ).one_or_none()
        if operator is None:
            raise NotPermitted(
                "the system's user {system_user} is none of this station's operators: a security officer "
                "adds one (dsc-station operators add NAME --system-user …)",
                system_user=system_user,
            )
        return actor_of(session, operator, station.settings.station)


def get_operator(session: Session, name: str) -> Operator:
    """An operator's record.

    Raises:
        NotFound: there is none of that name.
    """
    found = session.get(Operator, name)
    if found is None:
        raise NotFound("no operator {name}: `dsc-station operators list`", name=name)
    return found


def _hashed(name: str, secret: str) -> dict[str, str]:
    secret = canonical_secret(secret)
    if fault := secret_fault(secret, name):
        raise BadInput("operator {name}: {fault}", name=name, fault=fault)
    column = {SecretKind.PIN: "pin_hash", SecretKind.PASSWORD: "password_hash"}[kind_of_secret(secret)]
    return {column: hash_secret(secret)}


def _officers(session: Session) -> list[Operator]:
    """The security officers who are not disabled."""
    return list(
        session.scalars(
            select(Operator)
            .join(OperatorPosition, OperatorPosition.operator == Operator.name)
            .where(OperatorPosition.position == Position.SECURITY_OFFICER, Operator.disabled_at.is_(None))
        )
    )


def _can_act(operator: Operator) -> bool:
    """Whether an enabled operator can act at all: on the command line, or by a sign-in that is not locked."""
    if operator.system_user is not None:
        return True
    by_badge = operator.badge_hash and (operator.pin_hash or operator.password_hash)
    if by_badge and not is_locked(operator.failures):
        return True
    return operator.password_hash is not None and not is_locked(operator.name_failures)


def _not_the_last_officer(session: Session, name: str) -> None:
    """Refuse to take the only security officer away.

    Raises:
        NotPermitted: it is the only one.
    """
    if [one.name for one in _officers(session)] == [name]:
        raise NotPermitted("operator {name} is the last security officer: make another one first", name=name)


def _free_system_user(session: Session, system_user: str | None) -> None:
    """Refuse a system's user that is another operator's.

    Raises:
        StateConflict: it is.
    """
    if system_user is None:
        return
    holder = session.scalar(select(Operator.name).where(Operator.system_user == system_user))
    if holder is not None:
        raise StateConflict(
            "the system's user {system_user} is operator {holder} already",
            system_user=system_user,
            holder=holder,
        )
