"""What Linux tells about the devices that are plugged in: files of sysfs, and the udev database for ID_PATH.

sysfs is read as it is at this moment. A device may go, and another come to its port, between two reads: what
cannot be read any more is not there.
"""

import os
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from ..report_descriptor import usage
from ..usb_identity import HID_CLASS, USB_PRODUCT, USB_VENDOR
from .descriptors import interface_classes
from .found import Access, TransportKind
from .records import BodyRecord, NodeRecord, Record

SYSFS = Path("/sys")
UDEV_CONTROL = Path("/run/udev/control")
"""There while udevd runs."""

_UHID = "devices/virtual/misc/uhid"
_INTERFACE_SUFFIX = re.compile(r":\d+\.\d+$")

UdevView = Callable[[Path], tuple[str | None, bool]]
"""What udev tells about a device in sysfs: ID_PATH, and whether udev is done with it."""
_BodyReader = Callable[[Path, Callable[[str], Access], UdevView], BodyRecord | None]


def node_access(node: str) -> Access:
    """Tell whether this user may open a device node for reading and writing."""
    if not Path(node).exists():
        return Access.NO_NODE
    return Access.READY if os.access(node, os.R_OK | os.W_OK) else Access.NO_PERMISSION


def udev_view(device: Path) -> tuple[str | None, bool]:
    """Return ID_PATH, and whether udev is done with a device: it is where there is no libudev or udevd."""
    context = _context()
    if context is None:
        return None, True
    import pyudev

    try:
        known = pyudev.Devices.from_sys_path(context, str(device))
    except pyudev.DeviceNotFoundError:
        return None, True
    id_path = known.properties.get("ID_PATH")
    return id_path, known.is_initialized or not UDEV_CONTROL.exists()


@cache
def _context() -> Any:
    try:
        import pyudev

        return pyudev.Context()
    except ImportError:  # pyudev itself, or the library that it looks for
        return None


def records(
    root: Path = SYSFS, *, access: Callable[[str], Access] = node_access, udev: UdevView = udev_view
) -> list[Record]:
    """Read the devices with a card's ids, and their nodes."""
    found: list[Record] = []
    usb = [device for device in _matches(root / "bus/usb/devices", "*") if ":" not in device.name]
    bodies: list[tuple[Path, _BodyReader]] = [(device, _usb_body) for device in usb]
    bodies += [(device, _uhid_body) for device in _matches(root / _UHID, "*:*:*.*")]
    for link, read in bodies:
        try:
            device = link.resolve()
            body = read(device, access, udev)
        except (OSError, ValueError, KeyError):
            continue  # it went while it was read
        if body:
            found += [body, *_nodes(device, access, udev)]
    return found


def _usb_body(device: Path, access: Callable[[str], Access], udev: UdevView) -> BodyRecord | None:
    ids = tuple(int(_text(device / name), 16) for name in ("idVendor", "idProduct"))
    if ids != (USB_VENDOR, USB_PRODUCT):
        return None
    address = int(_text(device / "devnum"))
    node = f"/dev/{_uevent(device)['DEVNAME']}"
    id_path, initialized = udev(device)
    record = BodyRecord(
        device=str(device),
        serial_text=_text_or_none(device / "serial"),
        interface_classes=interface_classes((device / "descriptors").read_bytes()),
        port_path=device.name,
        id_path=id_path,
        bus=int(_text(device / "busnum")),
        address=address,
        node=node,
        access=access(node),
        initialized=initialized,
    )
    # Another card may have come to the port meanwhile: its serial number must not get this one's address.
    return record if int(_text(device / "devnum")) == address else _usb_body(device, access, udev)


def _uhid_body(device: Path, _access: Callable[[str], Access], udev: UdevView) -> BodyRecord | None:
    properties = _uevent(device)
    _, vendor, product = (int(part, 16) for part in properties["HID_ID"].split(":"))
    if (vendor, product) != (USB_VENDOR, USB_PRODUCT):
        return None
    id_path, initialized = udev(device)
    return BodyRecord(
        device=str(device),
        serial_text=properties.get("HID_UNIQ"),
        interface_classes=frozenset({HID_CLASS}),
        id_path=id_path,
        initialized=initialized,
    )


def _nodes(body: Path, access: Callable[[str], Access], udev: UdevView) -> Iterator[NodeRecord]:
    """A USB device's nodes are below its interfaces (1-2:1.2), a uhid device's below itself."""
    for pattern, kind in (
        ("*:*/tty/*", TransportKind.SERIAL),
        ("*:*/*:*:*.*/hidraw/*", TransportKind.HID),
        ("hidraw/*", TransportKind.HID),
    ):
        for device in _matches(body, pattern):
            try:
                yield _node(device, kind, access, udev)
            except (OSError, KeyError):
                continue  # it went while it was read


def _node(device: Path, kind: TransportKind, access: Callable[[str], Access], udev: UdevView) -> NodeRecord:
    node = f"/dev/{_uevent(device)['DEVNAME']}"
    is_hid = kind is TransportKind.HID
    id_path, initialized = udev(device)
    return NodeRecord(
        device=str(device),
        kind=kind,
        node=node,
        access=access(node),
        usage=usage((device.parents[1] / "report_descriptor").read_bytes()) if is_hid else None,
        # udev's path of a node goes on to its interface: the card's ends before.
        id_path=_INTERFACE_SUFFIX.sub("", id_path) if id_path else None,
        initialized=initialized,
    )


def _matches(directory: Path, pattern: str) -> list[Path]:
    try:
        return sorted(directory.glob(pattern))
    except OSError:
        return []


def _text(file: Path) -> str:
    return file.read_text("utf-8", "replace").strip("\n")


def _text_or_none(file: Path) -> str | None:
    """A device without a serial number has no such file."""
    try:
        return _text(file)
    except FileNotFoundError:
        return None


def _uevent(device: Path) -> dict[str, str]:
    pairs = (line.partition("=") for line in _text(device / "uevent").splitlines())
    return {name: value for name, _, value in pairs}
