"""Frames of the serial link: 00 ‖ COBS(session 4 ‖ seq 1 ‖ cmd 1 ‖ payload ≤ 512 ‖ CRC-32 4) ‖ 00."""

import binascii

from dscplus_card.link import MAX_PAYLOAD

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from collections.abc import Iterator

_HEADER = 6
_CRC = 4
_MAX_DECODED = _HEADER + MAX_PAYLOAD + _CRC
MAX_ENCODED = 525  # without the two zeros
_LONGEST_RUN = 254


class Frame:
    """A frame that arrived whole; `crc` is its CRC-32's bytes."""

    def __init__(self, decoded: bytes) -> None:
        self.session = decoded[:4]
        self.seq = decoded[4]
        self.cmd = decoded[5]
        self.payload = decoded[_HEADER:-_CRC]
        self.crc = decoded[-_CRC:]


def encode(session: bytes, seq: int, cmd: int, payload: bytes) -> bytes:
    """A frame ready to send, with both zeros."""
    body = session + bytes([seq, cmd]) + payload
    return b"\x00" + _cobs(body + binascii.crc32(body).to_bytes(4, "big")) + b"\x00"


def decode(encoded: bytes) -> "Frame | None":
    """The frame between two zeros; None when its length, COBS or CRC is wrong."""
    body = _uncobs(encoded)
    if body is None or not _HEADER + _CRC <= len(body) <= _MAX_DECODED:
        return None
    if binascii.crc32(body[:-_CRC]).to_bytes(4, "big") != body[-_CRC:]:
        return None
    return Frame(body)


class Splitter:
    """Cuts a byte stream at its zeros. Keeps at most one frame's bytes, whatever arrives."""

    def __init__(self) -> None:
        self._kept = b""
        self._overflow = False

    def split(self, data: bytes) -> "Iterator[bytes]":
        """The pieces that `data` completes, without zeros, empty and overlong ones left out."""
        at = 0
        while at < len(data):
            end = data.find(b"\x00", at)
            piece_end = len(data) if end < 0 else end
            if len(self._kept) + piece_end - at > MAX_ENCODED:
                self._overflow = True
                self._kept = b""
            if not self._overflow:
                self._kept += data[at:piece_end]
            if end < 0:
                return
            whole, self._kept = self._kept, b""
            self._overflow = False
            at = end + 1
            if whole:
                yield whole


def _cobs(data: bytes) -> bytes:
    out = b""
    at = 0
    while True:
        end = data.find(b"\x00", at)
        run_end = len(data) if end < 0 else end
        while run_end - at >= _LONGEST_RUN:
            out += b"\xff" + data[at : at + _LONGEST_RUN]
            at += _LONGEST_RUN
            if at == len(data):
                return out
        out += bytes([run_end - at + 1]) + data[at:run_end]
        if end < 0:
            return out
        at = end + 1


def _uncobs(encoded: bytes) -> "bytes | None":
    out = b""
    at = 0
    while at < len(encoded):
        code = encoded[at]
        run = encoded[at + 1 : at + code]
        if len(run) != code - 1:
            return None
        at += code
        out += run
        if code != 0xFF and at < len(encoded):
            out += b"\x00"
    return out
