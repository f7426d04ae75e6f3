"""R13, R14: when a shipped card becomes active by itself, and when its user is told. Days are dates."""

from collections.abc import Container
from datetime import date, timedelta
from enum import StrEnum

from dscplus_station.orders.rules import OrderKind


class TimerState(StrEnum):
    """The life of an activation timer."""

    RUNNING = "RUNNING"
    DONE = "DONE"
    STOPPED = "STOPPED"


AUTO_ACTIVATION_DAYS: dict[OrderKind, int] = {
    OrderKind.NEW: 14,
    OrderKind.REPLACEMENT: 21,
}
"""R13, R14: calendar days from shipment until a card is active by itself; for a first card, compulsory."""


class Notice(StrEnum):
    """R13: what the user is told ahead."""

    SEVEN_DAYS = "SEVEN_DAYS"
    ONE_DAY = "ONE_DAY"


NOTICE_DAYS: dict[Notice, int] = {Notice.SEVEN_DAYS: 7, Notice.ONE_DAY: 1}


def activation_day(kind: OrderKind, shipped_on: date) -> date:
    """The day a card activates by itself: a date in the issuer's zone, not a span of hours (R13, R14)."""
    return shipped_on + timedelta(days=AUTO_ACTIVATION_DAYS[kind])


def is_due(due_on: date, today: date) -> bool:
    """R13: due is the first run on or after that day."""
    return today >= due_on


def notice_due(due_on: date, today: date, sent: Container[Notice] = ()) -> Notice | None:
    """The notice to send today, or None.

    A run after an outage sends what is still useful: the nearest one only, none once the day has come.
    """
    if is_due(due_on, today):
        return None
    for notice in (Notice.ONE_DAY, Notice.SEVEN_DAYS):
        if today >= due_on - timedelta(days=NOTICE_DAYS[notice]):
            return None if notice in sent else notice
    return None
