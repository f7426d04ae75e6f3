"""How a card presents itself on USB. The numbers are not registered yet (docs/driver.md)."""

USB_VENDOR = 0x1209
"""pid.codes."""
USB_PRODUCT = 0xD5C1

CDC_CLASS = 0x02
HID_CLASS = 0x03
"""Interface classes of the card's serial port and of its HID interface."""

HID_USAGE = (0xFF00, 0x01)
"""Usage page and usage of the card's HID interface: vendor-defined, 64-byte reports without report IDs."""

REPORT_LENGTH = 64
"""Bytes of an input and of an output report."""
