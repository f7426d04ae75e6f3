"""When a job is due, and when it is tried again after it failed. Moments are aware."""

from datetime import datetime, timedelta
from enum import StrEnum

RETRY_FIRST = timedelta(minutes=1)
"""After one failure; each further one in a row doubles it."""
RETRY_MOST = timedelta(hours=1)
"""However long something is down: an hour after it is back, the job has run."""
LATE_AFTER = timedelta(hours=1)
"""Jobs run one after the other, and one that has much to do holds up the others; but not for so long."""


class Outcome(StrEnum):
    """How a run ended."""

    DONE = "DONE"
    IN_PART = "IN_PART"
    """It did its work; something in it has to be tried again, or looked at."""
    FAILED = "FAILED"
    """It could not do its work."""
    HELD = "HELD"
    """Another process is doing that very job: nothing was done here, nothing is wrong."""
    STOPPED = "STOPPED"
    """Its process was to end: the rest of its work waits, and nothing is wrong."""


def next_run(now: datetime, every: timedelta, outcome: Outcome, failures: int) -> datetime:
    """When a job that has just ended runs again.

    Args:
        failures: runs that FAILED in a row, this one included.
    """
    if outcome is Outcome.FAILED:
        doublings = min(failures - 1, 6)  # 64 minutes are more than the most
        return now + min(RETRY_FIRST * (1 << doublings), RETRY_MOST)
    if outcome is Outcome.STOPPED:
        return now
    return now + (min(RETRY_FIRST, every) if outcome is Outcome.HELD else every)


def is_due(now: datetime, next_at: datetime | None, every: timedelta) -> bool:
    """Whether a job is to run now: it never did, or its time has come.

    A time further away than any run is ever put off was written while the clock was wrong: it does not count.
    """
    return next_at is None or now >= next_at or next_at - now > max(every, RETRY_MOST)


class Attention(StrEnum):
    """Why somebody should look at a job."""

    FAILING = "FAILING"
    """It cannot do its work."""
    IN_PART = "IN_PART"
    """Of its last run something is left: a card was held back, a message did not go out."""
    LATE = "LATE"
    """Nobody runs it."""


def attention(now: datetime, outcome: Outcome, next_at: datetime) -> Attention | None:
    """Why somebody should look at a job, by its last run; None: nobody need."""
    if now - next_at > LATE_AFTER:
        return Attention.LATE
    if outcome is Outcome.FAILED:
        return Attention.FAILING
    return Attention.IN_PART if outcome is Outcome.IN_PART else None
