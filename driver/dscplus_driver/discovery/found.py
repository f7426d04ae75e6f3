"""A card as it was found: its serial number, its place, its interfaces, what is wrong with it."""

from dataclasses import dataclass, field
from enum import Enum

from .. import errors


class TransportKind(Enum):
    """The ways to a card, the preferred one first.

    HID comes first: its reports keep their boundaries, and the port needs no settings. The serial port is as
    good a way, by a stream. libusb comes last because it takes the interface away from the kernel's driver
    for as long as it is open: other programs see the HID node go and come back.
    """

    HID = "hid"
    SERIAL = "serial"
    USB = "usb"


class Access(Enum):
    """Whether this user may open an interface now."""

    READY = "ready"
    NO_NODE = "no node"
    """No driver of the operating system has made a device node of it."""
    NO_PERMISSION = "no permission"


@dataclass(frozen=True, slots=True)
class Interface:
    """One way to a card. ``node`` (/dev/hidraw0) and ``url`` (hid:/dev/hidraw0) are None where there is no
    node.
    """

    kind: TransportKind
    access: Access
    node: str | None = None
    url: str | None = None


class ProblemKind(Enum):
    """Why a card is not opened."""

    NOT_A_CARD = "not a card"
    BAD_SERIAL_NUMBER = "bad serial number"
    SHARED_SERIAL_NUMBER = "shared serial number"
    NO_NODE = "no node"
    NO_PERMISSION = "no permission"


_ERRORS: dict[ProblemKind, type[errors.DscError]] = {
    ProblemKind.NOT_A_CARD: errors.ProtocolError,
    ProblemKind.BAD_SERIAL_NUMBER: errors.ProtocolError,
    ProblemKind.SHARED_SERIAL_NUMBER: errors.SerialNumberShared,
    ProblemKind.NO_NODE: errors.PortNotFound,
    ProblemKind.NO_PERMISSION: errors.PermissionRefused,
}


@dataclass(frozen=True, slots=True)
class Problem:
    """A reason not to open a card. ``advice`` None stands for the error's own."""

    kind: ProblemKind
    what: str
    advice: str | None = None

    def error(self, where: str) -> errors.DscError:
        """Return the error that says so of the card at ``where``."""
        return _ERRORS[self.kind](self.what, where=where, advice=self.advice)


@dataclass(frozen=True, slots=True)
class FoundCard:
    """A card that is plugged in, whatever its state. A snapshot: it may be gone when it is read.

    ``serial_number`` is what the device tells on USB, None unless it is ten digits with a Luhn digit.
    ``port_path`` is the kernel's name of the port ("1-2.3": bus 1, port 2, port 3 of the hub there),
    ``id_path`` udev's (ID_PATH: stable over restarts and bus numbers); None where the system has none.
    ``bus`` and ``address`` are USB's; the address is new for every plugging. ``device`` is the device's path
    in sysfs, or what else tells it from others.
    """

    device: str
    serial_number: str | None
    port_path: str | None
    id_path: str | None
    bus: int | None
    address: int | None
    interfaces: tuple[Interface, ...]
    problems: tuple[Problem, ...] = ()
    settled: bool = field(default=True, compare=False)
    """Whether every interface can be opened and udev is done with all of it: nothing better will come."""

    @property
    def plugging(self) -> tuple[str, int | None]:
        """What is the same as long as this card stays plugged in, and never again."""
        return self.device, self.address

    @property
    def url(self) -> str | None:
        """The port to open: the most preferred one that this user may open, None if there is a problem."""
        ways = [way.url for way in self.interfaces if way.access is Access.READY]
        return ways[0] if ways and not self.problems else None

    @property
    def place(self) -> str:
        """Where it is plugged in, for messages."""
        nodes = [way.node for way in self.interfaces if way.node]
        return self.port_path or (nodes[0] if nodes else self.device)

    @property
    def where(self) -> str:
        """The place, and the serial number if there is one: for messages."""
        return f"{self.place}, card {self.serial_number}" if self.serial_number else self.place

    def error(self) -> errors.DscError | None:
        """Return the first of its problems as an error, None if it has none."""
        return self.problems[0].error(self.where) if self.problems else None
