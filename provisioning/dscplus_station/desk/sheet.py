"""The sheet of facts about a card on the desk: what a clerk needs in a minute, and no address. Read-only."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dscplus_station.audit import AuditRow
from dscplus_station.desk.records import current_inspection, findings_of, open_disposal, recommendation_of
from dscplus_station.desk.rules import Finding, Outcome, Recommendation
from dscplus_station.desk.tables import Inspection
from dscplus_station.devices.tables import Assignment, Device
from dscplus_station.holds.service import hold_of
from dscplus_station.losses.service import report_of
from dscplus_station.orders.tables import Binding, Order
from dscplus_station.quarantine.service import open_case
from dscplus_station.quarantine.tables import Quarantine
from dscplus_station.returns.rules import Condition, ReturnReason, ReturnState
from dscplus_station.returns.tables import Return
from dscplus_station.shipping.tables import Shipment
from dscplus_station.station import Station
from dscplus_station.stock.rules import CardState
from dscplus_station.stock.tables import Card

EVENTS = 12
"""How many of the last events in a card's life the sheet shows."""


@dataclass(frozen=True)
class Event:
    """One row of a card's history."""

    at: datetime
    action: str
    operator: str


@dataclass(frozen=True)
class EarlierInspection:
    """An inspection before the last one, or of an earlier return."""

    number: int
    at: datetime
    operator: str
    condition: Condition
    outcome: Outcome


@dataclass(frozen=True)
class Sheet:
    """What is on record of a card. Everything beyond the serial number may be unknown."""

    serial_number: str
    state: CardState | None = None
    batch: str | None = None
    users: list[str] = field(default_factory=list)
    holder: str | None = None
    """First name of who it was sent to."""
    order: str | None = None
    order_state: str | None = None
    shipped_on: date | None = None
    replaces: str | None = None
    replaced_by: list[str] = field(default_factory=list)
    """Orders in place of this card."""
    hold: str | None = None
    hold_end: str | None = None
    judged_end: str | None = None
    reported: str | None = None
    return_number: int | None = None
    return_state: ReturnState | None = None
    reason: ReturnReason | None = None
    quarantine: str | None = None
    begun: Outcome | None = None
    """A restock or scrap that was begun and has not ended."""
    inspections: list[EarlierInspection] = field(default_factory=list)
    history: list[Event] = field(default_factory=list)

    def lines(self) -> Iterator[tuple[str, object]]:
        """What is known, a line a fact, for the command line."""
        for name, value in vars(self).items():
            if name not in ("inspections", "history") and value not in (None, []):
                told = ", ".join(value) if isinstance(value, list) else value
                yield name.replace("_", " "), told


@dataclass(frozen=True)
class Finished:
    """The last inspection, as it stands: for the page that shows it."""

    number: int
    at: datetime
    operator: str
    condition: Condition
    findings: list[Finding]
    recommendation: Recommendation


def sheet(station: Station, serial_number: str) -> Sheet:
    """The facts about a card; of an unknown serial number, that there are none."""
    with station.database.reading() as session:
        card = session.get(Card, serial_number)
        inspections = _inspections(session, serial_number)
        if card is None:
            return Sheet(serial_number, inspections=inspections)
        back = session.scalars(
            select(Return).where(Return.serial_number == serial_number).order_by(Return.id.desc()).limit(1)
        ).one_or_none()
        begun = open_disposal(session, serial_number)
        case = open_case(session, serial_number)
        facts: dict[str, Any] = {
            "state": card.state,
            "batch": card.batch,
            "users": _users(session, serial_number),
            "quarantine": case.cause if case else None,
            "begun": begun.kind if begun else None,
            "inspections": inspections,
            "history": _history(session, serial_number),
            **_order(session, serial_number, back),
        }
        if back is not None:
            facts |= {
                "return_number": back.id,
                "return_state": back.state,
                "reason": back.reason,
                "judged_end": back.judged_end,
            }
        return Sheet(serial_number, **facts)


