"""The host's end of the serial link, without I/O.

Rules, as the protocol has them:

- INIT (session 0, seq 0, a fresh nonce) makes a session; requests in it are numbered 1, 2, … modulo 256.
- One request at a time. Silence for `ANSWER_TIMEOUT` after the last byte was sent or received: the same bytes
  again, at most `RETRANSMISSIONS` times in a row; the card repeats its answer and executes nothing twice. A
  KEEPALIVE for this request proves that the card has it, and starts that count afresh.
- A request lives `CEILING` at most, whatever arrives. After giving up the session is over; so is it after
  ERROR 04 (sequence) and 0B (unknown session). Nothing is ever repeated in another session.
- What does not echo the request's session, seq and command is ignored.

The caller moves bytes and time::

    link.request(LinkCommand.MSG, apdu)
    transport.write(link.data_to_send()); link.sent(now)
    … link.receive(data, now) or link.tick(now) …           both return events
"""

import struct
from collections.abc import Callable
from typing import ClassVar

from .events import Answered, Event, GaveUp, GiveUpReason, Opened, Refused, Working
from .frames import Frame, FrameReader, LinkCommand, LinkErrorCode
from .interface import CEILING, State

ANSWER_TIMEOUT = 0.25
"""Seconds of silence before a request is sent again: two KEEPALIVE periods and a half."""
RETRANSMISSIONS = 3
NONCE_LENGTH = 8

_INIT_ANSWER = struct.Struct(">8sIB8sB")
_SESSION_LOST = (LinkErrorCode.SEQUENCE, LinkErrorCode.CHANNEL)


class SerialLink:
    """One card's link. ``random(n)`` returns n unpredictable bytes; all times are seconds of one monotonic
    clock.
    """

    VERSION: ClassVar[int] = 1

    def __init__(self, random: Callable[[int], bytes]) -> None:
        self.state = State.CLOSED
        self.session = 0
        self._random = random
        self._reader = FrameReader()
        self._seq = 0
        self._request: Frame | None = None
        self._outgoing = b""
        self._quiet_since = 0.0
        self._began: float | None = None
        self._repeats = 0

    def init(self) -> None:
        """Ask for a new session, whatever state this one is in."""
        self.close()
        self._start(Frame(0, 0, LinkCommand.INIT, self._random(NONCE_LENGTH)))

    def request(self, cmd: LinkCommand, payload: bytes = b"") -> None:
        """Send a request of at most 512 bytes in the present session. Only in state IDLE."""
        if self.state is not State.IDLE:
            raise RuntimeError(f"a request cannot be sent while the link is {self.state.value}")
        self._seq = (self._seq + 1) % 256
        self._start(Frame(self.session, self._seq, cmd, payload))

    def cancel(self) -> None:
        """Ask the card to stop the request under way; its answer is then Refused with code 7F, or a late
        answer.
        """
        if self._request is not None and self.session:
            self._outgoing += Frame(self.session, self._seq, LinkCommand.CANCEL).encode()

    def close(self) -> None:
        """Forget the session and what is under way."""
        self._finish(State.CLOSED)
        self.session = 0

    def leave(self) -> bytes:
        """Return what to send before the port is given back: nothing, as the next client's INIT ends all."""
        return b""

    def data_to_send(self) -> bytes:
        """Return the bytes to send now, once; b"" if there are none."""
        data, self._outgoing = self._outgoing, b""
        return data

    def sent(self, now: float) -> None:
        """Tell that the last byte has left the host: the timers start."""
        self._quiet_since = now
        if self._began is None:
            self._began = now

    def deadline(self) -> float | None:
        """Return the time at which `tick` is due, or None while nothing is awaited or something is to be
        sent.
        """
        if self._request is None or self._began is None or self._outgoing:
            return None
        return min(self._quiet_since + ANSWER_TIMEOUT, self._began + CEILING)

    def receive(self, data: bytes, now: float) -> list[Event]:
        """Take bytes that arrived; any byte restarts the answer timeout."""
        self._quiet_since = now
        events = [event for frame in self._reader.feed(data) if (event := self._take(frame)) is not None]
        return events + self._check_ceiling(now)

    def tick(self, now: float) -> list[Event]:
        """Let the timers act: puts a retransmission into `data_to_send`, or gives up."""
        deadline = self.deadline()
        if deadline is None or now < deadline:
            return []
        gave_up = self._check_ceiling(now)
        if gave_up or self._request is None:
            return gave_up
        if self._repeats == RETRANSMISSIONS:
            return self._give_up(GiveUpReason.SILENCE)
        self._repeats += 1
        self._outgoing = self._request.encode()
        return []

    def _start(self, frame: Frame) -> None:
        self._outgoing = frame.encode()
        self._request = frame
        self._began = None
        self._repeats = 0
        self.state = State.WAITING

    def _take(self, frame: Frame) -> Event | None:
        request = self._request
        if request is None or (frame.session, frame.seq) != (request.session, request.seq):
            return None
        if frame.cmd == LinkCommand.KEEPALIVE:
            self._repeats = 0
            return Working()
        if frame.cmd == LinkCommand.ERROR:
            return self._refused(frame)
        if frame.cmd != request.cmd:
            return None
        if request.cmd == LinkCommand.INIT:
            return self._opened(request, frame)
        self._finish(State.IDLE)
        return Answered(frame.payload)

    def _opened(self, request: Frame, frame: Frame) -> Event | None:
        if len(frame.payload) != _INIT_ANSWER.size:
            return None
        nonce, session, version, boot_id, capabilities = _INIT_ANSWER.unpack(frame.payload)
        if nonce != request.payload or session == 0:
            return None
        self._finish(State.IDLE)
        self.session, self._seq = session, 0
        return Opened(session, boot_id, version, capabilities)

    def _refused(self, frame: Frame) -> Event | None:
        if len(frame.payload) != 1:
            return None
        code = frame.payload[0]
        lost = self.session == 0 or code in _SESSION_LOST
        if lost:
            self.close()
        else:
            self._finish(State.IDLE)
        return Refused(code, lost)

    def _check_ceiling(self, now: float) -> list[Event]:
        if self._request is None or self._began is None or now < self._began + CEILING:
            return []
        return self._give_up(GiveUpReason.CEILING)

    def _give_up(self, reason: GiveUpReason) -> list[Event]:
        self.close()
        return [GaveUp(reason)]

    def _finish(self, state: State) -> None:
        self.state = state
        self._request = None
        self._began = None
        self._outgoing = b""
