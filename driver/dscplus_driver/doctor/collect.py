"""Collecting the facts: sysfs, /dev, /proc, lists of users and groups, libraries. Nothing is changed, and no
card is spoken to.
"""

import grp
import importlib
import os
import pwd
import stat
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from ..discovery import FoundCard, ProblemKind, TransportKind
from ..transport.exclusive import lock_holder
from ..udev import GROUP
from ..udev.files import Condition, SystemFile
from ..udev.install import RULES
from ..udev.system import System
from ..usb_identity import CDC_CLASS, HID_CLASS
from .facts import CardFacts, Facts, InterfaceFacts, NodeFacts, Process

RULES_FOLDERS = ("etc/udev/rules.d", "run/udev/rules.d", "usr/lib/udev/rules.d", "lib/udev/rules.d")
"""Where udev looks for rules; a file of the same name in an earlier one hides the later ones'."""
_DRIVERS = {HID_CLASS: ("usbhid", TransportKind.HID), CDC_CLASS: ("cdc_acm", TransportKind.SERIAL)}
_IDENTITY = frozenset(
    {ProblemKind.NOT_A_CARD, ProblemKind.BAD_SERIAL_NUMBER, ProblemKind.SHARED_SERIAL_NUMBER}
)


def collect(system: System, found: Iterable[FoundCard]) -> Facts:
    """Look at this machine and at the cards that discovery found on it."""
    running = processes(system.root / "proc")
    modem_manager = any(command == "ModemManager" for command in running.values())
    user = pwd.getpwuid(os.geteuid()).pw_name if _is_known(os.geteuid()) else str(os.geteuid())
    in_group, session_in_group = membership(user)
    return Facts(
        cards=tuple(
            _card(card, system.root / "sys", system.root / "proc", running, modem_manager) for card in found
        ),
        program=system.program,
        user=user,
        python=sys.executable,
        has_usb=(system.root / "sys/bus/usb").exists(),
        udev_runs=system.udev_runs(),
        rules=rules_condition(system.root),
        in_group=in_group,
        session_in_group=session_in_group,
        libraries=libraries(),
        modem_manager_runs=modem_manager,
    )


def rules_condition(root: Path) -> Condition:
    """Return the condition of the rules that udev would use."""
    for folder in RULES_FOLDERS:
        condition = SystemFile(RULES, root / folder).condition()
        if condition is not Condition.ABSENT:
            return condition
    return Condition.ABSENT


def membership(user: str) -> tuple[bool, bool]:
    """Tell whether the system's lists have the user in group dsc, and whether this login has it."""
    try:
        group = grp.getgrnam(GROUP)
    except KeyError:
        return False, False
    listed = user in group.gr_mem or (_is_known(os.geteuid()) and pwd.getpwnam(user).pw_gid == group.gr_gid)
    return listed, group.gr_gid in (os.getegid(), *os.getgroups())


def libraries() -> dict[str, str | None]:
    """Import what the transports and discovery import; return what is wrong, by package, or None."""
    return {
        "hidapi": _hidapi(),
        "pyserial": _importable("serial", "pyserial, by which serial ports are opened, cannot be loaded"),
        "pyusb": _importable("usb.core", "pyusb, by which libusb is called, cannot be loaded"),
        "libusb-package": _libusb(),
        "pyudev": _importable("pyudev", "pyudev, by which hot-plug is seen, cannot be loaded"),
        "libudev": _libudev(),
    }


def _importable(module: str, complaint: str) -> str | None:
    try:
        importlib.import_module(module)
    except ImportError as error:
        return f"{complaint} ({error})"
    return None


def _hidapi() -> str | None:
    wrong = _importable("hidraw", "hidapi's module hidraw, which opens HID nodes on Linux, cannot be loaded")
    if wrong and not _importable("hid", ""):
        return f"{wrong}; its module hid is there, and would take the card from the kernel's driver"
    if wrong is None and not hasattr(importlib.import_module("hidraw"), "device"):
        return "the module hidraw that is installed is not hidapi's"
    return wrong


def _libusb() -> str | None:
    wrong = _importable("libusb_package", "libusb-package, which carries libusb, cannot be loaded")
    if wrong or _importable("usb.core", ""):
        return wrong
    if importlib.import_module("libusb_package").get_libusb1_backend() is None:
        return "libusb itself cannot be loaded"
    return None


def _libudev() -> str | None:
    if _importable("pyudev", ""):
        return None  # told already
    try:
        importlib.import_module("pyudev").Context()
    except ImportError as error:
        return f"the system's libudev, by which hot-plug is seen, cannot be loaded ({error})"
    return None


def processes(proc: Path) -> dict[int, str]:
    """Return the processes that this user may see, with their command names."""
    found = {}
    for folder in proc.glob("[0-9]*"):
        try:
            command = (folder / "comm").read_text("utf-8", "replace").strip("\n")
        except OSError:
            continue  # it ended
        # A process chooses its name, and whoever reads this has a terminal that obeys escape sequences.
        found[int(folder.name)] = "".join(c if c.isascii() and c.isprintable() else "?" for c in command)
    return found