def last_inspection(station: Station, serial_number: str) -> Finished | None:
    """The inspection that counts now (`current_inspection`), with what it recommends."""
    with station.database.reading() as session:
        found = current_inspection(session, serial_number)
        if found is None:
            return None
        return Finished(
            found.id,
            found.at,
            found.operator,
            found.condition,
            list(findings_of(found).values()),
            recommendation_of(session, found),
        )


@dataclass(frozen=True)
class Queued:
    """A return that is announced, on its way, or waits on the desk."""

    number: int
    serial_number: str
    holder: str
    user: str
    reason: ReturnReason | None
    state: ReturnState
    tracking: str | None
    since: datetime


@dataclass(frozen=True)
class OnShelf:
    """A card on the quarantine shelf."""

    serial_number: str
    cause: str
    opened_at: datetime
    opened_by: str
    evidence: str


def queue(station: Station) -> list[Queued]:
    """The returns that are not disposed of, without those on the quarantine shelf; oldest first."""
    with station.database.reading() as session:
        rows = session.execute(
            select(Return, Order.name, Order.user_name)
            .join(Order, Order.id == Return.order_id)
            .join(Card, Card.serial_number == Return.serial_number)
            .where(Return.state != ReturnState.DISPOSED, Card.state != CardState.QUARANTINED)
            .order_by(Return.id)
        )
        return [
            Queued(
                back.id,
                back.serial_number,
                first_name(name),
                user,
                back.reason,
                back.state,
                back.tracking,
                back.changed_at,
            )
            for back, name, user in rows
        ]


def on_the_shelf(station: Station) -> list[OnShelf]:
    """The cards in quarantine by the records, oldest first."""
    with station.database.reading() as session:
        open_cases = session.scalars(
            select(Quarantine).where(Quarantine.resolved_at.is_(None)).order_by(Quarantine.id)
        )
        return [
            OnShelf(one.serial_number, one.cause, one.opened_at, one.opened_by, one.evidence)
            for one in open_cases
        ]


def first_name(name: str) -> str:
    """The first word of a name: all that the desk is shown of it."""
    return name.split(maxsplit=1)[0]


def _order(session: Session, serial_number: str, back: Return | None) -> dict[str, Any]:
    """The order that the card served last, its deposit, and what came in the card's place."""
    query = select(Binding.order_id).where(Binding.serial_number == serial_number)
    order_id = back.order_id if back else session.scalar(query.order_by(Binding.id.desc()).limit(1))
    if order_id is None:
        return {}
    order, hold = session.get_one(Order, order_id), hold_of(session, order_id)
    report = report_of(session, order_id)
    return {
        "holder": first_name(order.name),
        "order": order.id,
        "order_state": order.state,
        "shipped_on": session.scalar(
            select(func.max(Shipment.shipped_on)).where(Shipment.order_id == order_id)
        ),
        "replaces": order.replaces,
        "replaced_by": list(
            session.scalars(select(Order.id).where(Order.replaces == serial_number).order_by(Order.id))
        ),
        "hold": hold.state if hold else None,
        "hold_end": hold.end_reason if hold else None,
        "reported": report.kind if report else None,
    }


def _users(session: Session, serial_number: str) -> list[str]:
    """Whose card it was last; revoked ones too."""
    device = session.scalar(
        select(Device.id).where(Device.serial_number == serial_number).order_by(Device.id.desc()).limit(1)
    )
    users = select(Assignment.user_name).where(Assignment.device_id == device).order_by(Assignment.id)
    return list(dict.fromkeys(session.scalars(users)))


def _inspections(session: Session, serial_number: str) -> list[EarlierInspection]:
    found = session.scalars(
        select(Inspection).where(Inspection.serial_number == serial_number).order_by(Inspection.id)
    )
    return [EarlierInspection(one.id, one.at, one.operator, one.condition, one.outcome) for one in found]


def _history(session: Session, serial_number: str) -> list[Event]:
    rows = session.scalars(
        select(AuditRow).where(AuditRow.subject == serial_number).order_by(AuditRow.id.desc()).limit(EVENTS)
    )
    return [Event(one.at, one.action, one.operator) for one in reversed(list(rows))]
