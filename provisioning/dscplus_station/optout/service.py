"""Opting out and back in (R32 to R34)."""

from dataclasses import dataclass

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from dscplus_station import audit
from dscplus_station.actor import Actor, Role
from dscplus_station.db import run, table_of
from dscplus_station.errors import NotPermitted, StateConflict
from dscplus_station.keystore.interface import Keystore
from dscplus_station.login.rules import Outcome, Purpose
from dscplus_station.login.service import Answer, prove
from dscplus_station.optout.rules import RESTRICTIONS, change_fault
from dscplus_station.optout.tables import OptOut
from dscplus_station.station import Station
from dscplus_station.users.identity import get_user, primary_user, require_open


@dataclass(frozen=True)
class Participation:
    """Whether a user is opted out, what is restricted then, and who may change it (R32, R33)."""

    user: str
    opted_out: bool
    restrictions: tuple[str, ...]
    changed_by: str | None


_times = table_of(OptOut)
_IS_OUT = select(_times.c.id).where(_times.c.user_name == bindparam("user"), _times.c.ended_at.is_(None))


def participation(station: Station, user_name: str) -> Participation:
    """How a user stands.

    Raises:
        NotFound: there is no such user.
    """
    with station.database.reading() as session:
        user = get_user(session, user_name)
        out = is_opted_out(session, user_name)
        primary = primary_user(session, user.account) if user.account is not None else None
        return Participation(user_name, out, RESTRICTIONS if out else (), primary)


def is_opted_out(session: Session, user_name: str) -> bool:
    """Whether a user is opted out: a fact of the session after a login (R32)."""
    return run(session, _IS_OUT, {"user": user_name}).first() is not None


def opt_out(station: Station, actor: Actor, acting: str, user_name: str) -> None:
    """Opt a user out, as the account's primary user asks; opted out already changes nothing (R33).

    Raises:
        NotFound: no such user.
        NotPermitted: somebody else asks; it tells who can. An account is closed (R45).
    """
    actor.require(Role.CLIENT_SERVICES, "opt users out")
    with station.database.writing() as session:
        now = station.now()
        _require_primary(session, acting, user_name)
        if _open(session, user_name) is not None:
            return
        session.add(OptOut(user_name=user_name, begun_at=now, begun_by=acting))
        audit.record(session, actor, now, "optout.out", user_name, by=acting)


def opt_in(
    station: Station,
    actor: Actor,
    keystore: Keystore,
    acting: str,
    user_name: str,
    serial_number: str,
    question: str,
    response: str,
) -> Answer:
    """Opt a user back in: the primary user's own device proves who confirms it (R33, R34).

    A wrong answer changes nothing, and counts as one at a login does (R6).

    Raises:
        WrongUsage, NotFound: as for a login; no such user.
        NotPermitted: somebody else asks, the device is not active, or an account is closed (R45).
        StateConflict: the user is not opted out.
    """
    actor.require(Role.CLIENT_SERVICES, "opt users in")
    with station.database.writing() as session:
        now = station.now()
        _require_primary(session, acting, user_name)
        open_one = _open(session, user_name)
        if open_one is None:
            raise StateConflict(f"{user_name} is not opted out")
        answer = prove(
            session, station, actor, now, keystore, serial_number, acting, question, response, Purpose.OPT_IN
        )
        if answer.outcome is Outcome.RIGHT:
            open_one.ended_at, open_one.ended_by = now, acting
            audit.record(session, actor, now, "optout.in", user_name, by=acting)
        return answer


def _require_primary(session: Session, acting: str, user_name: str) -> None:
    require_open(session, user_name)
    account = get_user(session, user_name).account
    primary = primary_user(session, account) if account is not None else None
    if fault := change_fault(acting, user_name, account, primary):
        raise NotPermitted(fault)
    require_open(session, acting)


_OPEN = (
    select(OptOut)
    .where(OptOut.user_name == bindparam("user_name"), OptOut.ended_at.is_(None))
    .with_for_update()
)


def _open(session: Session, user_name: str) -> OptOut | None:
    return session.scalars(_OPEN, {"user_name": user_name}).one_or_none()
