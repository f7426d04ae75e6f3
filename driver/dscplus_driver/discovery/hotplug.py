"""What tells that it is worth looking again: the kernel's hot-plug events, or the passing of time."""

import errno
import os
import select
import threading
from typing import Any, Protocol

from .sysfs import UDEV_CONTROL

POLL_INTERVAL = 0.5
"""Seconds between looks where no events come."""
LOOK_ANYWAY = 5.0
"""Seconds after which to look although no event came: permissions change without one, and an event can be
lost."""
_SUBSYSTEMS = ("usb", "hid", "hidraw", "tty")


class Hotplug(Protocol):
    """Where hints come from that something was plugged in or out."""

    def wait(self, timeout: float) -> None:
        """Return at the next hint, when woken, or after at most ``timeout`` seconds."""

    def wake(self) -> None:
        """End a wait, this one or the next; from any thread."""

    def close(self) -> None:
        """Stop listening."""


def subscribe() -> Hotplug:
    """Listen to udev where it runs, else look again and again. What happens from now on is not missed."""
    if UDEV_CONTROL.exists():
        try:
            return Netlink()
        except (ImportError, OSError):  # no pyudev, no libudev, no netlink socket for this process
            return Polling()
    return Polling()


class Polling:
    """Hints by the clock alone."""

    def __init__(self) -> None:
        self._woken = threading.Event()

    def wait(self, timeout: float) -> None:
        """Wait for POLL_INTERVAL at most."""
        self._woken.wait(max(0.0, min(timeout, POLL_INTERVAL)))

    def wake(self) -> None:
        """End every wait from now on."""
        self._woken.set()

    def close(self) -> None:
        """Nothing is held."""


class Netlink:
    """udev's events about USB devices and their nodes, broadcast when udev is done with each."""

    def __init__(self) -> None:
        import pyudev

        self._monitor: Any = pyudev.Monitor.from_netlink(pyudev.Context(), source="udev")
        for subsystem in _SUBSYSTEMS:
            self._monitor.filter_by(subsystem)
        self._monitor.start()
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._lock = threading.Lock()
        self._poll = select.poll()
        self._poll.register(self._monitor.fileno(), select.POLLIN)
        self._poll.register(self._wake, select.POLLIN)

    def wait(self, timeout: float) -> None:
        """Wait for an event, and take all that are there: each is but a hint to look."""
        self._poll.poll(max(0.0, min(timeout, LOOK_ANYWAY)) * 1000)
        try:
            while self._monitor.poll(0) is not None:
                pass
        except OSError as error:
            if error.errno != errno.ENOBUFS:  # more came than the socket holds: look, as for the others
                raise

    def wake(self) -> None:
        """End every wait from now on."""
        with self._lock:
            if self._wake >= 0:
                os.eventfd_write(self._wake, 1)

    def close(self) -> None:
        """Close the socket."""
        with self._lock:
            if self._wake >= 0:
                os.close(self._wake)
            self._wake = -1
            self._monitor = None
