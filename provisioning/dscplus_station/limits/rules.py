"""R20, R21: withdrawal limits by device type, over two windows; gates for enrolled users. Money is cents."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from dscplus_station.devices.rules import DeviceType

BUSINESS_DAYS = 5
"""R20: the second window."""

_AMOUNT = re.compile(r"(0|[1-9][0-9]{0,11})(?:\.([0-9]{2}))?", re.ASCII)


@dataclass(frozen=True)
class Limits:
    """What may be withdrawn, in US cents: on one day, and in five business days. None: without limit."""

    per_day: int | None
    per_five_business_days: int | None

    @property
    def none(self) -> bool:
        """Whether there is no limit at all: then nothing need be counted."""
        return self.per_day is None and self.per_five_business_days is None


def _usd(per_day: int, per_five_business_days: int) -> Limits:
    return Limits(per_day * 100, per_five_business_days * 100)


WITHDRAWAL_LIMITS: dict[DeviceType, Limits] = {
    DeviceType.NONE: _usd(50_000, 100_000),
    DeviceType.SMS: _usd(200_000, 600_000),
    DeviceType.PHONE_APP: _usd(1_000_000, 1_000_000),
    DeviceType.SECURITY_CODE_CARD: _usd(200_000, 600_000),
    DeviceType.DIGITAL_SECURITY_CARD: _usd(1_000_000, 1_500_000),
    DeviceType.DSC_PLUS: Limits(None, None),
    DeviceType.PLATINUM_GOLD: Limits(None, None),
    DeviceType.ONLINE_CODE_CARD: _usd(200_000, 600_000),
    DeviceType.PASSCODE: _usd(50_000, 100_000),
}
"""R20: by the device that authenticated. It says nothing of interim access: here an online card admits what a
Security Code Card does, a passcode what a user without device has.
"""


def level(kind: DeviceType) -> tuple[float, float]:
    """How secure a type is taken to be: by what it admits to withdraw (R26). Equal limits, equal level."""
    limits = WITHDRAWAL_LIMITS[kind]
    without_limit = float("inf")
    return (
        without_limit if limits.per_day is None else limits.per_day,
        without_limit if limits.per_five_business_days is None else limits.per_five_business_days,
    )


def window_start(today: date, is_business_day: Callable[[date], bool]) -> date:
    """The first day of the window that ends today and holds five business days (R20).

    Days off between count with the business day before them, so that none is outside every window.
    """
    day, found = today, 0
    while True:
        found += is_business_day(day)
        if found == BUSINESS_DAYS:
            return day
        day -= timedelta(days=1)


def left(limits: Limits, spent_today: int, spent_in_window: int) -> int | None:
    """What may still be withdrawn, in cents: the lesser of what both windows leave (R20). None: no limit."""
    leaves = [
        max(0, limit - spent)
        for limit, spent in (
            (limits.per_day, spent_today),
            (limits.per_five_business_days, spent_in_window),
        )
        if limit is not None
    ]
    return min(leaves, default=None)


def passes(amount: int, still_left: int | None) -> bool:
    """R20: a request equal to what is left passes, one cent more fails."""
    return still_left is None or amount <= still_left


FREE_DEPOSITS = 20_000 * 100
"""R21: what may come in by ACH or EFT, in cents, before a user is enrolled."""


class Gate(StrEnum):
    """R21: what only enrolled users may do by themselves."""

    BANK_INSTRUCTIONS = "bank-instructions"
    EMAIL = "email"
    DEPOSIT = "deposit"
    SHARE_DEVICE = "share-device"


GATE_TOLD: dict[Gate, str] = {
    Gate.BANK_INSTRUCTIONS: "change bank instructions without the security team",
    Gate.EMAIL: "change the e-mail address without the security team",
    Gate.DEPOSIT: "deposit more than the first 20,000 USD by ACH or EFT",
    Gate.SHARE_DEVICE: "share a device",
}


def gate_open(gate: Gate, *, enrolled: bool, deposited: int = 0, deposit: int = 0) -> bool:
    """Whether a user may do it by himself (R21).

    Args:
        deposited, deposit: cents that came in by ACH or EFT so far, and that are to come now.
    """
    return enrolled or (gate is Gate.DEPOSIT and deposited + deposit <= FREE_DEPOSITS)


def cents(text: str) -> int | None:
    """US dollars as people write them (`50000` or `50000.00`), in cents; None if that is no such amount."""
    match = _AMOUNT.fullmatch(text)
    if match is None:
        return None
    return int(match[1]) * 100 + int(match[2] or 0) or None


def dollars(amount: int | None) -> str:
    """Cents as people read them."""
    return "unlimited" if amount is None else f"{amount // 100:,}.{amount % 100:02d} USD"
