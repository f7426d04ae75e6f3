"""An assignment's life (domain: "States"), apart from the card's physical life; the types of devices."""

from datetime import datetime
from enum import StrEnum


class DeviceType(StrEnum):
    """What a user authenticates with, by the names of the domain; `NONE` is a user without any."""

    NONE = "none"
    SMS = "SMS"
    PHONE_APP = "phone app"
    SECURITY_CODE_CARD = "Security Code Card"
    DIGITAL_SECURITY_CARD = "Digital Security Card"
    DSC_PLUS = "DSC+"
    PLATINUM_GOLD = "Platinum/Gold"
    ONLINE_CODE_CARD = "Online Security Code Card"
    PASSCODE = "temporary passcode"


LEGACY = frozenset(
    {DeviceType.SECURITY_CODE_CARD, DeviceType.DIGITAL_SECURITY_CARD, DeviceType.PLATINUM_GOLD}
)
"""Types that are no longer issued; users who hold one keep it."""

INTERIM = frozenset({DeviceType.PASSCODE, DeviceType.ONLINE_CODE_CARD})
"""Types that let a user in until a replacement is active (R17, R18). Only they expire."""

CODE_CARDS = frozenset({DeviceType.SECURITY_CODE_CARD, DeviceType.ONLINE_CODE_CARD})
"""Types with a table of indexed values."""

CARDS = LEGACY | {DeviceType.DSC_PLUS}
"""Types that are a thing of their own, to be shared, kept in a drawer, or sent back (R26, R30)."""


class AssignmentState(StrEnum):
    """How a user stands to a device."""

    PENDING = "PENDING"
    ACTIVE = "ACTIVE"
    LOCKED = "LOCKED"
    DORMANT = "DORMANT"
    REVOKED = "REVOKED"


class Profile(StrEnum):
    """Who checks the PIN (R5): the card (A), or the server's verifier (B)."""

    CARD_PIN = "A"
    SERVER_PIN = "B"


class ActivatedBy(StrEnum):
    """Who activated: the user with a valid response, or the timer (R13 to R15)."""

    USER = "USER"
    TIMER = "TIMER"


S = AssignmentState
ASSIGNMENT_TRANSITIONS: dict[AssignmentState, frozenset[AssignmentState]] = {
    S.PENDING: frozenset({S.ACTIVE, S.LOCKED, S.REVOKED}),  # LOCKED: wrong responses while activating (R6)
    S.ACTIVE: frozenset({S.LOCKED, S.DORMANT, S.REVOKED}),
    S.LOCKED: frozenset({S.ACTIVE, S.PENDING, S.REVOKED}),  # PENDING: it was locked before it was active
    S.DORMANT: frozenset({S.ACTIVE, S.REVOKED}),
    S.REVOKED: frozenset(),
}


def is_over(expires_at: datetime | None, now: datetime) -> bool:
    """Whether interim access has run out: it does so at that very moment (R17, R18). Others never do."""
    return expires_at is not None and now >= expires_at


def only_portal(portal_only_from: datetime | None, now: datetime) -> bool:
    """Whether a passcode reaches no more than the portal, there to get an online card (R17)."""
    return portal_only_from is not None and now >= portal_only_from


def legacy_serial_number_fault(text: str) -> str | None:
    """What is wrong with the number on the back of a legacy device, or None; nobody here issued it."""
    if not (1 <= len(text) <= 40 and text.isascii() and text.replace("-", "").isalnum()):
        return "a device's number has 1 to 40 letters, digits and -"
    if len(text) == 10 and text.isdigit():
        return "ten digits are a DSC+'s number: put its kind before it, such as SCC-"
    return None
