"""The card as a USB device: a host's transfers come in, completions go out. No I/O, no clock of its own.

A transfer that cannot be served yet waits, as a device NAKs; the device is asked again by `run` whenever the
card may have something new.
"""

from typing import Protocol

from dscplus_card.hosts.usb import descriptors
from dscplus_card.hosts.usb.control_endpoint import ControlEndpoint, Stall
from dscplus_card.hosts.usb.transfer import DIRECTION_IN, DONE, OVERFLOW, STALL, Completion, Transfer

MOST_WAITING = 256  # transfers; a kernel has some twenty under way
LONGEST_UNREAD = 4096  # bytes of the serial link that wait for the host to poll; more are lost, as on a UART

ENDPOINT_NAMES = {
    "hid-in": descriptors.HID_IN,
    "hid-out": descriptors.HID_OUT,
    "cdc-in": descriptors.CDC_IN,
    "cdc-out": descriptors.CDC_OUT,
}
"""What the control socket calls the endpoints."""


class TransferRefused(Exception):
    """A transfer that no sane host asks for."""


class Links(Protocol):
    """The card's two links, in a wire's hands: `dscplus_card.hosts.virtual_card.VirtualCard`."""

    @property
    def plugged(self) -> bool: ...
    @property
    def frozen(self) -> bool: ...
    def run(self) -> None: ...
    def feed(self, data: bytes) -> None: ...
    def drain(self) -> bytes: ...
    def feed_report(self, report: bytes) -> None: ...
    def drain_report(self) -> bytes: ...


class UsbDevice:
    """One card on a bus."""

    def __init__(self, card: Links, serial_number: str) -> None:
        """The USB serial number string is `serial_number`."""
        self._card = card
        self._control = ControlEndpoint(serial_number, card.feed_report)
        self._waiting: dict[int, Transfer] = {}
        self._unread = bytearray()
        self._empty_reports = 0

    @property
    def configuration(self) -> int:
        """The configuration that the host has set; 0 before it has."""
        return self._control.configuration

    def reset(self) -> None:
        """Begin anew, unconfigured: the device was attached to a bus or came off it."""
        self._control.reset()
        self._waiting.clear()
        self._unread.clear()
        self._empty_reports = 0

    def stall(self, endpoint: int) -> None:
        """Halt an endpoint until the host clears the halt, sets the configuration or resets the device."""
        self._control.halted.add(endpoint)

    def send_empty_report(self) -> None:
        """Answer the next poll of the HID IN endpoint with a zero-length packet."""
        self._empty_reports += 1

    def submit(self, transfer: Transfer) -> None:
        """Take a transfer; `run` serves it. Raises TransferRefused."""
        if transfer.tag in self._waiting:
            raise TransferRefused(f"transfer {transfer.tag} is under way already")
        if len(self._waiting) >= MOST_WAITING:
            raise TransferRefused(f"more than {MOST_WAITING} transfers are under way")
        self._waiting[transfer.tag] = transfer

    def unlink(self, tag: int) -> bool:
        """Give a waiting transfer back unserved. Returns whether it was still waiting."""
        return self._waiting.pop(tag, None) is not None

    def run(self) -> list[Completion]:
        """Serve what can be served; returns it in the order in which it was done."""
        self._card.run()
        completions: list[Completion] = []
        served = True
        while served and self._card.plugged and not self._card.frozen:
            self._collect_serial()
            served = False
            for transfer in list(self._waiting.values()):
                completion = self._serve(transfer)
                if not self._card.plugged:
                    break  # it was pulled out by this very transfer, which nobody acknowledges any more
                if completion is not None:
                    del self._waiting[transfer.tag]
                    completions.append(completion)
                    served = True
        return completions

    def _collect_serial(self) -> None:
        """Keep what the serial link sends until the host polls; lost while no host has the port open."""
        sent = self._card.drain()
        if self._control.terminal_ready:
            self._unread += sent[: LONGEST_UNREAD - len(self._unread)]
        else:
            self._unread.clear()

    def _serve(self, transfer: Transfer) -> Completion | None:
        """Return how a transfer ends, None while it has to wait."""
        if transfer.endpoint & ~DIRECTION_IN == descriptors.CONTROL_ENDPOINT:
            return self._serve_control(transfer)
        serve = self._SERVERS.get(transfer.endpoint)
        if serve is None or not self._control.configuration or transfer.endpoint in self._control.halted:
            return Completion(transfer, STALL)
        return serve(self, transfer)

    def _serve_control(self, transfer: Transfer) -> Completion:
        try:
            answer = self._control.answer(transfer.setup, transfer.data)
        except Stall:
            return Completion(transfer, STALL)
        # A data stage goes the way that the host says, whatever its setup packet says.
        return Completion(
            transfer, DONE, answer[: transfer.length if transfer.endpoint & DIRECTION_IN else 0]
        )

    def _serve_notifications(self, _transfer: Transfer) -> None:
        """The card has nothing to notify: no modem lines and no breaks."""

    def _serve_cdc_out(self, transfer: Transfer) -> Completion:
        self._card.feed(transfer.data)
        return Completion(transfer, DONE)

    def _serve_cdc_in(self, transfer: Transfer) -> Completion | None:
        if not self._unread:
            return None
        data = bytes(self._unread[: transfer.length])
        del self._unread[: transfer.length]
        return Completion(transfer, DONE, data)

    def _serve_hid_out(self, transfer: Transfer) -> Completion:
        """Each packet is a report."""
        for at in range(0, max(len(transfer.data), 1), descriptors.REPORT_LENGTH):
            self._card.feed_report(transfer.data[at : at + descriptors.REPORT_LENGTH])
        return Completion(transfer, DONE)

    def _serve_hid_in(self, transfer: Transfer) -> Completion | None:
        if self._empty_reports:
            self._empty_reports -= 1
            return Completion(transfer, DONE)
        report = self._card.drain_report()
        if not report:
            return None
        if len(report) > transfer.length:
            return Completion(transfer, OVERFLOW)
        return Completion(transfer, DONE, report)

    _SERVERS = {  # noqa: RUF012 - a table, never changed
        descriptors.CDC_NOTIFICATION_IN: _serve_notifications,
        descriptors.CDC_OUT: _serve_cdc_out,
        descriptors.CDC_IN: _serve_cdc_in,
        descriptors.HID_OUT: _serve_hid_out,
        descriptors.HID_IN: _serve_hid_in,
    }
