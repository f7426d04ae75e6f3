"""What the doctor looks at: a machine, its cards, and the user, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..udev.files import Condition


@dataclass(frozen=True, slots=True)
class Process:
    """A process, by number and command name ("?" where the system does not tell)."""

    pid: int
    command: str


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """A device node that the kernel announces. ``exists`` is false where /dev does not have it.

    ``can_open`` is what this user may do; ``mode`` are the permission bits; ``holders`` the processes that
    have it open or hold the card's lock, as far as this user may know.
    """

    path: str
    exists: bool = True
    can_open: bool = True
    owner: str = "root"
    group: str = "dsc"
    mode: int = 0o660
    holders: tuple[Process, ...] = ()


@dataclass(frozen=True, slots=True)
class InterfaceFacts:
    """An interface of a card, "1-2:1.2", and the kernel's driver for it.

    ``wanted`` is the driver that serves it (usbhid, cdc_acm), ``driver`` the one that is bound, if any,
    ``loaded`` whether the wanted one is in the kernel. ``node`` is None if the kernel announces none.
    ``modem_manager_ignores`` is udev's word on a tty, true for others. ``bus`` is the one that binds drivers:
    hid for a virtual card by uhid.
    """

    name: str
    wanted: str
    driver: str | None
    loaded: bool = True
    node: NodeFacts | None = None
    modem_manager_ignores: bool = True
    bus: str = "usb"


@dataclass(frozen=True, slots=True)
class CardFacts:
    """A card on the bus: ``where`` it is for messages; ``node`` is that of the USB device, None for a virtual
    card without one; ``problems`` are what discovery found wrong with its identity, with its advice.
    """

    where: str
    serial_number: str | None
    node: NodeFacts | None
    interfaces: tuple[InterfaceFacts, ...]
    problems: tuple[tuple[str, str], ...] = ()

    @property
    def nodes(self) -> tuple[NodeFacts, ...]:
        """All its nodes that the kernel announces."""
        found = (*(interface.node for interface in self.interfaces), self.node)
        return tuple(node for node in found if node)


@dataclass(frozen=True, slots=True)
class Facts:
    """All of it. ``rules`` is the condition of the installed rules, ``libraries`` maps a library's name to
    what is wrong with it, or None; ``in_group`` is what the system's list says, ``session_in_group`` what
    this login has. ``program`` is this program's path, for root's command line.
    """

    cards: tuple[CardFacts, ...]
    program: str
    user: str
    python: str = "python3"
    has_usb: bool = True
    udev_runs: bool = True
    rules: Condition = Condition.CURRENT
    in_group: bool = True
    session_in_group: bool = True
    libraries: Mapping[str, str | None] = field(default_factory=dict)
    modem_manager_runs: bool = False
