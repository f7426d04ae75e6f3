"""The part `[operators]` of station.toml."""

from datetime import timedelta

from dscplus_station.errors import BadInput
from dscplus_station.home import Settings
from dscplus_station.operators.rules import IDLE

_MINUTES = range(1, 61)


def idle_time(settings: Settings) -> timedelta:
    """After how long an idle screen is locked.

    Raises:
        BadInput: `idle_minutes` is no whole number of 1 to 60.
    """
    minutes = settings.operators.get("idle_minutes", IDLE // timedelta(minutes=1))
    if type(minutes) is not int or minutes not in _MINUTES:
        raise BadInput("station.toml: [operators] idle_minutes is a whole number of 1 to 60")
    return timedelta(minutes=minutes)
