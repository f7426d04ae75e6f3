"""What hidapi and libusb have in common: whole reports in and out, waits in slices, one opener."""

import time
from typing import Protocol

from .. import errors
from ..link.interface import LinkKind
from ..usb_identity import REPORT_LENGTH
from .exclusive import CardLock
from .gate import READ_SLICE, Gate

WRITE_TIMEOUT = 5.0
"""Seconds in which the card must take a report. Linux gives an interrupt transfer of hidraw just as many, and
nobody can shorten that; libusb is given the same.
"""


class Pipe(Protocol):
    """An opened HID interface, as a library gives it. Any call may raise CardRemoved or LinkError."""

    def write_report(self, report: bytes) -> None:
        """Send one report. Raises CardTimeout if it is not taken within WRITE_TIMEOUT."""

    def read_report(self, milliseconds: int) -> bytes:
        """Return what came, of whatever length; b"" if nothing came within so many milliseconds (≥ 1)."""

    def close(self) -> None:
        """Give the interface back; never raises."""


class ReportTransport:
    """Reports of 64 bytes to and from one card, over a pipe."""

    link = LinkKind.HID

    def __init__(self, url: str, pipe: Pipe, lock: CardLock | None) -> None:
        self.url = url
        self._pipe = pipe
        self._lock = lock
        self._gate = Gate(url)

    def write(self, data: bytes) -> None:
        """Send reports, ``data`` being one or more of 64 bytes; returns once the card has taken the last.

        Raises CardRemoved, CardTimeout if the card takes nothing for 5 s, LinkError if its endpoint stays
        stalled.
        """
        if not data or len(data) % REPORT_LENGTH:
            raise ValueError(f"{len(data)} bytes are no reports of {REPORT_LENGTH}")
        for start in range(0, len(data), REPORT_LENGTH):
            with self._gate.entered():
                self._pipe.write_report(data[start : start + REPORT_LENGTH])

    def read(self, timeout: float) -> bytes:
        """Return one report of 64 bytes; b"" if none came within ``timeout`` seconds.

        A shorter or longer report is none: some devices follow each report by an empty one. Raises
        CardRemoved, LinkError.
        """
        deadline = time.monotonic() + timeout
        while True:
            wait = min(READ_SLICE, max(0.0, deadline - time.monotonic()))
            with self._gate.entered():
                report = self._pipe.read_report(max(1, round(wait * 1000)))
            if len(report) == REPORT_LENGTH:
                return report
            if time.monotonic() >= deadline:
                return b""

    def close(self) -> None:
        """Give the card back, also while another thread reads: its read ends by CardRemoved."""
        with self._gate.shutting() as first:
            if first:
                try:
                    self._pipe.close()
                finally:
                    if self._lock:
                        self._lock.release()


def removed(url: str) -> errors.CardRemoved:
    """Return the error of a card that vanished."""
    return errors.CardRemoved("the card was removed", where=url)


def no_taker(url: str) -> errors.CardTimeout:
    """Return the error of a card that takes no report."""
    return errors.CardTimeout(f"the card took no report for {WRITE_TIMEOUT:g} s", where=url)


def stalled(url: str) -> errors.LinkError:
    """Return the error of an endpoint that refuses every transfer."""
    return errors.LinkError(
        "the card's USB endpoint is stalled", where=url, advice="Unplug the card and plug it in again."
    )
