"""Who may do what at the station, what a secret looks like, when wrong ones lock, when a session is over."""

import re
import unicodedata
from collections.abc import Collection
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from dscplus_station.actor import Role
from dscplus_station.wording import words


class Position(StrEnum):
    """What an operator is employed as; one may hold several."""

    WAREHOUSE = "warehouse"
    RETURNS = "returns"
    CLIENT_SERVICES = "client-services"
    COMPLIANCE = "compliance"
    SUPERVISOR = "supervisor"
    SECURITY_OFFICER = "security-officer"
    AUDITOR = "auditor"


ROLES_OF: dict[Position, frozenset[Role]] = {
    Position.WAREHOUSE: frozenset({Role.STOCK, Role.ORDERS, Role.PROVISIONING, Role.SHIPPING}),
    Position.RETURNS: frozenset({Role.STOCK, Role.SHIPPING, Role.RETURNS}),
    Position.CLIENT_SERVICES: frozenset({Role.ORDERS, Role.CLIENT_SERVICES}),
    Position.COMPLIANCE: frozenset({Role.COMPLIANCE}),
    Position.SUPERVISOR: frozenset({Role.SUPERVISOR}),
    Position.SECURITY_OFFICER: frozenset({Role.OPERATORS, Role.KEY_CUSTODIAN}),
    Position.AUDITOR: frozenset({Role.AUDIT}),
}


def roles_of(positions: Collection[Position]) -> frozenset[Role]:
    """The roles that these positions give together."""
    return frozenset[Role]().union(*(ROLES_OF[position] for position in positions))


def positions_fault(positions: Collection[Position]) -> str | None:
    """Why nobody can hold these positions together, or None: an auditor changes nothing."""
    if not positions:
        return words("an operator has at least one position")
    if Position.AUDITOR in positions and len(positions) > 1:
        return words("an auditor changes nothing, and so holds no other position")
    return None


_NAME = re.compile(r"[a-z][a-z0-9._-]{1,31}")


def name_fault(name: str) -> str | None:
    """What is wrong with an operator's name, or None."""
    if _NAME.fullmatch(name):
        return None
    return words(
        "an operator's name has 2 to 32 characters: a small letter, then small letters, digits, . _ -"
    )


# --- Secrets ----------------------------------------------------------------------------------

PIN_DIGITS = range(6, 13)
"""A PIN opens nothing without the badge, and five wrong ones lock."""

PASSWORD_CHARACTERS = range(12, 129)
"""Long rather than contrived (NIST SP 800-63B); the upper end bounds the work of hashing."""


class SecretKind(StrEnum):
    """What an operator proves it by, beside the badge or the name."""

    PIN = "pin"
    """Together with the badge only."""
    PASSWORD = "password"  # noqa: S105 (a kind, not a password)


def kind_of_secret(secret: str) -> SecretKind:
    """Digits alone are a PIN; everything else is a password. So one look tells which was given."""
    return SecretKind.PIN if secret.isascii() and secret.isdigit() else SecretKind.PASSWORD


def canonical_secret(secret: str) -> str:
    """One spelling of what is typed the same on different keyboards (NFC)."""
    return unicodedata.normalize("NFC", secret)


def secret_fault(secret: str, operator: str) -> str | None:
    """Why a secret cannot be chosen, or None; it is not repeated."""
    if kind_of_secret(secret) is SecretKind.PIN:
        if len(secret) not in PIN_DIGITS:
            return words("a PIN has {least} to {most} digits", least=PIN_DIGITS[0], most=PIN_DIGITS[-1])
        if _is_simple(secret):
            return words("a PIN is no digit repeated and no straight sequence")
        return None
    if len(secret) not in PASSWORD_CHARACTERS:
        least, most = PASSWORD_CHARACTERS[0], PASSWORD_CHARACTERS[-1]
        return words("a password has {least} to {most} characters, not digits alone", least=least, most=most)
    if not secret.isprintable():
        return words("a password holds no control characters")
    if operator in secret.lower() or len(set(secret)) < 5:
        return words("a password does not hold the operator's name, and more than four different characters")
    return None


def _is_simple(digits: str) -> bool:
    steps = {(int(b) - int(a)) % 10 for a, b in pairwise(digits)}
    return len(steps) == 1 and steps <= {0, 1, 9}


# --- Wrong secrets ------------------------------------------------------------------------------

WAITS = (timedelta(0), timedelta(seconds=2), timedelta(seconds=10), timedelta(seconds=30))
"""How long the next attempt waits after the first, second … failure in a row; one more locks."""

MAX_FAILURES = len(WAITS) + 1
"""So many failures in a row, by badge or by name, lock that way in until a supervisor's release."""


class Refusal(StrEnum):
    """Why somebody was not let in, for the audit trail."""

    UNKNOWN = "UNKNOWN"
    DISABLED = "DISABLED"
    LOCKED = "LOCKED"
    WAITING = "WAITING"
    WRONG = "WRONG"
    SAME_PERSON = "SAME_PERSON"
    NO_SUPERVISOR = "NO_SUPERVISOR"


def is_locked(failures: int) -> bool:
    """Whether that many failures in a row lock."""
    return failures >= MAX_FAILURES


def wait_after(failures: int) -> timedelta:
    """How long the next attempt waits after that many failures in a row (1 to `MAX_FAILURES`)."""
    return WAITS[min(failures, len(WAITS)) - 1]


def refusal(
    now: datetime, *, disabled: bool, failures: int, wait_until: datetime | None, right: bool
) -> Refusal | None:
    """Why an attempt is refused, or None. While an operator is locked or waits, nothing is learnt from it."""
    if disabled:
        return Refusal.DISABLED
    if is_locked(failures):
        return Refusal.LOCKED
    if wait_until is not None and now < wait_until:
        return Refusal.WAITING
    return None if right else Refusal.WRONG


# --- Sessions -----------------------------------------------------------------------------------

SESSION_LIFETIME = timedelta(hours=12)
"""The absolute end: a shift, and no session lives into the next day's."""

IDLE = timedelta(minutes=5)
"""When an idle screen is locked, unless `station.toml` says otherwise."""

TOUCH_EVERY = timedelta(seconds=10)
"""How exactly it is noted when a screen was last used: not each click is worth a write to the disk."""


class SessionState(StrEnum):
    """How a session stands."""

    OPEN = "OPEN"
    LOCKED = "LOCKED"
    ENDED = "ENDED"


def session_state(
    now: datetime,
    idle: timedelta,
    *,
    opened_at: datetime,
    seen_at: datetime,
    locked_at: datetime | None,
    ended_at: datetime | None,
) -> SessionState:
    """How a session stands: over after twelve hours whatever is done in it, locked when idle or by hand."""
    if ended_at is not None or now >= opened_at + SESSION_LIFETIME:
        return SessionState.ENDED
    if locked_at is not None or now >= seen_at + idle:
        return SessionState.LOCKED
    return SessionState.OPEN
