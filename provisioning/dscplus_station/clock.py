"""The station's clock: an argument everywhere, so that a test or a demo can stand at any moment."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

Clock = Callable[[], datetime]
"""Gives the present moment, aware and in UTC."""


def system_clock() -> datetime:
    """The machine's clock, aware and in UTC."""
    return datetime.now(UTC)


def day_in(zone: ZoneInfo, moment: datetime) -> date:
    """The calendar day of an aware moment in the issuer's zone: periods count such days (R13)."""
    return moment.astimezone(zone).date()


def end_of_day(zone: ZoneInfo, day: date) -> datetime:
    """The moment, in UTC, at which a day is over in the issuer's zone, however many hours it had."""
    return datetime.combine(day + timedelta(days=1), time.min, zone).astimezone(UTC)


def last_day(zone: ZoneInfo, end: datetime) -> date:
    """The last day, in the issuer's zone, of a period that is over at `end`."""
    return day_in(zone, end - timedelta(microseconds=1))
