"""USB/IP, the server's side, without I/O (Linux, Documentation/usb/usbip_protocol.rst, version 1.1.1).

A connection begins with one operation: a list of the devices, after which it ends, or the import of one,
after which it carries that device's transfers. All integers are big-endian; setup packets stay as USB has
them.
"""

import dataclasses
import struct

from dscplus_card.hosts.usb import descriptors
from dscplus_card.hosts.usb.transfer import DIRECTION_IN, UNLINKED, Completion, Transfer

VERSION = 0x0111
_REQ_DEVLIST, _REP_DEVLIST = 0x8005, 0x0005
_REQ_IMPORT, _REP_IMPORT = 0x8003, 0x0003
_CMD_SUBMIT, _RET_SUBMIT = 0x0001, 0x0003
_CMD_UNLINK, _RET_UNLINK = 0x0002, 0x0004

STATUS_OK = 0
STATUS_BUSY = 2  # another host has imported the device
STATUS_NO_DEVICE = 4

LOOPBACK = "127.0.0.1"  # the one interface: whoever reaches the server owns the cards
SPEED_FULL = 2
BUS_NUMBER = 1
LONGEST_DATA = 65536  # bytes of an OUT transfer; a kernel's are at most 16 KiB for usbfs and 64 bytes for HID

_OPERATION = struct.Struct(">HHI")  # version, code, status
_BUS_ID_LENGTH = 32
_DEVICE = struct.Struct(">256s32sIII3H6B")
_COMMAND = struct.Struct(">IIIII")  # command, sequence number, device, direction, endpoint
_SUBMIT = struct.Struct(">IiiiI8s")  # flags, length, start frame, number of packets, interval, setup
_UNLINK = struct.Struct(">I24x")  # sequence number of the transfer to unlink
_RETURN = struct.Struct(">iiiii8x")  # status, actual length, start frame, number of packets, error count
IMPORT_ANSWER_LENGTH = _OPERATION.size + _DEVICE.size
_HEADER_LENGTH = _COMMAND.size + _SUBMIT.size
_OUT, _IN = 0, 1


class ProtocolError(Exception):
    """The client does not speak USB/IP as the specification has it; the connection is to be closed."""


@dataclasses.dataclass(frozen=True)
class ListDevices:
    """The client asks which devices there are."""


@dataclasses.dataclass(frozen=True)
class ImportDevice:
    """The client wants the device with this bus id."""

    bus_id: str


@dataclasses.dataclass(frozen=True)
class Unlink:
    """The client takes the transfer `tag` back; `number` is the command's own sequence number."""

    number: int
    tag: int


class Handshake:
    """Reads the one operation that a connection begins with."""

    def __init__(self) -> None:
        self._received = b""

    def wanted(self) -> int:
        """Return how many bytes to read next, so that none is taken from the transfers that follow."""
        if len(self._received) < _OPERATION.size:
            return _OPERATION.size - len(self._received)
        return _OPERATION.size + _BUS_ID_LENGTH - len(self._received)

    def receive(self, data: bytes) -> ListDevices | ImportDevice | None:
        """Take at most `wanted` bytes; returns the operation when it is whole. Raises ProtocolError."""
        self._received += data
        if len(self._received) < _OPERATION.size:
            return None
        version, code, _status = _OPERATION.unpack_from(self._received)
        if version != VERSION:
            raise ProtocolError(f"version {version:04X}, expected {VERSION:04X}")
        if code == _REQ_DEVLIST:
            return ListDevices()
        if code != _REQ_IMPORT:
            raise ProtocolError(f"operation {code:04X} is unknown")
        if len(self._received) < _OPERATION.size + _BUS_ID_LENGTH:
            return None
        bus_id = self._received[_OPERATION.size :].partition(b"\x00")[0]
        return ImportDevice(bus_id.decode("ascii", "replace"))


def bus_id(card: int) -> str:
    """Return the bus id of the `card`th card, from 0."""
    return f"{BUS_NUMBER}-{card + 1}"


