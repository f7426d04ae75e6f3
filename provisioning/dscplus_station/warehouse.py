"""The warehouse's calendar: on which days cards are posted, and on which they are looked at (R11, R42)."""

from collections.abc import Callable
from datetime import date

from dscplus_station.business_days import DEFAULT_CALENDAR, business_days
from dscplus_station.home import Settings


def warehouse_days(settings: Settings) -> Callable[[date], bool]:
    """Tells the warehouse's business days: [ordering] holidays, else those of the issuer.

    Raises:
        BadInput: there is no calendar of that name.
    """
    issuers = settings.calendar.get("holidays", DEFAULT_CALENDAR)
    return business_days(settings.ordering.get("holidays", issuers))
