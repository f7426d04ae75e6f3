"""A small sysfs as folders: a card as usbhid, hidraw and cdc_acm show it to Linux."""

from pathlib import Path


def device(path: Path, subsystem: str, sysfs: Path, **attributes: str) -> Path:
    """Make a device's folder with its uevent file, subsystem link and attributes."""
    path.mkdir(parents=True)
    (path / "uevent").write_text(attributes.pop("uevent", ""))
    (path / "subsystem").symlink_to(sysfs / "bus" / subsystem)
    for name, value in attributes.items():
        (path / name).write_text(f"{value}\n")
    return path


def on_bus(path: Path, bus: str, sysfs: Path) -> None:
    """Let the device be listed on its bus."""
    listing = sysfs / "bus" / bus / "devices"
    listing.mkdir(parents=True, exist_ok=True)
    (listing / path.name).symlink_to(path)


def plug_card(
    sysfs: Path, port: str, serial: str = "0000000018", *, product: str = "d5c1", number: int = 0
) -> Path:
    """Plug a card in at ``port`` ("1-2"); return its USB device's folder."""
    top = sysfs / "devices/pci0000:00/0000:00:14.0/usb1" / port
    device(top, "usb", sysfs, idVendor="1209", idProduct=product, serial=serial, busnum="1", devnum="7")
    on_bus(top, "usb", sysfs)
    for interface in range(3):
        on_bus(device(top / f"{port}:1.{interface}", "usb", sysfs), "usb", sysfs)
    device(top / f"{port}:1.0/tty/ttyACM{number}", "tty", sysfs)
    hid = top / f"{port}:1.2" / f"0003:1209:{product.upper()}.{number + 1:04X}"
    on_bus(device(hid, "hid", sysfs), "hid", sysfs)
    device(hid / f"hidraw/hidraw{number}", "hidraw", sysfs)
    return top
