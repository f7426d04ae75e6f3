"""From facts to findings: a table of checks, each a pure function, in the order in which a person mends it.

A check says nothing of what an earlier one explains: who has no node need not hear of permissions.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..udev import GROUP
from ..udev.files import Condition
from .facts import CardFacts, Facts, InterfaceFacts, NodeFacts


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong: what, what to do about it, and, where a command mends it, what to type."""

    what: str
    do: str
    type_this: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the doctor's list: ``good`` is what is true if there are no findings."""

    name: str
    good: str
    look: Callable[[Facts], Iterator[Finding]]
    applies: Callable[[Facts], bool]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one check; no findings are good news."""

    check: Check
    findings: tuple[Finding, ...]


def examine(facts: Facts) -> list[Verdict]:
    """Make every check that can be made of these facts."""
    return [Verdict(check, tuple(check.look(facts))) for check in CHECKS if check.applies(facts)]


def _libraries(facts: Facts) -> Iterator[Finding]:
    for name, wrong in facts.libraries.items():
        if wrong and name == "libudev":
            yield Finding(wrong, "Install it from the system's packages:", "sudo apt-get install libudev1")
        elif wrong:
            again = f"{facts.python} -m pip install --force-reinstall {name}"
            yield Finding(wrong, "Install it again:", again)


def _on_the_bus(facts: Facts) -> Iterator[Finding]:
    if facts.cards:
        return
    if not facts.has_usb:
        yield Finding(
            "this system shows no USB at all",
            "A container or virtual machine must be given the USB devices; a kernel needs USB support.",
            "ls /sys/bus/usb/devices",
        )
        return
    yield Finding(
        "there is no card on USB",
        "Plug it in firmly; try another cable (some only charge) and another socket, without a hub. "
        "To see what Linux says meanwhile:",
        "sudo dmesg --follow",
    )


def _rules(facts: Facts) -> Iterator[Finding]:
    install = f"sudo {facts.program} udev install"
    if facts.rules is Condition.ABSENT:
        yield Finding("the udev rules are not installed", "Install them:", install)
    elif facts.rules is Condition.OLDER:
        yield Finding("the udev rules are another version's", "Install this version's:", install)


def _identity(facts: Facts) -> Iterator[Finding]:
    for card in facts.cards:
        for what, advice in card.problems:
            yield Finding(f"{card.where}: {what}", advice)


def _drivers(facts: Facts) -> Iterator[Finding]:
    for card in facts.cards:
        for interface in card.interfaces:
            if finding := _driver(card, interface):
                yield finding


def _driver(card: CardFacts, interface: InterfaceFacts) -> Finding | None:
    name, wanted = interface.name, interface.wanted
    drivers = f"/sys/bus/{interface.bus}/drivers"
    if not interface.loaded:
        return Finding(
            f"{card.where}: the kernel's driver {wanted} is not loaded", "Load it:", f"sudo modprobe {wanted}"
        )
    if interface.driver is None:
        return Finding(
            f"{card.where}: no driver serves interface {name}",
            f"A program took it by libusb and never gave it back. Give it back to {wanted}:",
            f"echo {name} | sudo tee {drivers}/{wanted}/bind",
        )
    if interface.driver == USED_BY_LIBUSB:
        if card.node and card.node.holders:
            return None  # the check of holders names the program
        return Finding(
            f"{card.where}: a program has taken interface {name} by libusb",
            "Close it. To see which it is:",
            f"sudo fuser -v {card.node.path if card.node else '/dev/bus/usb/*/*'}",
        )
    if interface.driver != wanted:
        return Finding(
            f"{card.where}: driver {interface.driver} has taken interface {name}",
            f"Give it to {wanted}:",
            f"echo {name} | sudo tee {drivers}/{interface.driver}/unbind"
            f" && echo {name} | sudo tee {drivers}/{wanted}/bind",
        )
    if interface.node is None:
        module = {"usbhid": "hid_generic"}.get(wanted, wanted)
        return Finding(
            f"{card.where}: {wanted} serves interface {name}, and the kernel has made no node of it",
            "Load what makes it, then plug the card in again:",
            f"sudo modprobe {module}",
        )
    return None


USED_BY_LIBUSB = "usbfs"
"""The kernel's name for the driver of an interface that a program has claimed."""


