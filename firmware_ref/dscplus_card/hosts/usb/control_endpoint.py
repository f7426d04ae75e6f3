"""Endpoint 0: the requests of USB 2.0 (9.4), of HID 1.11 (7.2) and of CDC-ACM (PSTN 1.2, 6.3)."""

import dataclasses
import struct
from collections.abc import Callable

from dscplus_card.hosts.usb import descriptors
from dscplus_card.hosts.usb.transfer import DIRECTION_IN

_CLASS = 0x20
_TYPE_MASK = 0x60
_TO_DEVICE, _TO_INTERFACE, _TO_ENDPOINT = 0x00, 0x01, 0x02
_RECIPIENT_MASK = 0x1F
_ENDPOINT_HALT = 0  # the one feature that the card has (9.4, table 9-6)
_INPUT_REPORT, _OUTPUT_REPORT = 0x0100, 0x0200  # report type and report ID 0 (HID 7.2.1)
_LINE_CODING = struct.Struct("<IBBB")  # bit/s, stop bits, parity, data bits
_DTR = 0x0001


class Stall(Exception):
    """The request is not supported; endpoint 0 stalls until the next setup packet (USB 2.0, 8.5.3.4)."""


@dataclasses.dataclass(frozen=True)
class Setup:
    """A setup packet (USB 2.0, 9.3)."""

    request_type: int
    request: int
    value: int
    index: int
    length: int

    @classmethod
    def read(cls, packet: bytes) -> "Setup":
        """Read the 8 bytes."""
        return cls(*struct.unpack("<BBHHH", packet))


