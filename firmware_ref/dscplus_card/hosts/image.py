"""A card's flash in a file: every program and erase is in the file when it returns.

The file is mapped, so it outlives a killed process; a kill in the midst of an operation leaves it as a cut of
the power would. (A crash of the whole machine may lose more: nothing is synced to the disk.)
"""

import mmap
import os
from collections.abc import Callable
from pathlib import Path

from dscplus_card import state
from dscplus_card.flash import MemoryFlash
from dscplus_card.store import NotManufactured

SECTOR_SIZE = 4096
SECTOR_COUNT = 4
IMAGE_SIZE = SECTOR_SIZE * SECTOR_COUNT


class ImageUnusable(Exception):
    """An image file that is no card's; the message says what to do."""


def open_image(path: Path, serial_number: str, manufacture: Callable[[MemoryFlash], None]) -> MemoryFlash:
    """Return the flash of a card kept in `path`; one that is not there is made first, whole or not at all.

    Raises ImageUnusable, OSError.
    """
    if not path.exists():
        blank = MemoryFlash(SECTOR_SIZE, SECTOR_COUNT)
        manufacture(blank)
        fresh = path.with_name(f".{path.name}.new")
        fresh.write_bytes(
            blank.image()
        )  # not sparse: a full disk shows here, and never as a fault in the mapping
        fresh.chmod(0o600)
        fresh.replace(path)
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        size = os.fstat(descriptor).st_size
        if size != IMAGE_SIZE:
            raise ImageUnusable(
                f"{path} has {size} bytes, a card's image has {IMAGE_SIZE}; use another --state"
            )
        mapped = mmap.mmap(descriptor, IMAGE_SIZE)
    finally:
        os.close(descriptor)
    _check_serial_number(path, mapped[:], serial_number)
    return MemoryFlash(SECTOR_SIZE, SECTOR_COUNT, mapped)  # type: ignore[arg-type]


def _check_serial_number(path: Path, image: bytes, expected: str) -> None:
    """Look into a copy of an image: opening a store repairs what a cut left; that is the card's to do."""
    try:
        memory = state.State(MemoryFlash(SECTOR_SIZE, SECTOR_COUNT, bytearray(image)))
    except NotManufactured:
        raise ImageUnusable(f"{path} holds no card; delete it to get a new one") from None
    found = memory.get(state.SERIAL_NUMBER).decode("ascii", "replace")
    if found != expected:
        raise ImageUnusable(f"{path} holds card {found}; give it the name {found}.flash")
