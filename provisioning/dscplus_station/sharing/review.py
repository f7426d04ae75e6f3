"""Sharings as people see them: what a request would do before it is submitted (R27), what became of it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from dscplus_station.devices.rules import AssignmentState, DeviceType
from dscplus_station.devices.service import live_assignments_of_users
from dscplus_station.devices.tables import Device
from dscplus_station.sharing.ending import redundant_of
from dscplus_station.sharing.guards import made_redundant
from dscplus_station.sharing.rules import PROOF_LIFETIME, SharingState, is_returned
from dscplus_station.sharing.service import get_sharing
from dscplus_station.sharing.tables import Sharing
from dscplus_station.station import Station


@dataclass(frozen=True)
class RedundantDevice:
    """A device of the requester's own that the sharing makes redundant, and whether it goes back (R30)."""

    serial_number: str
    type: DeviceType
    assignment: AssignmentState
    to_be_returned: bool


@dataclass(frozen=True)
class Review:
    """One sharing. `submit_before` is set while it is to be submitted."""

    sharing: int
    state: SharingState
    requester: str
    owner: str
    serial_number: str
    type: DeviceType
    submit_before: datetime | None
    decided_at: datetime | None
    decided_by: str | None
    note: str | None
    ended_at: datetime | None
    end_reason: str | None
    redundant: list[RedundantDevice]


def review(station: Station, sharing_id: int) -> Review:
    """One sharing; before it is approved, `redundant` is what would become so now (R27).

    Raises:
        NotFound: there is none of that number.
    """
    with station.database.reading() as session:
        sharing = get_sharing(session, sharing_id)
        return _review(session, sharing, session.get_one(Device, sharing.device_id))


def sharings(
    station: Station,
    user: str | None = None,
    *,
    state: SharingState | None = None,
    after: int = 0,
    limit: int | None = None,
) -> list[Review]:
    """All sharings, oldest first; those of one user, as requester or owner, or in one state, if named.

    Args:
        after: only those with a higher number.
        limit: so many at most.
    """
    query = select(Sharing, Device).join(Device, Device.id == Sharing.device_id)
    query = query.where(Sharing.id > after).order_by(Sharing.id).limit(limit)
    if state is not None:
        query = query.where(Sharing.state == state)
    if user is not None:
        query = query.where((Sharing.requester == user) | (Sharing.owner == user))
    with station.database.reading() as session:
        return [_review(session, sharing, device) for sharing, device in session.execute(query)]


def _review(session: Session, sharing: Sharing, device: Device) -> Review:
    undecided = sharing.state in (SharingState.REQUESTED, SharingState.PENDING)
    redundant = redundant_of(session, sharing.id)
    if undecided:
        requester = sharing.requester
        redundant = made_redundant(live_assignments_of_users(session, {requester}), requester)
    return Review(
        sharing=sharing.id,
        state=sharing.state,
        requester=sharing.requester,
        owner=sharing.owner,
        serial_number=device.serial_number,
        type=device.type,
        submit_before=sharing.proven_at + PROOF_LIFETIME if sharing.submitted_at is None else None,
        decided_at=sharing.decided_at,
        decided_by=sharing.decided_by,
        note=sharing.note,
        ended_at=sharing.ended_at,
        end_reason=sharing.end_reason,
        redundant=[
            RedundantDevice(own.serial_number, own.type, assignment.state, is_returned(own.type))
            for assignment, own in redundant
        ],
    )
