"""A small peer for the link's tests: a card's end of the serial link, in memory, with a virtual clock.

It is written for these tests alone and knows nothing but frames; the card's own link is tested elsewhere.
"""

import zlib
from collections.abc import Callable

from dscplus_driver import errors
from dscplus_driver.link.frames import Frame, FrameReader, LinkCommand
from dscplus_driver.link.interface import LinkKind


class VirtualClock:
    """Seconds that pass only when somebody waits."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class LinkPeer:
    """Answers requests by ``handler(cmd, payload)``; keeps what it executed, so that repeats show."""

    def __init__(self, handler: Callable[[int, bytes], bytes] = lambda _cmd, payload: payload) -> None:
        self.handler = handler
        self.executed: list[tuple[int, bytes]] = []
        self.inits = 0
        self.link_version = 1
        self.session = 0
        self._last: tuple[int, int] | None = None
        self._answer = b""
        self._nonce = b""
        self._seq = 0
        self._reader = FrameReader()

    def receive(self, data: bytes) -> bytes:
        return b"".join(self._take(frame) for frame in self._reader.feed(data))

    def restart(self) -> None:
        """As a card does that lost its power."""
        self.session = 0
        self._nonce = b""

    def _take(self, frame: Frame) -> bytes:
        if frame.cmd == LinkCommand.INIT:
            return self._init(frame)
        if frame.session != self.session or not self.session:
            return Frame(frame.session, frame.seq, LinkCommand.ERROR, b"\x0b").encode()
        if frame.cmd == LinkCommand.CANCEL:
            return b""
        identity = (frame.seq, zlib.crc32(bytes((frame.cmd,)) + frame.payload))
        if identity == self._last:
            return self._answer
        if frame.seq != (self._seq + 1) % 256:
            return Frame(frame.session, frame.seq, LinkCommand.ERROR, b"\x04").encode()
        self.executed.append((frame.cmd, frame.payload))
        self._seq, self._last = frame.seq, identity
        payload = self.handler(frame.cmd, frame.payload)
        self._answer = Frame(frame.session, frame.seq, frame.cmd, payload).encode()
        return self._answer

    def _init(self, frame: Frame) -> bytes:
        if frame.payload != self._nonce:
            self.inits += 1
            self.session = 0x1000 + self.inits
            self._nonce, self._seq, self._last = frame.payload, 0, None
        content = (
            frame.payload
            + self.session.to_bytes(4, "big")
            + bytes((self.link_version,))
            + b"BOOTBOOT"
            + b"\x00"
        )
        return Frame(0, 0, LinkCommand.INIT, content).encode()


class PeerTransport:
    """A transport to a peer. ``line(direction, data)`` may lose, double or change what travels."""

    url = "memory:peer"
    link = LinkKind.SERIAL

    def __init__(
        self,
        peer: LinkPeer,
        clock: VirtualClock,
        line: Callable[[str, bytes], bytes] = lambda _direction, data: data,
    ) -> None:
        self.peer, self.clock, self.line = peer, clock, line
        self.written: list[bytes] = []
        self._arrived = b""
        self.removed = False

    def write(self, data: bytes) -> None:
        if self.removed:
            raise errors.CardRemoved("the card was removed", where=self.url)
        self.written.append(data)
        self._arrived += self.line("<", self.peer.receive(self.line(">", data)))

    def read(self, timeout: float) -> bytes:
        if self.removed:
            raise errors.CardRemoved("the card was removed", where=self.url)
        data, self._arrived = self._arrived, b""
        self.clock.now += 0.001 if data else timeout
        return data

    def close(self) -> None:
        self.removed = True
