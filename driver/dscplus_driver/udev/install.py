"""`dsc udev install` and `uninstall`: group, files, hardware database; rules are reloaded before devices are
triggered, or the devices would be treated by the old rules.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from .. import errors
from . import GROUP
from .files import Condition, SystemFile
from .system import System

RULES = "70-dscplus.rules"
HARDWARE_NAMES = "70-dscplus.hwdb"
COMPILED_NAMES = "etc/udev/hwdb.bin"
"""The hardware database as `systemd-hwdb update` compiles it; it hides the one that the system ships."""
VENDORS_COMPILED_NAMES = "usr/lib/udev/hwdb.bin"

Consent = Callable[[str], None]
"""Asks whether something may be destroyed; returns for yes and raises for no."""


@dataclass(frozen=True, slots=True)
class Step:
    """What was done about one thing, or found done already."""

    what: str
    done: str
    changed: bool


def system_files(root: Path) -> tuple[SystemFile, SystemFile]:
    """Return the rules and the hardware names, to be installed below ``root``."""
    return (
        SystemFile(RULES, root / "etc/udev/rules.d"),
        SystemFile(HARDWARE_NAMES, root / "etc/udev/hwdb.d"),
    )


def install(system: System, consent: Consent) -> list[Step]:
    """Install the rules for this machine; doing it twice changes nothing.

    Raises PermissionRefused if not run by root, what ``consent`` raises about a file that a person edited,
    and DscError if a program of the system fails.
    """
    _need_root(system, "install")
    files = system_files(system.root)
    _ask_about(files, consent, "overwritten")
    # udev looks the group up when it reads the rules: it must be there before.
    steps = [_group(system), *[_install_file(file) for file in files], _compile_names(system)]
    return steps + _apply(system)


def uninstall(system: System, consent: Consent) -> list[Step]:
    """Remove what `install` wrote. The group stays, since people are in it. Raises as `install` does."""
    _need_root(system, "uninstall")
    files = system_files(system.root)
    _ask_about(files, consent, "removed")
    steps = []
    for file in files:
        present = file.condition() is not Condition.ABSENT
        file.remove()
        steps.append(Step(str(file.path), "removed" if present else "is not there", present))
    if not any(step.changed for step in steps):
        return steps
    if steps[-1].changed:
        steps.append(_forget_names(system))
    steps += _apply(system)
    if system.card_devices():
        # A change event does not take back what the rules gave; the next node is made without them.
        kept = "keep their permissions until they are plugged in again"
        steps.append(Step("cards that are plugged in", kept, False))
    return steps


def _need_root(system: System, command: str) -> None:
    if not system.is_root():
        raise errors.PermissionRefused(
            f"only root may {command} udev rules", advice=f"Type: sudo {system.program} udev {command}"
        )


def _ask_about(files: Iterable[SystemFile], consent: Consent, fate: str) -> None:
    for file in files:
        if file.condition() is Condition.EDITED:
            consent(f"{file.path} was edited, or comes from somewhere else. Shall it be {fate}?")


def _group(system: System) -> Step:
    if system.has_group(GROUP):
        return Step(f"group {GROUP}", "is there", False)
    system.run("groupadd", "--system", GROUP)
    return Step(f"group {GROUP}", "created", True)


def _install_file(file: SystemFile) -> Step:
    if file.condition() is Condition.CURRENT:
        return Step(str(file.path), "is up to date", False)
    file.write()
    return Step(str(file.path), "written", True)


def _compile_names(system: System) -> Step:
    source = system_files(system.root)[1].path
    compiled = system.root / COMPILED_NAMES
    # By age and not by what this run wrote: the run before may have died between writing and compiling.
    if compiled.exists() and compiled.stat().st_mtime_ns >= source.stat().st_mtime_ns:
        return Step(str(compiled), "is up to date", False)
    return _compile(system)


def _forget_names(system: System) -> Step:
    compiled = system.root / COMPILED_NAMES
    others = list((system.root / "etc/udev/hwdb.d").glob("*.hwdb"))
    if others or not (system.root / VENDORS_COMPILED_NAMES).exists():
        return _compile(system)
    # Nothing is left in it that the system's own, which it hides, has not.
    compiled.unlink(missing_ok=True)
    return Step(str(compiled), "removed", True)


def _compile(system: System) -> Step:
    compiled = str(system.root / COMPILED_NAMES)
    if not system.has("systemd-hwdb"):
        lost = "left alone, since there is no systemd-hwdb: only names in listings are missing"
        return Step(compiled, lost, False)
    system.run("systemd-hwdb", "update")
    return Step(compiled, "compiled", True)


def _apply(system: System) -> list[Step]:
    """Let udev read its rules again, then treat the cards that are plugged in by them."""
    if not system.udev_runs():
        return [Step("udev", "does not run here: it will read the rules when it starts", False)]
    system.run("udevadm", "control", "--reload")
    steps = [Step("udev", "read its rules again", True)]
    devices = system.card_devices()
    if devices:
        system.run("udevadm", "trigger", "--action=change", "--settle", *map(str, devices))
        steps.append(Step(f"{len(devices)} devices of cards", "triggered", True))
    return steps
