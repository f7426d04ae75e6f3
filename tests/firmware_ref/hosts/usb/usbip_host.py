"""A USB host over USB/IP, for tests: what vhci_hcd and the kernel's drivers do.

It shares nothing with the emulator but the wire.
"""

import select
import socket
import struct

PATIENCE_S = 10.0

STALL, UNLINKED, OVERFLOW = -32, -104, -75
OUT, IN = 0, 1

GONE = (EOFError, ConnectionError)
"""How a connection that the server has closed shows itself: at a read, or at a write before."""


class Refused(Exception):
    """The import was refused; the argument is the status."""


class HostedDevice(dict):
    """The 312 bytes by which a server describes a device, by name."""

    LAYOUT = struct.Struct(">256s32sIII3H6B")
    NAMES = (
        *("path", "bus_id", "bus_number", "device_number", "speed", "vendor", "product", "release"),
        *("device_class", "device_subclass", "device_protocol"),
        *("configuration", "configurations", "interfaces"),
    )

    def __init__(self, data):
        values = dict(zip(self.NAMES, self.LAYOUT.unpack(data), strict=True))
        for name in ("path", "bus_id"):
            values[name] = values[name].rstrip(b"\x00").decode("ascii")
        super().__init__(values)


def connect(port):
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)


def read_exactly(connection, n):
    received = b""
    while len(received) < n:
        data = connection.recv(n - len(received))
        if not data:
            raise EOFError(f"closed after {received!r}")
        received += data
    return received


def list_devices(port):
    """Return the devices of a server, each with its interfaces' (class, subclass, protocol)."""
    with connect(port) as connection:
        connection.sendall(bytes.fromhex("0111 8005 00000000"))
        assert read_exactly(connection, 8) == bytes.fromhex("0111 0005 00000000")
        (count,) = struct.unpack(">I", read_exactly(connection, 4))
        found = []
        for _ in range(count):
            device = HostedDevice(read_exactly(connection, HostedDevice.LAYOUT.size))
            device["classes"] = [tuple(read_exactly(connection, 4))[:3] for _ in range(device["interfaces"])]
            found.append(device)
        assert connection.recv(1) == b""
        return found


class UsbIpHost:
    """A host that has imported one device. Transfers are named by their sequence numbers."""

    def __init__(self, url):
        address, _, bus_id = url.removeprefix("usbip://127.0.0.1:").partition("/")
        self.connection = connect(int(address))
        self.connection.sendall(bytes.fromhex("0111 8003 00000000") + bus_id.encode().ljust(32, b"\x00"))
        version, code, status = struct.unpack(">HHI", read_exactly(self.connection, 8))
        assert (version, code) == (0x0111, 0x0003)
        if status:
            self.connection.close()
            raise Refused(status)
        self.device = HostedDevice(read_exactly(self.connection, HostedDevice.LAYOUT.size))
        self._begin(self.device["bus_number"] << 16 | self.device["device_number"])

    @classmethod
    def adopt(cls, connection, device_id):
        """Go on with the connection of a device that somebody else has imported, as vhci_hcd does."""
        host = cls.__new__(cls)
        host.connection = connection
        host._begin(device_id)
        return host

    def _begin(self, device_id):
        self._device_id = device_id
        self._number = 0
        self._directions = {}
        self._answers = {}

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.connection.close()

    def submit(self, endpoint, direction, length=0, data=b"", setup=bytes(8)):
        """Send a transfer; returns its number."""
        self._number += 1
        head = struct.pack(">5I", 1, self._number, self._device_id, direction, endpoint)
        body = struct.pack(">Iiiii", 0, len(data) or length, 0, 0, 0) + setup
        self._directions[self._number] = direction
        self.connection.sendall(head + body + data)
        return self._number

    def send_unlink(self, number):
        """Send the command to take a transfer back; returns the command's own number."""
        self._number += 1
        head = struct.pack(">5I", 2, self._number, self._device_id, 0, 0)
        self.connection.sendall(head + struct.pack(">I24x", number))
        return self._number

    def answer(self, number):
        """Wait for the answer to a command: (status, actual length, data)."""
        while number not in self._answers:
            head = read_exactly(self.connection, 48)
            kind, answered, _device, _direction, _endpoint, status, actual = struct.unpack_from(">5Iii", head)
            assert kind in (3, 4), f"unknown answer {kind}"
            data = b""
            if kind == 3 and self._directions[answered] == IN:
                data = read_exactly(self.connection, actual)
            assert answered not in self._answers, "answered twice"
            self._answers[answered] = (status, actual, data)
        return self._answers.pop(number)

    def is_answered(self, number, timeout):
        """Wait at most `timeout` seconds for an answer; tells whether this command's may be there."""
        return number in self._answers or bool(select.select([self.connection], [], [], timeout)[0])

    def unlink(self, number):
        """Take a transfer back; returns the status."""
        return self.answer(self.send_unlink(number))[0]

    def control_in(self, request_type, request, value, index, length):
        """A control request with data from the device; returns (status, data)."""
        setup = struct.pack("<BBHHH", request_type, request, value, index, length)
        status, _actual, data = self.answer(self.submit(0, IN, length, setup=setup))
        return status, data

    def control_out(self, request_type, request, value, index, data=b""):
        """A control request with or without data to the device; returns the status."""
        setup = struct.pack("<BBHHH", request_type, request, value, index, len(data))
        return self.answer(self.submit(0, OUT, data=data, setup=setup))[0]

    def enumerate(self):
        """Do what a kernel and its drivers do with a new device; returns (strings, configuration)."""
        assert self.control_in(0x80, 6, 0x0100, 0, 64)[1][0] == 18
        device = self._descriptor(0x0100, 18)
        total = struct.unpack_from("<H", self._descriptor(0x0200, 9), 2)[0]
        configuration = self._descriptor(0x0200, total)
        strings = [self._string(index) for index in device[14:17]]
        assert self.control_out(0x00, 9, configuration[5], 0) == 0
        assert self.control_out(0x21, 0x0A, 0, 2) == 0  # SET_IDLE
        status, report = self.control_in(0x81, 6, 0x2200, 2, 4096)
        assert (status, len(report)) == (0, 34)
        assert self.control_out(0x21, 0x20, 0, 0, struct.pack("<IBBB", 9600, 0, 0, 8)) == 0
        return strings, configuration

    def open_port(self):
        """Raise DTR and RTS, as an open of ttyACM does."""
        assert self.control_out(0x21, 0x22, 3, 0) == 0

    def write_report(self, report):
        """Send an output report; returns the status."""
        return self.answer(self.submit(3, OUT, data=report))[0]

    def read_report(self):
        """Wait for an input report; returns (status, report)."""
        status, _actual, report = self.answer(self.submit(3, IN, 64))
        return status, report

    def _descriptor(self, value, length):
        status, data = self.control_in(0x80, 6, value, 0, length)
        assert (status, len(data)) == (0, length)
        return data

    def _string(self, index):
        languages = self.control_in(0x80, 6, 0x0300, 0, 255)[1]
        status, data = self.control_in(
            0x80, 6, 0x0300 | index, struct.unpack_from("<H", languages, 2)[0], 255
        )
        assert status == 0
        assert (data[0], data[1]) == (len(data), 3)
        return data[2:].decode("utf-16-le")
