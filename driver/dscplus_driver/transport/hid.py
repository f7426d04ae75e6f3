"""HID nodes, by hidapi: its hidraw backend on Linux, whatever it has elsewhere."""

import errno
import importlib
import os
import sys
from pathlib import Path
from typing import Any

from .. import errors
from ..report_descriptor import is_card
from ..usb_identity import REPORT_LENGTH
from .exclusive import hold, hold_node
from .opening import open_error
from .reports import ReportTransport, no_taker, removed, stalled

_NO_REPORT_ID = b"\x00"
_NOT_A_CARD = "this HID device is no card: its report descriptor is another"


class HidTransport(ReportTransport):
    """A card's HID interface, opened for this program alone."""

    def __init__(self, path: str) -> None:
        """Open the node ``path`` (/dev/hidrawN; elsewhere what hidapi calls it).

        Raises LibraryMissing, PortNotFound, PermissionRefused, CardBusy, CardRemoved, UsageError (no HID
        node), or ProtocolError (a HID device that is no card).
        """
        url = f"hid:{path}"
        library = _library(url)
        lock = hold(Path(path), url) or hold_node(Path(path), url)
        try:
            pipe = _HidPipe(library, path, url)
            try:
                if lock:
                    lock.check()
            except errors.CardError:
                pipe.close()
                raise
        except BaseException:
            if lock:
                lock.release()
            raise
        super().__init__(url, pipe, lock)


class _HidPipe:
    def __init__(self, library: Any, path: str, url: str) -> None:
        self._url = url
        self._device = library.device()
        try:
            self._device.open_path(os.fsencode(path))
        except OSError:
            raise _open_failure(path, url) from None
        try:
            descriptor = bytes(self._device.get_report_descriptor())
        except OSError:
            self._device.close()
            raise removed(url) from None
        if not is_card(descriptor):
            self._device.close()
            raise errors.ProtocolError(_NOT_A_CARD, where=url)

    def write_report(self, report: bytes) -> None:
        """Send one report. hidapi wants the report ID before it, 00 where there is none, and counts it."""
        taken = self._device.write(_NO_REPORT_ID + report)
        if taken == len(report) + 1:
            return
        if taken >= 0:
            raise errors.LinkError(f"the card took {taken} bytes of a report", where=self._url)
        if self._last_error_is(errno.ETIMEDOUT):
            raise no_taker(self._url)
        if self._last_error_is(errno.EPIPE):
            raise stalled(self._url)
        raise removed(self._url)

    def read_report(self, milliseconds: int) -> bytes:
        """Return what came. hidapi takes 0 for no limit, so at least 1 ms."""
        # One byte more than a report, to see what is too long.
        try:
            return bytes(self._device.read(REPORT_LENGTH + 1, milliseconds))
        except OSError:
            # hidapi does not go on waiting after a signal, as Python does.
            if self._last_error_is(errno.EINTR):
                return b""
            raise removed(self._url) from None

    def close(self) -> None:
        """Give the node back."""
        self._device.close()

    def _last_error_is(self, code: int) -> bool:
        # hidapi hands out the system's words, not its number.
        return bool(self._device.error() == os.strerror(code))


def _library(url: str) -> Any:
    name = "hidraw" if sys.platform == "linux" else "hid"
    try:
        library = importlib.import_module(name)
    except ImportError as error:
        raise errors.LibraryMissing(
            f"hidapi's module `{name}` cannot be loaded ({error})",
            where=url,
            advice="Install it: pip install hidapi.",
        ) from None
    if not hasattr(library, "device"):
        raise errors.LibraryMissing(
            f"the installed module `{name}` is not hidapi's",
            where=url,
            advice="Remove the package `hid`, then: pip install --force-reinstall hidapi.",
        )
    return library


def _open_failure(path: str, url: str) -> errors.DscError:
    """Say why hidapi opened nothing; it tells no errno, so the system is asked again."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK))
    except OSError as error:
        refused = open_error(error.errno, path, url)
        if refused:
            return refused
    return errors.UsageError(
        f"{path} is no HID device", where=url, advice="Run `dsc list` to see the ports there are."
    )
