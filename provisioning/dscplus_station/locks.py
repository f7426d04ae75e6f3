"""One owner for a job or a slot: a lock file names its holder; the kernel frees it when the process ends."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dscplus_driver.transport.exclusive import lock_holder
from dscplus_station.errors import HeldByAnother, StationError

_HOLDER_BYTES = 100
"""What a lock file holds, filled up with blanks. Written over, not cut short: that can wait for the disk."""


def holder(folder: Path, name: str) -> str | None:
    """Who owns `name` now ("serve, pid 4711"); None if nobody does, or the system does not tell."""
    path = _file(folder, name)
    pid = lock_holder(path)
    if pid is None:
        return None
    told = path.read_bytes()[:_HOLDER_BYTES].decode("utf-8", "replace").strip()
    # Between taking the lock and naming itself, a new holder still has the old one's name in the file.
    return told if told.endswith(f"pid {pid}") else f"pid {pid}"


@contextmanager
def hold(folder: Path, name: str, owner: str) -> Iterator[None]:
    """Own `name` ("job activation", "slot 2") while the block runs; `owner` is told to whoever comes second.

    Raises:
        HeldByAnother: another process (or another holder in this one) has it, told with its pid.
        StationError: the lock file cannot be made or written.
    """
    path = _file(folder, name)
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _not_started(path, name, error) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = (
                os.pread(descriptor, _HOLDER_BYTES, 0).decode("utf-8", "replace").strip() or "another process"
            )
            raise HeldByAnother(
                "{name} is held by {holder}: wait for it, or stop it", name=name, holder=holder
            ) from None
        try:
            os.pwrite(descriptor, f"{owner}, pid {os.getpid()}".encode().ljust(_HOLDER_BYTES), 0)
        except OSError as error:  # a new file on a full disk
            raise _not_started(path, name, error) from error
        yield
    finally:
        # The file stays: removing it would let two processes lock two files of one name.
        os.close(descriptor)


def _not_started(path: Path, name: str, error: OSError) -> StationError:
    return StationError(
        "{path}: {strerror}; {name} was not started", path=path, strerror=error.strerror, name=name
    )


def _file(folder: Path, name: str) -> Path:
    return folder / f"{''.join(c if c.isalnum() else '-' for c in name)}.lock"
