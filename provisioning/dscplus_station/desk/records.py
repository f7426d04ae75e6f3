"""What is on record of a card that lies on the desk; each within the caller's transaction."""

import json
from collections.abc import Iterable
from contextlib import suppress

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from dscplus_driver.sensitive import Seed
from dscplus_station.desk.diagnostics import Expected
from dscplus_station.desk.rules import (
    Check,
    Finding,
    KeysFound,
    OnRecord,
    Reason,
    Recommendation,
    Result,
    recommend,
)
from dscplus_station.desk.states import DisposalResult
from dscplus_station.desk.tables import Disposal, Inspection
from dscplus_station.devices.tables import Device
from dscplus_station.errors import NotFound, StateConflict
from dscplus_station.keystore.interface import Keystore, seed_of
from dscplus_station.losses.service import report_of
from dscplus_station.orders.rules import OrderState
from dscplus_station.orders.service import get_order
from dscplus_station.orders.tables import Binding
from dscplus_station.personalise.tables import Run
from dscplus_station.quarantine.tables import Quarantine
from dscplus_station.returns.service import open_return
from dscplus_station.stock.rules import CardState
from dscplus_station.stock.tables import Card

_BACK = frozenset({CardState.RETURNED, CardState.INSPECTED, CardState.SCRAPPED})


def latest_inspection(session: Session, serial_number: str) -> Inspection | None:
    """The last inspection of a card, whenever that was."""
    query = select(Inspection).where(Inspection.serial_number == serial_number)
    return session.scalars(query.order_by(Inspection.id.desc()).limit(1)).one_or_none()


def current_inspection(session: Session, serial_number: str) -> Inspection | None:
    """The last inspection, if it still speaks of the card: made in this stay, and nothing came of it yet."""
    found = latest_inspection(session, serial_number)
    back = open_return(session, serial_number)
    if found is None or found.return_id != (back.id if back else None):
        return None
    disposed = select(Disposal.id).where(
        Disposal.inspection_id == found.id, Disposal.result == DisposalResult.COMPLETED
    )
    resolved = select(Quarantine.id).where(
        Quarantine.serial_number == serial_number, Quarantine.resolved_at >= found.at
    )
    over = session.scalar(disposed.limit(1)) is not None or session.scalar(resolved.limit(1)) is not None
    return None if over or _taken_up_since(session, serial_number, found) else found


def open_disposal(session: Session, serial_number: str) -> Disposal | None:
    """The restock or scrap of a card that was begun and has not ended, nor was overtaken."""
    begun = unended_disposal(session, serial_number)
    if begun is None:
        return None
    inspection = session.get_one(Inspection, begun.inspection_id)
    return None if _taken_up_since(session, serial_number, inspection) else begun


def unended_disposal(session: Session, serial_number: str) -> Disposal | None:
    """As `open_disposal`, also one that was overtaken; there is one at most."""
    return session.scalars(
        select(Disposal).where(Disposal.serial_number == serial_number, Disposal.ended_at.is_(None))
    ).one_or_none()


def _taken_up_since(session: Session, serial_number: str, inspection: Inspection) -> bool:
    """Whether the bench took up a half-made card for an order since it was inspected: then nothing that was
    found, or begun, at the desk speaks of it any more.
    """
    if inspection.return_id is not None:
        return False
    bound_since = select(Binding.id).where(
        Binding.serial_number == serial_number,
        or_(Binding.released_at.is_(None), Binding.bound_at > inspection.at),
    )
    return session.scalar(bound_since.limit(1)) is not None


def require_undisposed(session: Session, serial_number: str) -> None:
    """Refuse while a restock or a scrap of the card is open.

    Raises:
        StateConflict: one is.
    """
    begun = open_disposal(session, serial_number)
    if begun is not None:
        raise StateConflict(
            "card {card}: its {kind} was begun and has not ended: run `dsc-station returns {kind} "
            "{card}` again",
            card=serial_number,
            kind=begun.kind,
        )


def on_record(session: Session, serial_number: str) -> OnRecord:
    """What speaks for or against a card before it is looked at."""
    card = session.get(Card, serial_number)
    if card is None:
        return OnRecord(state=None, was_out=True, report=None, undelivered=False)
    back = open_return(session, serial_number)
    if back is None:
        return OnRecord(state=card.state, was_out=card.state in _BACK, report=None, undelivered=False)
    report = report_of(session, back.order_id)
    undelivered = get_order(session, back.order_id).state is OrderState.UNDELIVERED
    return OnRecord(
        state=card.state, was_out=True, report=report.kind if report else None, undelivered=undelivered
    )


def expected_of(session: Session, keystore: Keystore, serial_number: str) -> Expected:
    """What a card is to show: by its keys, its counter, and the seed of the device that it was."""
    card = session.get(Card, serial_number)
    keys = [
        (KeysFound.ISSUER, keystore.issuer_master().keys_of(serial_number)),
        (KeysFound.RESTOCK, keystore.restock_master().keys_of(serial_number)),
    ]
    if card is None:
        return Expected(tuple(keys), was_out=True, sequence_counter=0)
    with suppress(NotFound):  # a batch whose key was never imported: none of its cards was opened by it
        keys.append((KeysFound.BATCH, keystore.batch_master(card.batch).keys_of(serial_number)))
    device = session.scalars(
        select(Device).where(Device.serial_number == serial_number, Device.ended_at.is_(None))
    ).one_or_none()
    was_out = on_record(session, serial_number).was_out
    if device is None or device.sealed_seed is None or device.run_id is None:
        written = session.scalars(select(Run.check_value).where(Run.serial_number == serial_number))
        values = tuple(bytes.fromhex(value) for value in written)
        return Expected(tuple(keys), was_out, card.sequence_counter, check_values=values)
    seed = Seed(keystore.unseal(seed_of(serial_number, device.run_id), device.sealed_seed))
    return Expected(
        tuple(keys),
        was_out,
        card.sequence_counter,
        profile=device.profile,
        suite=device.suite or "",
        seed=seed,
        check_values=(seed.check_value(),),
    )


def written_findings(findings: Iterable[Finding]) -> str:
    """Findings as an inspection keeps them."""
    return json.dumps(
        [
            {"check": one.check, "result": one.result, "evidence": one.evidence, "reason": one.reason}
            for one in findings
        ]
    )


def written_reasons(reasons: Iterable[Reason]) -> str:
    """Reasons as an inspection keeps them."""
    return json.dumps(list(reasons))


def findings_of(inspection: Inspection) -> dict[Check, Finding]:
    """The findings as they were recorded."""
    return {
        Check(row["check"]): Finding(
            Check(row["check"]),
            Result(row["result"]),
            row["evidence"],
            Reason(row["reason"]) if row["reason"] else None,
        )
        for row in json.loads(inspection.findings)
    }


def recommendation_of(session: Session, inspection: Inspection) -> Recommendation:
    """What an inspection recommends now, with the deviations that are open."""
    record = on_record(session, inspection.serial_number)
    return recommend(record, inspection.condition, findings_of(inspection))
