"""Removing a file that holds secrets in the clear."""

import os
from pathlib import Path

from dscplus_station.errors import StationError


def shred(path: Path) -> None:
    """Overwrite a file with random bytes, sync it, remove it.

    That is all a program can do: a journalling file system or flash disk may keep older copies of the blocks.

    Raises:
        StationError: it cannot be overwritten or removed: it still holds its secrets.
    """
    try:
        with path.open("r+b") as file:
            file.write(os.urandom(os.fstat(file.fileno()).st_size))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()
    except OSError as error:
        raise StationError(
            f"{path} could not be shredded ({error.strerror}): it still holds its secrets"
        ) from error
