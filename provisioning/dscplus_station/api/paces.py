"""How fast requests may come: by token, and by address where no token works.

What one address does takes nothing from another one, and nothing from a token. Memory is bounded by letting
go of buckets that are full again, which forgets nothing, and never of one that still holds somebody back.
"""

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from dscplus_station.tokens.rules import Bucket, Pace, is_full, take

UNKNOWN_PACE = Pace(per_second=1, burst=20)
"""Requests without a token that works, by address: a guess costs more than it brings."""

MAX_ADDRESSES = 10_000
"""Addresses whose pace is remembered one by one: as many as ask within the 20 s that a bucket takes to fill.
Whoever comes beyond them shares one bucket with all others who do."""

_THE_OTHERS = "the others"
_ONES_OWN = 64
"""Bits of an IPv6 address that a provider gives to one customer, who may choose the others at will."""


class Paces:
    """How fast each token's and address's requests come; in this process, which serves them all."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._tokens: dict[str, Bucket] = {}
        self._addresses: OrderedDict[str, Bucket] = OrderedDict()
        """The one that asked last is the last."""
        self._turn = threading.Lock()

    def of_token(self, name: str, pace: Pace) -> float:
        """Seconds until a program may make a request; 0: now, and it is counted. Officers name programs."""
        with self._turn:
            self._tokens[name], seconds = take(pace, self._tokens.get(name), self._clock())
            return seconds

    def of_address(self, host: str) -> float:
        """Seconds until a request without a token that works may come from an address; 0: now, as above."""
        with self._turn:
            now = self._clock()
            while self._addresses and is_full(UNKNOWN_PACE, next(iter(self._addresses.values())), now):
                self._addresses.popitem(last=False)
            whose = customer(host)
            if whose not in self._addresses and len(self._addresses) >= MAX_ADDRESSES:
                whose = _THE_OTHERS
            self._addresses[whose], seconds = take(UNKNOWN_PACE, self._addresses.get(whose), now)
            self._addresses.move_to_end(whose)
            return seconds


def customer(host: str) -> str:
    """What stands for one customer of a provider: an IPv4 address, the first half of an IPv6 one."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((address.packed, _ONES_OWN), strict=False))
