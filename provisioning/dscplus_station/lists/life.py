"""A card's whole life, and an order's, as a time line: from the audit trail; logins as counts a day only."""

import json
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from dscplus_station.audit import AuditRow
from dscplus_station.clock import day_in
from dscplus_station.devices.tables import Assignment, Device
from dscplus_station.login.rules import Outcome
from dscplus_station.login.tables import Attempt
from dscplus_station.orders.service import get_order
from dscplus_station.orders.tables import Binding
from dscplus_station.personalise.tables import Run
from dscplus_station.sharing.tables import Sharing
from dscplus_station.station import Station
from dscplus_station.stock.service import get_card

MOST_EVENTS = 400
"""The last so many: a card with more of them has an audit trail that is better read as one."""

_COUNTED = ("login.challenge", "login.attempt")
"""Never one by one: when somebody logs in is theirs."""

_TOLD_OTHERWISE = ("card.PERSONALISED", "card.VERIFIED", "card.SECURED", "order.pin-erased", "device.enrol")
"""The run's own steps say the same."""


@dataclass(frozen=True)
class Event:
    """What happened, to which card, order or sharing, by whom, where.

    `seconds`: of a step of a run, from the step before it.
    """

    at: datetime
    action: str
    subject: str
    operator: str
    station: str
    seconds: float | None
    details: dict[str, Any]


@dataclass(frozen=True)
class Logins:
    """How often a card's users answered a challenge on a day of the issuer's zone: right, and otherwise."""

    day: date
    right: int
    refused: int


def life_of_card(station: Station, serial_number: str) -> list[Event]:
    """A card's life, the oldest event first: its own, and those of its orders while it served them.

    Raises:
        NotFound: no such card.
    """
    with station.database.reading() as session:
        get_card(session, serial_number)
        served = session.execute(
            select(Binding.order_id, Binding.bound_at, Binding.released_at).where(
                Binding.serial_number == serial_number
            )
        ).all()
        events = _audited(session, [serial_number])
        for order_id, bound_at, released_at in served:
            events += [
                event
                for event in _audited(session, [order_id])
                if event.at >= bound_at and (released_at is None or event.at <= released_at)
            ]
        events += _sharings(session, serial_number)
        started = {
            row[0]: row[1]
            for row in session.execute(
                select(Run.id, Run.started_at).where(Run.serial_number == serial_number)
            )
        }
    return _timed(sorted(events, key=lambda event: event.at)[-MOST_EVENTS:], started)


def life_of_order(station: Station, order_id: str) -> list[Event]:
    """An order's life, the oldest event first.

    Raises:
        NotFound: there is none of that name.
    """
    with station.database.reading() as session:
        get_order(session, order_id)
        return _audited(session, [order_id])


def logins_by_day(station: Station, serial_number: str, days: int = 60) -> list[Logins]:
    """The last days on which a card was used, the newest first."""
    query = (
        select(Attempt.at, Attempt.outcome)
        .join(Assignment, Assignment.id == Attempt.assignment_id)
        .join(Device, Device.id == Assignment.device_id)
        .where(Device.serial_number == serial_number)
    )
    with station.database.reading() as session:
        counted = Counter(
            (day_in(station.settings.zone, at), outcome is Outcome.RIGHT)
            for at, outcome in session.execute(query)
        )
    used = sorted({day for day, _ in counted}, reverse=True)[:days]
    return [Logins(day, counted[day, True], counted[day, False]) for day in used]


def _audited(session: Session, subjects: Sequence[str]) -> list[Event]:
    query = (
        select(
            AuditRow.at,
            AuditRow.action,
            AuditRow.subject,
            AuditRow.operator,
            AuditRow.station,
            AuditRow.details,
        )
        .where(AuditRow.subject.in_(subjects), AuditRow.action.not_in(_COUNTED + _TOLD_OTHERWISE))
        .order_by(AuditRow.id.desc())
        .limit(MOST_EVENTS)
    )
    rows = reversed(session.execute(query).all())
    return [
        Event(at, action, subject, operator, station, None, json.loads(details))
        for at, action, subject, operator, station, details in rows
    ]


def _sharings(session: Session, serial_number: str) -> list[Event]:
    devices = select(Device.id).where(Device.serial_number == serial_number)
    events: list[Event] = []
    for sharing in session.scalars(select(Sharing).where(Sharing.device_id.in_(devices))):
        users = {"requester": sharing.requester, "owner": sharing.owner}
        events += [
            replace(event, details=users | event.details)
            for event in _audited(session, [str(sharing.id)])
            if event.action.startswith("sharing.")  # a number may be the name of other things, too
        ]
    return events


def _timed(events: Collection[Event], started: dict[str, datetime]) -> list[Event]:
    """The events, those of runs with the seconds since the step before."""
    last = dict(started)
    timed: list[Event] = []
    for event in events:
        run = event.details.get("run")
        if not event.action.startswith("run.") or run not in last:
            timed.append(event)
            continue
        seconds = (event.at - last[run]).total_seconds()
        last[run] = event.at
        timed.append(replace(event, seconds=seconds))
    return timed
