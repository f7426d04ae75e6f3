"""The HID report descriptor: what tells a card from another HID device (Device Class Definition for HID 1.11,
6.2.2).
"""

from collections.abc import Iterator
from enum import IntEnum

from .usb_identity import HID_USAGE, REPORT_LENGTH

_LONG_ITEM = 0xFE
_SIZES = (0, 1, 2, 4)


class _Item(IntEnum):
    """Tag and type of the short items that matter: the prefix byte without its size bits."""

    INPUT = 0x80
    OUTPUT = 0x90
    COLLECTION = 0xA0
    USAGE_PAGE = 0x04
    REPORT_SIZE = 0x74
    REPORT_ID = 0x84
    REPORT_COUNT = 0x94
    USAGE = 0x08


def usage(descriptor: bytes) -> tuple[int, int] | None:
    """Return usage page and usage of the first collection; None where there is no collection."""
    page = number = 0
    for item, value in _items(descriptor):
        match item:
            case _Item.USAGE_PAGE:
                page = value
            case _Item.USAGE:
                number = value
            case _Item.COLLECTION:
                # A usage of four bytes names its page, too.
                return number >> 16 or page, number & 0xFFFF
    return None


def is_card(descriptor: bytes) -> bool:
    """Tell whether this is a card's interface: usage page FF00, usage 01, one input and one output report of
    64 bytes each, no report ID.
    """
    size = count = 0
    bits = {_Item.INPUT: 0, _Item.OUTPUT: 0}
    for item, value in _items(descriptor):
        match item:
            case _Item.REPORT_SIZE:
                size = value
            case _Item.REPORT_COUNT:
                count = value
            case _Item.REPORT_ID:
                return False
            case _Item.INPUT | _Item.OUTPUT:
                bits[_Item(item)] += size * count
    wanted = REPORT_LENGTH * 8
    return usage(descriptor) == HID_USAGE and set(bits.values()) == {wanted}


def _items(descriptor: bytes) -> Iterator[tuple[int, int]]:
    """Yield tag with type, and value (little-endian on the wire), of each short item."""
    at = 0
    while at < len(descriptor):
        prefix = descriptor[at]
        if prefix == _LONG_ITEM:
            at += 3 + (descriptor[at + 1] if at + 1 < len(descriptor) else 0)
            continue
        width = _SIZES[prefix & 0x03]
        yield prefix & 0xFC, int.from_bytes(descriptor[at + 1 : at + 1 + width], "little")
        at += 1 + width
