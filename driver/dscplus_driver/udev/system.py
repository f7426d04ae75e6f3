"""The machine as `install` and `doctor` see it: programs, groups, and cards in sysfs."""

import grp
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from .. import errors
from ..discovery import sysfs
from ..discovery.records import cards

COMMAND_TIMEOUT = 60.0
"""Seconds for one program of the system; compiling the hardware database takes a few on a slow machine."""
_SUBSYSTEMS = frozenset({"usb", "hid", "hidraw", "tty"})
_SYSTEM_FOLDERS = ("/usr/sbin", "/usr/bin", "/sbin", "/bin")


@dataclass(frozen=True, slots=True)
class System:
    """This machine. Tests give another root and other answers."""

    root: Path = Path("/")
    program: str = field(default_factory=lambda: str(Path(sys.argv[0]).resolve()))
    """Where `dsc` is: root's PATH has no virtual environment in it."""

    def is_root(self) -> bool:
        """Tell whether this process may write anywhere."""
        return os.geteuid() == 0

    def has_group(self, name: str) -> bool:
        """Tell whether the group exists."""
        try:
            grp.getgrnam(name)
        except KeyError:
            return False
        return True

    def has(self, program: str) -> bool:
        """Tell whether a program of the system is installed."""
        return _where(program) is not None

    def udev_runs(self) -> bool:
        """Tell whether udev's daemon runs here; in most containers it does not."""
        return (self.root / "run/udev/control").exists()

    def card_devices(self) -> list[Path]:
        """Return the sysfs folders of everything that belongs to a card, parents first."""
        return below(Path(card.device) for card in cards(sysfs.records(self.root / "sys")))

    def run(self, program: str, *arguments: str) -> None:
        """Run a program of the system. Raises DscError with what it said if it fails."""
        line = " ".join((program, *arguments))
        path = _where(program)
        if path is None:
            raise errors.DscError(
                f"there is no {program}", advice=f"Install it, or have {line!r} run by hand."
            )
        try:
            done = subprocess.run(  # noqa: S603 - a fixed program, no shell
                (path, *arguments), capture_output=True, text=True, timeout=COMMAND_TIMEOUT, check=False
            )
        except subprocess.TimeoutExpired:
            raise errors.DscError(f"{line} did not end within {COMMAND_TIMEOUT:g} s", advice="") from None
        except OSError as error:
            raise errors.DscError(f"could not run {line}: {error.strerror or error}", advice="") from None
        if done.returncode:
            said = " ".join((done.stderr or done.stdout).split())
            raise errors.DscError(f"{line} failed with {done.returncode}: {said}", advice="")


def below(tops: Iterable[Path]) -> list[Path]:
    """Return the sysfs folders of USB, HID, hidraw and tty devices at and below these, parents first: in that
    order udev must treat them.
    """
    found = {Path(folder) for top in tops for folder, _, files in os.walk(top) if "uevent" in files}
    return sorted(path for path in found if _subsystem(path) in _SUBSYSTEMS)


def _subsystem(device: Path) -> str:
    link = device / "subsystem"
    return link.readlink().name if link.is_symlink() else ""


def _where(program: str) -> str | None:
    """Find a program of the system: PATH comes after the system's own folders, since it may lack /usr/sbin or
    be another user's after `su`, and its relative parts, which depend on the working directory, do not count.
    """
    path = os.environ.get("PATH", "").split(os.pathsep)
    others = [folder for folder in path if Path(folder).is_absolute()]
    return shutil.which(program, path=os.pathsep.join((*_SYSTEM_FOLDERS, *others)))
