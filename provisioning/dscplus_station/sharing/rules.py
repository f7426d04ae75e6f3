"""R24 to R31: who may share which device, what compliance must see, and a sharing's life."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from dscplus_station.devices.rules import CARDS, DeviceType
from dscplus_station.limits.rules import level
from dscplus_station.users.rules import Identity

LESS_SECURE_DEVICE = "Less secure device"
DIFFERENT_IDENTIFICATION = "Different identification information"
"""R29: the errors' names."""

PROOF_LIFETIME = timedelta(minutes=30)
"""How long a request can be submitted after the owner's device answered: long enough to review it."""


class SharingState(StrEnum):
    """How far a sharing has come."""

    REQUESTED = "REQUESTED"
    PENDING = "PENDING"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    CANCELLED = "CANCELLED"


S = SharingState
SHARING_TRANSITIONS: dict[SharingState, frozenset[SharingState]] = {
    S.REQUESTED: frozenset({S.APPROVED, S.PENDING}),
    S.PENDING: frozenset({S.APPROVED, S.REJECTED}),
    S.APPROVED: frozenset({S.CANCELLED}),
    S.REJECTED: frozenset(),
    S.CANCELLED: frozenset(),
}


class Concern(StrEnum):
    """R28: what may make compliance decide; which do is the issuer's setting."""

    DIFFERENT_ENTITY = "different-entity"
    """Two entities, told to be one person by their facts."""
    DIFFERENT_DOCUMENT = "different-document"
    """Two entities whose documents differ: only the social security number is equal."""


DECIDED_BY_COMPLIANCE = frozenset(Concern)
"""R28: unless the issuer sets others, each concern waits for compliance."""


def identity_fault(requester: Identity | None, owner: Identity | None) -> str | None:
    """How two users' identities differ, by the names of the facts, or None if they are one person's (R24).

    What is not on record cannot be equal. Two social security numbers that differ are two people's, whatever
    else is equal.
    """
    if requester is None or owner is None:
        return "who they are is not on record of both"
    if requester.entity == owner.entity:
        return None
    differing = [
        told
        for told, one, other in (
            ("date of birth", requester.birth_date, owner.birth_date),
            ("citizenship", requester.citizenship, owner.citizenship),
            ("country of legal residence", requester.residence, owner.residence),
        )
        if one is None or one != other
    ]
    if requester.ssn is not None and owner.ssn is not None:
        if requester.ssn != owner.ssn:
            differing.append("US social security number")
    elif requester.document is None or requester.document != owner.document:
        differing.append("identity document")
    return ", ".join(differing) or None


def concerns(requester: Identity, owner: Identity) -> frozenset[Concern]:
    """What compliance might want to see in a sharing between users whose identities are equal (R28)."""
    if requester.entity == owner.entity:
        return frozenset()
    if requester.document is None or requester.document != owner.document:
        return frozenset(Concern)
    return frozenset({Concern.DIFFERENT_ENTITY})


def level_fault(shared: DeviceType, held: Iterable[DeviceType]) -> str | None:
    """Which of the devices that both hold is more secure than the shared one, or None (R26).

    Equal levels: either may be shared. Only cards count: codes by SMS and the phone app are no such devices.
    """
    better = [kind for kind in held if kind in CARDS and level(kind) > level(shared)]
    if not better:
        return None
    return f"a {max(better, key=level)} is more secure than a {shared}: share that one"


def shareable_fault(kind: DeviceType) -> str | None:
    """Why a type of device is never shared this way, or None (R31)."""
    if kind in CARDS:
        return None
    if kind is DeviceType.PHONE_APP:
        return "the phone app is never shared this way: add the user inside the app"
    return f"{kind} is nothing that can be shared"


def is_returned(kind: DeviceType) -> bool:
    """R30: of the devices that a sharing makes redundant, only a DSC+ goes back; others may be kept."""
    return kind is DeviceType.DSC_PLUS


def proof_lapsed(proven_at: datetime, now: datetime) -> bool:
    """Whether the owner's device answered too long ago for the request to be submitted."""
    return now >= proven_at + PROOF_LIFETIME
