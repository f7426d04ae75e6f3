"""The part `[api]` of station.toml."""

from dscplus_station.errors import BadInput
from dscplus_station.home import Settings
from dscplus_station.tokens.rules import Pace

_DEFAULT = Pace(per_second=100, burst=200)


def pace_of(settings: Settings) -> Pace:
    """How fast one token's requests may come.

    Raises:
        BadInput: no numbers of 1 to 100,000.
    """
    numbers = []
    for name, default in (("requests_per_second", _DEFAULT.per_second), ("burst", _DEFAULT.burst)):
        value = settings.api.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 1 <= value <= 100_000:
            raise BadInput(f"station.toml: [api] {name} is a number of 1 to 100000")
        numbers.append(value)
    return Pace(float(numbers[0]), int(numbers[1]))
