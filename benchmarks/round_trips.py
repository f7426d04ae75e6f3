"""Round trips over a pty: an APDU to a virtual card beside the same bytes through bare pyserial."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import serial

from dscplus_driver.card import Card, connect
from dscplus_driver.link.interface import LinkKind
from dscplus_driver.model import Tag

from .measure import Subject, interleave
from .records import Section, rate
from .virtual_cards import virtual_cards

ECHO_TIMEOUT_SECONDS = 5


def measure() -> Section:
    """GET DATA (serial number) in the clear, at full speed; the far end is a process of its own each time."""
    wire: dict[str, bytes] = {">": b"", "<": b""}

    def record(direction: str, data: bytes, _link: LinkKind) -> None:
        wire[direction] += data

    with virtual_cards(1, batch_key=os.urandom(16)) as emulator:
        virtual = emulator.cards[0]
        with connect(virtual.url, tap=record) as card:
            _get_data(card)(1)  # opens the session, too
            wire.update({">": b"", "<": b""})
            _get_data(card)(1)
        request, answer = wire[">"], wire["<"]
        with connect(virtual.url) as card, _echo(len(request), answer) as port:
            seconds = interleave(
                [
                    Subject("driver", _get_data(card)),
                    Subject("pyserial echo", _exchange(port, request, answer)),
                ]
            )
    return Section(
        f"Round trips over a pty, {len(request)} + {len(answer)} bytes",
        (
            rate(
                "APDU: driver and virtual card",
                seconds["driver"],
                {"pyserial echo": seconds["pyserial echo"]},
            ),
            rate("bare pyserial and an echo", seconds["pyserial echo"]),
        ),
    )


def _get_data(card: Card) -> Callable[[int], None]:
    def run(times: int) -> None:
        for _ in range(times):
            card.get_data(Tag.SERIAL_NUMBER)

    return run


def _exchange(port: serial.Serial, request: bytes, answer: bytes) -> Callable[[int], None]:
    def run(times: int) -> None:
        for _ in range(times):
            port.write(request)
            if port.read(len(answer)) != answer:
                raise RuntimeError("the echo did not answer in time")

    return run


@contextmanager
def _echo(request_length: int, answer: bytes) -> Iterator[serial.Serial]:
    command = [sys.executable, "-m", "benchmarks.echo", str(request_length), answer.hex()]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        with serial.Serial(process.stdout.readline().strip(), timeout=ECHO_TIMEOUT_SECONDS) as port:
            yield port