def openers(paths: Iterable[str], proc: Path, running: Mapping[int, str]) -> dict[str, list[Process]]:
    """Return which other processes have these device nodes open; of other users' only root learns that."""
    opened: dict[str, list[Process]] = {path: [] for path in paths}
    for pid, command in sorted(running.items()):
        if pid == os.getpid():
            continue
        for path in _open_files(proc / str(pid) / "fd") & opened.keys():
            opened[path].append(Process(pid, command))
    return opened


def _open_files(folder: Path) -> set[str]:
    found = set()
    try:
        for descriptor in folder.iterdir():
            found.add(str(descriptor.readlink()))
    except OSError:  # somebody else's process, or one that just closed a file
        pass
    return found


def _card(
    found: FoundCard, sysfs: Path, proc: Path, running: Mapping[int, str], modem_manager: bool
) -> CardFacts:
    ways = {way.kind: way.node for way in found.interfaces if way.node}
    opened = openers(ways.values(), proc, running)
    nodes = {kind: node_facts(kind, path, opened[path], running) for kind, path in ways.items()}
    return CardFacts(
        where=found.where,
        serial_number=found.serial_number,
        node=nodes.get(TransportKind.USB),
        interfaces=tuple(interfaces(Path(found.device), sysfs, nodes, modem_manager=modem_manager)),
        problems=tuple(
            (problem.what, problem.error(found.where).advice)
            for problem in found.problems
            if problem.kind in _IDENTITY
        ),
    )


def interfaces(
    device: Path, sysfs: Path, nodes: Mapping[TransportKind, NodeFacts], *, modem_manager: bool
) -> Iterable[InterfaceFacts]:
    """Return the HID and the serial interface of a USB device; of a virtual card by uhid its HID device."""
    if not (device / "idVendor").exists():
        driver = _driver(device)
        yield InterfaceFacts(device.name, "hid-generic", driver, node=nodes.get(TransportKind.HID), bus="hid")
        return
    for folder in sorted(device.glob("*:*.*")):
        try:
            number = int((folder / "bInterfaceClass").read_text("ascii"), 16)
        except OSError:  # it is being unplugged
            continue
        if number in _DRIVERS:
            wanted, kind = _DRIVERS[number]
            node = nodes.get(kind)
            yield InterfaceFacts(
                name=folder.name,
                wanted=wanted,
                driver=_driver(folder),
                loaded=(sysfs / "bus/usb/drivers" / wanted).exists(),
                node=node,
                modem_manager_ignores=not modem_manager
                or kind is not TransportKind.SERIAL
                or node is None
                or modem_manager_ignores(node.path),
            )


def _driver(device: Path) -> str | None:
    link = device / "driver"
    return link.readlink().name if link.is_symlink() else None


def node_facts(
    kind: TransportKind, path: str, opened_by: Iterable[Process], running: Mapping[int, str]
) -> NodeFacts:
    """Look at a device node: who owns it, who may open it, who has it."""
    try:
        status = Path(path).stat()
    except OSError:
        return NodeFacts(path, exists=False, can_open=False)
    holder = lock_holder(path)
    holders = list(opened_by)
    if holder and holder != os.getpid() and holder not in {process.pid for process in holders}:
        holders.append(Process(holder, running.get(holder, "?")))
    return NodeFacts(
        path,
        can_open=may_open(kind, path),
        owner=_owner(status.st_uid),
        group=_group(status.st_gid),
        mode=stat.S_IMODE(status.st_mode),
        holders=tuple(holders),
    )


def may_open(kind: TransportKind, path: str) -> bool:
    """Tell whether this user may open a node for reading and writing.

    The USB device's node is opened to see, since a container's device rules do not show in owner and mode.
    The others are not: opening moves a serial port's modem lines; closing a HID node waits for its device.
    """
    if not os.access(path, os.R_OK | os.W_OK):
        return False
    if kind is not TransportKind.USB:
        return True
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK))
    except PermissionError:
        return False
    except OSError:  # not a matter of permission: unplugged meanwhile, for one
        return True
    return True


def modem_manager_ignores(node: str) -> bool:
    """Tell whether udev tells ModemManager to leave this port alone; true where udev cannot be asked."""
    try:
        import pyudev

        context = pyudev.Context()
    except ImportError:  # pyudev itself, or the library that it looks for
        return True
    try:
        known = pyudev.Devices.from_device_file(context, node).properties
    except (pyudev.DeviceNotFoundError, OSError):  # it is being unplugged
        return True
    return "1" in (known.get("ID_MM_DEVICE_IGNORE"), known.get("ID_MM_PORT_IGNORE"))


def _is_known(user: int) -> bool:
    """A container's user may have no entry in the list of users."""
    try:
        pwd.getpwuid(user)
    except KeyError:
        return False
    return True


def _owner(user: int) -> str:
    return pwd.getpwuid(user).pw_name if _is_known(user) else str(user)


def _group(group: int) -> str:
    try:
        return grp.getgrgid(group).gr_name
    except KeyError:
        return str(group)
