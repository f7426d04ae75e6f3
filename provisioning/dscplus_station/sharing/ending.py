"""How sharings end, within the transaction that has the reason: asked for, or as the device ends (R30)."""

from datetime import datetime

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from dscplus_station import audit
from dscplus_station.actor import Actor
from dscplus_station.db import affected
from dscplus_station.devices.rules import AssignmentState
from dscplus_station.devices.service import move_assignment
from dscplus_station.devices.tables import Assignment, Device
from dscplus_station.errors import StateConflict
from dscplus_station.sharing.rules import SHARING_TRANSITIONS, SharingState
from dscplus_station.sharing.tables import Redundant, Sharing


def end_sharing(session: Session, actor: Actor, now: datetime, sharing: Sharing, because: str) -> list[str]:
    """End an approved sharing: the requester leaves the device; what was dormant is active again (R30).

    Returns:
        the serial numbers of the devices that are active again; not of those that came back meanwhile.

    Raises:
        StateConflict: it is not APPROVED.
    """
    move_sharing(session, actor, now, sharing, SharingState.CANCELLED, ended_at=now, end_reason=because)
    told = f"sharing {sharing.id} ended"
    shared = session.get_one(Assignment, sharing.assignment_id)
    if shared.state is not AssignmentState.REVOKED:
        move_assignment(session, actor, now, shared, AssignmentState.REVOKED, told)
    again = []
    for assignment, device in redundant_of(session, sharing.id):
        if assignment.state is AssignmentState.DORMANT:
            move_assignment(session, actor, now, assignment, AssignmentState.ACTIVE, told)
            again.append(device.serial_number)
    return again


def end_sharings_of_device(
    session: Session, actor: Actor, now: datetime, device_id: int, because: str
) -> list[str]:
    """End every sharing of a device that is out of use for good; one that waits for compliance is rejected.

    Returns:
        the serial numbers of the requesters' own devices that are active again (R30).
    """
    return _end_all(session, actor, now, Sharing.device_id == device_id, because)


def end_sharings_of_requester(
    session: Session, actor: Actor, now: datetime, requester: str, because: str
) -> list[str]:
    """End what a user shares of others' devices, as above."""
    return _end_all(session, actor, now, Sharing.requester == requester, because)


def _end_all(
    session: Session, actor: Actor, now: datetime, which: ColumnElement[bool], because: str
) -> list[str]:
    again: list[str] = []
    query = select(Sharing).where(which).order_by(Sharing.id).with_for_update()
    for sharing in session.scalars(query).all():
        if sharing.state is SharingState.APPROVED:
            again += end_sharing(session, actor, now, sharing, because)
        elif sharing.state is SharingState.PENDING:
            move_sharing(
                session,
                actor,
                now,
                sharing,
                SharingState.REJECTED,
                decided_at=now,
                decided_by=actor.operator,
                note=because,
            )
    return again


def redundant_of(session: Session, sharing_id: int) -> list[tuple[Assignment, Device]]:
    """The requester's own devices that a sharing made dormant, as they stand now."""
    rows = session.execute(
        select(Assignment, Device)
        .join(Redundant, Redundant.assignment_id == Assignment.id)
        .join(Device, Device.id == Assignment.device_id)
        .where(Redundant.sharing_id == sharing_id)
        .order_by(Assignment.id)
    )
    return [(assignment, device) for assignment, device in rows]


def move_sharing(
    session: Session, actor: Actor, now: datetime, sharing: Sharing, following: SharingState, **facts: object
) -> None:
    """Take a sharing one step along its life; the update itself checks the present state.

    Raises:
        StateConflict: its present state does not lead there.
    """
    before = [state for state, after in SHARING_TRANSITIONS.items() if following in after]
    moved = affected(
        session,
        update(Sharing)
        .where(Sharing.id == sharing.id, Sharing.state.in_(before))
        .values(state=following, **facts),
    )
    if moved != 1:
        raise StateConflict(
            "sharing {sharing} is {state}: it cannot become {following}",
            sharing=sharing.id,
            state=sharing.state,
            following=following,
        )
    record_sharing(session, actor, now, sharing, note=facts.get("note") or facts.get("end_reason"))


def record_sharing(
    session: Session, actor: Actor, now: datetime, sharing: Sharing, **details: object
) -> None:
    """Add the audit row of a sharing's step."""
    told = {name: str(value) for name, value in details.items() if value is not None}
    audit.record(session, actor, now, f"sharing.{sharing.state}", str(sharing.id), **told)
