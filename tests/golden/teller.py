"""Tells one golden transcript: keeps session and sequence number, makes frames, writes the lines."""

import textwrap
from collections.abc import Iterator

from tests.golden.inputs import BOOT_ID, SERIAL
from tests.golden.third import Channel, Keys, frame, reports

PING, MSG, LOCK, INIT, WINK, CANCEL, KEEPALIVE, ERROR = 0x01, 0x03, 0x04, 0x06, 0x08, 0x11, 0x3B, 0x3F
BROADCAST = b"\xff\xff\xff\xff"


class Teller:
    """Writes one transcript: keeps session and sequence number, and makes frames."""

    def __init__(self, number: int) -> None:
        """Take the story's number, which goes into its fixed values."""
        self._number = number
        self._lines: list[str] = []
        self._drawn = 0
        self.session = bytes(4)
        self.seq = 0

    def lines(self) -> Iterator[str]:
        for line in self._lines:
            yield from (part + "\n" for part in _wrapped(line))

    def say(self, line: str) -> None:
        self._lines.append(line)

    def draw(self, what: str, size: int) -> bytes:
        """Fix a "random" value: plainly made up, and different each time."""
        self._drawn += 1
        value = bytes([self._number, self._drawn]) * (size // 2)
        self.say(f"given {what} {value.hex()}")
        return value

    def init(self) -> tuple[bytes, bytes]:
        """A new session; returns both frames."""
        nonce, self.session, self.seq = self.draw("nonce", 8), self.draw("session", 4), 0
        asked = frame(bytes(4), 0, INIT, nonce)
        answered = frame(bytes(4), 0, INIT, nonce + self.session + b"\x01" + BOOT_ID + b"\x00")
        self.say("# INIT")
        self.say(f"host> {asked.hex()}")
        self.say(f"card> {answered.hex()}")
        return asked, answered

    def next(self, cmd: int, payload: bytes = b"", *, who: str = "host") -> bytes:
        self.seq = (self.seq + 1) % 256
        sent = frame(self.session, self.seq, cmd, payload)
        self.say(f"{who}> {sent.hex()}")
        return sent

    def back(self, cmd: int, payload: bytes = b"", *, who: str = "card") -> bytes:
        sent = frame(self.session, self.seq, cmd, payload)
        self.say(f"{who}> {sent.hex()}")
        return sent

    def plain(self, what: str, command: str, answer: bytes, status: int = 0x9000) -> None:
        """One APDU in the clear."""
        self.say(f"# {what}: {command}")
        self.next(MSG, bytes.fromhex(command))
        self.back(MSG, answer + status.to_bytes(2, "big"))

    def who_are_you(self) -> None:
        self.plain("GET DATA, serial number", "80CA0045", SERIAL.encode())

    def open(self, keys: Keys, counter: int, challenge: bytes = b"") -> Channel:
        """INITIALIZE UPDATE and EXTERNAL AUTHENTICATE."""
        channel = Channel(keys, challenge or self.draw("challenge", 8), counter)
        self.say(f"# INITIALIZE UPDATE, KVN {keys.version:02X}; the sequence counter becomes {counter:06X}")
        self.next(MSG, channel.initialize_update())
        self.back(MSG, channel.initialize_update_answer(SERIAL))
        self.say("# EXTERNAL AUTHENTICATE")
        self.next(MSG, channel.external_authenticate())
        self.back(MSG, b"\x90\x00")
        return channel

    def leave_channel(self) -> None:
        """Our driver sends SELECT before the first plain command after a channel, which may still be open."""
        self.plain("SELECT", "00A4040009F0445343504C555301", b"")

    def under(
        self,
        channel: Channel,
        what: str,
        header: str,
        data: bytes = b"",
        answer: bytes = b"",
        status: int = 0x9000,
    ) -> None:
        """One APDU in the channel; the comment shows both sides without its cover."""
        plain = header + (f" {len(data):02X} {data.hex()}" if data else "")
        self.say(f"# {what}: {plain} → {(answer.hex() + ' ') if answer else ''}{status:04X}")
        self.next(MSG, channel.command(bytes.fromhex(header), data))
        self.back(MSG, channel.answer(answer, status))


class HidTeller(Teller):
    """Writes one transcript of the HID link (section 14): `session` is a channel, each line a report."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.say("link HID")

    def init(self) -> None:
        """A channel of one's own."""
        nonce, self.session = self.draw("nonce", 8), self.draw("session", 4)
        self.say("# INIT")
        self.send("host", INIT, nonce, channel=BROADCAST)
        self.send("card", INIT, init_answer(nonce, self.session), channel=BROADCAST)

    def send(self, who: str, cmd: int, payload: bytes = b"", *, channel: bytes = b"") -> list[bytes]:
        """A message, on another channel than one's own if that is told; returns its reports."""
        sent = reports(channel or self.session, cmd, payload)
        filled = 64 * len(sent) - 7 - len(payload) - 5 * (len(sent) - 1)
        for report in [*sent[:-1], sent[-1][: 64 - filled]]:
            self.report(who, report)
        return sent

    def report(self, who: str, report: bytes) -> None:
        self.say(f"{who}> {report.hex()}")

    def next(self, cmd: int, payload: bytes = b"", *, who: str = "host") -> bytes:
        return b"".join(self.send(who, cmd, payload))

    def back(self, cmd: int, payload: bytes = b"", *, who: str = "card") -> bytes:
        return b"".join(self.send(who, cmd, payload))


def init_answer(nonce: bytes, channel: bytes) -> bytes:
    """CTAPHID 2; firmware 0.1.0; WINK."""
    return nonce + channel + bytes.fromhex("02 000100 01")


def _wrapped(line: str) -> list[str]:
    word, _, rest = line.partition(" ")
    if word == "#":
        return textwrap.wrap(line, 116, subsequent_indent="# ", break_on_hyphens=False)
    return textwrap.wrap(rest, 108, initial_indent=word + " ", subsequent_indent="      ")
