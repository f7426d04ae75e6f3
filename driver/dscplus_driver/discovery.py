"""Which ports there are, and at which of them a card is."""

from collections.abc import Sequence
from dataclasses import dataclass

from . import errors
from .card import Card, connect
from .connection import Tap
from .model import LifeCycle

USB_VENDOR = 0x1209
"""pid.codes, under whose vendor number the card presents itself."""


@dataclass(frozen=True, slots=True)
class Found:
    """What is at a port: a card's serial number and life cycle, or the problem that kept it from telling."""

    url: str
    serial_number: str | None = None
    life_cycle: LifeCycle | None = None
    problem: errors.DscError | None = None


def usb_ports() -> list[str]:
    """Return the URLs of the serial ports whose USB device is a card. A pty has no USB device and is not
    among them.
    """
    from serial.tools import list_ports

    return sorted(f"serial:{port.device}" for port in list_ports.comports() if port.vid == USB_VENDOR)


def look_at(url: str, *, tap: Tap | None = None) -> Found:
    """Ask what is at a port; never raises a DscError."""
    try:
        with connect(url, tap=tap) as card:
            return Found(card.url, card.serial_number, card.life_cycle())
    except errors.DscError as error:
        return Found(url, problem=error)


def find(ports: Sequence[str] = (), serial_number: str | None = None, *, tap: Tap | None = None) -> Card:
    """Open one card: at the one port named, or with this serial number at any of the ports; without ports, at
    USB.

    Raises CardNotFound, or UsageError if the choice is not one, and for a single named port what `connect`
    raises.
    """
    if serial_number is None:
        return connect(_only(ports or usb_ports()), tap=tap)
    tried = []
    for url in ports or usb_ports():
        try:
            card = connect(url, tap=tap)
        except errors.DscError as error:
            tried.append(str(error))
            continue
        try:
            if card.serial_number == serial_number:
                return card
            tried.append(f"{url} has card {card.serial_number}.")
        except errors.DscError as error:
            tried.append(str(error))
        card.close()
    seen = " ".join(tried) if tried else "There is no port with a card."
    raise errors.CardNotFound(f"card {serial_number} was not found", advice=seen)


def _only(ports: Sequence[str]) -> str:
    if len(ports) == 1:
        return ports[0]
    if ports:
        choice = ", ".join(ports)
        raise errors.UsageError(
            f"there are several ports ({choice})", advice="Choose one with --port or --serial."
        )
    raise errors.CardNotFound(
        "no card was found on USB", advice="Plug one in, or name its port with --port URL (or DSC_PORT)."
    )
