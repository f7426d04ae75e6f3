"""USB/IP on the loopback interface: one port for all cards of an emulator, a bus id for each."""

import socket

from dscplus_card.hosts.usb import usbip
from dscplus_card.hosts.usb.device import TransferRefused, UsbDevice
from dscplus_card.hosts.usb.transfer import Transfer
from dscplus_card.hosts.virtual_card import VirtualCard

MOST_GUESTS = 32  # connections that have not said yet what they want
CHUNK = 65536  # bytes a read takes at most


class UsbIpWire:
    """A card on a virtual bus; the one host that imported it has a connection."""

    def __init__(self, server: "UsbIpServer", number: int, card: VirtualCard, serial_number: str) -> None:
        """Make the `number`th card (from 0) of `server`; the host sees it from `plug` on."""
        self.usb: UsbDevice | None = UsbDevice(card, serial_number)
        self.number = number
        self.plugged = False
        self._device = self.usb
        self._server = server
        self._connection: socket.socket | None = None
        self._commands = usbip.Commands()

    @property
    def imported(self) -> bool:
        """Whether a host has the card."""
        return self._connection is not None

    def plug(self) -> str:
        """Let hosts import the card."""
        self.plugged = True
        return f"usbip://{usbip.LOOPBACK}:{self._server.port}/{usbip.bus_id(self.number)}"

    def unplug(self) -> None:
        """Close the connection, by which a kernel sees that the device has gone."""
        self.plugged = False
        self._hang_up()

    def filenos(self) -> list[int]:
        """Return the host's connection if there is one."""
        return [] if self._connection is None else [self._connection.fileno()]

    def hand_over(self, connection: socket.socket) -> None:
        """Take the connection of the host that has imported the card just now."""
        self._connection = connection
        self._commands = usbip.Commands()
        self._device.reset()

    def carry(self, _card: VirtualCard, readable: bool) -> None:
        """Serve the host's transfers, new ones and those that wait."""
        if readable:
            self._receive()
        answers = b"".join(usbip.return_submit(completion) for completion in self._device.run())
        if answers:
            self._send(answers)

    def _receive(self) -> None:
        if self._connection is None:
            return
        try:
            data = self._connection.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""  # reset by the peer: as good as closed
        if not data:
            self._hang_up()
            return
        try:
            for command in self._commands.receive(data):
                if isinstance(command, Transfer):
                    self._device.submit(command)
                else:
                    self._send(usbip.return_unlink(command, self._device.unlink(command.tag)))
        except (usbip.ProtocolError, TransferRefused):
            self._hang_up()

    def _send(self, data: bytes) -> None:
        """Send whole or hang up: a host that lets its socket fill up has stopped to be one."""
        if self._connection is None:
            return
        try:
            sent = self._connection.send(data)
        except OSError:
            sent = 0
        if sent < len(data):
            self._hang_up()

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._device.reset()


class UsbIpServer:
    """Listens, and serves each connection until it has asked its question or imported a card."""

    def __init__(self) -> None:
        """Listen on a free port of the loopback interface. Raises OSError."""
        self._listener = socket.create_server((usbip.LOOPBACK, 0), backlog=MOST_GUESTS)
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self.wires: list[UsbIpWire] = []
        """The cards, in the order of their numbers."""
        self._guests: dict[socket.socket, usbip.Handshake] = {}

    def close(self) -> None:
        """Turn everybody away who has no card yet."""
        for end in (self._listener, *self._guests):
            end.close()

    def add(self, card: VirtualCard, serial_number: str) -> UsbIpWire:
        """Make the wire of one more card."""
        wire = UsbIpWire(self, len(self.wires), card, serial_number)
        self.wires.append(wire)
        return wire

    def filenos(self) -> list[int]:
        """Return the descriptors to wait on for reading."""
        return [end.fileno() for end in (self._listener, *self._guests)]

    def serve(self) -> None:
        """Take waiting connections; answer those whose question is whole."""
        try:
            newcomer, _address = self._listener.accept()
            newcomer.setblocking(False)
            newcomer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._guests[newcomer] = usbip.Handshake()
        except (BlockingIOError, ConnectionAbortedError):
            pass
        if len(self._guests) > MOST_GUESTS:
            self._turn_away(next(iter(self._guests)))
        for guest in list(self._guests):
            self._serve_guest(guest)

    def _serve_guest(self, guest: socket.socket) -> None:
        handshake = self._guests[guest]
        try:
            while (data := guest.recv(handshake.wanted())) != b"":
                operation = handshake.receive(data)
                if operation is not None:
                    self._answer(guest, operation)
                    return
        except BlockingIOError:
            return  # more is to come
        except (OSError, usbip.ProtocolError):
            pass  # it has gone, or speaks something else
        self._turn_away(guest)

    def _answer(self, guest: socket.socket, operation: usbip.ListDevices | usbip.ImportDevice) -> None:
        """Answer; the guest leaves, or gets its card. Raises OSError."""
        there = {usbip.bus_id(wire.number): wire for wire in self.wires if wire.plugged}
        if isinstance(operation, usbip.ListDevices):
            guest.sendall(usbip.device_list([wire.number for wire in there.values()]))
            self._turn_away(guest)
            return
        wire = there.get(operation.bus_id)
        if wire is None or wire.imported:
            status = usbip.STATUS_NO_DEVICE if wire is None else usbip.STATUS_BUSY
            guest.sendall(usbip.import_refusal(status))
            self._turn_away(guest)
            return
        guest.sendall(usbip.import_answer(wire.number))
        del self._guests[guest]
        wire.hand_over(guest)

    def _turn_away(self, guest: socket.socket) -> None:
        del self._guests[guest]
        guest.close()
