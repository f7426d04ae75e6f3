"""Legacy devices: what users hold from earlier issues is put on record, for levels and sharing (R26, R30)."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from dscplus_station import audit
from dscplus_station.actor import Actor, Role
from dscplus_station.csvfile import Refusal, Row
from dscplus_station.devices.rules import LEGACY, DeviceType, legacy_serial_number_fault
from dscplus_station.devices.service import add_user
from dscplus_station.devices.tables import Assignment, Device
from dscplus_station.station import Station
from dscplus_station.users.tables import User

COLUMNS = ("serial_number", "type", "user")
"""The columns of a file of legacy devices."""

_TYPES = {one.value.lower(): one for one in LEGACY}


@dataclass
class LegacyResult:
    """What a file came to: devices recorded, devices that were here just so, rows refused."""

    recorded: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)


def import_legacy_devices(
    station: Station, actor: Actor, rows: Iterable[Row], refused: Iterable[Refusal]
) -> LegacyResult:
    """Put legacy devices on record, each active for its user: all rows, or none if one is refused.

    A file can be imported again. A device that was revoked since stays so.
    """
    actor.require(Role.CLIENT_SERVICES, "record legacy devices")
    result = LegacyResult(refused=list(refused))
    with station.database.writing() as session:
        now = station.now()
        lines: dict[str, int] = {}
        accepted: list[tuple[str, DeviceType, str]] = []
        for row in rows:
            serial, kind, user = (row.values[column] for column in COLUMNS)
            if (first := lines.setdefault(serial, row.line)) != row.line:
                outcome: str | bool = f"stands in line {first} already"
            else:
                outcome = _consider(session, serial, kind, user)
            if isinstance(outcome, str):
                result.refused.append(Refusal(row.line, serial[:40], outcome))
            elif outcome:
                accepted.append((serial, _TYPES[kind.lower()], user))
            else:
                result.unchanged.append(serial)
        result.refused.sort(key=lambda refusal: refusal.line)
        if result.refused:
            return result
        for serial, known_type, user in accepted:
            _record(session, actor, now, serial, known_type, user)
            result.recorded.append(serial)
    return result


def _consider(session: Session, serial: str, kind: str, user: str) -> str | bool:
    """Why a row is refused; else True for a device to be recorded, False for one on record just so."""
    if fault := legacy_serial_number_fault(serial):
        return fault
    if kind.lower() not in _TYPES:
        return f"unknown type {kind!r}: {', '.join(sorted(LEGACY))}"
    if session.get(User, user) is None:
        return f"no user {user}: import the users first"
    known = session.scalars(select(Device).where(Device.serial_number == serial)).first()
    if known is None:
        return True
    holders = session.scalars(select(Assignment.user_name).where(Assignment.device_id == known.id))
    if known.type is not _TYPES[kind.lower()] or user not in set(holders):
        return "is on record already, as another device or another user's"
    return False


def _record(
    session: Session, actor: Actor, now: datetime, serial_number: str, kind: DeviceType, user: str
) -> None:
    device = Device(type=kind, serial_number=serial_number, enrolled_at=now)
    session.add(device)
    session.flush()
    audit.record(session, actor, now, "device.legacy", serial_number, type=kind)
    add_user(session, actor, now, device, user, "held from an earlier issue")
