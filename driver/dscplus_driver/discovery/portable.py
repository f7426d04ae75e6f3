"""What other systems than Linux tell: hidapi, pyserial and pyusb each list the cards as they see them, joined
here by serial number. There is no stable port path, and whether a port can be opened shows when it is.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from ..usb_identity import CDC_CLASS, HID_CLASS, USB_PRODUCT, USB_VENDOR
from .found import Access, TransportKind
from .records import BodyRecord, NodeRecord, Record


@dataclass(frozen=True, slots=True)
class Row:
    """One card as one library shows it; ``serial_text`` is None where it could not be read."""

    kind: TransportKind
    serial_text: str | None
    node: str = ""
    usage: tuple[int, int] | None = None
    bus: int | None = None
    address: int | None = None
    port_path: str | None = None


def records() -> list[Record]:
    """Ask the libraries."""
    return join([*_hid_rows(), *_serial_rows(), *_usb_rows()])


def join(rows: Sequence[Row]) -> list[Record]:
    """Return the records of the cards behind these rows: each card once.

    Rows of one kind with one serial number are as many cards. A USB device whose serial number could not be
    read is the body of a card that another library shows, or, if none is left, a card that this user may not
    open.
    """
    unread = [row for row in rows if row.kind is TransportKind.USB and row.serial_text is None]
    by_number: dict[str | None, dict[TransportKind, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if row not in unread:
            by_number[row.serial_text][row.kind].append(row)
    found: list[Record] = []
    without_body = 0
    for number, kinds in sorted(by_number.items(), key=lambda item: item[0] or ""):
        columns = (kinds[TransportKind.HID], kinds[TransportKind.SERIAL], kinds[TransportKind.USB])
        for position, (hid, serial, usb) in enumerate(zip_longest(*columns)):
            without_body += usb is None
            found += _records(
                f"{number or ''}#{position}", number, [row for row in (hid, serial) if row], usb
            )
    for row in unread[without_body:]:
        found += _records(f"usb:{row.bus}.{row.address}", None, [], row)
    return found


def _records(device: str, number: str | None, nodes: Sequence[Row], usb: Row | None) -> list[Record]:
    classes = {HID_CLASS if row.kind is TransportKind.HID else CDC_CLASS for row in nodes}
    body = BodyRecord(device, number, frozenset(classes))
    if usb:
        body = replace(
            body,
            interface_classes=frozenset(classes | {HID_CLASS}),
            port_path=usb.port_path,
            bus=usb.bus,
            address=usb.address,
            access=Access.NO_PERMISSION if usb.serial_text is None else Access.READY,
        )
    return [
        body,
        *(NodeRecord(f"{device}/{row.node}", row.kind, row.node, Access.READY, row.usage) for row in nodes),
    ]


def _hid_rows() -> list[Row]:
    import hid

    return [
        Row(
            TransportKind.HID,
            row["serial_number"] or None,
            node=row["path"].decode("utf-8", "replace"),
            usage=(row["usage_page"], row["usage"]),
        )
        for row in hid.enumerate(USB_VENDOR, USB_PRODUCT)
    ]


def _serial_rows() -> list[Row]:
    from serial.tools import list_ports

    return [
        Row(TransportKind.SERIAL, port.serial_number, node=port.device)
        for port in list_ports.comports()
        if (port.vid, port.pid) == (USB_VENDOR, USB_PRODUCT)
    ]


def _usb_rows() -> list[Row]:
    import libusb_package

    return [
        Row(
            TransportKind.USB,
            _usb_serial_number(device),
            bus=device.bus,
            address=device.address,
            port_path="-".join([str(device.bus), ".".join(map(str, device.port_numbers or ()))]),
        )
        for device in libusb_package.find(find_all=True, idVendor=USB_VENDOR, idProduct=USB_PRODUCT)
    ]


def _usb_serial_number(device: object) -> str | None:
    """Reading the string takes opening the device, which the system may refuse."""
    import usb.core
    import usb.util

    try:
        return getattr(device, "serial_number", None)
    except (usb.core.USBError, ValueError):
        return None
    finally:
        usb.util.dispose_resources(device)
