"""Command and response APDUs, short form (ISO 7816-4)."""

from dataclasses import dataclass, field

from .errors import ProtocolError, UsageError

HEADER_LENGTH = 4
MAX_DATA = 255


@dataclass(frozen=True, slots=True)
class Command:
    """A command APDU. ``data`` at most 255 bytes; ``le`` 1 to 256, or None to send no Le (the card ignores
    it).

    Its repr leaves the data out: that may be a PIN.
    """

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes = field(default=b"", repr=False)
    le: int | None = None

    def __bytes__(self) -> bytes:
        """Return the command as it is sent: header, Lc and data if there are any, Le if it is set."""
        header = bytes((self.cla, self.ins, self.p1, self.p2))
        body = bytes((len(self.data),)) + self.data if self.data else b""
        trailer = b"" if self.le is None else bytes((self.le & 0xFF,))
        return header + body + trailer

    @classmethod
    def parse(cls, raw: bytes) -> "Command":
        """Read a short command APDU. Raises UsageError, saying what does not fit, for any other bytes."""
        if len(raw) < HEADER_LENGTH:
            raise UsageError(f"a command APDU has at least 4 bytes (CLA INS P1 P2), not {len(raw)}")
        cla, ins, p1, p2 = raw[:HEADER_LENGTH]
        rest = raw[HEADER_LENGTH:]
        if not rest:
            return cls(cla, ins, p1, p2)
        if len(rest) == 1:
            return cls(cla, ins, p1, p2, le=rest[0] or 256)
        lc, data, trailer = rest[0], rest[1 : 1 + rest[0]], rest[1 + rest[0] :]
        if lc == 0 or len(data) != lc or len(trailer) > 1:
            raise UsageError(f"Lc is {lc:02X}, but {len(rest) - 1} bytes follow it")
        return cls(cla, ins, p1, p2, data, (trailer[0] or 256) if trailer else None)


@dataclass(frozen=True, slots=True)
class Response:
    """A response APDU: data (left out of the repr) and status word."""

    data: bytes = field(repr=False)
    status_word: int

    @classmethod
    def parse(cls, raw: bytes) -> "Response":
        """Read a response APDU. Raises ProtocolError if it is shorter than a status word."""
        if len(raw) < 2:
            raise ProtocolError(f"the card's answer has {len(raw)} bytes, too few for a status word")
        return cls(raw[:-2], int.from_bytes(raw[-2:], "big"))
