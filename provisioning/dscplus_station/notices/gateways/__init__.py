"""Gateways: what carries a message out of the house. One message at a time; each call has a timeout."""

from dataclasses import dataclass
from typing import Protocol

TIMEOUT = 20.0
"""Seconds that a gateway may take for one message."""


@dataclass(frozen=True)
class Message:
    """A message for one person. `reference` is the same in each attempt to send it."""

    to: str
    subject: str
    body: str
    language: str
    reference: str


class Password:
    """A password or token that shows itself only when asked to."""

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value, for the gateway itself."""
        return self._value

    def __repr__(self) -> str:
        return "Password(…)"


class Unavailable(Exception):
    """The gateway did not take the message now; it may later. Says why, without the message."""


class RefusedForGood(Exception):
    """The gateway will never take this message. Says why, without the message."""


class Gateway(Protocol):
    """Takes messages over. When `send` returns, the message is the gateway's to deliver."""

    def send(self, message: Message) -> None:
        """Hand a message over.

        Raises:
            Unavailable, RefusedForGood: it was not taken.
        """
