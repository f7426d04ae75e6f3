"""Withdrawals and deposits against the limits, and the gates for enrolled users (R20, R21)."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dscplus_station import audit
from dscplus_station.actor import Actor, Role
from dscplus_station.business_days import DEFAULT_CALENDAR, business_days
from dscplus_station.devices.rules import AssignmentState, DeviceType, is_over, only_portal
from dscplus_station.devices.service import live_assignments_of_users
from dscplus_station.errors import BadInput, NotPermitted, StateConflict
from dscplus_station.limits.rules import (
    GATE_TOLD,
    WITHDRAWAL_LIMITS,
    Gate,
    dollars,
    gate_open,
    left,
    passes,
    window_start,
)
from dscplus_station.limits.tables import Movement, MovementKind, SmsEnrolment
from dscplus_station.station import Station
from dscplus_station.users.identity import get_user, require_open
from dscplus_station.users.tables import User
from dscplus_station.words import require_words


class OverLimit(NotPermitted):
    """A withdrawal is more than what is left with the device that authenticated it (R20)."""


class NotEnrolled(NotPermitted):
    """It takes an active device, which this user has not (R21)."""


@dataclass(frozen=True)
class Leeway:
    """What a user may withdraw with a type of device, in cents; None: without limit."""

    user: str
    device_type: DeviceType
    window_from: date
    spent_today: int
    spent_in_window: int
    left: int | None


def device_types_of(session: Session, user_name: str, now: datetime) -> frozenset[DeviceType]:
    """What a user can authenticate with now, for more than to reach the portal; `NONE` for everybody."""
    held = {
        device.type
        for assignment, device in live_assignments_of_users(session, {user_name})
        if assignment.state is AssignmentState.ACTIVE
        and not is_over(device.expires_at, now)
        and not only_portal(device.portal_only_from, now)
    }
    confirmed = select(SmsEnrolment.id).where(
        SmsEnrolment.user_name == user_name,
        SmsEnrolment.confirmed_at.is_not(None),
        SmsEnrolment.ended_at.is_(None),
    )
    if session.scalar(confirmed) is not None:
        held.add(DeviceType.SMS)
    return frozenset(held | {DeviceType.NONE})


def leeway(station: Station, user_name: str) -> list[Leeway]:
    """What a user may withdraw today with each type of device that is active for this user (R20).

    Raises:
        NotFound: there is no such user.
        AccountClosed: nothing is withdrawn from it (R45).
    """
    with station.database.reading() as session:
        require_open(session, user_name)
        kinds = device_types_of(session, user_name, station.now())
        return [leeway_with(session, station, user_name, kind) for kind in DeviceType if kind in kinds]


def withdraw(
    station: Station, actor: Actor, user_name: str, kind: DeviceType, amount: int, reference: str
) -> Leeway:
    """Let a withdrawal pass and count it, or refuse it (R20); gives what is left after it.

    The windows count what all users of the account withdrew, with whatever device.

    Args:
        kind: the type of device that authenticated the request.
        amount: US cents, above 0.
        reference: the portal's; the same withdrawal again counts once.

    Raises:
        NotFound, BadInput: no such user; no amount or reference.
        OverLimit: more than is left.
        NotPermitted: the user has no such device that is active; the account is closed (R45).
        StateConflict: the reference is another movement's.
    """
    actor.require(Role.CLIENT_SERVICES, "record withdrawals")
    with station.database.writing() as session:
        if not _known(session, user_name, kind, amount, reference, MovementKind.WITHDRAWAL):
            if kind not in device_types_of(session, user_name, station.now()):
                raise NotPermitted(f"{user_name} has no {kind} that is active")
            allowed = leeway_with(session, station, user_name, kind)
            if not passes(amount, allowed.left):
                raise OverLimit(
                    f"{dollars(amount)} is more than is left for {user_name} with {kind}: "
                    f"{dollars(allowed.left)}"
                )
            _count(session, station, actor, user_name, kind, amount, reference, MovementKind.WITHDRAWAL)
        return leeway_with(session, station, user_name, kind)


def deposit(station: Station, actor: Actor, user_name: str, amount: int, reference: str) -> None:
    """Let a deposit by ACH or EFT pass and count it: who is not enrolled has a first 20,000 USD (R21).

    Raises:
        NotFound, BadInput, NotPermitted, StateConflict: as for `withdraw`.
    """
    actor.require(Role.CLIENT_SERVICES, "record deposits")
    kind = DeviceType.NONE
    with station.database.writing() as session:
        if not _known(session, user_name, kind, amount, reference, MovementKind.DEPOSIT):
            _require_gate(session, station.now(), user_name, Gate.DEPOSIT, amount)
            _count(session, station, actor, user_name, kind, amount, reference, MovementKind.DEPOSIT)


def require_gate(station: Station, user_name: str, gate: Gate) -> None:
    """Refuse what only enrolled users may do (R21).

    Raises:
        NotFound: there is no such user.
        NotEnrolled: as it says.
        AccountClosed: of such a one nothing is changed (R45).
    """
    with station.database.reading() as session:
        require_open(session, user_name)
        _require_gate(session, station.now(), user_name, gate, 1)


def _require_gate(session: Session, now: datetime, user_name: str, gate: Gate, amount: int) -> None:
    """A passcode enrols nobody: it is there to get a device."""
    enrolled = bool(device_types_of(session, user_name, now) - {DeviceType.NONE, DeviceType.PASSCODE})
    deposited = _moved(session, user_name, MovementKind.DEPOSIT, date.min)
    if not gate_open(gate, enrolled=enrolled, deposited=deposited, deposit=amount):
        raise NotEnrolled(f"{user_name} may not {GATE_TOLD[gate]}: that needs an active device (R21)")


def leeway_with(session: Session, station: Station, user_name: str, kind: DeviceType) -> Leeway:
    """What a user may withdraw today with a type of device, within the caller's transaction (R20)."""
    today = station.today()
    calendar = business_days(station.settings.calendar.get("holidays", DEFAULT_CALENDAR))
    start = window_start(today, calendar)
    spent_today = _moved(session, user_name, MovementKind.WITHDRAWAL, today)
    spent_in_window = _moved(session, user_name, MovementKind.WITHDRAWAL, start)
    still = left(WITHDRAWAL_LIMITS[kind], spent_today, spent_in_window)
    return Leeway(user_name, kind, start, spent_today, spent_in_window, still)


