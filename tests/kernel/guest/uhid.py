"""HID devices made through /dev/uhid (Linux, Documentation/hid/uhid.rst): no USB behind them."""

import os
import select
import struct
from pathlib import Path

from tests.harness.fake_sysfs import CARD_REPORTS, KEYBOARD_REPORTS
from tests.kernel.guest.usb_cards import Udev

__all__ = ["CARD_REPORTS", "KEYBOARD_REPORTS", "UhidDevice"]

DESTROY, OPEN, CREATE2, INPUT2 = 1, 4, 11, 12
CREATE2_FORMAT = struct.Struct("=I128s64s64sHHIIII4096s")
BUS_USB = 3
EVENT_LENGTH = 4380  # sizeof(struct uhid_event)


class UhidDevice:
    """A HID device that takes reports and never answers; a context manager."""

    def __init__(self, serial_number: str, reports: bytes, ids: tuple[int, int] = (0x1209, 0xD5C1)) -> None:
        self._create = CREATE2_FORMAT.pack(
            CREATE2, b"Impostor", b"", serial_number.encode(), len(reports), BUS_USB, *ids, 0, 0, reports
        )
        self.node = ""

    def __enter__(self) -> "UhidDevice":
        """Plug it in, and wait until udev is done with its node."""
        self._fd = os.open("/dev/uhid", os.O_RDWR | os.O_CLOEXEC)
        with Udev() as udev:
            os.write(self._fd, self._create)
            while True:
                event = udev.event("hidraw of the uhid device")
                if (event.action, event.subsystem) == ("add", "hidraw"):
                    self.node = event.device_node
                    return self

    def __exit__(self, *_exception: object) -> None:
        """Unplug it, and wait until it has gone."""
        os.close(self._fd)
        assert not Path(self.node).exists(), f"{self.node} outlived its device"

    def send(self, report: bytes) -> None:
        """Send an input report of any length."""
        os.write(self._fd, struct.pack("=IH", INPUT2, len(report)) + report)

    @property
    def opened(self) -> int:
        """How often the node was opened since last asked."""
        kinds = []
        while select.select([self._fd], [], [], 0)[0]:
            kinds.append(struct.unpack_from("=I", os.read(self._fd, EVENT_LENGTH))[0])
        return kinds.count(OPEN)
