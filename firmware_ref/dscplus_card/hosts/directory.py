"""The directory in which an emulator shows its cards: one owner, no left-overs."""

import fcntl
import os
from pathlib import Path

LOCK_NAME = "emulator.lock"


class DirectoryHeld(Exception):
    """Another emulator that is alive owns the directory or the card's image."""


class DirectoryUnusable(Exception):
    """The directory cannot be used; the message says why."""


def link_path(directory: Path, card: int) -> Path:
    """Return the symbolic link to the pty of a card."""
    return directory / f"card-{card}"


def control_path(directory: Path, card: int) -> Path:
    """Return the control socket of a card."""
    return directory / f"card-{card}.ctl"


def claim(directory: Path) -> int:
    """Own `directory`, made with mode 0700 if it is not there, and clear what a killed emulator left.

    Returns the descriptor of the lock, which the kernel releases with the process however that ends.
    Raises DirectoryHeld, DirectoryUnusable.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = hold(directory / LOCK_NAME)
        for path in directory.glob("card-*"):
            if path.is_symlink() or path.is_socket():
                path.unlink()
            elif not path.suffix:
                raise DirectoryUnusable(
                    f"{path} is in the way: it is no link of an emulator; use another --dir"
                )
    except OSError as error:
        raise DirectoryUnusable(f"cannot use {directory}: {error.strerror}; use another --dir") from error
    return lock


def hold(path: Path) -> int:
    """Lock the file `path`, made if it is not there, and leave the own process number in it.

    Raises DirectoryHeld naming the process that has it; OSError.
    """
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(lock, 32).decode("ascii", "replace").strip() or "unknown"
        os.close(lock)
        raise DirectoryHeld(
            f"{path.parent} is held by another emulator, pid {holder}; stop that one or use another directory"
        ) from None
    os.truncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    return lock
