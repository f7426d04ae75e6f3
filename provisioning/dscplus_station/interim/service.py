"""Interim access as other rooms need it: who holds it, until when, and its end."""

import secrets
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from dscplus_station.actor import Actor, Role
from dscplus_station.clock import last_day
from dscplus_station.devices.rules import (
    INTERIM,
    AssignmentState,
    DeviceType,
    is_over,
    only_portal,
)
from dscplus_station.devices.service import end_device
from dscplus_station.devices.tables import Assignment, Device
from dscplus_station.interim.tables import IdentityCheck
from dscplus_station.station import Station
from dscplus_station.users.identity import get_user
from dscplus_station.words import require_words

_PREFIXES = {DeviceType.PASSCODE: "TP", DeviceType.ONLINE_CODE_CARD: "OSC"}


@dataclass(frozen=True)
class InterimAccess:
    """One passcode or online card, as it stands now."""

    user: str
    type: DeviceType
    serial_number: str
    assignment: AssignmentState
    issued_at: datetime
    portal_only_from: datetime | None
    portal_only: bool
    expires_at: datetime | None
    over: bool
    identity_checked_by: str | None
    identity_check: str | None
    ended_because: str | None


def online_cards_end(session: Session, zone: ZoneInfo, user_name: str | None = None) -> dict[str, date]:
    """The last days of confirmed online cards that were not ended, by user; of one user, if named (R16)."""
    return {
        assignment.user_name: last_day(zone, device.expires_at)
        for assignment, device in live_interim(session, user_name, DeviceType.ONLINE_CODE_CARD)
        if assignment.activated_at is not None and device.expires_at is not None
    }


def held_interim_access(session: Session, user_name: str, now: datetime) -> list[DeviceType]:
    """What interim access a user holds: confirmed, neither ended nor run out (R25)."""
    return [
        device.type
        for assignment, device in live_interim(session, user_name)
        if assignment.activated_at is not None and not is_over(device.expires_at, now)
    ]


def end_interim_access(
    session: Session, actor: Actor, now: datetime, user_name: str, because: str, *kinds: DeviceType
) -> int:
    """End all interim access of a user (R15), or that of some kinds; what it was compared with is erased.

    Returns:
        how many there were.
    """
    devices = [device for _, device in live_interim(session, user_name, *kinds)]
    for device in devices:
        end_device(session, actor, now, device, because)
    return len(devices)


def live_interim(
    session: Session, user_name: str | None, *kinds: DeviceType
) -> list[tuple[Assignment, Device]]:
    """Interim access that was not ended, confirmed or not, run out or not, oldest first; locked as others.

    Args:
        user_name: whose; None for everybody's.
        kinds: all, if none is named.
    """
    query = (
        select(Assignment, Device)
        .join(Device, Device.id == Assignment.device_id)
        .where(Device.type.in_(kinds or INTERIM), Assignment.state != AssignmentState.REVOKED)
        .order_by(Assignment.id)
        .with_for_update(of=Assignment)
    )
    if user_name is not None:
        query = query.where(Assignment.user_name == user_name)
    return [(assignment, device) for assignment, device in session.execute(query)]


def end_access(station: Station, actor: Actor, user_name: str, because: str) -> int:
    """Client services ends all interim access of a user; gives how many there were.

    Raises:
        BadInput: the reason is empty or too long.
        NotFound: there is no such user.
    """
    actor.require(Role.CLIENT_SERVICES, "end interim access")
    require_words(f"{user_name}: a reason", because)
    with station.database.writing() as session:
        get_user(session, user_name)
        return end_interim_access(session, actor, station.now(), user_name, because)


def interim_access(station: Station, user_name: str | None = None) -> list[InterimAccess]:
    """All interim access that was ever given, oldest first; of one user, if named. No secret is in it."""
    query = (
        select(Assignment, Device, IdentityCheck)
        .join(Device, Device.id == Assignment.device_id)
        .outerjoin(IdentityCheck, IdentityCheck.device_id == Device.id)
        .where(Device.type.in_(INTERIM))
        .order_by(Device.id)
    )
    if user_name is not None:
        query = query.where(Assignment.user_name == user_name)
    now = station.now()
    with station.database.reading() as session:
        return [
            InterimAccess(
                user=assignment.user_name,
                type=device.type,
                serial_number=device.serial_number,
                assignment=assignment.state,
                issued_at=device.enrolled_at,
                portal_only_from=device.portal_only_from,
                portal_only=only_portal(device.portal_only_from, now),
                expires_at=device.expires_at,
                over=assignment.state is AssignmentState.REVOKED or is_over(device.expires_at, now),
                identity_checked_by=check.checked_by if check else None,
                identity_check=check.how if check else None,
                ended_because=assignment.revoke_reason,
            )
            for assignment, device, check in session.execute(query)
        ]


def new_number(session: Session, kind: DeviceType) -> str:
    """A number for a passcode or online card that no device has or had: it names, and tells nothing."""
    while True:
        number = f"{_PREFIXES[kind]}-{secrets.randbelow(10**8):08}"
        if session.scalar(select(Device.id).where(Device.serial_number == number)) is None:
            return number
