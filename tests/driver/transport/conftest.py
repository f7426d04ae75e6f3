"""What the transports stand on, made of files: a sysfs with cards in it, and a pty."""

import contextlib
import os
import pty
import tty
from pathlib import Path

import pytest

from dscplus_driver.transport import exclusive
from dscplus_driver.usb_identity import USB_PRODUCT, USB_VENDOR


@pytest.fixture
def terminal():
    """A pty: its master, and the path of its slave."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    path = os.ttyname(slave)
    os.close(slave)
    yield master, path
    with contextlib.suppress(OSError):
        os.close(master)


class UsbTree:
    """Some USB devices: what /sys and /dev tell of them."""

    def __init__(self, root: Path) -> None:
        self.sys = root / "sys"
        self.dev = root / "dev"
        (self.sys / "dev" / "char").mkdir(parents=True)

    def plug(self, bus: int, address: int, *nodes: str, ids=(USB_VENDOR, USB_PRODUCT)) -> Path:
        """Put a device there whose interfaces have these nodes (any character devices); return its own."""
        device = self.sys / "devices" / f"usb{bus}" / f"{bus}-{address}"
        for number, node in enumerate(nodes):
            interface = device / f"{bus}-{address}:1.{number}" / "tty" / "node"
            interface.mkdir(parents=True)
            rdev = Path(node).stat().st_rdev
            link = self.sys / "dev" / "char" / f"{os.major(rdev)}:{os.minor(rdev)}"
            link.unlink(missing_ok=True)
            link.symlink_to(interface)
        device.mkdir(parents=True, exist_ok=True)
        for name, text in {
            "busnum": f"{bus}",
            "devnum": f"{address}",
            "idVendor": f"{ids[0]:04x}",
            "idProduct": f"{ids[1]:04x}",
        }.items():
            (device / name).write_text(text + "\n")
        own = self.dev / "bus" / "usb" / f"{bus:03}" / f"{address:03}"
        own.parent.mkdir(parents=True, exist_ok=True)
        own.touch()
        return own


@pytest.fixture
def usb_tree(tmp_path, monkeypatch):
    """An empty sysfs and /dev/bus/usb that the driver takes for the machine's."""
    tree = UsbTree(tmp_path)
    monkeypatch.setattr(exclusive, "SYS", tree.sys)
    monkeypatch.setattr(exclusive, "DEV", tree.dev)
    return tree
