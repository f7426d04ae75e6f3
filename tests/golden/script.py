"""The card's part of a transcript, as a transport for the driver."""

from dscplus_driver.link.interface import LinkKind
from tests.golden.document import REPORT, Transcript


class OffScript(Exception):
    """The driver does something else than the transcript says."""


class Script:
    """A transport that plays the card's part of a transcript, and the clock that goes with it."""

    url = "script:"

    def __init__(self, transcript: Transcript) -> None:
        self.link = LinkKind.HID if transcript.hid else LinkKind.SERIAL
        self.left = list(transcript.steps)
        self.draws = [value for name, value in transcript.given if name in ("nonce", "challenge")]
        self.seconds = 0.0

    def clock(self) -> float:
        return self.seconds

    def random(self, n: int) -> bytes:
        if not self.draws:
            raise OffScript("the driver draws a random value that the transcript does not have")
        value = self.draws.pop(0)
        assert len(value) == n
        return value

    def write(self, data: bytes) -> None:
        if self.link is LinkKind.HID:
            for at in range(0, len(data), REPORT):
                self._write(data[at : at + REPORT])
        else:
            self._write(data)

    def _write(self, data: bytes) -> None:
        self._skip_what_the_host_does_not_see()
        kind, value = self._next()
        if kind != "host" or data != value:
            raise OffScript(f"the driver sends {data.hex()}, the transcript has {kind} {value!r}")

    def read(self, timeout: float) -> bytes:
        self._skip_what_the_host_does_not_see()
        kind, value = self._next()
        if isinstance(value, bytes):
            if kind not in ("card", "noise"):
                raise OffScript(f"the driver waits for an answer, the transcript has {kind} {value.hex()}")
            return value
        if value / 1000 > timeout:
            raise OffScript(f"the driver waits for {timeout} s, the transcript for {value} ms")
        self.seconds += value / 1000
        return b"" if value / 1000 == timeout else self.read(timeout - value / 1000)

    def close(self) -> None:
        pass

    def _next(self) -> tuple[str, bytes | int]:
        if not self.left:
            raise OffScript("the driver goes on after the transcript's end")
        return self.left.pop(0)

    def _skip_what_the_host_does_not_see(self) -> None:
        while self.left and self.left[0][0] in ("lost", "other"):
            self.left.pop(0)