def device_list(cards: list[int]) -> bytes:
    """Return the answer to ListDevices: these cards, counted from 0."""
    answer = _OPERATION.pack(VERSION, _REP_DEVLIST, STATUS_OK) + struct.pack(">I", len(cards))
    interfaces = b"".join(bytes((*interface, 0)) for interface in descriptors.INTERFACE_CLASSES)
    return answer + b"".join(_device(card) + interfaces for card in cards)


def import_answer(card: int) -> bytes:
    """Return the answer that gives a card to the client."""
    return _OPERATION.pack(VERSION, _REP_IMPORT, STATUS_OK) + _device(card)


def import_refusal(status: int) -> bytes:
    """Return the answer that refuses, for the reason `status`."""
    return _OPERATION.pack(VERSION, _REP_IMPORT, status)


def import_request(name: str) -> bytes:
    """Return what a client sends to import the device with bus id `name`."""
    return _OPERATION.pack(VERSION, _REQ_IMPORT, 0) + name.encode("ascii").ljust(_BUS_ID_LENGTH, b"\x00")


def read_import_answer(answer: bytes) -> tuple[int, int]:
    """Return (device id, speed) of the device that an import gave."""
    _path, _name, bus, number, speed, *_rest = _DEVICE.unpack_from(answer, _OPERATION.size)
    return bus << 16 | number, speed


def _device(card: int) -> bytes:
    name = bus_id(card)
    return _DEVICE.pack(
        f"/dsc-emulate/{name}".encode("ascii"),
        name.encode("ascii"),
        BUS_NUMBER,
        card + 2,  # device number 1 would be the hub
        SPEED_FULL,
        descriptors.VENDOR_ID,
        descriptors.PRODUCT_ID,
        descriptors.DEVICE_RELEASE,
        *descriptors.DEVICE_CLASS,
        0,  # not configured yet
        1,
        len(descriptors.INTERFACES),
    )


class Commands:
    """Reads the commands of a client that has imported a device."""

    def __init__(self) -> None:
        self._received = b""

    def receive(self, data: bytes) -> list[Transfer | Unlink]:
        """Take bytes in pieces of any size; returns the commands that are whole. Raises ProtocolError."""
        self._received += data
        commands: list[Transfer | Unlink] = []
        while len(self._received) >= _HEADER_LENGTH:
            command, number, _device, direction, endpoint = _COMMAND.unpack_from(self._received)
            if command == _CMD_UNLINK:
                (tag,) = _UNLINK.unpack_from(self._received, _COMMAND.size)
                commands.append(Unlink(number, tag))
                self._received = self._received[_HEADER_LENGTH:]
                continue
            if command != _CMD_SUBMIT or direction not in (_OUT, _IN) or endpoint > 0x0F:
                raise ProtocolError(f"command {command:08X} for endpoint {endpoint}, direction {direction}")
            _flags, length, _frame, _packets, _interval, setup = _SUBMIT.unpack_from(
                self._received, _COMMAND.size
            )
            if length < 0 or (direction == _OUT and length > LONGEST_DATA):
                raise ProtocolError(f"a transfer of {length} bytes")
            end = _HEADER_LENGTH + (length if direction == _OUT else 0)
            if len(self._received) < end:
                break
            address = endpoint | (DIRECTION_IN if direction == _IN else 0)
            commands.append(Transfer(number, address, length, setup, self._received[_HEADER_LENGTH:end]))
            self._received = self._received[end:]
        return commands


def return_submit(completion: Completion) -> bytes:
    """Return the answer to a transfer: its status, and what the device sent."""
    head = _COMMAND.pack(_RET_SUBMIT, completion.transfer.tag, 0, 0, 0)
    return head + _RETURN.pack(completion.status, completion.actual_length, 0, 0, 0) + completion.data


def return_unlink(unlink: Unlink, taken_back: bool) -> bytes:
    """Return the answer to an unlink; a transfer that was taken back gets no answer of its own."""
    status = UNLINKED if taken_back else 0  # 0: its answer has gone out before
    return _COMMAND.pack(_RET_UNLINK, unlink.number, 0, 0, 0) + _RETURN.pack(status, 0, 0, 0, 0)
