"""A card's HID interface by /dev/uhid: a HID device of this machine's kernel with no USB device behind it.

Structures and events are those of Linux' include/uapi/linux/uhid.h, packed, in the machine's byte order.
"""

import errno
import os
import struct
from pathlib import Path

from dscplus_card.hosts.usb import descriptors
from dscplus_card.hosts.usb.device import UsbDevice
from dscplus_card.hosts.virtual_card import VirtualCard

UHID = Path("/dev/uhid")

_DESTROY, _OPEN, _CLOSE, _OUTPUT = 1, 4, 5, 6
_GET_REPORT, _GET_REPORT_REPLY, _CREATE2, _INPUT2, _SET_REPORT, _SET_REPORT_REPLY = 9, 10, 11, 12, 13, 14
_BUS_USB = 0x03
_OUTPUT_REPORT = 1
_DATA_MAX = 4096

_TYPE = struct.Struct("=I")
_CREATE2_EVENT = struct.Struct(f"=I128s64s64sHHIIII{_DATA_MAX}s")
_OUTPUT_EVENT = struct.Struct(f"=I{_DATA_MAX}sHB")
_INPUT2_HEAD = struct.Struct("=IH")
_GET_REPORT_EVENT = struct.Struct("=II")
_GET_REPORT_REPLY_EVENT = struct.Struct("=IIHH")
_SET_REPORT_EVENT = struct.Struct(f"=IIBBH{_DATA_MAX}s")
_SET_REPORT_REPLY_EVENT = struct.Struct("=IIH")
_LONGEST_EVENT = _CREATE2_EVENT.size


class UhidWire:
    """One card's HID link. There is no serial link, and there are no endpoints."""

    usb: UsbDevice | None = None

    def __init__(self, serial_number: str, device: Path = UHID) -> None:
        """The kernel shows the serial number as HID_UNIQ."""
        self._serial_number = serial_number
        self._path = device
        self._device = -1
        self._open = False

    def plug(self) -> str:
        """Make the HID device. Raises OSError."""
        self._device = os.open(self._path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self._open = False
        self._write(
            _CREATE2_EVENT.pack(
                _CREATE2,
                f"{descriptors.MANUFACTURER} {descriptors.PRODUCT}".encode("ascii"),
                f"dsc-emulate/{self._serial_number}".encode("ascii"),
                self._serial_number.encode("ascii"),
                len(descriptors.REPORT_DESCRIPTOR),
                _BUS_USB,
                descriptors.VENDOR_ID,
                descriptors.PRODUCT_ID,
                descriptors.DEVICE_RELEASE,
                0,
                descriptors.REPORT_DESCRIPTOR,
            )
        )
        return f"uhid:{self._serial_number}"

    def unplug(self) -> None:
        """Remove the HID device; whoever has its node open notices."""
        if self._device < 0:
            return
        self._write(_TYPE.pack(_DESTROY))
        os.close(self._device)
        self._device = -1

    def filenos(self) -> list[int]:
        """Return the open /dev/uhid."""
        return [self._device] if self._device >= 0 else []

    def carry(self, card: VirtualCard, readable: bool) -> None:
        """Take what the kernel has to say; give it reports while somebody has the node open."""
        if readable:
            self._take_events(card)
        card.drain()  # nobody is at the serial link
        while self._device >= 0 and self._open and (report := card.drain_report()):
            self._write(_INPUT2_HEAD.pack(_INPUT2, len(report)) + report)

    def _take_events(self, card: VirtualCard) -> None:
        while card.plugged:
            try:
                event = os.read(self._device, _LONGEST_EVENT)
            except BlockingIOError:
                return
            self._take_event(event.ljust(_LONGEST_EVENT, b"\x00"), card)

    def _take_event(self, event: bytes, card: VirtualCard) -> None:
        (kind,) = _TYPE.unpack_from(event)
        if kind in (_OPEN, _CLOSE):
            self._open = kind == _OPEN
        elif kind == _OUTPUT:
            _kind, data, size, _report_type = _OUTPUT_EVENT.unpack_from(event)
            card.feed_report(without_number(data[:size]))
        elif kind == _SET_REPORT:
            _kind, request, _number, report_type, size, data = _SET_REPORT_EVENT.unpack_from(event)
            if report_type == _OUTPUT_REPORT:
                card.feed_report(without_number(data[:size]))
            refusal = 0 if report_type == _OUTPUT_REPORT else errno.EIO
            self._write(_SET_REPORT_REPLY_EVENT.pack(_SET_REPORT_REPLY, request, refusal))
        elif kind == _GET_REPORT:
            _kind, request = _GET_REPORT_EVENT.unpack_from(event)
            self._write(_GET_REPORT_REPLY_EVENT.pack(_GET_REPORT_REPLY, request, errno.EIO, 0))

    def _write(self, event: bytes) -> None:
        os.write(self._device, event)


def without_number(data: bytes) -> bytes:
    """Return a report without its number, which the kernel leaves in front though there are none."""
    return data[1:]
