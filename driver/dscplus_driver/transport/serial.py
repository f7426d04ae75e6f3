"""Serial ports, USB CDC-ACM ports and ptys, by pyserial and the file descriptor that it configures."""

import errno
import os
import select
import time
from pathlib import Path

import serial

from .. import errors
from ..link.interface import LinkKind

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
        try:
            self._port = serial.Serial(path, baud, timeout=0, exclusive=True)
        except (serial.SerialException, OSError, ValueError) as error:
            raise _open_error(error, path, self.url) from None
        self._fd: int = self._port.fileno()

    def write(self, data: bytes) -> None:
        """Send all of ``data``; returns once the port's buffer is empty."""
        deadline = time.monotonic() + WRITE_TIMEOUT
        try:
            while data:
                self._wait(select.POLLOUT, deadline - time.monotonic())
                data = data[os.write(self._fd, data) :]
            # tcdrain() has no timeout and hangs on a port whose device stopped reading.
            while self._port.out_waiting:
                if time.monotonic() > deadline:
                    raise self._no_taker()
                time.sleep(_DRAIN_POLL)
        except OSError as error:
            raise self._removed() from error

    def read(self, timeout: float) -> bytes:
        """Return the bytes that are there; b"" if none came within ``timeout`` seconds."""
        try:
            if not self._poll(select.POLLIN, timeout):
                return b""
            data = os.read(self._fd, _READ_SIZE)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise self._removed() from error
        if not data:
            # Readable and yet nothing to read: the device behind the port is gone.
            raise self._removed()
        return data

    def close(self) -> None:
        """Give the port back."""
        self._fd = -1
        try:
            self._port.close()
        except OSError:  # a port that vanished cannot be restored to its old settings, and need not be
            return

    def _wait(self, event: int, timeout: float) -> None:
        if not self._poll(event, timeout):
            raise self._no_taker()

    def _poll(self, event: int, timeout: float) -> bool:
        if self._fd < 0:
            raise errors.CardRemoved("the port was closed", where=self.url)
        poll = select.poll()
        poll.register(self._fd, event)
        return bool(poll.poll(max(0.0, timeout) * 1000))

    def _removed(self) -> errors.CardRemoved:
        return errors.CardRemoved("the card was removed", where=self.url)

    def _no_taker(self) -> errors.CardTimeout:
        return errors.CardTimeout(f"the port took no bytes for {WRITE_TIMEOUT:g} s", where=self.url)


def _open_error(error: Exception, path: str, url: str) -> errors.DscError:
    """Say why a port could not be opened; pyserial wraps the system's errno, sometimes only in its text."""
    code = getattr(error, "errno", None)
    if code == errno.ENOENT or not Path(path).exists():
        return errors.PortNotFound(f"there is no {path}", where=url)
    if code in (errno.EACCES, errno.EPERM):
        return errors.PermissionRefused(f"this user may not open {path}", where=url)
    if code in (errno.EBUSY, errno.EAGAIN) or "exclusively lock" in str(error):
        pid = lock_holder(path)
        by = f"process {pid}" if pid else "another program"
        return errors.CardBusy(f"the port is in use by {by}", where=url, holder_pid=pid)
    if code in (errno.ENODEV, errno.ENXIO, errno.EIO):
        return errors.CardRemoved("the card was removed", where=url)
    return errors.UsageError(f"{path} is not a serial port", where=url, advice="")


def lock_holder(path: str, locks: Path = Path("/proc/locks")) -> int | None:
    """Return the process id that holds the exclusive lock (flock) on a file; None where the system does not
    tell.
    """
    try:
        status = Path(path).stat()
        lines = locks.read_text("ascii").splitlines()
    except OSError:
        return None
    wanted = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    for line in lines:
        # "1: FLOCK  ADVISORY  WRITE 4711 00:18:5 0 EOF"
        words = line.split()
        if len(words) > 5 and words[1] == "FLOCK" and words[5] == wanted and int(words[4]) > 0:
            return int(words[4])
    return None
