"""Runs the link over a transport against a clock: one request at a time, each with a bounded wait."""

import contextlib
import secrets
import threading
import time
from collections.abc import Callable

from . import errors
from .link.events import Answered, Event, GaveUp, Opened, Refused, Working
from .link.frames import LinkCommand, LinkErrorCode
from .link.serial import LINK_VERSION, SerialLink, State
from .transport import Transport

Tap = Callable[[str, bytes], None]
"""Sees the bytes on the wire: direction (``">"`` to the card, ``"<"`` from it) and the bytes. They hold
secrets.
"""

_ERROR_MEANINGS = {
    LinkErrorCode.COMMAND: "no such link command",
    LinkErrorCode.PARAMETER: "wrong link parameter",
    LinkErrorCode.LENGTH: "wrong length",
    LinkErrorCode.SEQUENCE: "the link's sequence is broken",
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
        self._random = random
        self._link = SerialLink(random)
        self._on_working = on_working
        self._tap = tap
        self._in_use = threading.Lock()

    @property
    def session(self) -> int:
        """The link's session; 0 while there is none. A secure channel lives and dies with it."""
        return self._link.session

    def exchange(self, cmd: LinkCommand, payload: bytes = b"") -> bytes:
        """Send one request and return its answer's payload; opens a session first if there is none.

        Raises CardRemoved; CardTimeout after the link gave up; CardBusy where the card says so; LinkError for
        every other refusal. After any of them it is not known whether the card did what was asked.
        """
        if not self._in_use.acquire(blocking=False):
            raise RuntimeError(f"{self.url} is being used by another thread")
        try:
            if self._link.state is State.CLOSED:
                self._open()
            self._link.request(cmd, payload)
            event = self._run()
        finally:
            self._in_use.release()
        if isinstance(event, Answered):
            return event.payload
        raise self._failure(event)

    def reset(self) -> None:
        """Forget the session, so that the next exchange begins with INIT and the card ends its secure
        channel.
        """
        self._link = SerialLink(self._random)

    def close(self) -> None:
        """Give the port back."""
        self._transport.close()

    def _open(self) -> None:
        self._link.init()
        event = self._run()
        if not isinstance(event, Opened):
            raise self._failure(event)
        if event.link_version != LINK_VERSION:
            self.reset()
            raise errors.LinkError(
                f"the card speaks link version {event.link_version}, this program version {LINK_VERSION}",
                where=self.url,
                advice="Update dscplus.",
            )
        self.boot_id = event.boot_id

    def _run(self) -> Event:
        """Move bytes and time until the request under way has ended."""
        try:
            return self._pump()
        except KeyboardInterrupt:
            # Whoever waits no longer wants the answer: let the card stop blinking or asking for keys.
            self._link.cancel()
            with contextlib.suppress(errors.CardError):
                self._transport.write(self._link.data_to_send())
            self.reset()
            raise

    def _pump(self) -> Event:
        link = self._link
        while True:
            outgoing = link.data_to_send()
            if outgoing:
                if self._tap:
                    self._tap(">", outgoing)
                self._transport.write(outgoing)
                link.sent(self._clock())
            deadline = link.deadline()
            if deadline is None:
                raise AssertionError("the link waits for nothing")
            data = self._transport.read(max(0.0, deadline - self._clock()))
            if data and self._tap:
                self._tap("<", data)
            now = self._clock()
            for event in link.receive(data, now) if data else link.tick(now):
                if not isinstance(event, Working):
                    return event
                if self._on_working:
                    self._on_working()

    def _failure(self, event: Event) -> errors.CardError:
        match event:
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
