"""One request of a USB host to one endpoint, and how it ended."""

import dataclasses

DONE = 0
STALL = -32
"""The endpoint is halted, or the request is not supported. Numbers are Linux', as USB/IP carries them."""
OVERFLOW = -75
"""The device had more to send than the host had room for."""
UNLINKED = -104
"""The host took the transfer back before the device had served it."""

DIRECTION_IN = 0x80


@dataclasses.dataclass(frozen=True)
class Transfer:
    """A transfer that a host asks for; on a bus the device would NAK it until it can be served."""

    tag: int
    """The host's name for it."""
    endpoint: int
    """Endpoint address; for the control endpoint 00 or 80, after the direction of the data."""
    length: int
    """Bytes of `data` (OUT), or the most that the host takes (IN)."""
    setup: bytes = bytes(8)
    """The setup packet (USB 2.0, 9.3); counts for control transfers only."""
    data: bytes = b""
    """What the host sends (OUT)."""


@dataclasses.dataclass(frozen=True)
class Completion:
    """How a transfer ended."""

    transfer: Transfer
    status: int
    data: bytes = b""
    """What the device sends (IN)."""

    @property
    def actual_length(self) -> int:
        """Bytes that went over the bus."""
        if self.status != DONE:
            return 0
        return len(self.data) if self.transfer.endpoint & DIRECTION_IN else self.transfer.length
