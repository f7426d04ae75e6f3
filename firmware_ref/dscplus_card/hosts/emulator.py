"""The emulator: bodies of virtual cards, and the one loop that waits for all of them."""

import itertools
import select
import socket
import time
from pathlib import Path
from typing import Any, ClassVar

from dscplus_card.hosts.control import ControlServer, RequestError, keys_of, number_of, text_of
from dscplus_card.hosts.faults import FaultSpecError, parse_faults
from dscplus_card.hosts.usb.device import ENDPOINT_NAMES, UsbDevice
from dscplus_card.hosts.usb.server import UsbIpServer
from dscplus_card.hosts.virtual_card import VirtualCard
from dscplus_card.hosts.wires import Wire

LONGEST_FREEZE_MS = 600_000


class Body:
    """One virtual card with its two doors: the wire and the control socket."""

    def __init__(self, serial_number: str, card: VirtualCard, wire: Wire, control_path: Path) -> None:
        """Open the control socket; the wire opens with `plug`. Raises OSError."""
        self.serial_number = serial_number
        self.card = card
        self.url: str | None = None
        """Where a host finds the card; None while it is off the wire."""
        self._wire = wire
        self.control = ControlServer(control_path, self.handle)

    def plug(self) -> None:
        """Put the card on its wire."""
        if self.card.plug() and self.url is None:
            self.url = self._wire.plug()

    def close(self) -> None:
        """Take both doors away."""
        self._wire.unplug()
        self.control.close()

    def filenos(self) -> list[int]:
        """Return the descriptors to wait on for reading."""
        return self._wire.filenos() + self.control.filenos()

    def run(self, ready: set[int]) -> None:
        """Move what is to be moved; `ready` are the descriptors that can be read."""
        self._wire.carry(self.card, not ready.isdisjoint(self._wire.filenos()))
        self._follow_plug()
        if not ready.isdisjoint(self.control.filenos()):
            self.control.serve()
            self._wire.carry(self.card, readable=False)  # what the request set going
            self._follow_plug()

    def handle(self, request: dict[str, Any]) -> dict[str, Any]:
        """Carry out one request of the control socket. Raises RequestError."""
        act = self._ACTS.get(str(request.get("do")))
        if act is None:
            raise RequestError(f"do is missing or unknown; known are {', '.join(self._ACTS)}")
        result = act(self, request)
        self._follow_plug()
        return result

    def _follow_plug(self) -> None:
        """Bring the wire to where the card is: a fault may have moved it."""
        if not self.card.plugged and self.url is not None:
            self._wire.unplug()
            self.url = None
        elif self.card.plugged and self.url is None:
            self.url = self._wire.plug()

    def _press(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"displays": [self.card.press(key) for key in keys_of(request)]}

    def _display(self, _request: dict[str, Any]) -> dict[str, Any]:
        self.card.run()
        return {"display": self.card.display()}

    def _unplug(self, _request: dict[str, Any]) -> dict[str, Any]:
        self.card.unplug()
        return {}

    def _plug(self, _request: dict[str, Any]) -> dict[str, Any]:
        self.plug()
        return {"url": self.url}

    def _power_cut(self, _request: dict[str, Any]) -> dict[str, Any]:
        self.card.cut_power()
        return {}

    def _reboot(self, _request: dict[str, Any]) -> dict[str, Any]:
        self.card.cut_power()
        self._follow_plug()
        self.plug()
        return {"url": self.url}

    def _fault(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            self.card.set_faults(parse_faults(text_of(request, "spec")))
        except FaultSpecError as error:
            raise RequestError(str(error)) from error
        return {}

    def _info(self, _request: dict[str, Any]) -> dict[str, Any]:
        return {
            "serial_number": self.serial_number,
            "url": self.url,
            "plugged": self.card.plugged,
            "powered": self.card.powered,
            "boots": self.card.boots,
            "display": self.card.display(),
            "bytes_in": self.card.bytes_in,
            "bytes_out": self.card.bytes_out,
            "flash_operations": self.card.flash_operations,
        }

    def _stall(self, request: dict[str, Any]) -> dict[str, Any]:
        name = text_of(request, "endpoint")
        if name not in ENDPOINT_NAMES:
            raise RequestError(f"endpoint {name!r} is unknown; known are {', '.join(ENDPOINT_NAMES)}")
        self._usb().stall(ENDPOINT_NAMES[name])
        return {}

    def _zero_length_report(self, _request: dict[str, Any]) -> dict[str, Any]:
        self._usb().send_empty_report()
        return {}

    def _freeze(self, request: dict[str, Any]) -> dict[str, Any]:
        self.card.freeze(number_of(request, "milliseconds", LONGEST_FREEZE_MS) / 1000)
        return {}

    def _usb(self) -> UsbDevice:
        if self._wire.usb is None:
            raise RequestError("this card is on no USB bus; start dsc-emulate with --usbip")
        return self._wire.usb

    _ACTS: ClassVar = {
        "press": _press,
        "display": _display,
        "unplug": _unplug,
        "plug": _plug,
        "power-cut": _power_cut,
        "reboot": _reboot,
        "fault": _fault,
        "stall": _stall,
        "zero-length-report": _zero_length_report,
        "freeze": _freeze,
        "info": _info,
    }


def run_until(stop: socket.socket, bodies: list[Body], server: UsbIpServer | None = None) -> None:
    """Serve the bodies until `stop` can be read; each is woken only when something is there or due for it.

    `server` takes the connections that it then hands to the wires of the bodies.

    By `select`, whose timeout has microseconds: poll's and epoll's are rounded up to a millisecond, which at
    115,200 baud would make a wire a fifth slower than it says.
    """
    filenos = {body: body.filenos() for body in bodies}
    dues = {body: body.card.next_due() for body in bodies}
    while True:
        next_due = min((due for due in dues.values() if due is not None), default=None)
        seconds = None if next_due is None else max(0.0, next_due - time.monotonic())
        door = [] if server is None else server.filenos()
        ready = set(
            select.select([stop.fileno(), *door, *itertools.chain(*filenos.values())], [], [], seconds)[0]
        )
        if stop.fileno() in ready:
            return
        now = time.monotonic()
        for body in bodies:
            due = dues[body]
            if (due is not None and due <= now) or not ready.isdisjoint(filenos[body]):
                body.run(ready)
                filenos[body] = body.filenos()
                dues[body] = body.card.next_due()
        # After the bodies: a host that has left and comes back at once must not find its card taken.
        if server is not None and not ready.isdisjoint(door):
            server.serve()
            filenos = {body: body.filenos() for body in bodies}
