"""A sharing from its request to its end (R27 to R30); what must hold is looked at again at each step."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from dscplus_station.actor import Actor, Role
from dscplus_station.devices.rules import AssignmentState
from dscplus_station.devices.service import add_user, live_device, move_assignment
from dscplus_station.devices.tables import Device
from dscplus_station.errors import BadInput, NotFound, NotPermitted, StateConflict, StationError
from dscplus_station.keystore.interface import Keystore
from dscplus_station.login.rules import Outcome, Purpose
from dscplus_station.login.service import Answer, prove
from dscplus_station.sharing.ending import end_sharing, move_sharing, record_sharing
from dscplus_station.sharing.guards import Cleared, check
from dscplus_station.sharing.rules import (
    DECIDED_BY_COMPLIANCE,
    Concern,
    SharingState,
    proof_lapsed,
    shareable_fault,
)
from dscplus_station.sharing.tables import Redundant, Sharing
from dscplus_station.station import Station
from dscplus_station.users.identity import require_open
from dscplus_station.words import require_words


@dataclass(frozen=True)
class Requested:
    """How the owner's device answered; the sharing, if it was right."""

    answer: Answer
    sharing: int | None


def request(
    station: Station,
    actor: Actor,
    keystore: Keystore,
    requester: str,
    owner: str,
    serial_number: str,
    question: str,
    response: str,
) -> Requested:
    """Ask to share the owner's device, proven by its answer to a challenge issued to the owner (R27).

    User name and password of the owner are checked before that challenge is issued, as at a login (R1). A
    wrong answer counts as one at a login does (R6). Nothing is shared yet: see `review`, then `submit`.

    Raises:
        WrongUsage, NotFound, NotPermitted: as for a login; a phone app (R31); interim access (R25).
        LessSecureDevice, DifferentIdentification: R29; told only after a right answer.
        StateConflict: one of the two shares already.
    """
    actor.require(Role.CLIENT_SERVICES, "request sharings")
    with station.database.writing() as session:
        now = station.now()
        for user in (requester, owner):
            require_open(session, user)
        device = live_device(session, serial_number)
        if fault := shareable_fault(device.type):
            raise NotPermitted(fault)
        answer = prove(
            session, station, actor, now, keystore, serial_number, owner, question, response, Purpose.SHARING
        )
        if answer.outcome is not Outcome.RIGHT:
            return Requested(answer, None)
        cleared = check(session, keystore, now, requester, owner, device)
        if isinstance(cleared, Cleared):
            sharing = Sharing(
                requester=requester,
                owner=owner,
                device_id=device.id,
                state=SharingState.REQUESTED,
                proven_at=now,
            )
            session.add(sharing)
            session.flush()
            record_sharing(
                session, actor, now, sharing, requester=requester, owner=owner, device=serial_number
            )
            return Requested(answer, sharing.id)
    cleared.of_the_deed = True  # whatever it is: asked again, the used challenge would be refused
    raise cleared  # after the commit: the challenge stays used


def submit(station: Station, actor: Actor, keystore: Keystore, sharing_id: int) -> SharingState:
    """Submit a reviewed request: APPROVED at once, or PENDING where compliance decides (R28).

    Raises:
        NotFound: there is no such sharing.
        NotPermitted: the owner's device answered too long ago; or as for `request`.
        LessSecureDevice, DifferentIdentification: what was right at the request is no longer (R29).
        StateConflict: submitted already, or one of the two shares by now.
    """
    actor.require(Role.CLIENT_SERVICES, "submit sharings")
    decisive = decided_by_compliance(station)
    with station.database.writing() as session:
        now = station.now()
        sharing = get_sharing(session, sharing_id)
        if sharing.state is not SharingState.REQUESTED:
            raise StateConflict(f"sharing {sharing_id} is {sharing.state}: it was submitted already")
        if proof_lapsed(sharing.proven_at, now):
            raise NotPermitted(f"sharing {sharing_id}: the owner's device answered too long ago: ask again")
        cleared = _cleared(session, station, keystore, sharing)
        if cleared.concerns & decisive:
            move_sharing(session, actor, now, sharing, SharingState.PENDING, submitted_at=now)
        else:
            _approve(session, actor, now, sharing, cleared, "at once", submitted_at=now)
        return sharing.state


