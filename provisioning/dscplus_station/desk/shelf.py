"""The quarantine shelf: cards put on it by the desk, its physical count, and how a case ends (R46)."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from dscplus_station import audit, locks
from dscplus_station.actor import Actor, Role
from dscplus_station.audit import Detail
from dscplus_station.db import affected
from dscplus_station.desk.journal import let_go
from dscplus_station.desk.records import (
    current_inspection,
    findings_of,
    latest_inspection,
    open_disposal,
    recommendation_of,
)
from dscplus_station.desk.rules import NOT_OUR_CARD, Outcome, Reason, Result, cause_of
from dscplus_station.desk.states import DisposalResult
from dscplus_station.desk.tables import Disposal, Inspection, ShelfCount
from dscplus_station.errors import BadInput, NotFound, NotPermitted, StateConflict
from dscplus_station.operators.service import has_operators
from dscplus_station.quarantine.rules import Resolution
from dscplus_station.quarantine.service import end_case, set_aside
from dscplus_station.quarantine.tables import Quarantine
from dscplus_station.returns.deposits import end_by_judgement
from dscplus_station.returns.rules import Condition
from dscplus_station.returns.service import open_return
from dscplus_station.station import Station
from dscplus_station.stock.rules import CardState, serial_number_fault
from dscplus_station.stock.tables import Batch, Card
from dscplus_station.wording import words
from dscplus_station.words import require_words

UNKNOWN_BATCH = "UNKNOWN"
"""Where a card of unknown serial number is kept on record: no key is ever imported for it by accident, since
its cards are in quarantine, and released they cannot be personalised without one.
"""


_SCRAP = "scrap a card in quarantine"


@dataclass(frozen=True)
class Count:
    """A count of the shelf against the records.

    `missing`: in quarantine by the records, and not there. `unexpected`: there, and not in quarantine by the
    records, with the state that they have it in ("unknown" for none).
    """

    number: int
    counted: int
    missing: list[str]
    unexpected: list[tuple[str, str]]


def quarantine(station: Station, actor: Actor, serial_number: str, because: str | None = None) -> int:
    """Put an inspected card into quarantine, with its findings as evidence; gives the inspection's number.

    Whether its deposit waits is judged with it: what is not the card that was sent releases nothing (R12).

    Args:
        because: why, if the inspection recommends otherwise.

    Raises:
        NotPermitted: no returns clerk.
        BadInput: a deviation without its reason.
        NotFound: the card was not inspected.
        StateConflict: it is in quarantine already, or scrapped.
        HeldByAnother: another process has the card.
    """
    actor.require(Role.RETURNS, "set cards aside")
    with (
        locks.hold(station.home.locks, f"card {serial_number}", "returns desk"),
        station.database.writing() as session,
    ):
        now = station.now()
        back = open_return(session, serial_number)
        inspection = current_inspection(session, serial_number)
        if inspection is None:
            raise NotFound(
                "card {card} was not inspected: `dsc-station returns inspect {card}`", card=serial_number
            )
        advised = recommendation_of(session, inspection)
        evidence = _evidence(inspection)
        if advised.outcome is not Outcome.QUARANTINE:
            require_words(
                words(
                    "card {card}: why {wanted} and not {outcome}",
                    card=serial_number,
                    wanted=Outcome.QUARANTINE,
                    outcome=advised.outcome,
                ),
                because or "",
            )
        if because:
            evidence["note"] = because
        _take_into_stock(session, actor, now, serial_number)
        set_aside(session, actor, now, serial_number, cause_of(advised.reasons), evidence)
        _end_disposal(session, serial_number, now)
        if back is not None:
            ours = not NOT_OUR_CARD & set(advised.reasons)
            end_by_judgement(session, actor, now, back, inspection.condition, our_card=ours)
        return inspection.id


def resolve(
    station: Station,
    actor: Actor,
    serial_number: str,
    resolution: Resolution,
    note: str,
    second: Actor | None = None,
) -> None:
    """End a quarantine: the card is scrapped, or released into stock as BLANK; a scrap takes another person
    than who set it aside.

    What the card was ends with it: its seed is erased, its order lets it go, its return is disposed of. A
    released card was genuine: a deposit that waited for its capture is released.

    Args:
        second: for a scrap: a supervisor who has proven it for this deed, while `actor` is at the desk; None
            only in a home without operators, where `actor` decides.

    Raises:
        NotPermitted: not a supervisor; or a scrap by the one who set it aside, or without a second person.
        BadInput: the note is empty or too long.
        NotFound: the card is not in quarantine.
        StateConflict: the card's state changed meanwhile.
    """
    decides = actor
    if second is not None:
        actor.require(Role.RETURNS, _SCRAP)
        actor.require_second(second, Role.SUPERVISOR, _SCRAP)
        decides = second
    with station.database.writing() as session:
        now = station.now()
        if resolution is Resolution.SCRAP and second is None and has_operators(session):
            raise NotPermitted("scrapping needs a second person, who signs for it here and now")
        end_case(session, decides, now, serial_number, resolution, note)
        back = open_return(session, serial_number)
        if back is not None and (resolution is Resolution.RELEASE or back.judged_end is None):
            inspection = latest_inspection(session, serial_number)
            seen = inspection.condition if inspection else Condition.INTACT
            end_by_judgement(session, actor, now, back, seen)
        let_go(session, actor, station, serial_number, f"quarantine: {resolution}")


def count(station: Station, actor: Actor, lying_there: Collection[str]) -> Count:
    """Compare what lies on the shelf with the records, and keep the count. It changes no card.

    Args:
        lying_there: the serial numbers that were scanned; one scanned twice counts once.

    Raises:
        NotPermitted: no returns clerk.
        BadInput: something that is no serial number.
    """
    actor.require(Role.RETURNS, "count the quarantine shelf")
    for serial in lying_there:
        if fault := serial_number_fault(serial):
            raise BadInput("{card}: {fault}. Nothing was recorded", card=serial, fault=fault)
    found = set(lying_there)
    with station.database.writing() as session:
        on_record = set(
            session.scalars(select(Quarantine.serial_number).where(Quarantine.resolved_at.is_(None)))
        )
        unexpected = []
        for serial in sorted(found - on_record):
            card = session.get(Card, serial)
            unexpected.append((serial, card.state.value if card else "unknown"))
        missing = sorted(on_record - found)
        now = station.now()
        kept = ShelfCount(
            at=now,
            operator=actor.operator,
            counted=len(found),
            missing=json.dumps(missing),
            unexpected=json.dumps(unexpected),
        )
        session.add(kept)
        session.flush()
        audit.record(
            session,
            actor,
            now,
            "desk.shelf-count",
            str(kept.id),
            counted=len(found),
            missing=len(missing),
            unexpected=len(unexpected),
        )
        return Count(kept.id, len(found), missing, unexpected)


def last_count(station: Station) -> tuple[datetime, str, Count] | None:
    """The last count: when, by whom, and what it came to."""
    with station.database.reading() as session:
        kept = session.scalars(select(ShelfCount).order_by(ShelfCount.id.desc()).limit(1)).one_or_none()
        if kept is None:
            return None
        unexpected = [(serial, state) for serial, state in json.loads(kept.unexpected)]
        return kept.at, kept.operator, Count(kept.id, kept.counted, json.loads(kept.missing), unexpected)


def _evidence(inspection: Inspection) -> dict[str, Detail]:
    """What spoke against the card, and why; nothing in it is secret."""
    told: dict[str, Detail] = {
        f"{one.check}": f"{one.result}: {one.evidence}"
        for one in findings_of(inspection).values()
        if one.result is not Result.PASSED
    }
    return told | {
        "inspection": inspection.id,
        "condition": inspection.condition.value,
        "reasons": ", ".join(Reason(one) for one in json.loads(inspection.reasons)),
    }


def _take_into_stock(session: Session, actor: Actor, now: datetime, serial_number: str) -> None:
    """Put a card of unknown serial number on record, so that its quarantine has something to stand on."""
    if session.get(Card, serial_number) is not None:
        return
    if session.get(Batch, UNKNOWN_BATCH) is None:
        session.add(Batch(name=UNKNOWN_BATCH))
        session.flush()
    session.add(
        Card(
            serial_number=serial_number,
            batch=UNKNOWN_BATCH,
            state=CardState.BLANK,
            received_at=now,
            changed_at=now,
        )
    )
    session.flush()
    audit.record(session, actor, now, "stock.unknown", serial_number, batch=UNKNOWN_BATCH)


def _end_disposal(session: Session, serial_number: str, now: datetime) -> None:
    """A restock or scrap that was begun ends with the quarantine."""
    begun = open_disposal(session, serial_number)
    if begun is not None and (
        affected(
            session,
            update(Disposal)
            .where(Disposal.id == begun.id, Disposal.ended_at.is_(None))
            .values(ended_at=now, result=DisposalResult.QUARANTINED),
        )
        != 1
    ):
        raise StateConflict(
            "the {kind} of card {card} was changed meanwhile: try again", kind=begun.kind, card=serial_number
        )
