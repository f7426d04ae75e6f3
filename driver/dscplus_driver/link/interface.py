"""What every link is to the connection that runs it, and which links there are."""

from enum import Enum
from typing import ClassVar, Protocol

from .events import Event
from .frames import LinkCommand

CEILING = 90.0
"""Seconds after which a request is given up whatever arrives: above the card's longest delay (60 s)."""


class LinkKind(Enum):
    """Which link a transport carries: a byte stream, or 64-byte HID reports."""

    SERIAL = "serial"
    HID = "hid"


class State(Enum):
    """CLOSED: only INIT may be asked. IDLE: a session, nothing under way. WAITING: for one answer."""

    CLOSED = "closed"
    IDLE = "idle"
    WAITING = "waiting"


class Link(Protocol):
    """One card's link, without I/O. All times are seconds of one monotonic clock."""

    VERSION: ClassVar[int]
    """The link version that a card has to answer to INIT."""
    state: State
    session: int
    """A number that no two sessions of this link share; 0 while there is none."""

    def init(self) -> None:
        """Ask for a new session, whatever state this one is in."""

    def request(self, cmd: LinkCommand, payload: bytes = b"") -> None:
        """Send a request of at most 512 bytes in the present session. Only in state IDLE."""

    def cancel(self) -> None:
        """Ask the card to stop the request under way."""

    def close(self) -> None:
        """Forget the session and what is under way."""

    def leave(self) -> bytes:
        """Return what to send before the port is given back, so that the next client need not wait."""

    def data_to_send(self) -> bytes:
        """Return the bytes to send now, once; b"" if there are none."""

    def sent(self, now: float) -> None:
        """Tell that the last byte has left the host: the timers start."""

    def deadline(self) -> float | None:
        """Return when `tick` is due; None while nothing is awaited or something is to be sent."""

    def receive(self, data: bytes, now: float) -> list[Event]:
        """Take what one read of the transport gave."""

    def tick(self, now: float) -> list[Event]:
        """Let the timers act."""
