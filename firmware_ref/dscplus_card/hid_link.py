"""The HID link: CTAPHID's reports, channels and errors (CTAP 2.1, part 11.2.4) without its CTAP.

Reports go in, requests come out; answers go in, reports come out. One message is received, and one request
is at work, at a time; there are no repeats, since USB has its own. A client that was killed leaves nothing
behind that hinders the next: a half-received message times out, a lock ends, a channel is used again.
"""

from dscplus_card.link import (
    BUSY,
    CANCEL,
    ERROR,
    INIT,
    INVALID_CHANNEL,
    INVALID_COMMAND,
    INVALID_LENGTH,
    INVALID_PARAMETER,
    INVALID_SEQUENCE,
    KEEPALIVE,
    KEEPALIVE_MS,
    LOCK,
    MAX_PAYLOAD,
    MAX_UNSENT,
    MESSAGE_TIMEOUT,
    MSG,
    NONCE_LENGTH,
    PING,
    PROCESSING,
    WINK,
    Cancel,
    Lock,
    Message,
    Request,
    Wink,
)
from dscplus_card.port import Port

REPORT_LENGTH = 64
PROTOCOL_VERSION = 2  # CTAPHID's
CAPABILITIES = 0x01  # WINK
MAX_CHANNELS = 8
MESSAGE_TIMEOUT_MS = 500  # between two reports of one message
LONGEST_LOCK_S = 10

_BROADCAST = b"\xff\xff\xff\xff"
_NO_CHANNEL = b"\x00\x00\x00\x00"
_START = 0x80  # the bit that tells a message's first report from its others
_START_HEADER = 7  # channel 4, command 1, length 2
_NEXT_HEADER = 5  # channel 4, sequence 1


class _Channel:
    """`session` names the channel between two INITs on it: nothing outlives an INIT."""

    def __init__(self, number: bytes) -> None:
        self.number = number
        self.session = b""


class _Incoming:
    """A message of which reports are still to come."""

    def __init__(self, channel: _Channel, cmd: int, length: int) -> None:
        self.channel = channel
        self.cmd = cmd
        self.length = length
        self.payload = b""
        self.sequence = 0
        self.deadline = 0


