"""Reports of the HID link (CTAP 2.1, 11.2.4): 64 bytes each, big-endian, padded with zeros.

A message's first report is channel 4, command 1 with the top bit set, length 2, data 57; each further one is
channel 4, sequence 1 (00 to 7F), data 59.
"""

import struct
from dataclasses import dataclass, field

from .frames import MAX_PAYLOAD

REPORT_LENGTH = 64
BROADCAST = 0xFFFFFFFF
"""The channel on which a channel is asked for; every client hears it."""
NO_CHANNEL = 0
_START = struct.Struct(">IBH")
_NEXT = struct.Struct(">IB")
_START_BIT = 0x80
_START_ROOM = REPORT_LENGTH - _START.size
_NEXT_ROOM = REPORT_LENGTH - _NEXT.size


@dataclass(frozen=True, slots=True)
class Start:
    """The first report of a message: its command, its whole length, and its first bytes."""

    channel: int
    cmd: int
    length: int
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Continuation:
    """A further report of a message."""

    channel: int
    sequence: int
    data: bytes = field(repr=False)


def read_report(report: bytes) -> Start | Continuation | None:
    """Take a report apart; None for anything that has not 64 bytes."""
    if len(report) != REPORT_LENGTH:
        return None
    channel, kind = _NEXT.unpack_from(report)
    if not kind & _START_BIT:
        return Continuation(channel, kind, report[_NEXT.size :])
    length = _START.unpack_from(report)[2]
    return Start(channel, kind & ~_START_BIT, length, report[_START.size :][:length])


def split(channel: int, cmd: int, payload: bytes = b"") -> bytes:
    """Return a message's reports, one after the other. Raises ValueError for more than 512 bytes."""
    if len(payload) > MAX_PAYLOAD:
        raise ValueError(f"a message carries at most {MAX_PAYLOAD} bytes, not {len(payload)}")
    pieces = [_START.pack(channel, cmd | _START_BIT, len(payload)) + payload[:_START_ROOM]]
    for sequence, at in enumerate(range(_START_ROOM, len(payload), _NEXT_ROOM)):
        pieces.append(_NEXT.pack(channel, sequence) + payload[at : at + _NEXT_ROOM])
    return b"".join(piece.ljust(REPORT_LENGTH, b"\x00") for piece in pieces)


def reports_of(length: int) -> int:
    """Return how many reports a message of this many bytes takes."""
    return 1 + -(-max(0, length - _START_ROOM) // _NEXT_ROOM)


class Assembly:
    """A message that grows report by report, in their order and without a gap."""

    def __init__(self, start: Start) -> None:
        self.channel = start.channel
        self.cmd = start.cmd
        self._length = start.length
        self._payload = start.data
        self._sequence = 0

    @property
    def payload(self) -> bytes | None:
        """The whole payload; None while reports are still to come."""
        return self._payload if len(self._payload) == self._length else None

    def add(self, report: Continuation) -> bool:
        """Take the next report. Returns whether it is the next one: else the message is lost."""
        if report.sequence != self._sequence or self.payload is not None:
            return False
        self._sequence += 1
        self._payload += report.data[: self._length - len(self._payload)]
        return True


@dataclass(frozen=True, slots=True)
class Message:
    """A whole message."""

    channel: int
    cmd: int
    payload: bytes = field(repr=False)


class MessageReader:
    """Puts the reports of one direction together, for whoever looks on; what does not fit is passed over."""

    _MOST_BEGUN = 16
    """Messages of different channels that may be under way: a bound for whatever arrives."""

    def __init__(self) -> None:
        self._begun: dict[int, Assembly] = {}

    def feed(self, reports: bytes) -> list[Message]:
        """Take whole reports; return the messages that they complete."""
        messages = []
        for at in range(0, len(reports), REPORT_LENGTH):
            assembly = self._add(read_report(reports[at : at + REPORT_LENGTH]))
            if assembly is not None and assembly.payload is not None:
                del self._begun[assembly.channel]
                messages.append(Message(assembly.channel, assembly.cmd, assembly.payload))
        return messages

    def _add(self, report: Start | Continuation | None) -> Assembly | None:
        if isinstance(report, Start):
            if len(self._begun) == self._MOST_BEGUN:
                self._begun.clear()
            self._begun[report.channel] = Assembly(report)
        elif report is None or not (begun := self._begun.get(report.channel)) or not begun.add(report):
            return None
        return self._begun[report.channel]
