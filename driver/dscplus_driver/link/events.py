"""What the link reports: small objects, never callbacks."""

from dataclasses import dataclass, field
from enum import Enum


@dataclass(frozen=True, slots=True)
class Opened:
    """INIT was answered: a new session; a secure channel that there was has ended."""

    session: int
    boot_id: bytes
    """Drawn by the card when it booted; empty on HID, whose INIT does not tell it."""
    link_version: int
    capabilities: int


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to the request."""

    payload: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Working:
    """The card is alive and at work on the request (KEEPALIVE)."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The card answered ERROR to the request; ``session_lost`` if the session is over."""

    code: int
    session_lost: bool


class GiveUpReason(Enum):
    """Why the link stopped waiting."""

    SILENCE = "no answer"
    CEILING = "no answer within 90 s, though the card kept sending"


@dataclass(frozen=True, slots=True)
class GaveUp:
    """The link stopped waiting; the session is over."""

    reason: GiveUpReason


@dataclass(frozen=True, slots=True)
class AnswerBroken:
    """A part of the answer was lost, or came out of order; the session is over."""


Event = Opened | Answered | Working | Refused | GaveUp | AnswerBroken
