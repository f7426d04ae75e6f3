"""TCP: a virtual card, or a serial port that another machine serves. The secure channel protects what
matters.
"""

import contextlib
import socket

from .. import errors
from ..link.interface import LinkKind

CONNECT_TIMEOUT = 5.0
WRITE_TIMEOUT = 2.0
_READ_SIZE = 4096


class TcpTransport:
    """A byte stream to HOST:PORT."""

    link = LinkKind.SERIAL

    def __init__(self, host: str, port: int) -> None:
        """Connect. Raises PortNotFound if nobody listens there, CardTimeout if nobody answers."""
        self.url = f"tcp://{host}:{port}"
        try:
            self._socket = socket.create_connection((host, port), timeout=CONNECT_TIMEOUT)
        except TimeoutError:
            raise errors.CardTimeout(f"no connection within {CONNECT_TIMEOUT:g} s", where=self.url) from None
        except OSError as error:
            raise errors.PortNotFound(
                f"nobody listens there ({error.strerror or error})", where=self.url
            ) from None
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def write(self, data: bytes) -> None:
        """Send all of ``data``."""
        try:
            self._socket.settimeout(WRITE_TIMEOUT)
            self._socket.sendall(data)
        except TimeoutError as error:
            raise errors.CardTimeout(
                f"the card took no bytes for {WRITE_TIMEOUT:g} s", where=self.url
            ) from error
        except OSError as error:
            raise self._removed() from error

    def read(self, timeout: float) -> bytes:
        """Return the bytes that are there; b"" if none came within ``timeout`` seconds."""
        try:
            self._socket.settimeout(timeout)
            data = self._socket.recv(_READ_SIZE)
        except (TimeoutError, BlockingIOError):
            return b""
        except OSError as error:
            raise self._removed() from error
        if not data:
            raise self._removed()
        return data

    def close(self) -> None:
        """Close the connection."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _removed(self) -> errors.CardRemoved:
        return errors.CardRemoved("the connection to the card was closed", where=self.url)