class ControlEndpoint:
    """Answers requests and remembers what they set."""

    def __init__(self, serial_number: str, take_report: Callable[[bytes], None]) -> None:
        """`take_report` gets an output report that comes by SET_REPORT instead of the OUT endpoint."""
        self._serial_number = serial_number
        self._take_report = take_report
        self.reset()

    def reset(self) -> None:
        """Forget everything: the bus was reset, or another host is there (USB 2.0, 9.1.1)."""
        self.configuration = 0
        self.halted: set[int] = set()
        """Addresses of the endpoints that answer STALL."""
        self.line_coding = _LINE_CODING.pack(115200, 0, 0, 8)
        self.terminal_ready = False
        """Whether the host holds DTR, that is, has the port open."""

    def answer(self, packet: bytes, data: bytes) -> bytes:
        """Carry out one request; returns what goes to the host, at most wLength bytes. Raises Stall."""
        setup = Setup.read(packet)
        handler = self._HANDLERS.get((setup.request_type, setup.request))
        if handler is None or (setup.request_type & _TYPE_MASK == _CLASS and not self.configuration):
            raise Stall
        return handler(self, setup, data)[: setup.length]

    def _get_status(self, setup: Setup, _data: bytes) -> bytes:
        recipient = setup.request_type & _RECIPIENT_MASK
        if recipient == _TO_INTERFACE:
            self._check_interface(setup.index)
        halted = recipient == _TO_ENDPOINT and self._endpoint(setup.index) in self.halted
        return struct.pack("<H", halted)  # for the device: bus-powered, no remote wakeup

    def _clear_feature(self, setup: Setup, _data: bytes) -> bytes:
        self.halted.discard(self._halt_target(setup))
        return b""

    def _set_feature(self, setup: Setup, _data: bytes) -> bytes:
        endpoint = self._halt_target(setup)
        if endpoint & ~DIRECTION_IN:  # 9.4.9: a halt of endpoint 0 is neither required nor recommended
            self.halted.add(endpoint)
        return b""

    def _halt_target(self, setup: Setup) -> int:
        if setup.value != _ENDPOINT_HALT:
            raise Stall
        return self._endpoint(setup.index)

    def _endpoint(self, address: int) -> int:
        if address & ~DIRECTION_IN == descriptors.CONTROL_ENDPOINT:
            return address
        if not self.configuration or not any(address in known for known in descriptors.ENDPOINTS_OF.values()):
            raise Stall
        return address

    def _check_interface(self, number: int) -> None:
        if not self.configuration or number not in descriptors.INTERFACES:
            raise Stall

    def _set_address(self, _setup: Setup, _data: bytes) -> bytes:
        return b""  # the bus routes; addresses are the host controller's

    def _get_descriptor(self, setup: Setup, _data: bytes) -> bytes:
        kind, index = setup.value >> 8, setup.value & 0xFF
        found = None
        if kind == descriptors.STRING:
            found = descriptors.string_descriptor(index, self._serial_number)
        elif kind == descriptors.DEVICE:
            found = descriptors.device_descriptor()
        elif kind == descriptors.CONFIGURATION and index == 0:
            found = descriptors.configuration_descriptor()
        if found is None:  # also DEVICE_QUALIFIER: full speed is all there is (9.6.2)
            raise Stall
        return found

    def _get_hid_descriptor(self, setup: Setup, _data: bytes) -> bytes:
        found = {
            descriptors.HID: descriptors.hid_descriptor(),
            descriptors.REPORT: descriptors.REPORT_DESCRIPTOR,
        }.get(setup.value >> 8)
        if found is None or setup.index != descriptors.HID_INTERFACE:
            raise Stall
        return found

    def _get_configuration(self, _setup: Setup, _data: bytes) -> bytes:
        return bytes((self.configuration,))

    def _set_configuration(self, setup: Setup, _data: bytes) -> bytes:
        if setup.value not in (0, descriptors.CONFIGURATION_VALUE):
            raise Stall
        self.reset()
        self.configuration = setup.value
        return b""

    def _get_interface(self, setup: Setup, _data: bytes) -> bytes:
        self._check_interface(setup.index)
        return b"\x00"

    def _set_interface(self, setup: Setup, _data: bytes) -> bytes:
        self._check_interface(setup.index)
        if setup.value != 0:
            raise Stall
        self.halted.difference_update(descriptors.ENDPOINTS_OF[setup.index])  # 9.4.5
        return b""

    def _get_report(self, setup: Setup, _data: bytes) -> bytes:
        """An input report in which nothing happened: what waits for the IN endpoint goes there, once."""
        if (setup.index, setup.value) != (descriptors.HID_INTERFACE, _INPUT_REPORT):
            raise Stall
        return bytes(descriptors.REPORT_LENGTH)

    def _set_report(self, setup: Setup, data: bytes) -> bytes:
        if (setup.index, setup.value) != (descriptors.HID_INTERFACE, _OUTPUT_REPORT):
            raise Stall
        self._take_report(data)
        return b""

    def _get_idle(self, setup: Setup, _data: bytes) -> bytes:
        self._check_hid(setup)
        return b"\x00"

    def _set_idle(self, setup: Setup, _data: bytes) -> bytes:
        self._check_hid(setup)
        if setup.value >> 8:  # 7.2.4: to repeat an idle report would be to send a message twice
            raise Stall
        return b""

    def _check_hid(self, setup: Setup) -> None:
        if setup.index != descriptors.HID_INTERFACE:
            raise Stall

    def _set_line_coding(self, setup: Setup, data: bytes) -> bytes:
        self._check_cdc(setup)
        if len(data) != _LINE_CODING.size:
            raise Stall
        self.line_coding = data  # kept and told; there is no UART behind it that would care
        return b""

    def _get_line_coding(self, setup: Setup, _data: bytes) -> bytes:
        self._check_cdc(setup)
        return self.line_coding

    def _set_control_line_state(self, setup: Setup, _data: bytes) -> bytes:
        self._check_cdc(setup)
        self.terminal_ready = bool(setup.value & _DTR)
        return b""

    def _check_cdc(self, setup: Setup) -> None:
        if setup.index != descriptors.CDC_CONTROL_INTERFACE:
            raise Stall

    _HANDLERS = {  # noqa: RUF012 - a table, never changed: (bmRequestType, bRequest)
        (DIRECTION_IN | _TO_DEVICE, 0x00): _get_status,
        (DIRECTION_IN | _TO_INTERFACE, 0x00): _get_status,
        (DIRECTION_IN | _TO_ENDPOINT, 0x00): _get_status,
        (_TO_ENDPOINT, 0x01): _clear_feature,
        (_TO_ENDPOINT, 0x03): _set_feature,
        (_TO_DEVICE, 0x05): _set_address,
        (DIRECTION_IN | _TO_DEVICE, 0x06): _get_descriptor,
        (DIRECTION_IN | _TO_INTERFACE, 0x06): _get_hid_descriptor,
        (DIRECTION_IN | _TO_DEVICE, 0x08): _get_configuration,
        (_TO_DEVICE, 0x09): _set_configuration,
        (DIRECTION_IN | _TO_INTERFACE, 0x0A): _get_interface,
        (_TO_INTERFACE, 0x0B): _set_interface,
        (DIRECTION_IN | _CLASS | _TO_INTERFACE, 0x01): _get_report,
        (DIRECTION_IN | _CLASS | _TO_INTERFACE, 0x02): _get_idle,
        (_CLASS | _TO_INTERFACE, 0x09): _set_report,
        (_CLASS | _TO_INTERFACE, 0x0A): _set_idle,
        (_CLASS | _TO_INTERFACE, 0x20): _set_line_coding,
        (DIRECTION_IN | _CLASS | _TO_INTERFACE, 0x21): _get_line_coding,
        (_CLASS | _TO_INTERFACE, 0x22): _set_control_line_state,
    }
