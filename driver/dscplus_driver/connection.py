"""Runs the link over a transport against a clock: one request at a time, each with a bounded wait."""

import contextlib
import secrets
import threading
import time
from collections.abc import Callable, Iterator

from . import errors
from .link.events import AnswerBroken, Answered, Event, GaveUp, Opened, Refused, Working
from .link.frames import MAX_PAYLOAD, LinkCommand, LinkErrorCode
from .link.hid import HidLink
from .link.interface import Link, LinkKind, State
from .link.serial import SerialLink
from .transport import Transport

Tap = Callable[[str, bytes, LinkKind], None]
"""Sees the bytes on the wire: direction (``">"`` to the card, ``"<"`` from it), the bytes (of HID: whole
reports), and which link they are of. They hold secrets.
"""

_LINKS: dict[LinkKind, Callable[[Callable[[int], bytes]], Link]] = {
    LinkKind.SERIAL: SerialLink,
    LinkKind.HID: HidLink,
}

_ERROR_MEANINGS = {
    LinkErrorCode.COMMAND: "no such link command",
    LinkErrorCode.PARAMETER: "wrong link parameter",
    LinkErrorCode.LENGTH: "wrong length",
    LinkErrorCode.SEQUENCE: "the link's sequence is broken",
    LinkErrorCode.MSG_TIMEOUT: "a part of the request was lost",
    LinkErrorCode.OTHER: "the card stopped without saying why",
    LinkErrorCode.CHANNEL: "the card knows no such session: it restarted, or another program took it over",
}


class Connection:
    """One card behind one transport, used from one thread at a time.

    ``clock`` gives monotonic seconds; ``random(n)`` n unpredictable bytes; ``on_working`` is called for each
    sign that the card is still at work; ``tap`` sees all bytes.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        clock: Callable[[], float] = time.monotonic,
        random: Callable[[int], bytes] = secrets.token_bytes,
        on_working: Callable[[], None] | None = None,
        tap: Tap | None = None,
    ) -> None:
        self.url = transport.url
        self.boot_id = b""
        self._transport = transport
        self._clock = clock
        self._link = _LINKS[transport.link](random)
        self._on_working = on_working
        self._tap = tap
        self._in_use = threading.Lock()
        self._closed = False

    @property
    def session(self) -> int:
        """The link's session; 0 while there is none. A secure channel lives and dies with it."""
        return self._link.session

    def exchange(self, cmd: LinkCommand, payload: bytes = b"") -> bytes:
        """Send one request and return its answer's payload; opens a session first if there is none.

        Raises UsageError, and sends nothing, for more than 512 bytes; CardRemoved; CardTimeout after the link
        gave up; CardBusy where the card says so; LinkError for every other refusal and for an answer of which
        a part was lost. After any CardError it is not known whether the card did what was asked.
        """
        if len(payload) > MAX_PAYLOAD:
            raise errors.UsageError(
                f"a message to the card has at most {MAX_PAYLOAD} bytes, not {len(payload)}", where=self.url
            )
        with self._alone():
            if self._link.state is State.CLOSED:
                self._open()
            self._link.request(cmd, payload)
            event = self._run()
        if isinstance(event, Answered):
            return event.payload
        raise self._failure(event)

    def reset(self) -> None:
        """Forget the session, so that the next exchange begins with INIT and the card ends its secure
        channel. Not while another thread waits for an answer.
        """
        with self._alone():
            self._link.close()

    def close(self) -> None:
        """Give the port back, and the card to the next client. Closing twice is harmless."""
        closed, self._closed = self._closed, True
        # Not in the midst of what another thread sends.
        if not closed and self._in_use.acquire(blocking=False):
            try:
                # Gone, or it takes nothing: then nobody waits for what it still holds.
                with contextlib.suppress(errors.CardError):
                    self._send(self._link.leave())
            finally:
                self._in_use.release()
        self._transport.close()

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other threads out. Raises RuntimeError where one is inside."""
        if not self._in_use.acquire(blocking=False):
            raise RuntimeError(f"{self.url} is being used by another thread")
        try:
            yield
        finally:
            self._in_use.release()

    def _open(self) -> None:
        self._link.init()
        event = self._run()
        if not isinstance(event, Opened):
            raise self._failure(event)
        if event.link_version != self._link.VERSION:
            self._link.close()
            theirs, ours = event.link_version, self._link.VERSION
            raise errors.LinkError(
                f"the card speaks link version {theirs}, this program version {ours}",
                where=self.url,
                advice="Update dscplus.",
            )
        self.boot_id = event.boot_id

    def _run(self) -> Event:
        """Move bytes and time until the request under way has ended."""
        try:
            return self._pump()
        except BaseException as error:
            # Whatever it was, nobody waits for this request any more: the next exchange begins with INIT.
            try:
                if isinstance(error, KeyboardInterrupt):
                    self._cancel()
            finally:
                self._link.close()
            raise

    def _cancel(self) -> None:
        """Let the card stop blinking or asking for keys."""
        self._link.cancel()
        with contextlib.suppress(errors.CardError):
            self._send(self._link.data_to_send())

    def _pump(self) -> Event:
        link = self._link
        while True:
            outgoing = link.data_to_send()
            if outgoing:
                self._send(outgoing)
                link.sent(self._clock())
            deadline = link.deadline()
            if deadline is None:
                raise AssertionError("the link waits for nothing")
            data = self._transport.read(max(0.0, deadline - self._clock()))
            if data and self._tap:
                self._tap("<", data, self._transport.link)
            now = self._clock()
            for event in link.receive(data, now) if data else ():
                if not isinstance(event, Working):
                    return event
                if self._on_working:
                    self._on_working()
            # Also after data: other clients' reports, of which there may be no end, must not stop the timers.
            ended = link.tick(now)
            if ended:
                return ended[0]

    def _send(self, data: bytes) -> None:
        if not data:
            return
        if self._tap:
            self._tap(">", data, self._transport.link)
        self._transport.write(data)

    def _failure(self, event: Event) -> errors.CardError:
        match event:
            case AnswerBroken():
                return errors.LinkError("a part of the answer was lost", where=self.url)
            case GaveUp(reason):
                return errors.CardTimeout(f"{reason.value}", where=self.url)
            case Refused(LinkErrorCode.BUSY):
                return errors.CardBusy("the card works for another client", where=self.url)
            case Refused(code):
                meaning = _ERROR_MEANINGS.get(LinkErrorCode(code)) if code in list(LinkErrorCode) else None
                return errors.LinkError(
                    f"the link was refused: {meaning or f'code {code:02X}'}", where=self.url
                )
            case _:
                raise AssertionError(f"{type(event).__name__} is no failure")
