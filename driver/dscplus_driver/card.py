"""A card at a port: what can be asked of it in the clear, and the way into a secure session."""

import secrets
import time
from collections.abc import Callable
from typing import Self

from . import errors, model, status
from .apdu import Command, Response
from .connection import Connection, Tap
from .link.frames import LinkCommand
from .model import Diagnosis, Tag
from .readings import Readings
from .scp03 import AID, HOST_CHALLENGE_LENGTH, CardChallenge, Handshake
from .sensitive import KeySet
from .session import SecureSession
from .transport import Transport
from .transport.url import open_transport

_SELECT = Command(0x00, 0xA4, 0x04, 0x00, AID)


def connect(url: str, *, on_working: Callable[[], None] | None = None, tap: Tap | None = None) -> "Card":
    """Open the card at ``serial:PATH``, a bare path, ``hid:PATH``, ``usb:BUS.ADDRESS``, or ``tcp://HOST:PORT``.

    Opening does not speak to the card yet. Raises PortUrlError, PortNotFound, PermissionRefused or CardBusy.
    """
    return Card(open_transport(url), on_working=on_working, tap=tap)


class Card(Readings):
    """One card, used from one thread at a time; a context manager that gives the port back.

    ``clock`` gives monotonic seconds, ``random(n)`` n unpredictable bytes, ``on_working`` is called whenever
    the card tells that it is still at work, ``tap(direction, bytes)`` sees the wire.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        clock: Callable[[], float] = time.monotonic,
        random: Callable[[int], bytes] = secrets.token_bytes,
        on_working: Callable[[], None] | None = None,
        tap: Tap | None = None,
    ) -> None:
        self._connection = Connection(transport, clock=clock, random=random, on_working=on_working, tap=tap)
        self._random = random
        self._serial_number: str | None = None
        self._session: SecureSession | None = None
        self._channel_link_session = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the port back; a session that is open ends. Closing twice is harmless."""
        if self._session:
            self._session.close()
        self._connection.close()

    def reset(self) -> None:
        """Begin the next exchange with INIT: the card ends its secure channel, the host its session."""
        if self._session:
            self._session.close()
        self._connection.reset()

    @property
    def url(self) -> str:
        """The port."""
        return self._connection.url

    @property
    def where(self) -> str:
        """The port, and the serial number once it is known: for messages."""
        return f"{self.url}, card {self._serial_number}" if self._serial_number else self.url

    @property
    def serial_number(self) -> str:
        """Ten decimal digits, the last a Luhn digit; read once."""
        if self._serial_number is None:
            self._serial_number = model.serial_number(self.get_data(Tag.SERIAL_NUMBER))
        return self._serial_number

    def check_serial_number(self) -> None:
        """Ask the card again who it is, if it was asked before. Raises CardSwapped if it is another one now.

        Behind a serial adapter or a port server cards can be swapped while the port stays open. What another
        card shows must not decide what becomes of this one.
        """
        known = self._serial_number
        if known is None:
            return
        found = model.serial_number(self.get_data(Tag.SERIAL_NUMBER))
        if found != known:
            raise errors.CardSwapped(known, found, where=self.url)

    def get_data(self, tag: int) -> bytes:
        """Read a data object in the clear: a hint, not a proof."""
        command = Command(0x80, 0xCA, tag >> 8, tag & 0xFF)
        return self._plain(f"GET DATA {tag:04X}", command)

    def self_test(self) -> int:
        """Let the card test itself; return one byte, 00 for good, else a bit for each part that failed."""
        name = "DIAGNOSE self-test"
        answer = self._plain(name, Command(0x80, 0x32, Diagnosis.SELF_TEST, 0))
        if len(answer) != 1:
            raise errors.ProtocolError(f"{name} was answered by {len(answer)} bytes", where=self.where)
        return answer[0]

    def measure_battery(self) -> model.Battery:
        """Let the card measure its battery, idle and under load."""
        return model.battery(self._plain("DIAGNOSE battery", Command(0x80, 0x32, Diagnosis.BATTERY, 0)))

    def wink(self) -> None:
        """Let the card blink; returns when it has."""
        self._connection.exchange(LinkCommand.WINK)

    def ping(self, data: bytes) -> None:
        """Send up to 512 bytes there and back. Raises ProtocolError if others come back."""
        if self._connection.exchange(LinkCommand.PING, data) != data:
            raise errors.ProtocolError("PING came back changed", where=self.where)

    def transmit(self, apdu: bytes) -> bytes:
        """Send any command APDU as it is and return the whole answer, status word included.

        For diagnosis: whatever it does to a secure channel is the caller's affair.
        """
        return self._connection.exchange(LinkCommand.MSG, apdu)

    def open_session(self, keys: KeySet) -> SecureSession:
        """Open a secure channel (SCP03, level 33) under these keys.

        Raises KeyVersionNotFound if the card's keys have another version, AuthenticationFailed if they are
        others, and every CardError of the wire. Each failure counts on the card: after ten in a row it
        answers more and more slowly.
        """
        if self._session:
            raise errors.SessionOpen("a secure session is open on this card", where=self.where)
        handshake = Handshake(keys, self._random(HOST_CHALLENGE_LENGTH))
        response = self.exchange(handshake.initialize_update())
        if response.status_word == status.NOT_FOUND:
            raise errors.KeyVersionNotFound(
                f"the card has no key version {keys.version:02X}", where=self.where
            )
        try:
            answer = self._expect_success("INITIALIZE UPDATE", response)
            self._check_identity(answer)
            authenticate, channel = handshake.external_authenticate(answer)
            Handshake.confirm(self.exchange(authenticate))
        except errors.DscError as error:
            error.where = error.where or self.where
            raise
        self._channel_link_session = self._connection.session
        self._session = SecureSession(self, keys, channel)
        return self._session

    def exchange(self, command: Command) -> Response:
        """Send one command APDU as it is; return the answer, whatever its status word."""
        return Response.parse(self._connection.exchange(LinkCommand.MSG, bytes(command)))

    def channel_stands(self) -> bool:
        """Tell whether the link session of the last secure channel is still the present one."""
        return bool(self._connection.session) and self._connection.session == self._channel_link_session

    def forget_session(self, session: SecureSession) -> None:
        """Called by a session that ends."""
        if self._session is session:
            self._session = None

    def _plain(self, name: str, command: Command) -> bytes:
        if self._session:
            raise errors.SessionOpen(f"{name} in the clear would end the secure session", where=self.where)
        if self.channel_stands():
            # The card still has the channel that this host has left, and would answer the next plain command
            # by 6982.
            self._expect_success("SELECT", self.exchange(_SELECT))
            self._channel_link_session = 0
        return self._expect_success(name, self.exchange(command))

    def _expect_success(self, name: str, response: Response) -> bytes:
        if response.status_word != status.SUCCESS:
            word = response.status_word
            raise errors.StatusWordError(name, word, status.meaning(word), where=self.where)
        return response.data

    def _check_identity(self, answer: bytes) -> None:
        """The serial number in the handshake must be the one this card had before: cards can be swapped at a
        port.
        """
        found = model.serial_number(CardChallenge.parse(answer).diversification_data)
        if self._serial_number not in (None, found):
            raise errors.CardUnfit(f"another card, {found}, is now at this port", where=self.where)
        self._serial_number = found
