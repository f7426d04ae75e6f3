"""R7: who may choose another PIN, and for which cards."""

from datetime import datetime, timedelta

from dscplus_station.devices.rules import DeviceType, Profile

RESET_LIFETIME = timedelta(hours=24)
"""How long after the identity check a forgotten PIN may be replaced."""


def change_fault(kind: DeviceType, profile: Profile | None) -> str | None:
    """Why the PIN of a device is not changed here, or None (R7)."""
    if kind is not DeviceType.DSC_PLUS:
        return f"a {kind} has no PIN"
    if profile is not Profile.SERVER_PIN:
        return "this card checks its PIN itself: a station sets or unblocks it, or it is replaced"
    return None


def is_open(now: datetime, allowed_at: datetime, used_at: datetime | None) -> bool:
    """Whether a reset that client services allowed can still be used: once, within its time."""
    return used_at is None and now < allowed_at + RESET_LIFETIME
