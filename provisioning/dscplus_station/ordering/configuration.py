"""The `[ordering]` part of the station's settings.

[ordering]
equity_usd = 1000000
equity = "above"                 # or at-least
business_days_to_ship = 3        # after the day of the order
holidays = "US"                  # the warehouse's; without it, those of [calendar]
"""

from dscplus_station.errors import BadInput
from dscplus_station.home import Settings
from dscplus_station.ordering.rules import EquityRule, Terms

_KEYS = frozenset({"equity_usd", "equity", "business_days_to_ship", "holidays"})
MAX_DAYS = 60


def read_terms(settings: Settings) -> Terms:
    """The issuer's terms.

    Raises:
        BadInput: a setting that cannot be used.
    """
    part = settings.ordering
    if unknown := set(part) - _KEYS:
        raise BadInput(f"[ordering] has {', '.join(sorted(_KEYS))}, not {', '.join(sorted(unknown))}")
    usual = Terms()
    equity = part.get("equity_usd", usual.equity_cents // 100)
    rule = part.get("equity", usual.equity_rule)
    days = part.get("business_days_to_ship", usual.business_days_to_ship)
    if type(equity) is not int or equity < 0:
        raise BadInput("[ordering] equity_usd is a number of US dollars, such as 1000000")
    if rule not in list(EquityRule):
        raise BadInput(f"[ordering] equity is one of {', '.join(EquityRule)}")
    if type(days) is not int or not 0 < days <= MAX_DAYS:
        raise BadInput(f"[ordering] business_days_to_ship is a number from 1 to {MAX_DAYS}")
    return Terms(equity * 100, EquityRule(rule), days)