def _nodes(facts: Facts) -> Iterator[Finding]:
    for card in facts.cards:
        missing = [node.path for node in card.nodes if not node.exists]
        if missing:
            options = " ".join(f"--device={path}" for path in missing)
            yield Finding(
                f"{card.where}: the kernel has {_listed(missing)}, and /dev here does not",
                f"In a container, start it with {options}. Elsewhere /dev is not the kernel's own; to see:",
                "findmnt /dev",
            )


def _permissions(facts: Facts) -> Iterator[Finding]:
    for card in facts.cards:
        closed = [node for node in card.nodes if node.exists and not node.can_open]
        if closed:
            nodes = ", ".join(f"{node.path} ({node.owner}:{node.group} {node.mode:04o})" for node in closed)
            cause, do, type_this = _why_closed(facts, closed)
            yield Finding(f"{card.where}: {facts.user} may not open {nodes}: {cause}", do, type_this)


def _why_closed(facts: Facts, closed: list[NodeFacts]) -> tuple[str, str, str]:
    install = f"sudo {facts.program} udev install"
    applied = all(node.group == GROUP and node.mode & 0o060 == 0o060 for node in closed)
    if not applied:
        if not facts.udev_runs:
            return (
                "udev, which applies the rules, does not run here",
                "Start it:",
                "sudo systemctl start systemd-udevd",
            )
        if facts.rules is Condition.ABSENT:
            return "the udev rules are not installed", "Install them:", install
        return (
            "the udev rules were not applied to it",
            "Let udev look again; if that does not help, another rule overrides them:",
            install,
        )
    if not facts.in_group:
        return (
            f"{facts.user} is not in group {GROUP}",
            "Join it, then log out and in again:",
            f"sudo usermod -aG {GROUP} {facts.user}",
        )
    if not facts.session_in_group:
        return (
            f"{facts.user} joined group {GROUP} after this login",
            "Log out and in again; for this terminal alone:",
            f"newgrp {GROUP}",
        )
    return (
        "group and mode allow it, and a container's device rules, SELinux or AppArmor do not",
        "Look what was denied:",
        "sudo dmesg | grep -i denied",
    )


def _holders(facts: Facts) -> Iterator[Finding]:
    for card in facts.cards:
        holding: dict[tuple[int, str], list[str]] = {}
        for node in card.nodes:
            for process in node.holders:
                holding.setdefault((process.pid, process.command), []).append(node.path)
        for (pid, command), paths in holding.items():
            yield Finding(
                f"{card.where}: process {pid} ({command}) uses {_listed(paths)}",
                "Close that program, or wait for it. To see what it is:",
                f"ps -fp {pid}",
            )


def _modem_manager(facts: Facts) -> Iterator[Finding]:
    if not facts.modem_manager_runs:
        return
    for card in facts.cards:
        for interface in card.interfaces:
            if interface.node and not interface.modem_manager_ignores:
                yield Finding(
                    f"{card.where}: ModemManager may send {interface.node.path} commands, as to a modem",
                    "The udev rules tell it to leave cards alone:",
                    f"sudo {facts.program} udev install",
                )


def _listed(paths: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(paths[:-1]), paths[-1])))


def _always(_facts: Facts) -> bool:
    return True


def _udev_runs(facts: Facts) -> bool:
    # Without the daemon rules do nothing; whether that hurts, the permissions tell.
    return facts.udev_runs


def _has_card(facts: Facts) -> bool:
    return bool(facts.cards)


CHECKS = (
    Check("libraries", "The libraries for HID, USB and hot-plug can be loaded.", _libraries, _always),
    Check("rules", "The udev rules are installed.", _rules, _udev_runs),
    Check("bus", "There is a card on USB.", _on_the_bus, _always),
    Check("identity", "Every card has a serial number of its own.", _identity, _has_card),
    Check("drivers", "The kernel's drivers serve every interface.", _drivers, _has_card),
    Check("nodes", "Every node that the kernel announces is in /dev.", _nodes, _has_card),
    Check("permissions", "This user may open every node that is there.", _permissions, _has_card),
    Check("holders", "No other program uses a card.", _holders, _has_card),
    Check("modem-manager", "ModemManager leaves the cards alone.", _modem_manager, _has_card),
)
"""All checks, in the order in which they are told."""
