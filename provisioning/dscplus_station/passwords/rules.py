"""When wrong passwords lock a user name (R6: the portal locks after 10 failures in 24 hours)."""

from datetime import datetime, timedelta

MAX_FAILURES = 10
WINDOW = timedelta(hours=24)
PASSWORD_CHARACTERS = range(8, 129)
"""The portal's own rules go beyond it; the upper end bounds the work of hashing."""


def is_locked(now: datetime, failures: int, first_failure_at: datetime | None) -> bool:
    """Whether no password is accepted for the present; aware moments."""
    return failures >= MAX_FAILURES and first_failure_at is not None and now < first_failure_at + WINDOW


def after_failure(now: datetime, failures: int, first_failure_at: datetime | None) -> tuple[int, datetime]:
    """The count and the moment of the first failure, with one more; what lies a day back counts no more."""
    if first_failure_at is None or now >= first_failure_at + WINDOW:
        return 1, now
    return failures + 1, first_failure_at


def password_fault(password: str) -> str | None:
    """Why a password cannot be kept, or None; it is not repeated."""
    if len(password) not in PASSWORD_CHARACTERS or not password.isprintable():
        least, most = PASSWORD_CHARACTERS[0], PASSWORD_CHARACTERS[-1]
        return f"a password has {least} to {most} printable characters"
    return None
