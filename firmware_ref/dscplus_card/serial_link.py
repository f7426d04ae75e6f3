"""The serial link: sessions, sequence, repeats, keepalives. Bytes go in; events and bytes come out.

The link knows nothing of APDUs: it says what a host asks for (dscplus_card.link) and is told the answer. One
request is at work at a time. Its (session, seq, CRC) and its answer are kept until the next one, so that a
repeat is answered and never executed twice.
"""

from dscplus_card.frames import Frame, Splitter, decode, encode
from dscplus_card.link import (
    BUSY,
    CANCEL,
    ERROR,
    INIT,
    INVALID_CHANNEL,
    INVALID_COMMAND,
    INVALID_LENGTH,
    INVALID_SEQUENCE,
    KEEPALIVE,
    KEEPALIVE_MS,
    MAX_UNSENT,
    MSG,
    NONCE_LENGTH,
    PING,
    PROCESSING,
    WINK,
    Cancel,
    Message,
    Request,
    Wink,
)
from dscplus_card.port import Port

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from collections.abc import Iterator

LINK_VERSION = 1
CAPABILITIES = 0
_NO_SESSION = b"\x00\x00\x00\x00"


class SerialLink:
    """The card's end of the link."""

    def __init__(self, port: Port, boot_id: bytes) -> None:
        self._port = port
        self._boot_id = boot_id
        self._splitter = Splitter()
        self._unsent = b""
        self._session = _NO_SESSION
        self._nonce = b""
        self._waiting_nonce = b""  # of an INIT that came while a request was at work
        self._request: "Frame | None" = None  # the last one
        self._seq = 0
        self._answer = b""  # the last request's, as a frame; b"" while at work
        self._next_keepalive: "int | None" = None

    def receive(self, data: bytes) -> "Iterator[Request]":
        """Take bytes in; what they ask for, one at a time: act on each before taking the next."""
        for piece in self._splitter.split(data):
            frame = decode(piece)
            if frame is not None:
                event = self._frame(frame)
                if event is not None:
                    yield event

    def transmit(self) -> bytes:
        """The bytes to send now; each is given out once."""
        data, self._unsent = self._unsent, b""
        return data

    def unsent(self) -> bool:
        """Are there bytes to send?"""
        return self._unsent != b""

    def answer(self, payload: bytes) -> None:
        """The request at work is done."""
        self._finish(None, payload)

    def fail(self, code: int) -> None:
        """The request at work came to nothing: ERROR `code`, which its repeats get, too."""
        self._finish(ERROR, bytes([code]))

    def alive(self, session: bytes) -> bool:
        """Is that the present session?"""
        return session == self._session != _NO_SESSION

    def keepalive_at(self) -> "int | None":
        """When the next KEEPALIVE is due, in port.now_ms(); None while nothing is at work."""
        return self._next_keepalive

    def tick(self) -> None:
        """Send a KEEPALIVE if one is due."""
        now = self._port.now_ms()
        if self._next_keepalive is None or now < self._next_keepalive:
            return
        self._next_keepalive = now + KEEPALIVE_MS
        self._keepalive()

    def _at_work(self) -> bool:
        return self._next_keepalive is not None

    def _frame(self, frame: Frame) -> "Request | None":
        if frame.cmd == INIT and frame.session == _NO_SESSION and frame.seq == 0:
            self._init(frame)
            return None
        if frame.cmd == INIT or frame.session == _NO_SESSION or frame.session != self._session:
            if frame.cmd != CANCEL:
                self._error(frame, INVALID_CHANNEL)
            return None
        if frame.cmd == CANCEL:
            return Cancel(frame.session) if self._at_work() and frame.seq == self._seq else None
        if self._request is not None and frame.seq == self._seq:
            self._repeat(frame, self._request)
        elif frame.seq != (self._seq + 1) % 256:
            self._error(frame, INVALID_SEQUENCE)
        elif self._at_work():
            self._error(frame, BUSY)
        else:
            return self._begin(frame)
        return None

    def _begin(self, frame: Frame) -> "Request | None":
        self._request = frame
        self._seq = frame.seq
        self._answer = b""
        self._next_keepalive = self._port.now_ms() + KEEPALIVE_MS
        if frame.cmd == MSG:
            return Message(frame.session, frame.payload)
        if frame.cmd == WINK and not frame.payload:
            return Wink(frame.session)
        if frame.cmd == PING:
            self._finish(None, frame.payload)
        else:
            self._finish(ERROR, bytes([INVALID_LENGTH if frame.cmd == WINK else INVALID_COMMAND]))
        return None

    def _repeat(self, frame: Frame, request: Frame) -> None:
        if frame.crc != request.crc:
            self._error(frame, INVALID_SEQUENCE)
        elif self._at_work():
            self._keepalive()
        else:
            self._send(self._answer)

    def _finish(self, cmd: "int | None", payload: bytes) -> None:
        request = self._request
        self._next_keepalive = None
        if self._waiting_nonce:
            nonce, self._waiting_nonce = self._waiting_nonce, b""
            self._open_session(nonce)
        elif request is not None:
            self._answer = encode(request.session, request.seq, request.cmd if cmd is None else cmd, payload)
            self._send(self._answer)

    def _init(self, frame: Frame) -> None:
        if len(frame.payload) != NONCE_LENGTH:
            self._error(frame, INVALID_LENGTH)
        elif frame.payload == self._nonce:  # a late copy must not end the session that its twin opened
            self._send_init_answer()
        elif self._at_work():
            self._waiting_nonce = frame.payload
            self._keepalive()
        else:
            self._open_session(frame.payload)

    def _open_session(self, nonce: bytes) -> None:
        session = self._session
        while session in (self._session, _NO_SESSION):
            session = self._port.random(4)
        self._session = session
        self._nonce = nonce
        self._request = None
        self._seq = 0
        self._answer = b""
        self._send_init_answer()

    def _send_init_answer(self) -> None:
        payload = self._nonce + self._session + bytes([LINK_VERSION]) + self._boot_id + bytes([CAPABILITIES])
        self._send(encode(_NO_SESSION, 0, INIT, payload))

    def _keepalive(self) -> None:
        if self._unsent:  # nobody reads: keepalives must not pile up in front of the answer
            return
        if self._waiting_nonce:
            self._send(encode(_NO_SESSION, 0, KEEPALIVE, PROCESSING))
        elif self._request is not None:
            self._send(encode(self._session, self._seq, KEEPALIVE, PROCESSING))

    def _error(self, frame: Frame, code: int) -> None:
        self._send(encode(frame.session, frame.seq, ERROR, bytes([code])))

    def _send(self, frame: bytes) -> None:
        if len(self._unsent) + len(frame) <= MAX_UNSENT:
            self._unsent += frame
