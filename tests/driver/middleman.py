"""Somebody on the cable: changes what the card answers, in frames that are as good as the card's own."""

from collections.abc import Callable

from dscplus_driver import Card
from dscplus_driver.link.frames import Frame, FrameReader, LinkCommand
from dscplus_driver.link.hid_frames import MessageReader, split
from dscplus_driver.link.interface import LinkKind
from tests.harness.loopback import LoopbackCard, reports_in


class Middleman:
    """A transport around another; ``change(answer, number)`` replaces each MSG answer (from 1)."""

    def __init__(self, transport, change: Callable[[bytes, int], bytes]) -> None:
        self.url = transport.url
        self.link = transport.link
        self.answers = 0
        self._transport = transport
        self._change = change
        self._frames = FrameReader()
        self._messages = MessageReader()
        self._reports: list[bytes] = []
        self.write = transport.write
        self.close = transport.close

    def read(self, timeout: float) -> bytes:
        if self.link is LinkKind.SERIAL:
            frames = self._frames.feed(self._transport.read(timeout))
            return b"".join(self._pass_on(frame) for frame in frames)
        if not self._reports:
            for message in self._messages.feed(self._transport.read(timeout)):
                payload = self._changed(message.cmd, message.payload)
                self._reports += reports_in(split(message.channel, message.cmd, payload))
        return self._reports.pop(0) if self._reports else b""

    def _pass_on(self, frame: Frame) -> bytes:
        return Frame(frame.session, frame.seq, frame.cmd, self._changed(frame.cmd, frame.payload)).encode()

    def _changed(self, cmd: int, payload: bytes) -> bytes:
        if cmd != LinkCommand.MSG:
            return payload
        self.answers += 1
        return self._change(payload, self.answers)


def connect_through(card: LoopbackCard, change: Callable[[bytes, int], bytes]) -> Card:
    """Open a card whose answers pass through ``change``."""
    return Card(Middleman(card.transport(), change), clock=card.clock)
