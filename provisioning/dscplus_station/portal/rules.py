"""R1: name and password, then a challenge; what a login that has begun still admits."""

from datetime import datetime, timedelta

from dscplus_station.figures import LoginFigures

PROVEN_FOR = timedelta(minutes=15)
"""How long a login counts as fresh for what asks for a fresh one, such as another PIN (R7)."""

MAX_TRIES = 10
"""Answers that one login may try, over all its devices; each device locks by itself before (R6)."""


MAX_FAILURES = 10
WINDOW = timedelta(hours=24)
"""R6: the portal locks a name after so many wrong passwords in a row within this time."""


def is_locked(now: datetime, failures: int, first_failure_at: datetime | None) -> bool:
    """Whether no password is accepted for the present; aware moments."""
    return failures >= MAX_FAILURES and first_failure_at is not None and now < first_failure_at + WINDOW


def after_failure(now: datetime, failures: int, first_failure_at: datetime | None) -> tuple[int, datetime]:
    """The count and the moment of the first failure, with one more; what lies a day back counts no more."""
    if first_failure_at is None or now >= first_failure_at + WINDOW:
        return 1, now
    return failures + 1, first_failure_at


def lifetime(figures: LoginFigures) -> timedelta:
    """How long a login may take from the password to the device's answer: two challenges' time (R6)."""
    return 2 * figures.challenge_lifetime


def is_open(
    now: datetime, begun_at: datetime, ended_at: datetime | None, tries: int, figures: LoginFigures
) -> bool:
    """Whether a login can still be answered."""
    return ended_at is None and now < begun_at + lifetime(figures) and tries < MAX_TRIES


def is_live(now: datetime, begun_at: datetime, ended_at: datetime | None, figures: LoginFigures) -> bool:
    """Whether a login shows who is there: its password was right just now, or it was ended just now."""
    return now < begun_at + lifetime(figures) or is_fresh(now, ended_at)


def is_fresh(now: datetime, ended_at: datetime | None) -> bool:
    """Whether a device answered right so recently that the login proves who is there."""
    return ended_at is not None and now < ended_at + PROVEN_FOR


def password_alone(*, closed: bool, was_enrolled: bool) -> bool:
    """Whether name and password are all that is asked for: a closed account (R45), or never a device."""
    return closed or not was_enrolled