class HidLink:
    """The card's end of the link. `device_version` is the three bytes that INIT answers."""

    def __init__(self, port: Port, device_version: bytes) -> None:
        self._port = port
        self._device_version = device_version
        self._channels: "list[_Channel]" = []  # the one longest unused first
        self._sessions = 0
        self._incoming: "_Incoming | None" = None
        self._working: "_Channel | None" = None
        self._cmd = 0  # of the request at work
        self._next_keepalive = 0
        self._locker: "_Channel | None" = None
        self._locked_until = 0
        self._unsent: "list[bytes]" = []

    def receive(self, report: bytes, keep: bytes) -> "Request | None":
        """Take one report in; what it asks for. Anything but 64 bytes is no report.

        The channel of session `keep` is not given to another client, however many come.
        """
        if len(report) != REPORT_LENGTH:
            return None
        self.tick()
        number, kind = report[:4], report[4]
        if kind & _START:
            length = int.from_bytes(report[5:_START_HEADER], "big")
            data = report[_START_HEADER : _START_HEADER + length]
            return self._start(number, kind & ~_START, length, data, keep)
        return self._next(number, kind, report[_NEXT_HEADER:])

    def transmit(self) -> bytes:
        """The next report to send, b"" if none; each is given out once."""
        return self._unsent.pop(0) if self._unsent else b""

    def unsent(self) -> bool:
        """Are there reports to send?"""
        return len(self._unsent) > 0

    def answer(self, payload: bytes) -> None:
        """The request at work is done."""
        self._finish(self._cmd, payload)

    def fail(self, code: int) -> None:
        """The request at work came to nothing: ERROR `code`."""
        self._finish(ERROR, bytes([code]))

    def alive(self, session: bytes) -> bool:
        """Is that a channel's, with no INIT on it since?"""
        return any([channel.session == session for channel in self._channels])

    def lock(self, seconds: int) -> None:
        """The request at work is a LOCK, and granted."""
        self._locker = self._working
        self._locked_until = self._port.now_ms() + 1000 * seconds
        self.answer(b"")

    def lock_holder(self) -> "bytes | None":
        """The session that the card is locked to."""
        if self._locker is not None and self._port.now_ms() >= self._locked_until:
            self._locker = None
        return None if self._locker is None else self._locker.session

    def due_at(self) -> "int | None":
        """When tick() has something to do, in port.now_ms(); None when nothing is due."""
        if self._working is not None:
            return self._next_keepalive
        return None if self._incoming is None else self._incoming.deadline

    def tick(self) -> None:
        """Send a KEEPALIVE if one is due; give up a message whose reports have ceased."""
        now = self._port.now_ms()
        if self._working is not None and now >= self._next_keepalive:
            self._next_keepalive = now + KEEPALIVE_MS
            if not self._unsent:  # nobody reads: keepalives must not pile up in front of the answer
                self._send(self._working.number, KEEPALIVE, PROCESSING)
        incoming = self._incoming
        if incoming is not None and now >= incoming.deadline:
            self._incoming = None
            self._error(incoming.channel.number, MESSAGE_TIMEOUT)

    def _start(self, number: bytes, cmd: int, length: int, data: bytes, keep: bytes) -> "Request | None":
        channel = self._find(number)
        if cmd == CANCEL:  # never answered
            wanted = channel is not None and channel is self._working
            return Cancel(channel.session) if channel is not None and wanted else None
        if channel is None and (number != _BROADCAST or cmd != INIT):
            self._error(number, INVALID_CHANNEL)
        elif cmd == INIT and length != NONCE_LENGTH:
            self._error(number, INVALID_LENGTH)
        elif cmd == INIT:
            self._init(channel or self._allocate(keep), number, data)
        elif channel is not None:
            return self._begin(channel, cmd, length, data)
        return None

    def _begin(self, channel: _Channel, cmd: int, length: int, data: bytes) -> "Request | None":
        self._use(channel)
        incoming = self._incoming
        if incoming is not None and incoming.channel is channel:
            self._incoming = None
            self._error(channel.number, INVALID_SEQUENCE)
        elif incoming is not None or self._working is not None:
            self._error(channel.number, BUSY)
        elif self.lock_holder() not in (None, channel.session):
            self._error(channel.number, BUSY)
        elif length > MAX_PAYLOAD:
            self._error(channel.number, INVALID_LENGTH)
        else:
            return self._take(_Incoming(channel, cmd, length), data)
        return None

    def _next(self, number: bytes, sequence: int, data: bytes) -> "Request | None":
        incoming = self._incoming
        if incoming is None or incoming.channel.number != number:
            return None  # 11.2.5.4: a continuation without its start is ignored
        if sequence != incoming.sequence:
            self._incoming = None
            self._error(number, INVALID_SEQUENCE)
            return None
        incoming.sequence += 1
        return self._take(incoming, data)

    def _take(self, incoming: _Incoming, data: bytes) -> "Request | None":
        incoming.payload += data[: incoming.length - len(incoming.payload)]
        if len(incoming.payload) < incoming.length:
            incoming.deadline = self._port.now_ms() + MESSAGE_TIMEOUT_MS
            self._incoming = incoming
            return None
        self._incoming = None
        return self._request(incoming.channel, incoming.cmd, incoming.payload)

    def _request(self, channel: _Channel, cmd: int, payload: bytes) -> "Request | None":
        code = 0
        if cmd not in (PING, MSG, WINK, LOCK):
            code = INVALID_COMMAND
        elif cmd == WINK and payload or cmd == LOCK and len(payload) != 1:
            code = INVALID_LENGTH
        elif cmd == LOCK and payload[0] > LONGEST_LOCK_S:
            code = INVALID_PARAMETER
        if code:
            self._error(channel.number, code)
            return None
        if cmd == PING:
            self._send(channel.number, PING, payload)
            return None
        self._working = channel
        self._cmd = cmd
        self._next_keepalive = self._port.now_ms() + KEEPALIVE_MS
        if cmd == MSG:
            return Message(channel.session, payload)
        return Wink(channel.session) if cmd == WINK else Lock(channel.session, payload[0])

    def _init(self, channel: _Channel, answer_on: bytes, nonce: bytes) -> None:
        self._use(channel)
        if self._incoming is not None and self._incoming.channel is channel:
            self._incoming = None
        if self._working is channel:
            self._working = None
        if self._locker is channel:
            self._locker = None
        self._unsent = [report for report in self._unsent if report[:4] != channel.number]
        self._sessions += 1
        channel.session = b"hid" + self._sessions.to_bytes(8, "big")
        version = bytes([PROTOCOL_VERSION]) + self._device_version + bytes([CAPABILITIES])
        self._send(answer_on, INIT, nonce + channel.number + version)

    def _allocate(self, keep: bytes) -> _Channel:
        if len(self._channels) == MAX_CHANNELS:
            self._channels.remove(self._longest_unused(keep))
        number = _NO_CHANNEL
        while number in (_NO_CHANNEL, _BROADCAST) or self._find(number) is not None:
            number = self._port.random(4)
        return _Channel(number)

    def _use(self, channel: _Channel) -> None:
        self._channels = [one for one in self._channels if one is not channel] + [channel]

    def _longest_unused(self, keep: bytes) -> _Channel:
        receiving = None if self._incoming is None else self._incoming.channel
        sessions = (keep, self.lock_holder())
        for channel in self._channels:
            if channel not in (receiving, self._working) and channel.session not in sessions:
                break
        return channel

    def _find(self, number: bytes) -> "_Channel | None":
        for channel in self._channels:
            if channel.number == number:
                return channel
        return None

    def _finish(self, cmd: int, payload: bytes) -> None:
        channel, self._working = self._working, None
        if channel is not None:
            self._send(channel.number, cmd, payload)

    def _error(self, number: bytes, code: int) -> None:
        self._send(number, ERROR, bytes([code]))

    def _send(self, number: bytes, cmd: int, payload: bytes) -> None:
        reports = split(number, cmd, payload)
        if (len(self._unsent) + len(reports)) * REPORT_LENGTH <= MAX_UNSENT:
            self._unsent += reports


def split(number: bytes, cmd: int, payload: bytes) -> "list[bytes]":
    """A message as reports, padded with zeros."""
    header = number + bytes([cmd | _START]) + len(payload).to_bytes(2, "big")
    at = REPORT_LENGTH - _START_HEADER
    reports = [_padded(header + payload[:at])]
    while at < len(payload):
        header = number + bytes([len(reports) - 1])
        end = at + REPORT_LENGTH - _NEXT_HEADER
        reports.append(_padded(header + payload[at:end]))
        at = end
    return reports


def _padded(report: bytes) -> bytes:
    return report + b"\x00" * (REPORT_LENGTH - len(report))
