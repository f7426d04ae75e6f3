"""The host's end of the HID link (CTAPHID, CTAP 2.1, 11.2), without I/O.

Rules, as the protocol has them:

- INIT with a fresh nonce on the broadcast channel gives a channel of our own. Others use the broadcast
  channel, too: answers with another nonce are ignored, and an ERROR there may be meant for anybody. INIT on a
  channel that we have keeps it and ends what was under way there, a secure channel included; a channel that
  the card does not know is given up for a new one.
- INIT changes nothing else, so it is asked `INIT_TRIES` times. No other message is ever sent again after
  silence: nothing on this link tells a repeat from a new request.
- ERROR 06 (busy) says that a message was not begun: it is sent again, later and later, for `BUSY_PATIENCE`.
  Not so once the card has given any other sign that it has the message: then it ends the session.
- One request at a time. Silence for `ANSWER_TIMEOUT` ends it; each KEEPALIVE and each report of its answer
  starts that count afresh; a request lives `CEILING` at most, whatever arrives.
- The reports of an answer come in order and without a gap, with none of another message of the channel
  between them; else it is lost (`AnswerBroken`). After that, after giving up and after ERROR 04, 05 and 0B
  the session is over, and the next INIT makes an end of what may still come.
- Reports of other channels and of other lengths than 64 bytes are ignored.

The caller moves reports and time as with `serial.SerialLink`; ``receive`` takes one report as it was read.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

from .events import AnswerBroken, Answered, Event, GaveUp, GiveUpReason, Opened, Refused, Working
from .frames import MAX_PAYLOAD, LinkCommand, LinkErrorCode
from .hid_frames import BROADCAST, NO_CHANNEL, Assembly, Continuation, Start, read_report, split
from .interface import CEILING, State

ANSWER_TIMEOUT = 2.0
"""Seconds of silence before a request is given up: twenty KEEPALIVE periods, as a busy host's USB is late at
times and asking again is no way out.
"""
INIT_TIMEOUT = 0.5
"""Seconds of silence before INIT is asked again."""
INIT_TRIES = 4
BUSY_PATIENCE = 6.0
"""Seconds for which a busy card is asked again: above the 5 s after which the secure channel of a client that
was killed lapses.
"""
FIRST_BUSY_DELAY = 0.05
LONGEST_BUSY_DELAY = 0.4
NONCE_LENGTH = 8

_INIT_ANSWER = struct.Struct(
    ">8sIB3sB"
)  # nonce, channel, version, device version, capabilities; more may follow
_SESSION_LOST = (LinkErrorCode.SEQUENCE, LinkErrorCode.MSG_TIMEOUT, LinkErrorCode.CHANNEL)


@dataclass(slots=True)
class _Request:
    """What is under way, and what is known of it."""

    channel: int
    cmd: LinkCommand
    payload: bytes = field(repr=False)
    tries: int = 1
    heard: bool = False
    """The card has told that it is at work on this."""
    answer: Assembly | None = None
    busy_since: float | None = None
    busy_delay: float = FIRST_BUSY_DELAY
    again_at: float | None = None
    """When a busy card is to be asked again."""

    def encode(self) -> bytes:
        return split(self.channel, self.cmd, self.payload)


class HidLink:
    """One card's link. ``random(n)`` returns n unpredictable bytes; all times are seconds of one monotonic
    clock.
    """

    VERSION: ClassVar[int] = 2

    def __init__(self, random: Callable[[int], bytes]) -> None:
        self.state = State.CLOSED
        self.session = 0
        self._random = random
        self._channel = BROADCAST
        self._sessions = 0
        self._request: _Request | None = None
        self._outgoing = b""
        self._quiet_since = 0.0
        self._began: float | None = None

    def init(self) -> None:
        """Ask for a new session, whatever state this one is in: on our channel, or for one."""
        self.close()
        self._start(_Request(self._channel, LinkCommand.INIT, self._random(NONCE_LENGTH)))

    def request(self, cmd: LinkCommand, payload: bytes = b"") -> None:
        """Send a request of at most 512 bytes in the present session. Only in state IDLE."""
        if self.state is not State.IDLE:
            raise RuntimeError(f"a request cannot be sent while the link is {self.state.value}")
        self._start(_Request(self._channel, cmd, payload))

    def cancel(self) -> None:
        """Ask the card to stop the request under way; its answer is then Refused with code 7F, or a late
        answer.
        """
        if self._request is not None and self.session:
            self._outgoing += split(self._channel, LinkCommand.CANCEL)

    def close(self) -> None:
        """Forget the session and what is under way; the channel stays ours."""
        self._finish(State.CLOSED)
        self.session = 0

    def leave(self) -> bytes:
        """Return what to send before the port is given back: INIT on our channel ends its secure channel,
        which would else keep every other client off for 5 s. Its answer is nobody's.
        """
        if self._channel == BROADCAST:
            return b""
        return split(self._channel, LinkCommand.INIT, self._random(NONCE_LENGTH))

    def data_to_send(self) -> bytes:
        """Return the reports to send now, once, one after the other; b"" if there are none."""
        data, self._outgoing = self._outgoing, b""
        return data

    def sent(self, now: float) -> None:
        """Tell that the last report has left the host: the timers start."""
        self._quiet_since = now
        if self._began is None:
            self._began = now

    def deadline(self) -> float | None:
        """Return the time at which `tick` is due, or None while nothing is awaited or something is to be
        sent.
        """
        request = self._request
        if request is None or self._began is None or self._outgoing:
            return None
        silence = INIT_TIMEOUT if request.cmd is LinkCommand.INIT else ANSWER_TIMEOUT
        due = self._quiet_since + silence if request.again_at is None else request.again_at
        return min(due, self._began + CEILING)

    def receive(self, data: bytes, now: float) -> list[Event]:
        """Take one report."""
        request, report = self._request, read_report(data)
        event = None
        if request is not None and report is not None and report.channel == request.channel:
            take = self._take_init if request.cmd is LinkCommand.INIT else self._take
            event = take(request, report, now)
        return ([] if event is None else [event]) + self._check_ceiling(now)

    def tick(self, now: float) -> list[Event]:
        """Let the timers act: puts INIT, or what a busy card refused, into `data_to_send`, or gives up."""
        deadline, request = self.deadline(), self._request
        if deadline is None or request is None or now < deadline:
            return []
        gave_up = self._check_ceiling(now)
        if gave_up:
            return gave_up
        if request.again_at is not None:
            request.again_at = None
        elif request.cmd is LinkCommand.INIT and request.tries < INIT_TRIES:
            request.tries += 1
        else:
            return self._give_up(GiveUpReason.SILENCE)
        self._outgoing = request.encode()
        return []

    def _start(self, request: _Request) -> None:
        self._outgoing = request.encode()
        self._request = request
        self.state = State.WAITING

    def _take_init(self, request: _Request, report: Start | Continuation, now: float) -> Event | None:
        if isinstance(report, Continuation):
            return None
        if report.cmd == LinkCommand.KEEPALIVE:
            self._quiet_since = now
            return Working()
        if report.cmd == LinkCommand.ERROR:
            if _code(report) == LinkErrorCode.BUSY:
                return self._busy(request, now)
            if _code(report) == LinkErrorCode.CHANNEL and request.channel != BROADCAST:
                # The card restarted and has forgotten our channel.
                self._channel = BROADCAST
                self._start(_Request(BROADCAST, LinkCommand.INIT, request.payload))
            return None
        return self._opened(request, report) if report.cmd == LinkCommand.INIT else None

    def _opened(self, request: _Request, report: Start) -> Event | None:
        if len(report.data) < _INIT_ANSWER.size:
            return None
        nonce, channel, version, _, capabilities = _INIT_ANSWER.unpack_from(report.data)
        if nonce != request.payload or channel in (NO_CHANNEL, BROADCAST):
            return None
        if request.channel not in (BROADCAST, channel):
            return None
        self._finish(State.IDLE)
        self._channel = channel
        self._sessions += 1
        self.session = self._sessions
        return Opened(self.session, b"", version, capabilities)

    def _take(self, request: _Request, report: Start | Continuation, now: float) -> Event | None:
        if isinstance(report, Continuation):
            if request.answer is None or not request.answer.add(report):
                return self._broken()
        elif request.answer is not None:
            return self._broken()
        elif report.cmd == LinkCommand.ERROR:
            return self._refused(request, report, now)
        elif report.cmd not in (LinkCommand.KEEPALIVE, request.cmd):
            return None
        elif request.again_at is not None or report.length > MAX_PAYLOAD:
            # It was not begun, said the card, and now it is at work on it?
            return self._broken()
        elif report.cmd == LinkCommand.KEEPALIVE:
            request.heard = True
            self._quiet_since = now
            return Working()
        else:
            request.answer = Assembly(report)
        self._quiet_since = now
        if request.answer.payload is None:
            return None
        self._finish(State.IDLE)
        return Answered(request.answer.payload)

    def _refused(self, request: _Request, report: Start, now: float) -> Event | None:
        code = _code(report)
        if code is None or request.again_at is not None:
            return None
        if code == LinkErrorCode.BUSY and not request.heard:
            return self._busy(request, now)
        # Busy once it has been heard of: card and host no longer agree on what is under way, and an answer
        # may still come, which must not be taken for the next request's.
        lost = code in _SESSION_LOST or code == LinkErrorCode.BUSY
        if code == LinkErrorCode.CHANNEL:
            self._channel = BROADCAST
        if lost:
            self.close()
        else:
            self._finish(State.IDLE)
        return Refused(code, lost)

    def _busy(self, request: _Request, now: float) -> Event | None:
        if request.again_at is not None:
            return None
        if request.busy_since is None:
            request.busy_since = now
        patience_ends = request.busy_since + BUSY_PATIENCE
        if now >= patience_ends:
            self._finish(State.IDLE if self.session else State.CLOSED)
            return Refused(LinkErrorCode.BUSY, not self.session)
        request.again_at = min(now + request.busy_delay, patience_ends)
        request.busy_delay = min(2 * request.busy_delay, LONGEST_BUSY_DELAY)
        return None

    def _broken(self) -> Event:
        self.close()
        return AnswerBroken()

    def _check_ceiling(self, now: float) -> list[Event]:
        if self._request is None or self._began is None or now < self._began + CEILING:
            return []
        return self._give_up(GiveUpReason.CEILING)

    def _give_up(self, reason: GiveUpReason) -> list[Event]:
        if self._request is not None and self._request.cmd is LinkCommand.INIT:
            self._channel = BROADCAST
        self.close()
        return [GaveUp(reason)]

    def _finish(self, state: State) -> None:
        self.state = state
        self._request = None
        self._began = None
        self._outgoing = b""


def _code(report: Start) -> int | None:
    """Return the one byte of an ERROR; None if it has not one."""
    return report.data[0] if report.length == 1 else None
