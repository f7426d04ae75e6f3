"""Byte transports: how the link's bytes reach a card. Thin; no protocol in here."""

from typing import Protocol

from ..link.interface import LinkKind


class Transport(Protocol):
    """A way to one card, owned by one opener until it is closed: a byte stream, or one of 64-byte reports."""

    link: LinkKind
    """Which link travels over it. HID: ``write`` takes whole reports, ``read`` gives one."""

    url: str
    """Where the card is, as the user would write it: ``serial:/dev/ttyACM0``, ``tcp://127.0.0.1:7001``."""

    def write(self, data: bytes) -> None:
        """Send all of ``data``; returns once the last byte has left the host's buffers.

        Raises CardRemoved if the card is gone, CardTimeout if it takes nothing for the write timeout.
        """

    def read(self, timeout: float) -> bytes:
        """Return the bytes that are there, at least one; ``b""`` if none came within ``timeout`` seconds, or
        for an empty report: read again.

        Raises CardRemoved if the card is gone.
        """

    def close(self) -> None:
        """Give the card back. Closing twice is harmless."""
