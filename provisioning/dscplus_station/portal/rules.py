"""R1: name and password, then a challenge; what a login that has begun still admits."""

from datetime import datetime, timedelta

LIFETIME = timedelta(minutes=10)
"""How long a login may take from the password to the device's answer: two challenges' time (R6)."""

PROVEN_FOR = timedelta(minutes=15)
"""How long a login counts as fresh for what asks for a fresh one, such as another PIN (R7)."""

MAX_TRIES = 10
"""Answers that one login may try, over all its devices; each device locks by itself before (R6)."""


def is_open(now: datetime, begun_at: datetime, ended_at: datetime | None, tries: int) -> bool:
    """Whether a login can still be answered."""
    return ended_at is None and now < begun_at + LIFETIME and tries < MAX_TRIES


def is_live(now: datetime, begun_at: datetime, ended_at: datetime | None) -> bool:
    """Whether a login shows who is there: its password was right just now, or it was ended just now."""
    return now < begun_at + LIFETIME or is_fresh(now, ended_at)


def is_fresh(now: datetime, ended_at: datetime | None) -> bool:
    """Whether a device answered right so recently that the login proves who is there."""
    return ended_at is not None and now < ended_at + PROVEN_FOR


def password_alone(*, closed: bool, was_enrolled: bool) -> bool:
    """Whether name and password are all that is asked for: a closed account (R45), or never a device."""
    return closed or not was_enrolled
