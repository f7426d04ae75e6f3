"""Business days: Monday to Friday, without the public holidays of the issuer's calendar."""

from collections.abc import Callable
from datetime import date, timedelta

from dscplus_station.errors import BadInput

DEFAULT_CALENDAR = "US"
"""Whose holidays count unless `station.toml` says otherwise: [calendar] holidays = "CH"."""

SATURDAY = 5


def business_days(country: object) -> Callable[[date], bool]:
    """Tells business days of a country (ISO 3166-1 alpha-2, with a subdivision as in `CH-ZH` if need be).

    Raises:
        BadInput: there is no calendar of that name.
    """
    import holidays  # here: it takes a fifth of a second to load

    code, _, subdivision = str(country).partition("-")
    try:
        off = holidays.country_holidays(code, subdiv=subdivision or None)
    except NotImplementedError:
        raise BadInput(
            f"[calendar] holidays: there is no calendar of {country!r}; say US, or CH-ZH"
        ) from None
    return lambda day: day.weekday() < SATURDAY and day not in off


def after(day: date, count: int, is_business_day: Callable[[date], bool]) -> date:
    """The `count`-th business day after a day; that day itself does not count."""
    while count:
        day += timedelta(days=1)
        count -= is_business_day(day)
    return day
