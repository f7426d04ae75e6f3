"""A transport that counts what passes through it and how long it waited for the card."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter_ns

from dscplus_driver.transport import Transport

from .measure import NS


@dataclass
class Meter:
    """What passed: bytes both ways, requests, and seconds in which the host could only wait."""

    octets: int = 0
    requests: int = 0
    waiting: float = 0.0


class MeteredTransport:
    """Passes everything on to `inner`; counts in `meter`."""

    def __init__(self, inner: Transport, meter: Meter) -> None:
        self.url = inner.url
        self._inner = inner
        self._meter = meter

    def write(self, data: bytes) -> None:
        """One write is one frame."""
        self._inner.write(data)
        self._meter.octets += len(data)
        self._meter.requests += 1

    def read(self, timeout: float) -> bytes:
        """Waits for the card."""
        start = perf_counter_ns()
        data = self._inner.read(timeout)
        self._meter.waiting += (perf_counter_ns() - start) * NS
        self._meter.octets += len(data)
        return data

    def close(self) -> None:
        """Gives the port back."""
        self._inner.close()
