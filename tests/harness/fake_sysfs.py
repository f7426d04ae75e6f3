"""A sysfs of plain files, with cards plugged in and out, as `discovery.sysfs` reads it: no kernel needed.

usb = FakeSysfs(tmp_path)
card = usb.plug("1-2.3", "0000000018")          # hidraw, tty and USB node, all open to this user
usb.deny(card.hidraw)
usb.unplug("1-2.3")
usb.records()
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

from dscplus_driver.discovery import Access, sysfs
from dscplus_driver.discovery.records import Record

HID_CLASS, CDC_CLASS, CDC_DATA_CLASS, STORAGE_CLASS = 0x03, 0x02, 0x0A, 0x08
DRIVERS = {HID_CLASS: "usbhid", CDC_CLASS: "cdc_acm", CDC_DATA_CLASS: "cdc_acm", STORAGE_CLASS: "usb-storage"}
CARD_CLASSES = (CDC_CLASS, CDC_DATA_CLASS, HID_CLASS)
CARD_REPORTS = bytes.fromhex("0600ff0901a101150026ff00750895400902810209039102c0")
KEYBOARD_REPORTS = bytes.fromhex("05010906a1010507c0")


@dataclass(frozen=True)
class Plugged:
    """The nodes of a device that was plugged in; None where it has none."""

    usb: str | None
    hidraw: str | None
    tty: str | None


def descriptors(classes: tuple[int, ...]) -> bytes:
    """Return a device descriptor and one configuration of interfaces with these classes."""
    interfaces = b"".join(
        bytes([9, 4, number, 0, 1, kind, 0, 0, 0]) + bytes([7, 5, 0x81 + number, 3, 64, 0, 5])
        for number, kind in enumerate(classes)
    )
    device = bytes.fromhex("12010002ef02014009 12c1d5 0001 010203 01".replace(" ", ""))
    configuration = bytes([9, 2, *(9 + len(interfaces)).to_bytes(2, "little"), len(classes), 1, 0, 0x80, 50])
    return device + configuration + interfaces


class FakeSysfs:
    """The tree, who may open which node, and what udev knows."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.controller = root / "devices/platform/vhci_hcd.0/usb1"
        self.uhid = root / "devices/virtual/misc/uhid"
        (root / "bus/usb/devices").mkdir(parents=True)
        self.uhid.mkdir(parents=True)
        self.access: dict[str, Access] = {}
        self.id_paths: dict[Path, str] = {}
        self.unfinished: set[Path] = set()
        self._number = 0

    def records(self) -> list[Record]:
        """Read the tree as the driver does."""
        return sysfs.records(
            self.root,
            access=lambda node: self.access.get(node, Access.NO_NODE),
            udev=lambda device: (self.id_paths.get(device), device not in self.unfinished),
        )

    def plug(
        self,
        port: str,
        serial: str | None,
        *,
        ids: tuple[int, int] = (0x1209, 0xD5C1),
        classes: tuple[int, ...] = CARD_CLASSES,
        reports: bytes = CARD_REPORTS,
        bound: bool = True,
    ) -> Plugged:
        """Plug a device in at "1-2.3". Not `bound`: no driver serves its interfaces (yet)."""
        self._number += 1
        address = self._number
        device = self.controller / port
        name = f"bus/usb/001/{address:03}"
        device.mkdir(parents=True)
        self._write(device / "uevent", f"DEVNAME={name}\nDEVTYPE=usb_device\n")
        self._write(device / "idVendor", f"{ids[0]:04x}\n")
        self._write(device / "idProduct", f"{ids[1]:04x}\n")
        self._write(device / "busnum", "1\n")
        self._write(device / "devnum", f"{address}\n")
        if serial is not None:
            self._write(device / "serial", f"{serial}\n")
        (device / "descriptors").write_bytes(descriptors(classes))
        self._is_a(device, "usb")
        for number, kind in enumerate(classes):
            self._interface(device / f"{port}:1.{number}", kind, DRIVERS.get(kind) if bound else None)
        (self.root / "bus/usb/devices" / port).symlink_to(device)
        self.id_paths[device] = f"platform-vhci_hcd.0-usb-0:{port.partition('-')[2]}"
        node = self._open(f"/dev/{name}")
        if not bound:
            return Plugged(node, None, None)
        tty = self.bind_tty(port) if CDC_CLASS in classes else None
        hidraw = self.bind_hid(port, reports) if HID_CLASS in classes else None
        return Plugged(node, hidraw, tty)

    def bind_hid(self, port: str, reports: bytes = CARD_REPORTS) -> str:
        """Let usbhid make the hidraw node of a device."""
        interface = self.controller / port / f"{port}:1.2"
        if not interface.exists():  # a device with other interfaces than a card's has it elsewhere
            self._interface(interface, HID_CLASS, None)
        if not (interface / "driver").exists():
            self._bind(interface, "usb", "usbhid")
        return self._hidraw(interface / f"0003:1209:D5C1.{self._next():04X}", reports)

    def bind_tty(self, port: str) -> str:
        """Let cdc_acm make the tty of a device."""
        device = self.controller / port / f"{port}:1.0" / "tty" / f"ttyACM{self._next()}"
        device.mkdir(parents=True)
        self._write(device / "uevent", f"DEVNAME={device.name}\n")
        self._is_a(device, "tty")
        self.id_paths[device] = f"platform-vhci_hcd.0-usb-0:{port.partition('-')[2]}:1.0"
        return self._open(f"/dev/{device.name}")

    def plug_uhid(self, serial: str, *, product: int = 0xD5C1) -> str:
        """Make a HID device that has no USB device behind it; return its node."""
        device = self.uhid / f"0003:1209:{product:04X}.{self._next():04X}"
        device.mkdir()
        self._write(
            device / "uevent",
            f"HID_ID=0003:00001209:0000{product:04X}\nHID_NAME=DSC+\nHID_PHYS=\nHID_UNIQ={serial}\n",
        )
        return self._hidraw(device, CARD_REPORTS)

    def unplug(self, port: str) -> None:
        """Take a device away."""
        (self.root / "bus/usb/devices" / port).unlink()
        shutil.rmtree(self.controller / port)

    def unbind_hid(self, port: str) -> None:
        """Let the driver of the HID interface go, as libusb does while it has the card."""
        interface = self.controller / port / f"{port}:1.2"
        (interface / "driver").unlink()
        for hid in interface.glob("0003:*"):
            shutil.rmtree(hid)

    def deny(self, *nodes: str | None) -> None:
        """Take this user's permission for nodes away."""
        self.access.update({node: Access.NO_PERMISSION for node in nodes if node})

    def allow(self, *nodes: str | None) -> None:
        """Give it back."""
        self.access.update({node: Access.READY for node in nodes if node})

    def _hidraw(self, hid: Path, reports: bytes) -> str:
        device = hid / "hidraw" / f"hidraw{self._next()}"
        device.mkdir(parents=True)
        (hid / "report_descriptor").write_bytes(reports)
        self._write(device / "uevent", f"DEVNAME={device.name}\n")
        if not (hid / "uevent").exists():
            self._write(hid / "uevent", "")
        self._is_a(hid, "hid")
        self._bind(hid, "hid", "hid-generic")
        self._is_a(device, "hidraw")
        return self._open(f"/dev/{device.name}")

    def _open(self, node: str) -> str:
        self.access[node] = Access.READY
        return node

    def _interface(self, folder: Path, kind: int, driver: str | None) -> None:
        folder.mkdir()
        self._write(folder / "uevent", "DEVTYPE=usb_interface\n")
        self._write(folder / "bInterfaceClass", f"{kind:02x}\n")
        self._is_a(folder, "usb")
        if driver:
            self._bind(folder, "usb", driver)

    def _is_a(self, device: Path, subsystem: str) -> None:
        (device / "subsystem").symlink_to(self.root / "bus" / subsystem)

    def _bind(self, device: Path, bus: str, driver: str) -> None:
        drivers = self.root / "bus" / bus / "drivers" / driver
        drivers.mkdir(parents=True, exist_ok=True)
        (device / "driver").symlink_to(drivers)

    def _next(self) -> int:
        self._number += 1
        return self._number

    @staticmethod
    def _write(file: Path, text: str) -> None:
        file.write_text(text)
