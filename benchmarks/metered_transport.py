"""A transport that counts what passes through it."""

from __future__ import annotations

from dataclasses import dataclass

from dscplus_driver.transport import Transport


@dataclass
class Meter:
    """What passed: bytes both ways, and requests."""

    octets: int = 0
    requests: int = 0


class MeteredTransport:
    """Passes everything on to `inner`; counts in `meter`."""

    def __init__(self, inner: Transport, meter: Meter) -> None:
        self.url = inner.url
        self.link = inner.link
        self._inner = inner
        self._meter = meter

    def write(self, data: bytes) -> None:
        """One write is one frame."""
        self._inner.write(data)
        self._meter.octets += len(data)
        self._meter.requests += 1

    def read(self, timeout: float) -> bytes:
        """Waits for the card."""
        data = self._inner.read(timeout)
        self._meter.octets += len(data)
        return data

    def close(self) -> None:
        """Gives the port back."""
        self._inner.close()
