"""What is plugged in at this moment, as this operating system tells it."""

import sys

from . import portable, sysfs
from .records import Record


def records() -> list[Record]:
    """Read the records of all devices with a card's ids; nothing is opened but by libraries that have to."""
    return sysfs.records() if sys.platform == "linux" else portable.records()
