"""Inspecting a card: received, diagnosed, recorded with one recommendation. No transaction spans the card."""

from dataclasses import dataclass

from sqlalchemy import update

from dscplus_driver import errors
from dscplus_driver.card import Card as DriverCard
from dscplus_station import audit
from dscplus_station.actor import Actor, Role
from dscplus_station.db import affected
from dscplus_station.desk.diagnostics import Diagnosis, OnFinding, diagnose, silent
from dscplus_station.desk.records import (
    expected_of,
    findings_of,
    latest_inspection,
    on_record,
    require_undisposed,
    written_findings,
    written_reasons,
)
from dscplus_station.desk.rules import Finding, Recommendation, recommend
from dscplus_station.desk.tables import Inspection
from dscplus_station.errors import BadInput, NotFound, StateConflict
from dscplus_station.keystore.interface import Keystore
from dscplus_station.orders.service import live_binding
from dscplus_station.returns.rules import Condition, ReturnState
from dscplus_station.returns.service import OUT, move_return, open_return, receive
from dscplus_station.station import Station
from dscplus_station.stock.rules import CardState, serial_number_fault
from dscplus_station.stock.service import move_card
from dscplus_station.stock.tables import Card

HALF_MADE = frozenset({CardState.PERSONALISED, CardState.VERIFIED, CardState.SECURED})
"""Without an order, such a card is left over from one that was cancelled."""
INSPECTED = frozenset({CardState.RETURNED, CardState.INSPECTED, CardState.QUARANTINED, CardState.SCRAPPED})


@dataclass(frozen=True)
class Inspected:
    """An inspection as it was recorded."""

    number: int
    serial_number: str
    revoked_for: list[str]
    condition: Condition
    findings: tuple[Finding, ...]
    recommendation: Recommendation


def inspect(
    station: Station,
    keystore: Keystore,
    actor: Actor,
    serial_number: str,
    card: DriverCard | None,
    condition: Condition = Condition.INTACT,
    *,
    on_finding: OnFinding = lambda _finding: None,
) -> Inspected:
    """Receive the card if it was out, make every check, and record the recommendation (R46).

    The caller holds the card's lock (`working.on_the_desk`, or the card's slot). Receipt comes first: from
    that moment on nobody can use the card, whatever the checks show.

    Args:
        serial_number: as it was scanned, or read from the card's back.
        card: None for one that is dead or at no port.

    Raises:
        NotPermitted: no returns clerk.
        BadInput: no serial number; or the card at the port is another one. Nothing was changed.
        StateConflict: it is in stock, or being restocked or scrapped already.
        DscError: the card was removed, or the port is not there; inspect it again.
    """
    actor.require(Role.RETURNS, "inspect cards")
    if fault := serial_number_fault(serial_number):
        raise BadInput("{card}: {fault}", card=serial_number, fault=fault)
    if card is not None:
        require_same(serial_number, card)
    revoked_for = _receive(station, actor, serial_number)
    with station.database.reading() as session:
        record, expected = on_record(session, serial_number), expected_of(session, keystore, serial_number)
    diagnosis = silent(on_finding) if card is None else diagnose(card, expected, on_finding)
    recommendation = recommend(record, condition, diagnosis.findings)
    number = _note(station, actor, serial_number, condition, diagnosis, recommendation)
    return Inspected(
        number, serial_number, revoked_for, condition, tuple(diagnosis.findings.values()), recommendation
    )


def judge_condition(station: Station, actor: Actor, number: int, condition: Condition) -> Recommendation:
    """Say what the desk sees of the inspected card; the recommendation follows.

    Raises:
        NotPermitted: no returns clerk.
        NotFound: no such inspection.
        StateConflict: something was done with the card since.
    """
    actor.require(Role.RETURNS, "inspect cards")
    with station.database.writing() as session:
        found = session.get(Inspection, number, with_for_update=True)
        if found is None:
            raise NotFound("no inspection {number}", number=number)
        latest = latest_inspection(session, found.serial_number)
        if latest is not found:
            raise StateConflict(
                "card {card} was inspected again since: look at that one", card=found.serial_number
            )
        require_undisposed(session, found.serial_number)
        recommendation = recommend(on_record(session, found.serial_number), condition, findings_of(found))
        found.condition = condition
        found.outcome, found.reasons = recommendation.outcome, written_reasons(recommendation.reasons)
        session.flush()
        now = station.now()
        audit.record(session, actor, now, "desk.condition", found.serial_number, condition=condition)
        return recommendation


def require_same(serial_number: str, card: DriverCard) -> None:
    """Compare the card's own serial number with the scan. One that cannot tell it is diagnosed all the same.

    Raises:
        BadInput: it is another card.
    """
    try:
        own = card.serial_number
    except (errors.CardTimeout, errors.LinkError, errors.ProtocolError, errors.StatusWordError):
        return
    if own != serial_number:
        raise BadInput(
            "{url}: the card there is {own}, and {card} was scanned. Nothing was changed. If {card} "
            "is printed on this very card, inspect it without its port, and set it aside",
            url=card.url,
            own=own,
            card=serial_number,
        )


def _receive(station: Station, actor: Actor, serial_number: str) -> list[str]:
    """Receive a card that was out; refuse one that is in stock, or at work already."""
    with station.database.reading() as session:
        card = session.get(Card, serial_number)
        state = card.state if card else None
        require_undisposed(session, serial_number)
        bound = live_binding(session, serial_number=serial_number)
    if state is None or state in INSPECTED or (state in HALF_MADE and bound is None):
        return []
    if state in OUT:
        return receive(station, actor, serial_number).revoked_for
    if bound is None:
        raise StateConflict(
            "card {card} is {state}: it is in the house and did not come back",
            card=serial_number,
            state=state,
        )
    raise StateConflict(
        "card {card} is {state} for order {order}: it is in the house and did not come back",
        card=serial_number,
        state=state,
        order=bound.order_id,
    )


def _note(
    station: Station,
    actor: Actor,
    serial_number: str,
    condition: Condition,
    diagnosis: Diagnosis,
    recommendation: Recommendation,
) -> int:
    """Record an inspection: the card and its return are INSPECTED, the highest counter seen is kept."""
    with station.database.writing() as session:
        now = station.now()
        require_undisposed(session, serial_number)
        found = open_return(session, serial_number)
        inspection = Inspection(
            serial_number=serial_number,
            return_id=found.id if found else None,
            at=now,
            operator=actor.operator,
            condition=condition,
            findings=written_findings(diagnosis.findings.values()),
            outcome=recommendation.outcome,
            reasons=written_reasons(recommendation.reasons),
        )
        session.add(inspection)
        session.flush()
        if diagnosis.sequence_counter is not None:
            affected(
                session,
                update(Card)
                .where(
                    Card.serial_number == serial_number, Card.sequence_counter < diagnosis.sequence_counter
                )
                .values(sequence_counter=diagnosis.sequence_counter),
            )
        card = session.get(Card, serial_number)
        told = f"inspection {inspection.id}"
        if card is not None and card.state is CardState.RETURNED:
            move_card(session, actor, now, serial_number, CardState.INSPECTED, told)
        if found is not None and found.state is ReturnState.RECEIVED:
            move_return(session, actor, now, found, ReturnState.INSPECTED)
        audit.record(
            session,
            actor,
            now,
            "desk.inspect",
            serial_number,
            inspection=inspection.id,
            outcome=recommendation.outcome,
            reasons=", ".join(recommendation.reasons),
        )
        return inspection.id
