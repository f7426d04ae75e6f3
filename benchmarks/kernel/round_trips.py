"""APDU round trips by each transport, beside a bare library and the same bytes through such a node."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from benchmarks.measure import Subject, interleave, ratios
from benchmarks.records import Row, Section, at_most, rate
from dscplus_driver.card import Card, connect
from dscplus_driver.link.interface import LinkKind
from dscplus_driver.model import Tag
from tests.kernel.guest.usb_cards import UsbCards, UsbPort

BATCH = 20
ROUNDS = 15
ECHO_PORT = 8
TIMEOUT_MS = 30_000
SLOWEST = 1.25
GOAL = "≥ 0.8 of the echo's rate"

Exchange = Callable[[int], None]


def measure(way: str) -> Section:
    """GET DATA (serial number) in the clear; card and echo are processes of their own, each in its port."""
    name, raw = WAYS[way]
    cards = UsbCards()
    try:
        (card,) = cards()
        url = card.urls[way]
        request, answer = _bytes_of_one(url)
        with _echo_device(request, answer) as echo, ExitStack() as open_ports:
            driver = open_ports.enter_context(connect(url))
            exchange = raw(echo, request, answer, open_ports)
            subjects = [
                Subject("card", _get_data(driver), BATCH),
                Subject("echo", exchange, BATCH),
            ]
            seconds = interleave(subjects, ROUNDS)
    finally:
        cards.close()
    slower = ratios(seconds["card"], seconds["echo"])
    ours = rate("driver and virtual card", seconds["card"])
    return Section(
        f"Round trips over {name}, {len(request)} + {len(answer)} bytes",
        (
            Row(ours.name, ours.values, ours.unit, {"echo": slower}, at_most(SLOWEST, slower, GOAL)),
            rate("echo: the library alone and a device without a card", seconds["echo"]),
        ),
    )


def _bytes_of_one(url: str) -> tuple[bytes, bytes]:
    wire = {">": b"", "<": b""}

    def record(direction: str, data: bytes, _link: LinkKind) -> None:
        wire[direction] += data

    with connect(url, tap=record) as card:
        _get_data(card)(1)  # opens the session, too
        wire.update({">": b"", "<": b""})
        _get_data(card)(1)
        return wire[">"], wire["<"]


def _get_data(card: Card) -> Exchange:
    def run(times: int) -> None:
        for _ in range(times):
            card.get_data(Tag.SERIAL_NUMBER)

    return run


@contextmanager
def _echo_device(request: bytes, answer: bytes) -> Iterator[UsbPort]:
    arguments = [str(len(request)), answer.hex()]
    command = [sys.executable, "-m", "benchmarks.kernel.echo_device", *arguments]
    port = UsbPort(ECHO_PORT)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            port.attach(process.stdout.readline().strip())
            yield port
        finally:
            port.clear()


def _hidraw(port: UsbPort, request: bytes, answer: bytes, open_ports: ExitStack) -> Exchange:
    import hidraw

    device = hidraw.device()
    device.open_path(port.hidraw.encode())
    open_ports.callback(device.close)

    def run(times: int) -> None:
        for _ in range(times):
            device.write(b"\x00" + request)
            _check(bytes(device.read(len(answer), TIMEOUT_MS)), answer)

    return run


def _libusb(port: UsbPort, request: bytes, answer: bytes, open_ports: ExitStack) -> Exchange:
    import libusb_package
    import usb.core
    import usb.util

    place = port.bus_and_address
    backend = libusb_package.get_libusb1_backend()
    device = usb.core.find(backend=backend, custom_match=lambda found: (found.bus, found.address) == place)
    number = 2
    device.detach_kernel_driver(number)
    open_ports.callback(usb.util.dispose_resources, device)
    usb.util.claim_interface(device, number)
    inward, outward = sorted(
        device.get_active_configuration()[(number, 0)], key=lambda end: -end.bEndpointAddress
    )

    def run(times: int) -> None:
        for _ in range(times):
            device.write(outward, request, TIMEOUT_MS)
            _check(bytes(device.read(inward, len(answer), TIMEOUT_MS)), answer)

    return run


def _tty(port: UsbPort, request: bytes, answer: bytes, open_ports: ExitStack) -> Exchange:
    import serial

    tty = open_ports.enter_context(serial.Serial(port.tty, timeout=TIMEOUT_MS / 1000))

    def run(times: int) -> None:
        for _ in range(times):
            tty.write(request)
            _check(tty.read(len(answer)), answer)

    return run


def _check(received: bytes, answer: bytes) -> None:
    if received != answer:
        raise RuntimeError(f"the echo answered {received.hex()}")


WAYS = {
    "hid": ("hidraw, by hidapi", _hidraw),
    "usb": ("libusb, by pyusb", _libusb),
    "serial": ("ttyACM, by pyserial", _tty),
}
