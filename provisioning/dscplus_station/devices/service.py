"""Devices and assignments, within the transactions of the rooms that use them."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from dscplus_station import audit
from dscplus_station.actor import Actor
from dscplus_station.db import affected
from dscplus_station.devices.rules import (
    ASSIGNMENT_TRANSITIONS,
    ActivatedBy,
    AssignmentState,
    DeviceType,
    Profile,
)
from dscplus_station.devices.tables import Assignment, Device
from dscplus_station.errors import NotFound, StateConflict


def enrol(
    session: Session,
    actor: Actor,
    now: datetime,
    *,
    serial_number: str,
    run_id: str,
    profile: Profile,
    suite: str,
    sealed_seed: bytes,
    sealed_pin_hash: bytes | None,
    user_name: str,
) -> Device:
    """Make a secured card known to the verifier, with its first user PENDING.

    Args:
        sealed_seed: sealed under `seed_of(serial_number, run_id)`.
        sealed_pin_hash: profile B only: SHA-256 of the PIN's digits, sealed under
            `pin_hash_of(serial_number, run_id)`.
    """
    device = Device(
        type=DeviceType.DSC_PLUS,
        serial_number=serial_number,
        run_id=run_id,
        profile=profile,
        suite=suite,
        sealed_seed=sealed_seed,
        sealed_pin_hash=sealed_pin_hash,
        enrolled_at=now,
    )
    session.add(device)
    session.flush()
    session.add(
        Assignment(device_id=device.id, user_name=user_name, state=AssignmentState.PENDING, created_at=now)
    )
    audit.record(session, actor, now, "device.enrol", serial_number, run=run_id, user=user_name)
    return device


def live_device(session: Session, serial_number: str) -> Device:
    """The device a card is at present.

    Raises:
        NotFound: the card is unknown, or was not personalised; or it is no device on record.
    """
    device = session.scalars(
        select(Device).where(Device.serial_number == serial_number, Device.ended_at.is_(None))
    ).one_or_none()
    if device is None:
        raise NotFound("card {card} is not a personalised card of this station", card=serial_number)
    return device


def live_assignments(session: Session, device_id: int) -> list[Assignment]:
    """The assignments of a device that are not revoked, oldest first; locked until the transaction ends.

    So two answers at once are judged one after the other, and both count (R6), on PostgreSQL too.
    """
    return list(
        session.scalars(
            select(Assignment)
            .where(Assignment.device_id == device_id, Assignment.state != AssignmentState.REVOKED)
            .order_by(Assignment.id)
            .with_for_update()
        )
    )


def live_assignments_of_users(
    session: Session, user_names: Collection[str]
) -> list[tuple[Assignment, Device]]:
    """The assignments of users that are not revoked, with their devices, oldest first; locked as above."""
    query = (
        select(Assignment, Device)
        .join(Device, Device.id == Assignment.device_id)
        .where(Assignment.user_name.in_(user_names), Assignment.state != AssignmentState.REVOKED)
        .order_by(Assignment.id)
        .with_for_update(of=Assignment)
    )
    return [(assignment, device) for assignment, device in session.execute(query)]


def add_user(
    session: Session, actor: Actor, now: datetime, device: Device, user_name: str, because: str
) -> Assignment:
    """Let another user use a device that is in use, ACTIVE at once (R4)."""
    assignment = Assignment(
        device_id=device.id,
        user_name=user_name,
        state=AssignmentState.ACTIVE,
        created_at=now,
        activated_at=now,
        activated_by=ActivatedBy.USER,
    )
    session.add(assignment)
    session.flush()
    audit.record(
        session, actor, now, "assignment.ACTIVE", device.serial_number, user=user_name, because=because
    )
    return assignment


def is_user_of(session: Session, serial_number: str, user_name: str) -> bool:
    """Whether a card is assigned to a user, and not revoked."""
    query = (
        select(Assignment.id)
        .join(Device, Device.id == Assignment.device_id)
        .where(
            Device.serial_number == serial_number,
            Assignment.user_name == user_name,
            Assignment.state != AssignmentState.REVOKED,
        )
    )
    return session.scalar(query.limit(1)) is not None


def move_assignment(
    session: Session,
    actor: Actor,
    now: datetime,
    assignment: Assignment,
    following: AssignmentState,
    because: str,
    *,
    activated_by: ActivatedBy | None = None,
) -> None:
    """Take an assignment one step along its life; the update itself checks the present state.

    Raises:
        StateConflict: its present state does not lead there.
    """
    before = [state for state, after in ASSIGNMENT_TRANSITIONS.items() if following in after]
    values: dict[str, object] = {"state": following}
    if following is AssignmentState.REVOKED:
        values |= {"revoked_at": now, "revoke_reason": because}
    if activated_by is not None:
        values |= {"activated_at": now, "activated_by": activated_by}
    moved = affected(
        session,
        update(Assignment).where(Assignment.id == assignment.id, Assignment.state.in_(before)).values(values),
    )
    if moved != 1:
        raise StateConflict(
            "{user}'s assignment is {state}: it cannot become {following}",
            user=assignment.user_name,
            state=assignment.state,
            following=following,
        )
    device = session.get_one(Device, assignment.device_id)
    audit.record(
        session,
        actor,
        now,
        f"assignment.{following}",
        device.serial_number,
        user=assignment.user_name,
        because=because,
    )


def revoke_card_users(
    session: Session, actor: Actor, now: datetime, serial_number: str, because: str
) -> list[str]:
    """Revoke every live assignment of a card; gives its users. The seed stays, to check a returned card."""
    assignments = session.scalars(
        select(Assignment)
        .join(Device, Device.id == Assignment.device_id)
        .where(Device.serial_number == serial_number, Assignment.state != AssignmentState.REVOKED)
        .order_by(Assignment.id)
    ).all()
    for assignment in assignments:
        move_assignment(session, actor, now, assignment, AssignmentState.REVOKED, because)
    return [assignment.user_name for assignment in assignments]


def end_device(session: Session, actor: Actor, now: datetime, device: Device, because: str) -> None:
    """Revoke every assignment of a card, and erase what verified it; the row stays as history."""
    revoke_card_users(session, actor, now, device.serial_number, because)
    device.ended_at = now
    device.sealed_seed = device.sealed_pin_hash = device.sealed_codes = None
    audit.record(session, actor, now, "device.end", device.serial_number, because=because)
