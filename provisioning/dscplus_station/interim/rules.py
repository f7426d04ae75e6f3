"""R16 to R18: how long interim access lasts, when a passcode is given, the gap before the new card is active.

Periods are calendar days of the issuer's zone, as R13's are; the day of the issue does not count, so that
nobody has less than was promised. They end when their last day is over.
"""

from datetime import date, datetime, timedelta

from dscplus_station.wording import words

PASSCODE_FULL_DAYS = 2
"""R17: days on which a passcode gives full access."""

PASSCODE_PORTAL_DAYS = 10
"""R17: days after those on which it only reaches the portal, to get the online card."""

ONLINE_CARD_DAYS = 21
"""R18: from its confirmation."""


def passcode_last_days(issued_on: date) -> tuple[date, date]:
    """The last day of a passcode's full access, and its last day of all (R17)."""
    full = issued_on + timedelta(days=PASSCODE_FULL_DAYS)
    return full, full + timedelta(days=PASSCODE_PORTAL_DAYS)


def online_card_last_day(confirmed_on: date) -> date:
    """The last day on which an online card logs in (R18)."""
    return confirmed_on + timedelta(days=ONLINE_CARD_DAYS)


def twice_in_a_row(last_issued_at: datetime | None, other_device_at: datetime | None) -> bool:
    """Whether a passcode given now would be the user's second one in a row (R17).

    In between, an online card or another device must have been activated, or have answered right.

    Args:
        last_issued_at: when the user's last passcode was given, however it ended.
        other_device_at: when another device of the user's was last activated or answered right.
    """
    if last_issued_at is None:
        return False
    return other_device_at is None or other_device_at <= last_issued_at


def uncovered_days(last_day: date, activates_on: date) -> int:
    """Days on which neither works: the online card's last day is over, the new card not active yet (R16)."""
    return max(0, (activates_on - last_day).days - 1)


def gap_warning(user: str, last_day: date, activates_on: date) -> str | None:
    """R16's warning, or None if the user is covered."""
    days = uncovered_days(last_day, activates_on)
    if not days:
        return None
    facts = {"user": user, "last_day": str(last_day), "activates_on": str(activates_on), "days": days}
    if days == 1:
        return words(
            "{user}'s online card ends on {last_day} and the new card activates by itself on {activates_on}: "
            "{days} day without access, unless {user} activates it earlier",
            **facts,
        )
    return words(
        "{user}'s online card ends on {last_day} and the new card activates by itself on {activates_on}: "
        "{days} days without access, unless {user} activates it earlier",
        **facts,
    )
