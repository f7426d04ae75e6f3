"""What a token's scope admits, how tokens rotate, how fast requests may come."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from dscplus_station.actor import Role


class Scope(StrEnum):
    """What kind of program a token is for. A token has one."""

    PORTAL = "portal"
    """The client portal: orders, sharing, interim access, returns … of its users."""
    LOGIN = "login"
    """A login server: password, challenge, answer."""
    WAREHOUSE = "warehouse"
    """A warehouse's programs: stock, shipments, cards that come back."""
    OFFICE = "office"
    """The broker's back office: what compliance and client services decide, each deed by a named operator."""
    AUDITOR = "auditor"
    """Reads the audit trail."""


ROLES_OF: dict[Scope, frozenset[Role]] = {
    Scope.PORTAL: frozenset({Role.ORDERS, Role.CLIENT_SERVICES}),
    Scope.LOGIN: frozenset({Role.CLIENT_SERVICES}),
    Scope.WAREHOUSE: frozenset({Role.STOCK, Role.SHIPPING, Role.RETURNS}),
    Scope.OFFICE: frozenset(),
    Scope.AUDITOR: frozenset({Role.AUDIT}),
}
"""The office's programs have no role of their own: the operator counts who proves it with each deed."""


@dataclass(frozen=True)
class Grants:
    """Which kinds of context a keystore seals and unseals."""

    seals: frozenset[str]
    unseals: frozenset[str]


_VERIFIES = frozenset({"seed", "pin-hash", "codes"})
"""What answers are compared with."""

GRANTS_OF: dict[Scope, Grants] = {
    Scope.PORTAL: Grants(frozenset({"pin", "pin-hash", "codes", "sms"}), _VERIFIES | {"identity", "sms"}),
    Scope.LOGIN: Grants(frozenset(), _VERIFIES),
    Scope.WAREHOUSE: Grants(frozenset(), frozenset()),
    Scope.OFFICE: Grants(frozenset(), frozenset({"identity"})),
    Scope.AUDITOR: Grants(frozenset(), frozenset()),
}
"""An order's PIN is sealed for the station alone: nobody here unseals it. A login server reads no identity.
"""


_NAME = re.compile(r"[a-z][a-z0-9-]{1,31}")


def name_fault(name: str) -> str | None:
    """What is wrong with a token's name, or None."""
    if _NAME.fullmatch(name):
        return None
    return "a token's name has 2 to 32 characters: a small letter, then small letters, digits and -"


OVERLAP = timedelta(days=7)
"""How long the former token still works beside the one it was rotated to, unless it is said."""

MAX_OVERLAP = timedelta(days=90)


def is_valid(now: datetime, ends_at: datetime | None) -> bool:
    """Whether a token works at a moment."""
    return ends_at is None or now < ends_at


# --- How fast -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pace:
    """Requests a second in the long run, and how many at once after a pause."""

    per_second: float
    burst: int


@dataclass(frozen=True)
class Bucket:
    """What is left of a pace at a moment (seconds of a monotonic clock)."""

    left: float
    at: float


def is_full(pace: Pace, bucket: Bucket, now: float) -> bool:
    """Whether a bucket says no more than none at all."""
    return bucket.left + (now - bucket.at) * pace.per_second >= pace.burst


def take(pace: Pace, bucket: Bucket | None, now: float) -> tuple[Bucket, float]:
    """Take one request out of a bucket (None: a full one); gives it, and the seconds to wait: 0 if it may be.

    A request that may not be takes nothing.
    """
    left = float(pace.burst)
    if bucket is not None:
        left = min(left, bucket.left + max(0.0, now - bucket.at) * pace.per_second)
    if left >= 1:
        return Bucket(left - 1, now), 0.0
    return Bucket(left, now), (1 - left) / pace.per_second


# --- Repetitions --------------------------------------------------------------------------------

KEEP_ANSWERS = timedelta(hours=24)
"""How long an answer is kept for the same request again."""

STALLED_AFTER = timedelta(minutes=1)
"""When a request that has no answer yet counts as lost with its process: it may be made again."""

KEY = r"^[A-Za-z0-9._~-]{8,64}$"
"""An idempotency key, such as a UUID."""


class Repetition(StrEnum):
    """What a request with a known key is."""

    ANSWERED = "ANSWERED"
    """The same one; its answer is there."""
    UNDER_WAY = "UNDER_WAY"
    STALLED = "STALLED"
    OTHER = "OTHER"
    """Another request under a key that was used."""


def repetition(now: datetime, begun_at: datetime, *, same: bool, answered: bool) -> Repetition:
    """What a request is whose key was used at `begun_at`."""
    if not same:
        return Repetition.OTHER
    if answered:
        return Repetition.ANSWERED
    return Repetition.STALLED if now >= begun_at + STALLED_AFTER else Repetition.UNDER_WAY


NOT_KEPT = frozenset({401, 413, 429})
"""Statuses that say nothing about the request itself: it may come again."""


def keeps(status: int, *, of_the_deed: bool) -> bool:
    """Whether an answer is kept for repetitions: neither a mistake of ours nor one that passes with time.

    Args:
        of_the_deed: it answers what was asked for, and is no refusal of who asked or of when.
    """
    return of_the_deed and status < 500 and status not in NOT_KEPT


def served(scopes: Collection[Scope]) -> Grants:
    """What a process that serves these scopes is granted, at most."""
    every = [GRANTS_OF[scope] for scope in scopes]
    return Grants(
        frozenset[str]().union(*(one.seals for one in every)),
        frozenset[str]().union(*(one.unseals for one in every)),
    )
