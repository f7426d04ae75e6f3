"""A login: a device's answer judged, and with a right one the facts that the session goes by."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from dscplus_station.actor import Actor, Role
from dscplus_station.devices.held import Held
from dscplus_station.devices.rules import DeviceType, only_portal
from dscplus_station.keystore.interface import Keystore
from dscplus_station.limits.rules import WITHDRAWAL_LIMITS
from dscplus_station.limits.service import leeway_with
from dscplus_station.login.rules import Outcome, Purpose
from dscplus_station.login.service import Answer, judge, provable
from dscplus_station.optout.rules import RESTRICTIONS
from dscplus_station.optout.service import is_opted_out
from dscplus_station.station import Station


@dataclass(frozen=True)
class Withdrawals:
    """What the device admits to withdraw, and what is left of it now, in cents; None: without limit (R20)."""

    per_day: int | None
    per_five_business_days: int | None
    left: int | None


@dataclass(frozen=True)
class SessionFacts:
    """What a session may do, by the device that authenticated it.

    Args:
        portal_only: it is there to get an online card, and for nothing else (R17).
        expires_at: when the interim access that opened it is over; None for a device of the own.
        withdrawals: None where the portal is all there is.
        restrictions: what a user who opted out may not do (R32).
    """

    device: DeviceType
    portal_only: bool
    expires_at: datetime | None
    withdrawals: Withdrawals | None
    opted_out: bool
    restrictions: tuple[str, ...]


@dataclass(frozen=True)
class Login:
    """How the answer was judged; the session's facts, only if it was right."""

    answer: Answer
    session: SessionFacts | None


def log_in(
    station: Station,
    actor: Actor,
    keystore: Keystore,
    serial_number: str,
    question: str,
    response: str,
    user_name: str | None = None,
) -> Login:
    """Judge an answer as `login.check_login` does, and give with a right one what the session goes by.

    Raises:
        WrongUsage, NotFound, NotPermitted: as for `check_login`.
    """
    actor.require(Role.CLIENT_SERVICES, "check responses")
    with station.database.writing() as session:
        now = station.now()
        return answered(session, station, actor, now, keystore, serial_number, question, response, user_name)


def answered(
    session: Session,
    station: Station,
    actor: Actor,
    now: datetime,
    keystore: Keystore,
    serial_number: str,
    question: str,
    response: str,
    user_name: str | None,
) -> Login:
    """As `log_in`, within the caller's transaction, which must commit either way.

    Raises:
        WrongUsage, NotFound, NotPermitted: as for `check_login`; nothing was changed then.
    """
    purpose = Purpose.LOGIN
    device = provable(session, now, serial_number, user_name, purpose)
    answer = judge(session, station, actor, now, keystore, device, question, response, purpose)
    if answer.outcome is not Outcome.RIGHT:
        return Login(answer, None)
    return Login(answer, _facts(session, station, now, device, answer))


def _facts(session: Session, station: Station, now: datetime, device: Held, answer: Answer) -> SessionFacts:
    portal_only = only_portal(device.portal_only_from, now)
    limits = WITHDRAWAL_LIMITS[device.type]
    out = is_opted_out(session, answer.user)
    withdrawals = None
    if not portal_only:
        left = None if limits.none else leeway_with(session, station, answer.user, device.type).left
        withdrawals = Withdrawals(limits.per_day, limits.per_five_business_days, left)
    return SessionFacts(
        device=device.type,
        portal_only=portal_only,
        expires_at=device.expires_at,
        withdrawals=withdrawals,
        opted_out=out,
        restrictions=RESTRICTIONS if out else (),
    )
