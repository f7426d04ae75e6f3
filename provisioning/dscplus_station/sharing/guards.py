"""What must hold whenever a sharing goes one step towards its approval (R24 to R28, R31)."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from dscplus_station.devices.rules import CARDS, AssignmentState
from dscplus_station.devices.service import live_assignments_of_users
from dscplus_station.devices.tables import Assignment, Device
from dscplus_station.errors import NotPermitted, StateConflict, StationError
from dscplus_station.interim.service import held_interim_access
from dscplus_station.keystore.interface import Keystore
from dscplus_station.sharing.errors import DifferentIdentification, HoldsInterimAccess, LessSecureDevice
from dscplus_station.sharing.rules import (
    Concern,
    SharingState,
    concerns,
    identity_fault,
    level_fault,
    shareable_fault,
)
from dscplus_station.sharing.tables import Sharing
from dscplus_station.users.identity import AccountClosed, recorded_identity, require_open

_LIVE = (SharingState.PENDING, SharingState.APPROVED)
_IN_USE = (AssignmentState.ACTIVE, AssignmentState.LOCKED)


@dataclass(frozen=True)
class Cleared:
    """A sharing that may be: what compliance might want to see, and what it makes redundant."""

    concerns: frozenset[Concern]
    redundant: list[tuple[Assignment, Device]]


def check(
    session: Session,
    keystore: Keystore,
    now: datetime,
    requester: str,
    owner: str,
    device: Device,
    itself: int | None = None,
) -> Cleared | StationError:
    """Look at all that must hold; gives the first refusal, so that a caller can commit and then raise it.

    Args:
        itself: the sharing that is looked at, which is not in its own way.
    """
    held = live_assignments_of_users(session, {requester, owner})
    return (
        _closed_fault(session, requester, owner)
        or _sharing_fault(session, requester, owner, device, itself)
        or _device_fault(held, requester, owner, device)
        or _interim_fault(session, now, requester, owner)
        or _identity_and_level(session, keystore, held, requester, owner, device)
    )


def _closed_fault(session: Session, requester: str, owner: str) -> StationError | None:
    """R45: whoever asked may have closed the account since."""
    try:
        for user in (requester, owner):
            require_open(session, user)
    except AccountClosed as fault:
        return fault
    return None


def _sharing_fault(
    session: Session, requester: str, owner: str, device: Device, itself: int | None
) -> StationError | None:
    """One sharing a requester; and no chains: who shares another's device has none that others share."""
    if requester == owner:
        return NotPermitted(f"{requester} cannot share a device with {requester}")
    others = session.scalars(
        select(Sharing).where(
            Sharing.state.in_(_LIVE),
            or_(Sharing.requester.in_((requester, owner)), Sharing.owner == requester),
            Sharing.id != (itself or 0),
        )
    )
    for other in others:
        advice = f"sharing {other.id} is {other.state}: cancel or decide it first"
        if other.requester == requester:
            return StateConflict(f"{requester} shares {other.owner}'s device already: {advice}")
        if other.owner == requester:
            return StateConflict(f"{other.requester} shares a device of {requester}'s: {advice}")
        if other.state is SharingState.APPROVED and other.device_id == device.id:
            return NotPermitted(f"{device.serial_number} is {other.owner}'s, not {owner}'s: name its owner")
    return None


def _device_fault(
    held: list[tuple[Assignment, Device]], requester: str, owner: str, device: Device
) -> StationError | None:
    if fault := shareable_fault(device.type):
        return NotPermitted(fault)
    states = {(a.user_name, a.device_id): a.state for a, _ in held}
    if (state := states.get((owner, device.id))) is not AssignmentState.ACTIVE:
        return NotPermitted(
            f"{device.serial_number} is {state or 'not a device'} for {owner}: only an active one is shared"
        )
    if state := states.get((requester, device.id)):
        return StateConflict(f"{device.serial_number} is {requester}'s already, {state}")
    for assignment, other in held:
        if assignment.user_name == requester and assignment.state is AssignmentState.LOCKED:
            return NotPermitted(
                f"{requester}'s {other.type} {other.serial_number} is LOCKED: release or revoke it first"
            )
    return None


def _interim_fault(session: Session, now: datetime, requester: str, owner: str) -> StationError | None:
    """R25: neither holds a temporary passcode or an online card."""
    for user in (requester, owner):
        if kinds := held_interim_access(session, user, now):
            return HoldsInterimAccess(
                f"{user} holds interim access ({', '.join(kinds)}): a device is shared when that has ended"
            )
    return None


def _identity_and_level(
    session: Session,
    keystore: Keystore,
    held: list[tuple[Assignment, Device]],
    requester: str,
    owner: str,
    device: Device,
) -> Cleared | StationError:
    one, other = (recorded_identity(session, keystore, user) for user in (requester, owner))
    if (fault := identity_fault(one, other)) or one is None or other is None:
        return DifferentIdentification(f"{requester} and {owner} ({fault})")
    if fault := level_fault(device.type, (d.type for a, d in held if a.state in _IN_USE)):
        return LessSecureDevice(fault)
    return Cleared(concerns(one, other), made_redundant(held, requester))


def made_redundant(held: list[tuple[Assignment, Device]], requester: str) -> list[tuple[Assignment, Device]]:
    """The requester's own cards in use: those that a sharing makes dormant (R30)."""
    return [
        (assignment, own)
        for assignment, own in held
        if assignment.user_name == requester
        and assignment.state is AssignmentState.ACTIVE
        and own.type in CARDS
    ]
