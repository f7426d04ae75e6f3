"""The station's clock: an argument everywhere, so that a test or a demo can stand at any moment."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

Clock = Callable[[], datetime]
"""Gives the present moment, aware and in UTC."""


def system_clock() -> datetime:
    """The machine's clock, aware and in UTC."""
    return datetime.now(UTC)


def day_in(zone: ZoneInfo, moment: datetime) -> date:
    """The calendar day of an aware moment in the issuer's zone: periods count such days (R13)."""
    return moment.astimezone(zone).date()
