"""Cards in this process, without a wire, that tell how long they have computed."""

from __future__ import annotations

import os
from time import perf_counter_ns

from dscplus_card.applet import Applet
from dscplus_card.device import Device, manufacture
from dscplus_card.flash import MemoryFlash
from dscplus_card.hosts.port_cpython import CPythonPort
from dscplus_card.keypad import Keypad
from dscplus_card.state import State
from dscplus_driver.link.hid_frames import REPORT_LENGTH
from dscplus_driver.link.interface import LinkKind
from dscplus_driver.sensitive import KeySet

from .measure import NS

SERIAL_NUMBER = "0000000018"


class AppletCard:
    """A blank card under transport `keys`, without its link: command APDUs in, answers out."""

    def __init__(self, keys: KeySet) -> None:
        port = CPythonPort(_manufactured(keys))
        memory = State(port.flash)
        self._applet = Applet(port, memory, os.urandom(8), Keypad(port, memory))
        self._busy_ns = 0

    def exchange(self, apdu: bytes) -> bytes:
        """Answer one command APDU, status word included."""
        start = perf_counter_ns()
        answer = self._applet.execute(apdu)
        self._busy_ns += perf_counter_ns() - start
        if not isinstance(answer, bytes):
            raise TypeError(f"the card wants time for {apdu[:4].hex()}, which nobody here gives it")
        return answer

    def take_busy_seconds(self) -> float:
        """Seconds that the card has computed since this was last asked."""
        busy, self._busy_ns = self._busy_ns, 0
        return busy * NS


class WholeCard:
    """A blank card under transport `keys`, behind its link; for the driver it is a transport."""

    def __init__(self, keys: KeySet) -> None:
        self.url = "memory:"
        self.link = LinkKind.SERIAL
        self.busy_seconds = 0.0
        self._device = Device(CPythonPort(_manufactured(keys)))
        self._answer = b""

    def write(self, data: bytes) -> None:
        """Lets the card work on it right away."""
        start = perf_counter_ns()
        self._device.receive(data)
        self._device.tick()
        self._answer += self._device.transmit()
        self.busy_seconds += (perf_counter_ns() - start) * NS

    def read(self, timeout: float) -> bytes:  # noqa: ARG002 - the answer is there, or never comes
        """The answer."""
        answer, self._answer = self._answer, b""
        return answer

    def close(self) -> None:
        """Nothing to give back."""


class HidCard:
    """The same behind its HID link: 64-byte reports, which it counts."""

    def __init__(self, keys: KeySet) -> None:
        self.url = "memory:"
        self.link = LinkKind.HID
        self.reports = 0
        """That went over the link, both ways."""
        self._device = Device(CPythonPort(_manufactured(keys)))

    def write(self, data: bytes) -> None:
        """Lets the card take one report after the other."""
        for at in range(0, len(data), REPORT_LENGTH):
            self.reports += 1
            self._device.receive_report(data[at : at + REPORT_LENGTH])
            self._device.tick()

    def read(self, timeout: float) -> bytes:  # noqa: ARG002 - the answer is there, or never comes
        """The next report of the answer."""
        report = self._device.transmit_report()
        self._device.tick()
        self.reports += report != b""
        return report

    def close(self) -> None:
        """Nothing to give back."""


def _manufactured(keys: KeySet) -> MemoryFlash:
    flash = MemoryFlash()
    secrets = (keys.enc.reveal(), keys.mac.reveal(), keys.dek.reveal())
    manufacture(flash, SERIAL_NUMBER, keys.version, secrets)
    return flash
