"""What is told to whom and how, when a failed delivery is tried again, and until when a notice is of use."""

import re
from datetime import date, datetime, timedelta
from enum import StrEnum


class NoticeKind(StrEnum):
    """What a notice is about. A holder is told each of them once: an order, or a shipment of it."""

    CARD_SHIPPED = "CARD_SHIPPED"
    ACTIVATION_APPROACHING = "ACTIVATION_APPROACHING"
    """R13: 7 days before, or as `[activation]` says."""
    ACTIVATION_IMMINENT = "ACTIVATION_IMMINENT"
    """R13: 1 day before, or as `[activation]` says."""
    CARD_ACTIVATED = "CARD_ACTIVATED"
    SHIPMENT_UNDONE = "SHIPMENT_UNDONE"
    """What was told of a shipment is not so: the card has not left."""
    CARD_UNDELIVERED = "CARD_UNDELIVERED"
    CARD_REPORTED = "CARD_REPORTED"
    """Lost, stolen, damaged or dead: it is blocked (R12)."""
    RETURN_RECEIVED = "RETURN_RECEIVED"
    """R42."""
    HOLD_RELEASED = "HOLD_RELEASED"
    HOLD_CAPTURED = "HOLD_CAPTURED"


class Channel(StrEnum):
    """How a notice travels."""

    EMAIL = "EMAIL"
    SMS = "SMS"


CHANNELS: dict[NoticeKind, tuple[Channel, ...]] = {
    NoticeKind.CARD_SHIPPED: (Channel.EMAIL,),
    NoticeKind.ACTIVATION_APPROACHING: (Channel.EMAIL,),
    NoticeKind.ACTIVATION_IMMINENT: (Channel.EMAIL, Channel.SMS),
    NoticeKind.CARD_ACTIVATED: (Channel.EMAIL, Channel.SMS),
    NoticeKind.SHIPMENT_UNDONE: (Channel.EMAIL, Channel.SMS),
    NoticeKind.CARD_UNDELIVERED: (Channel.EMAIL,),
    NoticeKind.CARD_REPORTED: (Channel.EMAIL, Channel.SMS),
    NoticeKind.RETURN_RECEIVED: (Channel.EMAIL,),
    NoticeKind.HOLD_RELEASED: (Channel.EMAIL,),
    NoticeKind.HOLD_CAPTURED: (Channel.EMAIL,),
}
"""A text message only where something changes within a day or already has. A correction goes where something
wrong went.
"""


class DeliveryState(StrEnum):
    """How far one delivery of a notice, on one channel, has come."""

    WAITING = "WAITING"
    SENT = "SENT"
    """The gateway took it."""
    REFUSED = "REFUSED"
    """The gateway refused it for good, for example an address that does not exist."""
    GIVEN_UP = "GIVEN_UP"
    """Tried as often as `RETRY_AFTER` says."""
    EXPIRED = "EXPIRED"
    """Its day came before it could be sent."""
    WITHDRAWN = "WITHDRAWN"
    """It is no longer true: the timer was stopped."""


RETRY_AFTER = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
    timedelta(hours=12),
    timedelta(hours=24),
    timedelta(hours=24),
)
"""How long after the n-th attempt the next one follows: minutes for a restart, days for a long outage."""

TOLD_WITHIN = {Channel.EMAIL: timedelta(days=30), Channel.SMS: timedelta(days=7)}
"""How long a delivery may be due without an attempt: nobody ran the jobs, or its channel has no gateway yet.
Longer than an outage lasts; but a gateway that is set up late tells nobody of months ago.
"""

_EMAIL = re.compile(r"[^@\s<>(),;:\"\[\]\\]+@[^@\s<>(),;:\"\[\]\\]+", re.ASCII)
_MOBILE = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)  # E.164
MAX_EMAIL = 254
"""Characters of an e-mail address (RFC 5321, 4.5.3.1.3, without the angle brackets)."""


def next_attempt(now: datetime, attempts: int) -> datetime | None:
    """When to try again after `attempts` attempts (at least one), or None to give up."""
    return now + RETRY_AFTER[attempts - 1] if attempts <= len(RETRY_AFTER) else None


def is_useful(useful_until: date | None, today: date) -> bool:
    """Whether a notice still tells something: an announcement does before its day only (R13)."""
    return useful_until is None or today < useful_until


def is_stale(channel: Channel, due_at: datetime, now: datetime) -> bool:
    """Whether a delivery has been due for too long to be told."""
    return now >= due_at + TOLD_WITHIN[channel]


def address_fault(channel: Channel, address: str) -> str | None:
    """What is wrong with an address, or None. It says nothing of whether anybody reads there."""
    if channel is Channel.EMAIL:
        if len(address) > MAX_EMAIL or not _EMAIL.fullmatch(address):
            return "an e-mail address looks like name@example.com"
    elif not _MOBILE.fullmatch(address):
        return "a mobile number is written as +, country code and number, digits only: +15550100200"
    return None
