"""R16: the days between the end of interim access and the day the new card becomes active."""

from datetime import date


def uncovered_days(last_day: date, activates_on: date) -> int:
    """Days on which neither works: the online card's last day is over, the new card not active yet (R16)."""
    return max(0, (activates_on - last_day).days - 1)


def gap_warning(user: str, last_day: date, activates_on: date) -> str | None:
    """R16's warning, or None if the user is covered."""
    days = uncovered_days(last_day, activates_on)
    if not days:
        return None
    return (
        f"{user}'s online card ends on {last_day} and the new card activates by itself on {activates_on}: "
        f"{days} day{'s' if days > 1 else ''} without access, unless {user} activates it earlier"
    )
