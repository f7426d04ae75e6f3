"""A device with one of its users, as logins read it: from the tables, at a fraction of what objects take."""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, select
from sqlalchemy.orm import Session

from dscplus_station.db import run, table_of
from dscplus_station.devices.rules import AssignmentState, DeviceType, Profile
from dscplus_station.devices.service import live_device
from dscplus_station.devices.tables import Assignment, Device
from dscplus_station.errors import NotFound, WrongUsage
from dscplus_station.wording import words


@dataclass(frozen=True, slots=True)
class Held:
    """A device that has not ended, and one of its users who was not revoked. Fields as in the two tables."""

    device_id: int
    type: DeviceType
    serial_number: str
    run_id: str | None
    profile: Profile | None
    suite: str | None
    sealed_seed: bytes | None = field(repr=False)
    sealed_pin_hash: bytes | None = field(repr=False)
    sealed_codes: bytes | None = field(repr=False)
    portal_only_from: datetime | None
    expires_at: datetime | None
    assignment_id: int
    user_name: str
    state: AssignmentState
    activated_at: datetime | None
    wrong_responses: int

    def device(self, session: Session) -> Device:
        """The device, to be changed."""
        return session.get_one(Device, self.device_id)

    def assignment(self, session: Session) -> Assignment:
        """The assignment, to be changed."""
        return session.get_one(Assignment, self.assignment_id)


_devices, _assignments = table_of(Device), table_of(Assignment)
_NAMED = {"device_id": _devices.c.id, "assignment_id": _assignments.c.id}


def _column(name: str) -> ColumnElement[Any]:
    if name in _NAMED:
        return _NAMED[name]
    return (_devices if name in _devices.c else _assignments).c[name]


def _held(whose: ColumnElement[bool]) -> Select[Any]:
    """Oldest first."""
    return (
        select(*(_column(one.name) for one in fields(Held)))
        .select_from(_devices.join(_assignments, _assignments.c.device_id == _devices.c.id))
        .where(whose, _devices.c.ended_at.is_(None), _assignments.c.state != AssignmentState.REVOKED)
        .order_by(_assignments.c.id)
    )


_BY_CARD = _held(_devices.c.serial_number == bindparam("serial_number")).with_for_update(of=_assignments)
"""Locked until the transaction ends, so that two answers at once are judged one after the other, and both
count (R6), on PostgreSQL too.
"""
_BY_USER = _held(_assignments.c.user_name == bindparam("user_name"))


def held_by(session: Session, user_name: str) -> list[Held]:
    """A user's devices, to be shown: not locked, so that a reader waits for nobody."""
    return _found(session, _BY_USER, user_name=user_name)


def held(session: Session, serial_number: str, user_name: str | None) -> Held:
    """A device with one of its users; with a single user, nobody need be named (R4).

    Raises:
        NotFound: the card is no device, or not this user's.
        WrongUsage: several users share it and none was named.
    """
    found = _found(session, _BY_CARD, serial_number=serial_number)
    if not found:
        live_device(session, serial_number)
    users = [one for one in found if user_name is None or one.user_name == user_name]
    if not users:
        whose = (
            words("assigned to {user}", user=user_name)
            if user_name
            else words("assigned to anybody (any more)")
        )
        raise NotFound("card {card} is not {whose}", card=serial_number, whose=whose)
    if len(users) > 1:
        names = ", ".join(one.user_name for one in users)
        raise WrongUsage(
            "card {card} is shared by {names}: say which user (--user)", card=serial_number, names=names
        )
    return users[0]


def _found(session: Session, statement: Select[Any], **whose: str) -> list[Held]:
    session.flush()
    rows: Iterable[tuple[Any, ...]] = run(session, statement, whose)
    return [Held(*row) for row in rows]
