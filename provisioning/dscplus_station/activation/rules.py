"""R13, R14: when a shipped card becomes active by itself, and when its user is told. Days are dates."""

from collections.abc import Container
from datetime import date, timedelta
from enum import StrEnum

from dscplus_station.figures import ActivationDays
from dscplus_station.orders.rules import OrderKind


class TimerState(StrEnum):
    """The life of an activation timer."""

    RUNNING = "RUNNING"
    DONE = "DONE"
    STOPPED = "STOPPED"


class Notice(StrEnum):
    """R13: what the user is told ahead."""

    APPROACHING = "APPROACHING"
    IMMINENT = "IMMINENT"


def activation_day(kind: OrderKind, shipped_on: date, days: ActivationDays) -> date:
    """The day a card activates by itself: a date in the issuer's zone, not a span of hours (R13); for a first
    card the day from which it is compulsory (R14).
    """
    period = days.replacement if kind is OrderKind.REPLACEMENT else days.first_card
    return shipped_on + timedelta(days=period)


def is_due(due_on: date, today: date) -> bool:
    """R13: due is the first run on or after that day."""
    return today >= due_on


def notice_due(
    due_on: date, today: date, days: ActivationDays, sent: Container[Notice] = ()
) -> Notice | None:
    """The notice to send today, or None.

    A run after an outage sends what is still useful: the nearest one only, none once the day has come.
    """
    if is_due(due_on, today):
        return None
    for notice, before in ((Notice.IMMINENT, days.imminent), (Notice.APPROACHING, days.approaching)):
        if today >= due_on - timedelta(days=before):
            return None if notice in sent else notice
    return None
