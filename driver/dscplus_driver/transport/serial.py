"""Serial ports, USB CDC-ACM ports and ptys, by pyserial and the file descriptor that it configures."""

import contextlib
import errno
import os
import select
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import serial

from .. import errors
from ..link.interface import LinkKind
from .exclusive import hold, lock_holder
from .gate import READ_SLICE, Gate
from .opening import busy, open_error

BAUD = 115_200
WRITE_TIMEOUT = 2.0
"""Seconds in which the port must take a frame: twenty times what the longest needs at 115,200 baud."""
_READ_SIZE = 4096
_DRAIN_POLL = 0.001


class SerialTransport:
    """A serial port, opened for this process alone."""

    link = LinkKind.SERIAL

    def __init__(self, path: str, *, baud: int = BAUD) -> None:
        """Open the port.

        Raises PortNotFound, PermissionRefused, CardBusy (another program holds it) or UsageError (no serial
        port).
        """
        self.url = f"serial:{path}"
        self._gate = Gate(self.url)
        self._lock = hold(Path(path), self.url)
        try:
            # pyserial locks the port itself likewise: all there is where no card's USB device is behind.
            self._port = serial.Serial(path, baud, timeout=0, exclusive=True)
        except (serial.SerialException, OSError, ValueError, termios.error) as error:
            self._unlock()
            raise _open_error(error, path, self.url) from None
        except BaseException:
            self._unlock()
            raise
        try:
            if self._lock:
                self._lock.check()
        except errors.CardError:
            self.close()
            raise

    def write(self, data: bytes) -> None:
        """Send all of ``data``; returns once the port's buffer is empty."""
        deadline = time.monotonic() + WRITE_TIMEOUT
        while data:
            with self._port_in_use() as fd:
                if _poll(fd, select.POLLOUT, min(READ_SLICE, deadline - time.monotonic())):
                    data = data[os.write(fd, data) :]
                elif time.monotonic() >= deadline:
                    raise self._no_taker()
        # tcdrain() has no timeout and hangs on a port whose device stopped reading.
        while self._bytes_waiting():
            if time.monotonic() > deadline:
                raise self._no_taker()
            time.sleep(_DRAIN_POLL)

    def read(self, timeout: float) -> bytes:
        """Return the bytes that are there; b"" if none came within ``timeout`` seconds."""
        deadline = time.monotonic() + timeout
        while True:
            with self._port_in_use() as fd:
                if _poll(fd, select.POLLIN, min(READ_SLICE, deadline - time.monotonic())):
                    return self._received(fd)
            if time.monotonic() >= deadline:
                return b""

    def close(self) -> None:
        """Give the port back, also while another thread reads: its read ends by CardRemoved."""
        with self._gate.shutting() as first:
            if first:
                # A port that vanished cannot be restored to its old settings, and need not be.
                with contextlib.suppress(OSError):
                    self._port.close()
                self._unlock()

    def _received(self, fd: int) -> bytes:
        try:
            data = os.read(fd, _READ_SIZE)
        except BlockingIOError:
            return b""
        if not data:
            # Readable and yet nothing to read: the device behind the port is gone.
            raise self._removed()
        return data

    def _bytes_waiting(self) -> bool:
        with self._port_in_use():
            return bool(self._port.out_waiting)

    @contextlib.contextmanager
    def _port_in_use(self) -> Iterator[int]:
        """Give the file descriptor for one call; the system's errors mean that the port has gone."""
        with self._gate.entered():
            try:
                yield self._port.fileno()
            except OSError as error:
                raise self._removed() from error

    def _unlock(self) -> None:
        if self._lock:
            self._lock.release()

    def _removed(self) -> errors.CardRemoved:
        return errors.CardRemoved("the card was removed", where=self.url)

    def _no_taker(self) -> errors.CardTimeout:
        return errors.CardTimeout(f"the port took no bytes for {WRITE_TIMEOUT:g} s", where=self.url)


def _poll(fd: int, event: int, timeout: float) -> bool:
    poll = select.poll()
    poll.register(fd, event)
    return bool(poll.poll(max(0.0, timeout) * 1000))


def _open_error(error: Exception, path: str, url: str) -> errors.DscError:
    """Say why a port could not be opened; pyserial wraps the system's errno, sometimes only in its text."""
    code = error.args[0] if isinstance(error, termios.error) else getattr(error, "errno", None)
    if code == errno.EAGAIN or "exclusively lock" in str(error):
        return busy(lock_holder(path), url)
    return open_error(code, path, url) or errors.UsageError(
        f"{path} is not a serial port",
        where=url,
        advice=f"For a HID node write hid:{path}; `dsc list` shows the ports there are.",
    )
