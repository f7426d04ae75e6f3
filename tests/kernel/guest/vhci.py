"""The guest's virtual USB host controller: devices that a USB/IP server exports are plugged into its ports.

No `usbip` tool is needed: after one question and answer over TCP the kernel is handed the socket
(Linux, Documentation/usb/usbip_protocol.rst and drivers/usb/usbip/vhci_sysfs.c).
"""

import socket
import struct
import time
from pathlib import Path

CONTROLLER = Path("/sys/devices/platform/vhci_hcd.0")
TIMEOUT = 30.0
"""Seconds for a peer's answer, or for the kernel to finish with a port."""
FREE = 4  # VDEV_ST_NULL
REQUEST_IMPORT = 0x8003
IMPORT_HEAD = struct.Struct(">HHI")
DEVICE = struct.Struct(">256s32sIIIHHH6B")


class ImportRefused(Exception):
    """The server does not give this device away: it is unplugged, or another host has it."""


def attach(url: str, port: int) -> None:
    """Plug what is at ``usbip://HOST:PORT/BUSID`` into a port of the controller, from 0.

    Raises ImportRefused, or OSError when nobody serves there or the port is taken.
    """
    address, _, bus_id = url.removeprefix("usbip://").partition("/")
    host, _, tcp_port = address.rpartition(":")
    with socket.create_connection((host, int(tcp_port)), TIMEOUT) as connection:
        connection.sendall(struct.pack(">HHI32s", 0x0111, REQUEST_IMPORT, 0, bus_id.encode()))
        _version, _code, status = IMPORT_HEAD.unpack(_exactly(connection, IMPORT_HEAD.size))
        if status:
            raise ImportRefused(f"{url}: status {status}")
        _path, _bus_id, bus, device, speed, *_ids = DEVICE.unpack(_exactly(connection, DEVICE.size))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(None)  # the kernel's own reads must wait
        text = f"{port} {connection.fileno()} {bus << 16 | device} {speed}"
        (CONTROLLER / "attach").write_text(text)


def detach(port: int) -> None:
    """Pull out whatever is in this port, at the host's end, and wait until the kernel has let go of it."""
    (CONTROLLER / "detach").write_text(str(port))
    wait_until_free(port)


def wait_until_free(port: int) -> None:
    """Wait until a device that has gone has left its port. Raises TimeoutError."""
    deadline = time.monotonic() + TIMEOUT
    while port in used_ports():
        if time.monotonic() > deadline:
            raise TimeoutError(f"port {port} of {CONTROLLER.name} was not given free within {TIMEOUT:g} s")
        time.sleep(0.01)  # sysfs tells no one when this changes


def used_ports() -> list[int]:
    """Return the ports with a device in them, or on its way in or out."""
    lines = (CONTROLLER / "status").read_text().splitlines()[1:]
    columns = [line.split() for line in lines]
    return [int(port) for _hub, port, state, *_rest in columns if int(state) != FREE]


def _exactly(connection: socket.socket, length: int) -> bytes:
    data = connection.recv(length, socket.MSG_WAITALL)
    if len(data) < length:
        raise ImportRefused(f"the server closed the connection after {len(data)} of {length} bytes")
    return data
