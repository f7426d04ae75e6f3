"""Frames of the serial link, and the numbers that both links share.

A frame is 00, COBS(session 4, seq 1, cmd 1, payload, CRC-32 4), 00. Big-endian.
"""

import struct
import zlib
from dataclasses import dataclass, field
from enum import IntEnum

from cobs import cobs

MAX_PAYLOAD = 512
"""Bytes of one request or answer, on either link."""
MAX_ENCODED = 527
DELIMITER = b"\x00"
_HEADER = struct.Struct(">IBB")
_CRC = struct.Struct(">I")
_MAX_BODY = MAX_ENCODED - 2
_MIN_DECODED = _HEADER.size + _CRC.size


class LinkCommand(IntEnum):
    """The link's commands; the numbers are CTAPHID's."""

    PING = 0x01
    MSG = 0x03
    INIT = 0x06
    WINK = 0x08
    CANCEL = 0x11
    KEEPALIVE = 0x3B
    ERROR = 0x3F


class LinkErrorCode(IntEnum):
    """What an ERROR's one byte says; 05 on HID alone."""

    COMMAND = 0x01
    PARAMETER = 0x02
    LENGTH = 0x03
    SEQUENCE = 0x04
    MSG_TIMEOUT = 0x05
    BUSY = 0x06
    CHANNEL = 0x0B
    OTHER = 0x7F


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame: session (0 before there is one), sequence number, command, payload of at most 512 bytes."""

    session: int
    seq: int
    cmd: int
    payload: bytes = field(default=b"", repr=False)

    def encode(self) -> bytes:
        """Return the bytes for the wire, delimiters included: at most 527."""
        if len(self.payload) > MAX_PAYLOAD:
            raise ValueError(f"a frame carries at most {MAX_PAYLOAD} bytes, not {len(self.payload)}")
        content = _HEADER.pack(self.session, self.seq, self.cmd) + self.payload
        encoded: bytes = cobs.encode(content + _CRC.pack(zlib.crc32(content)))
        return DELIMITER + encoded + DELIMITER


def decode(encoded: bytes) -> Frame | None:
    """Read what stood between two delimiters; None for anything that is no valid frame."""
    try:
        decoded = cobs.decode(encoded)
    except cobs.DecodeError:
        return None
    if not _MIN_DECODED <= len(decoded) <= _MIN_DECODED + MAX_PAYLOAD:
        return None
    content = decoded[: -_CRC.size]
    if _CRC.unpack(decoded[-_CRC.size :])[0] != zlib.crc32(content):
        return None
    session, seq, cmd = _HEADER.unpack_from(content)
    return Frame(session, seq, cmd, content[_HEADER.size :])


class FrameReader:
    """Cuts a byte stream into frames; keeps at most one frame's length of it, whatever arrives."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._overlong = False

    def feed(self, data: bytes) -> list[Frame]:
        """Take the next bytes of the stream; return the valid frames that they complete."""
        frames = []
        *complete, rest = data.split(DELIMITER)
        for piece in complete:
            self._append(piece)
            if self._pending and not self._overlong:
                frame = decode(bytes(self._pending))
                if frame is not None:
                    frames.append(frame)
            self._pending.clear()
            self._overlong = False
        self._append(rest)
        return frames

    def _append(self, piece: bytes) -> None:
        room = _MAX_BODY - len(self._pending)
        self._overlong = self._overlong or len(piece) > room
        self._pending += piece[: max(room, 0)]
