"""One opener per card, whichever of its interfaces he comes by, in this process or another.

A card on USB shows several nodes (hidraw, ttyACM, the USB device itself). They exclude each other by one
lock: an exclusive flock on the node of the USB device, /dev/bus/usb/BBB/DDD, which sysfs tells for every one
of them. The kernel drops it with the process that held it. Only programs that ask for it are kept out.
"""

import fcntl
import os
import sys
from pathlib import Path

from .. import errors
from ..usb_identity import USB_PRODUCT, USB_VENDOR
from .opening import busy, open_error

SYS = Path("/sys")
DEV = Path("/dev")
LOCKS = Path("/proc/locks")


class CardLock:
    """The right to one card, held until it is released; taken by `hold`."""

    def __init__(self, node: Path, fd: int, url: str) -> None:
        self._node = node
        self._fd = fd
        self._url = url

    def check(self) -> None:
        """Raise CardRemoved if the node no longer leads to what is locked.

        Names are given anew as soon as a device has gone: between taking the lock and opening the node
        another card may have come to this name.
        """
        held = os.fstat(self._fd)
        try:
            found = (usb_device_node(self._node) or self._node).stat()
        except OSError:
            found = None
        if found is None or (found.st_dev, found.st_ino) != (held.st_dev, held.st_ino):
            raise errors.CardRemoved("the card was removed while it was being opened", where=self._url)

    def release(self) -> None:
        """Give the right back. Releasing twice is harmless."""
        if self._fd >= 0:
            # A child process forked meanwhile has a copy of the descriptor: closing ours would not unlock.
            fcntl.flock(self._fd, fcntl.LOCK_UN)
            os.close(self._fd)
            self._fd = -1


def hold(node: Path, url: str) -> CardLock | None:
    """Take the one lock of the card whose USB device ``node`` (hidraw, tty, or the device itself) belongs to.

    None if no card's USB device is behind it, and where there is no sysfs to ask: macOS keeps what
    the libraries below give. Raises CardBusy with the holder's pid, PortNotFound, PermissionRefused,
    CardRemoved.
    """
    target = usb_device_node(node)
    return _lock(node, target, url) if target else None


def hold_node(node: Path, url: str) -> CardLock | None:
    """Take a lock on the node itself: a USB device's own, or one without a USB device behind it (uhid).

    Returns and raises as `hold`.
    """
    return _lock(node, node, url) if sys.platform == "linux" else None


def _lock(node: Path, target: Path, url: str) -> CardLock:
    try:
        fd = os.open(target, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError as error:
        raise open_error(error.errno, target, url) or error from None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        raise busy(lock_holder(target), url) from None
    return CardLock(node, fd, url)


def usb_device_node(node: Path) -> Path | None:
    """Return /dev/bus/usb/BBB/DDD of the card that a device node belongs to, symlinks followed.

    None if no card's USB device is behind the node: an adapter may carry several cards, so its own node would
    be one lock for all of them. None also where the USB device's node does not exist (a container that was
    given the tty alone).
    """
    try:
        number = node.stat().st_rdev
    except OSError:
        return None
    device = (SYS / "dev" / "char" / f"{os.major(number)}:{os.minor(number)}").resolve()
    for directory in (device, *device.parents):
        try:
            bus, address, vendor, product = (
                int((directory / name).read_text("ascii"), base)
                for name, base in (("busnum", 10), ("devnum", 10), ("idVendor", 16), ("idProduct", 16))
            )
        except OSError:
            continue
        if (vendor, product) != (USB_VENDOR, USB_PRODUCT):
            return None
        found = usb_node(bus, address)
        return found if found.exists() else None
    return None


def usb_node(bus: int, address: int) -> Path:
    """Return the node of a USB device by its bus and address."""
    return DEV / "bus" / "usb" / f"{bus:03}" / f"{address:03}"


def lock_holder(path: Path | str) -> int | None:
    """Return the process id that holds the exclusive lock (flock) on a file; None where the system does not
    tell.
    """
    try:
        status = Path(path).stat()
        lines = LOCKS.read_text("ascii").splitlines()
    except OSError:
        return None
    wanted = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    for line in lines:
        # "1: FLOCK  ADVISORY  WRITE 4711 00:18:5 0 EOF"
        words = line.split()
        if len(words) > 5 and words[1] == "FLOCK" and words[5] == wanted and int(words[4]) > 0:
            return int(words[4])
    return None
