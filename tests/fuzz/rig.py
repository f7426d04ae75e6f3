"""A virtual card on a virtual wire with a virtual clock: what the fuzz targets play with."""

from collections.abc import Callable
from typing import NamedTuple

from cobs import cobs

from dscplus_card import state
from dscplus_card.device import Device, manufacture
from dscplus_card.flash import MemoryFlash
from dscplus_card.hosts.port_cpython import CPythonPort
from dscplus_card.state import State
from dscplus_driver.link.interface import LinkKind
from tests.golden import inputs
from tests.golden.third import frame

PING, MSG, INIT, WINK, CANCEL, KEEPALIVE, ERROR = 0x01, 0x03, 0x06, 0x08, 0x11, 0x3B, 0x3F
NO_SESSION = bytes(4)
SECTOR_SIZE, SECTOR_COUNT = 1024, 3


class Choices:
    """The fuzzer's bytes, taken as decisions; zeros when they are used up."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def byte(self) -> int:
        return self.take(1)[0]

    def take(self, n: int) -> bytes:
        taken = self._data[self._at : self._at + n]
        self._at += n
        return taken + bytes(n - len(taken))


class Seen(NamedTuple):
    session: bytes
    seq: int
    cmd: int
    payload: bytes


def frames_in(said: bytes) -> list[Seen]:
    """Take apart frames that are known to be good."""
    bodies = [cobs.decode(piece) for piece in said.split(b"\x00") if piece]
    return [Seen(body[:4], body[4], body[5], body[6:-4]) for body in bodies]


class VirtualCard:
    """A blank card (KVN 01, AES-128, the published test keys) and its clock."""

    def __init__(self) -> None:
        self.milliseconds = 0
        self._drawn = 0
        self.flash = MemoryFlash(SECTOR_SIZE, SECTOR_COUNT)
        keys = inputs.BATCH
        manufacture(self.flash, inputs.SERIAL, keys.version, (keys.enc, keys.mac, keys.dek))
        port = CPythonPort(self.flash, clock=lambda: self.milliseconds / 1000, random=self._random)
        self.device = Device(port)

    def send(self, data: bytes) -> bytes:
        """Give the card bytes; return what it answers at once."""
        self.device.receive(data)
        self.device.tick()
        said = self.device.transmit()
        self.device.tick()  # what waits for the answer to be out: TERMINATED erases its secrets
        return said + self.device.transmit()

    def send_report(self, report: bytes) -> list[bytes]:
        """Give the card an output report, of any length; return the reports that it has to send."""
        self.device.receive_report(report)
        self.device.tick()
        return self.fetch_reports()

    def fetch_reports(self) -> list[bytes]:
        return list(iter(self.device.transmit_report, b""))

    def pass_time(self, milliseconds: int) -> bytes:
        """Let time go by until the card says something, at most so long; return what it says."""
        end = self.milliseconds + milliseconds
        said = self.device.transmit()
        while not said and self.milliseconds < end:
            due = self.device.next_tick_ms()
            left = end - self.milliseconds
            self.milliseconds += left if due is None else max(1, min(due, left))
            self.device.tick()
            said = self.device.transmit()
        return said

    def remembers(self) -> dict[int, bytes]:
        """Return what a reboot would find: the durable fields, read from a copy of the flash."""
        memory = State(MemoryFlash(SECTOR_SIZE, SECTOR_COUNT, bytearray(self.flash.image())))
        return {field: memory.get(field) for field in range(1, state.WIPES + 1)}

    def open_link(self, nonce: bytes) -> bytes:
        """INIT, whatever was before; return the new session. Asserts that the card gives one within 70 s."""
        said = self.send(b"\x00" + frame(NO_SESSION, 0, INIT, nonce))
        end = self.milliseconds + 70_000
        while True:
            for seen in frames_in(said):
                if seen.cmd == INIT and seen.payload[:8] == nonce:
                    return seen.payload[8:12]
            assert self.milliseconds < end, "the card does not recover"
            said = self.pass_time(1000)

    def ask(self, session: bytes, seq: int, cmd: int, payload: bytes) -> Seen:
        """Send a request; return its answer, KEEPALIVEs left out. Asserts that it comes within 90 s."""
        said = self.send(frame(session, seq, cmd, payload))
        end = self.milliseconds + 90_000
        while True:
            answers = [seen for seen in frames_in(said) if seen.cmd != KEEPALIVE]
            if answers:
                assert len(answers) == 1
                assert answers[0][:2] == (session, seq)
                return answers[0]
            assert self.milliseconds < end, "the card does not answer"
            said = self.pass_time(1000)

    def _random(self, n: int) -> bytes:
        self._drawn += 1
        return self._drawn.to_bytes(n, "big")


Meddle = Callable[[str, bytes], tuple[list[bytes], list[bytes]]]
"""Takes direction (">" to the card, "<" to the host) and a frame; gives what goes on, and what comes back."""


class Wire:
    """The driver's transport to a virtual card, with somebody in the middle; its clock is the card's."""

    url = "virtual:"
    link = LinkKind.SERIAL

    def __init__(self, card: VirtualCard, meddle: Meddle) -> None:
        self._card = card
        self._meddle = meddle
        self._arrived = b""
        self.reads = 0

    def clock(self) -> float:
        return self._card.milliseconds / 1000

    def write(self, data: bytes) -> None:
        onward, back = self._meddle(">", data)
        self._arrived += b"".join(back)
        for arriving in onward:
            self._from_card(self._card.send(arriving))

    def read(self, timeout: float) -> bytes:
        self.reads += 1
        assert self.reads < 20_000, "the driver does not come to an end"
        if self._arrived:
            self._card.milliseconds += 1
        else:
            self._from_card(self._card.pass_time(max(1, round(timeout * 1000))))
        arrived, self._arrived = self._arrived, b""
        return arrived

    def close(self) -> None:
        pass

    def _from_card(self, said: bytes) -> None:
        for piece in said.split(b"\x00"):
            if piece:
                onward, back = self._meddle("<", b"\x00" + piece + b"\x00")
                self._arrived += b"".join(onward)
                for arriving in back:
                    self._card.send(arriving)
