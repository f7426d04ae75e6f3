"""What a host's program opens to reach a virtual card: a pty or a TCP port on the loopback interface.

The wires to a kernel's USB stack are in `usb/`.
"""

import os
import pty
import socket
import tty
from pathlib import Path
from typing import Protocol

from dscplus_card.hosts.usb.device import UsbDevice
from dscplus_card.hosts.virtual_card import VirtualCard

CHUNK = 4096  # bytes a read takes at most
LOOPBACK = "127.0.0.1"


class Wire(Protocol):
    """One card's wire."""

    usb: UsbDevice | None
    """The device that a host sees on the bus; None where there is no bus."""

    def plug(self) -> str:
        """Open the host's end; returns its URL."""

    def unplug(self) -> None:
        """Take the host's end away, so that whoever has it open notices. Unplugging twice is harmless."""

    def filenos(self) -> list[int]:
        """Return the descriptors to wait on for reading."""

    def carry(self, card: VirtualCard, readable: bool) -> None:
        """Let what is there go both ways; `readable`: one of the descriptors can be read."""


class SerialWire:
    """A wire that carries the bytes of the serial link. Those that the host's end does not take are lost."""

    usb: UsbDevice | None = None

    def carry(self, card: VirtualCard, readable: bool) -> None:
        """Let bytes go both ways."""
        if readable:
            card.feed(self.read())
        answer = card.drain()
        if answer:
            self.write(answer)

    def read(self) -> bytes:
        """Return what the host has sent; ``b""`` if nothing."""
        raise NotImplementedError

    def write(self, data: bytes) -> None:
        """Send to the host."""
        raise NotImplementedError


class PtyWire(SerialWire):
    """A pseudo-terminal in raw mode, found by a symbolic link."""

    def __init__(self, link: Path) -> None:
        self._link = link
        self._controller = -1
        self._device = -1  # held open: without any opener of this end, reads of the controller fail with EIO

    def plug(self) -> str:
        """Make a new pty and point the link at it."""
        self._controller, self._device = pty.openpty()
        tty.setraw(self._device)
        os.set_blocking(self._controller, False)
        fresh = self._link.with_name(f".{self._link.name}.new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(os.ttyname(self._device))
        fresh.replace(self._link)
        return f"serial:{self._link}"

    def unplug(self) -> None:
        """Hang up: whoever has the device open gets end of file or EIO."""
        if self._controller < 0:
            return
        self._link.unlink(missing_ok=True)
        os.close(self._controller)
        os.close(self._device)
        self._controller = self._device = -1

    def filenos(self) -> list[int]:
        """Return the pty's controlling end."""
        return [self._controller] if self._controller >= 0 else []

    def read(self) -> bytes:
        """Return what the host has sent."""
        try:
            return os.read(self._controller, CHUNK)
        except BlockingIOError:
            return b""

    def write(self, data: bytes) -> None:
        """Send to the host, as much as the pty has room for."""
        if self._controller < 0:
            return
        try:
            os.write(self._controller, data)
        except BlockingIOError:
            return  # nobody reads


class TcpWire(SerialWire):
    """A port on the loopback interface for one client at a time; the port number stays the same for good."""

    def __init__(self) -> None:
        self._port = 0
        self._listener: socket.socket | None = None
        self._client: socket.socket | None = None

    def plug(self) -> str:
        """Listen."""
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind((LOOPBACK, self._port))
        self._listener.listen(1)
        self._listener.setblocking(False)
        self._port = self._listener.getsockname()[1]
        return f"tcp://{LOOPBACK}:{self._port}"

    def unplug(self) -> None:
        """Close the connection and the port."""
        for end in (self._client, self._listener):
            if end is not None:
                end.close()
        self._client = self._listener = None

    def filenos(self) -> list[int]:
        """Return the listener, and the client if there is one."""
        return [end.fileno() for end in (self._listener, self._client) if end is not None]

    def read(self) -> bytes:
        """Return what the client has sent; take one that waits, or turn it away if there is one already."""
        data = self._receive()
        self._accept()  # after a client that has gone was noticed
        return data

    def _receive(self) -> bytes:
        if self._client is None:
            return b""
        try:
            data = self._client.recv(CHUNK)
        except BlockingIOError:
            return b""
        except OSError:
            data = b""  # reset by the peer: as good as closed
        if not data:
            self._client.close()
            self._client = None
        return data

    def write(self, data: bytes) -> None:
        """Send to the client, if there is one."""
        if self._client is None:
            return
        try:
            self._client.send(data)
        except OSError:
            return  # it does not read, or has gone: `read` notices the latter

    def _accept(self) -> None:
        if self._listener is None:
            return
        try:
            newcomer, _address = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        if self._client is not None:
            newcomer.close()
            return
        newcomer.setblocking(False)
        newcomer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._client = newcomer