def approve(station: Station, actor: Actor, keystore: Keystore, sharing_id: int, note: str) -> None:
    """Compliance approves a pending sharing, if all that must hold still does (R28); else it stays PENDING.

    Raises:
        BadInput: the note is empty or too long.
        NotFound, NotPermitted, LessSecureDevice, DifferentIdentification, StateConflict: as for `submit`.
    """
    actor.require(Role.COMPLIANCE, "approve sharings")
    require_words(f"sharing {sharing_id}: a note", note)
    with station.database.writing() as session:
        sharing = get_sharing(session, sharing_id)
        if sharing.state is not SharingState.PENDING:
            raise StateConflict(f"sharing {sharing_id} is {sharing.state}, not PENDING: nothing to decide")
        cleared = _cleared(session, station, keystore, sharing)
        _approve(session, actor, station.now(), sharing, cleared, note)


def reject(station: Station, actor: Actor, sharing_id: int, note: str) -> None:
    """Compliance rejects a pending sharing (R28).

    Raises:
        BadInput: the note is empty or too long.
        NotFound, StateConflict: there is none, or it is not PENDING.
    """
    actor.require(Role.COMPLIANCE, "reject sharings")
    require_words(f"sharing {sharing_id}: a note", note)
    with station.database.writing() as session:
        now = station.now()
        sharing = get_sharing(session, sharing_id)
        move_sharing(
            session,
            actor,
            now,
            sharing,
            SharingState.REJECTED,
            decided_at=now,
            decided_by=actor.operator,
            note=note,
        )


def cancel(station: Station, actor: Actor, sharing_id: int, because: str) -> list[str]:
    """End a sharing: the requester leaves the device; what was dormant for it is active again (R30).

    Returns:
        the serial numbers of the devices that are active again; not of those that came back meanwhile.

    Raises:
        BadInput: the reason is empty or too long.
        NotFound, StateConflict: there is none, or it is not APPROVED.
    """
    actor.require(Role.CLIENT_SERVICES, "cancel sharings")
    require_words(f"sharing {sharing_id}: a reason", because)
    with station.database.writing() as session:
        now = station.now()
        return end_sharing(session, actor, now, get_sharing(session, sharing_id), because)


def get_sharing(session: Session, sharing_id: int) -> Sharing:
    """The sharing of that number, locked until the transaction ends.

    Raises:
        NotFound: there is none.
    """
    sharing = session.get(Sharing, sharing_id, with_for_update=True)
    if sharing is None:
        raise NotFound(f"no sharing {sharing_id}: `dsc-station sharing list` shows them")
    return sharing


def decided_by_compliance(station: Station) -> frozenset[Concern]:
    """Which concerns wait for compliance: `compliance` in the settings' table [sharing], else all (R28).

    Raises:
        BadInput: the setting names what is none.
    """
    named = station.settings.sharing.get("compliance", sorted(DECIDED_BY_COMPLIANCE))
    if not isinstance(named, list) or not all(one in list(Concern) for one in named):
        raise BadInput(
            f"{station.home.settings_file}: [sharing] compliance is a list of {', '.join(Concern)}, or empty"
        )
    return frozenset(Concern(one) for one in named)


def _cleared(session: Session, station: Station, keystore: Keystore, sharing: Sharing) -> Cleared:
    device = session.get_one(Device, sharing.device_id)
    cleared = check(
        session, keystore, station.now(), sharing.requester, sharing.owner, device, itself=sharing.id
    )
    if isinstance(cleared, StationError):
        raise cleared
    return cleared


def _approve(
    session: Session,
    actor: Actor,
    now: datetime,
    sharing: Sharing,
    cleared: Cleared,
    note: str,
    **facts: object,
) -> None:
    device = session.get_one(Device, sharing.device_id)
    told = f"sharing {sharing.id}"
    for assignment, _ in cleared.redundant:
        move_assignment(session, actor, now, assignment, AssignmentState.DORMANT, told)
        session.add(Redundant(sharing_id=sharing.id, assignment_id=assignment.id))
    assignment = add_user(session, actor, now, device, sharing.requester, told)
    move_sharing(
        session,
        actor,
        now,
        sharing,
        SharingState.APPROVED,
        assignment_id=assignment.id,
        decided_at=now,
        decided_by=actor.operator,
        note=note,
        **facts,
    )