def _moved(session: Session, user_name: str, kind: MovementKind, since: date) -> int:
    """Cents that all users of the account moved on or after a day; of the one user if none is on record."""
    account = get_user(session, user_name).account
    query = select(func.sum(Movement.amount_cents)).where(Movement.kind == kind, Movement.on_day >= since)
    if account is None:
        query = query.where(Movement.user_name == user_name)
    else:
        query = query.join(User, User.name == Movement.user_name).where(User.account == account)
    return int(session.scalar(query) or 0)


def _known(
    session: Session, user_name: str, device: DeviceType, amount: int, reference: str, kind: MovementKind
) -> bool:
    """Whether this very movement was counted before; else a new one may be. Locks the account's users until
    the transaction ends.

    Raises:
        NotFound, BadInput: no such user; no amount or reference.
        AccountClosed: and it was not counted before that (R45).
        StateConflict: the reference is another movement's.
    """
    require_words("a reference", reference, 40)
    if amount <= 0:
        raise BadInput("an amount is above 0")
    user = get_user(session, user_name)
    whose = User.account == user.account if user.account is not None else User.name == user_name
    session.execute(select(User.name).where(whose).order_by(User.name).with_for_update()).all()
    known = session.get(Movement, reference)
    if known is None:
        require_open(session, user_name)
        return False
    if (known.kind, known.user_name, known.device_type, known.amount_cents) != (
        kind,
        user_name,
        device,
        amount,
    ):
        raise StateConflict(f"reference {reference} is another movement's")
    return True


def _count(
    session: Session,
    station: Station,
    actor: Actor,
    user_name: str,
    device: DeviceType,
    amount: int,
    reference: str,
    kind: MovementKind,
) -> None:
    now = station.now()
    session.add(
        Movement(
            reference=reference,
            kind=kind,
            user_name=user_name,
            device_type=device,
            amount_cents=amount,
            on_day=station.today(),
            at=now,
        )
    )
    session.flush()
    audit.record(
        session, actor, now, f"limits.{kind}", reference, user=user_name, device=device, cents=amount
    )
