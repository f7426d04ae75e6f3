"""Somebody on the cable: changes what the card answers, in frames that are as good as the card's own."""

from collections.abc import Callable

from dscplus_driver import Card
from dscplus_driver.link.frames import Frame, FrameReader, LinkCommand
from tests.harness.loopback import LoopbackCard


class Middleman:
    """A transport around another; ``change(answer, number)`` replaces each MSG answer (from 1)."""

    def __init__(self, transport, change: Callable[[bytes, int], bytes]) -> None:
        self.url = transport.url
        self.link = transport.link
        self.answers = 0
        self._transport = transport
        self._change = change
        self._reader = FrameReader()
        self.write = transport.write
        self.close = transport.close

    def read(self, timeout: float) -> bytes:
        return b"".join(self._pass_on(frame) for frame in self._reader.feed(self._transport.read(timeout)))

    def _pass_on(self, frame: Frame) -> bytes:
        if frame.cmd != LinkCommand.MSG:
            return frame.encode()
        self.answers += 1
        changed = self._change(frame.payload, self.answers)
        return Frame(frame.session, frame.seq, frame.cmd, changed).encode()


def connect_through(card: LoopbackCard, change: Callable[[bytes, int], bytes]) -> Card:
    """Open a card whose answers pass through ``change``."""
    return Card(Middleman(card.transport(), change), clock=card.clock)
