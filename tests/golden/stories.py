"""What happens in each golden transcript, told once; the bytes are computed by the third implementation.

``python -m tests.golden.stories`` writes the computed blocks into docs/protocol.md. The tests compare the
document with them and replay the document, never this file, against driver and card.
"""

import textwrap
import zlib
from collections.abc import Callable, Iterator

from tests.golden import document
from tests.golden.inputs import (
    BATCH,
    BATCH_256,
    BATCH_MASTER,
    BOOT_ID,
    ISSUER,
    ISSUER_256,
    PIN,
    QUESTIONS,
    RESTOCK,
    SEED_20,
    SEED_32,
    SEED_64,
    SERIAL,
    SUITE_A,
    SUITE_B,
    WRONG_PIN,
)
from tests.golden.third import (
    Channel,
    Keys,
    check_value,
    frame,
    kcv,
    ocra,
    put_key_answer,
    put_key_data,
    store_data,
)

PING, MSG, INIT, WINK, CANCEL, KEEPALIVE, ERROR = 0x01, 0x03, 0x06, 0x08, 0x11, 0x3B, 0x3F

_STORIES: dict[str, Callable[["Teller"], None]] = {}


def story(tell: Callable[["Teller"], None]) -> Callable[["Teller"], None]:
    _STORIES[tell.__name__.replace("_", "-")] = tell
    return tell


def bodies() -> dict[str, str]:
    """Return every transcript's computed body by its name."""
    told = {}
    for name, tell in _STORIES.items():
        teller = Teller(name)
        tell(teller)
        told[name] = "".join(teller.lines())
    return told


class Teller:
    """Writes one transcript: keeps session and sequence number, and makes frames."""

    def __init__(self, name: str) -> None:
        self._name = name
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
        number = list(_STORIES).index(self._name) + 1
        value = bytes([number, self._drawn]) * (size // 2)
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


def _wrapped(line: str) -> list[str]:
    word, _, rest = line.partition(" ")
    if word == "#":
        return textwrap.wrap(line, 116, subsequent_indent="# ", break_on_hyphens=False)
    return textwrap.wrap(rest, 108, initial_indent=word + " ", subsequent_indent="      ")


@story
def init(t: Teller) -> None:
    t.init()
    t.plain("GET DATA, serial number", "80CA0045", SERIAL.encode())


@story
def init_repeat(t: Teller) -> None:
    nonce, t.session = t.draw("nonce", 8), t.draw("session", 4)
    asked = frame(bytes(4), 0, INIT, nonce).hex()
    answered = frame(bytes(4), 0, INIT, nonce + t.session + b"\x01" + BOOT_ID + b"\x00").hex()
    t.say(f"host> {asked}")
    t.say("# lost on its way")
    t.say(f"lost> {answered}")
    t.say("wait 250")
    t.say("# the same nonce: the same session")
    t.say(f"host> {asked}")
    t.say(f"card> {answered}")
    t.who_are_you()
    t.say("# a late copy of the INIT changes nothing …")
    t.say(f"other> {asked}")
    t.say(f"lost> {answered}")
    t.say("# … the session lives")
    t.plain("GET DATA, life cycle", "80CADF01", b"\x01")


@story
def ping(t: Teller) -> None:
    t.init()
    for payload in (b"", b"\x00", bytes.fromhex("0011002200"), b"\xa5" * 254, bytes(range(256)) * 2):
        t.say(f"# PING with {len(payload)} bytes")
        t.next(PING, payload)
        t.back(PING, payload)


@story
def get_data(t: Teller) -> None:
    t.init()
    t.who_are_you()
    t.plain("life cycle", "80CADF01", b"\x01")
    t.plain("key information", "80CA00E0", bytes.fromhex("C00401018810 C00402018810 C00403018810"))
    t.plain("sequence counter", "80CA00C1", bytes(3))
    t.plain("profile and suite: none yet", "80CADF02", b"")
    t.plain("PIN tries: no PIN kept", "80CADF03", b"\xff\xff")
    t.plain("quota", "80CADF08", b"\x00\x20")
    t.plain("boot id", "80CADF09", BOOT_ID)


@story
def refusals(t: Teller) -> None:
    t.say("# commands that a host with this driver does not send")
    t.say("only card")
    t.init()
    t.plain("another application", "00A4040007A0000006472F0001", b"", 0x6A82)
    t.plain("this one", "00A4040009F0445343504C555301", b"")
    t.plain("no such tag", "80CADFFF", b"", 0x6A88)
    t.plain("a tag that needs the channel", "80CADF07", b"", 0x6982)
    t.plain("SET STATUS without a channel", "80F08007", b"", 0x6982)
    t.plain("no such instruction", "80120000", b"", 0x6D00)
    t.plain("command chaining", "90CA0045", b"", 0x6E00)
    t.plain("extended length", "80CA004500000A", b"", 0x6700)
    t.plain("a key version that is not there; the counter stays", "80502100080102030405060708", b"", 0x6A88)
    t.plain("sequence counter", "80CA00C1", bytes(3))
    t.say("# no such link command: ERROR 01")
    t.next(0x02)
    t.back(ERROR, b"\x01")
    t.say("# the same seq with other bytes: ERROR 04")
    t.seq -= 1
    t.next(PING)
    t.back(ERROR, b"\x04")
    t.say("# a seq left out: ERROR 04")
    t.seq += 1
    t.next(PING)
    t.back(ERROR, b"\x04")


@story
def lost_answer(t: Teller) -> None:
    t.init()
    t.who_are_you()
    channel = Channel(BATCH, t.draw("challenge", 8), 1)
    t.say("# INITIALIZE UPDATE: executed, its answer lost")
    asked = t.next(MSG, channel.initialize_update())
    answered = t.back(MSG, channel.initialize_update_answer(SERIAL), who="lost")
    t.say("wait 250")
    t.say("# the same bytes again: not executed again, the kept answer")
    t.say(f"host> {asked.hex()}")
    t.say(f"card> {answered.hex()}")
    t.say("# EXTERNAL AUTHENTICATE")
    t.next(MSG, channel.external_authenticate())
    t.back(MSG, b"\x90\x00")
    t.under(channel, "the sequence counter went up by one", "80CA00C1", answer=b"\x00\x00\x01")


@story
def damaged_request(t: Teller) -> None:
    t.say("# one bit flips on the way to the card")
    t.say("only card")
    t.init()
    payload = b"PING"
    good = frame(t.session, 1, PING, payload)
    t.say("# wrong CRC: silence")
    t.say(f"host> {(good[:12] + bytes([good[12] ^ 1]) + good[13:]).hex()}")
    t.say("wait 250")
    t.say("# again, with noise before it")
    t.say(f"host> {(b'noise' + good).hex()}")
    t.say(f"card> {good.hex()}")


@story
def wrong_session(t: Teller) -> None:
    t.init()
    t.who_are_you()
    nonce, other = t.draw("other-nonce", 8), t.draw("session", 4)
    t.say("# another host takes the card")
    t.say(f"other> {frame(bytes(4), 0, INIT, nonce).hex()}")
    answered = frame(bytes(4), 0, INIT, nonce + other + b"\x01" + BOOT_ID + b"\x00")
    t.say(f"lost> {answered.hex()}")
    t.say("# GET DATA in the session that is gone: ERROR 0B")
    t.next(MSG, bytes.fromhex("80CADF01"))
    t.back(ERROR, b"\x0b")
    t.init()
    t.plain("GET DATA, life cycle", "80CADF01", b"\x01")


def _personalise(t: Teller, transport: Keys, issuer: Keys, seed: bytes, profile: int) -> None:
    suite, pin = (SUITE_A, None) if profile == 1 else (SUITE_B, PIN)
    t.init()
    t.who_are_you()
    t.plain("GET DATA, life cycle", "80CADF01", b"\x01")
    channel = t.open(transport, 1)
    header = f"80D8{transport.version:02X}81"
    t.under(channel, "PUT KEY", header, put_key_data(transport, issuer), put_key_answer(issuer))
    channel = t.open(issuer, 2)
    t.under(channel, "SET STATUS INITIALIZED", "80F08007")
    data = store_data(issuer, profile, suite, seed, "en", "")
    t.under(channel, "STORE DATA", "80E28800", data, check_value(seed))
    if pin is None:
        t.under(channel, "RESET RETRY COUNTER, the PIN", "002C0281", PIN.encode())
    for question in QUESTIONS:
        data = bytes([len(question)]) + question.encode()
        if pin is not None:
            data += bytes([len(pin)]) + pin.encode()
        answer = ocra(suite, seed, question, pin).encode()
        t.under(channel, f"INTERNAL AUTHENTICATE {question}", "00880000", data, answer)
    if pin is None:
        t.under(channel, "VERIFY", "00200081", PIN.encode())
    t.under(channel, "SET STATUS SECURED", "80F0800F")


@story
def personalise_aes_128(t: Teller) -> None:
    _personalise(t, BATCH, ISSUER, SEED_32, profile=1)


@story
def personalise_aes_256(t: Teller) -> None:
    t.say("card keys AES-256")
    _personalise(t, BATCH_256, ISSUER_256, SEED_64, profile=1)


@story
def personalise_server_pin(t: Teller) -> None:
    _personalise(t, BATCH, ISSUER, SEED_20, profile=2)


@story
def wrong_pin(t: Teller) -> None:
    t.say("card after personalise-aes-128")
    t.init()
    t.who_are_you()
    channel = t.open(ISSUER, 3)
    t.under(channel, "VERIFY, a wrong PIN", "00200081", WRONG_PIN.encode(), status=0x63C4)
    t.under(channel, "PIN tries", "80CADF03", answer=b"\x04\x05")
    t.under(channel, "VERIFY, the right one", "00200081", PIN.encode())
    t.under(channel, "PIN tries", "80CADF03", answer=b"\x05\x05")


@story
def pin_blocked(t: Teller) -> None:
    t.say("card after personalise-aes-128")
    t.init()
    t.who_are_you()
    channel = t.open(ISSUER, 3)
    for left in (4, 3, 2, 1, 0):
        t.under(channel, "VERIFY, a wrong PIN", "00200081", WRONG_PIN.encode(), status=0x63C0 + left)
    t.under(channel, "VERIFY, the right one, too late", "00200081", PIN.encode(), status=0x6983)
    t.under(channel, "RESET RETRY COUNTER, unblock", "002C0381")
    t.under(channel, "VERIFY, the right one", "00200081", PIN.encode())


@story
def failed_authentication(t: Teller) -> None:
    t.init()
    t.who_are_you()
    channel = Channel(BATCH, t.draw("challenge", 8), 1)
    t.say("# INITIALIZE UPDATE by a host that has the wrong Key-ENC, Key-MAC and Key-DEK")
    t.next(MSG, channel.initialize_update())
    t.say("# the host finds the card cryptogram wrong and stops")
    t.back(MSG, channel.initialize_update_answer(SERIAL))
    t.plain("GET DATA, sequence counter", "80CA00C1", b"\x00\x00\x01")


@story
def forged_external_authenticate(t: Teller) -> None:
    t.say("# a host without the keys; the driver would not go so far")
    t.say("only card")
    t.init()
    channel = Channel(BATCH, t.draw("challenge", 8), 1)
    t.plain(
        "INITIALIZE UPDATE", channel.initialize_update().hex(), channel.initialize_update_answer(SERIAL)[:-2]
    )
    t.plain("EXTERNAL AUTHENTICATE, made up", "8482330010" + 16 * "AA", b"", 0x6982)
    t.plain("INITIALIZE UPDATE is needed again", channel.external_authenticate().hex(), b"", 0x6982)


@story
def throttled(t: Teller) -> None:
    t.init()
    t.who_are_you()
    for counter in range(1, 11):
        channel = Channel(BATCH, t.draw("challenge", 8), counter)
        t.say(f"# failed authentication number {counter}")
        t.next(MSG, channel.initialize_update())
        t.back(MSG, channel.initialize_update_answer(SERIAL))
    channel = Channel(BATCH, t.draw("challenge", 8), 11)
    t.say("# the right keys: INITIALIZE UPDATE takes 1 s now")
    t.next(MSG, channel.initialize_update())
    for _ in range(9):
        t.say("wait 100")
        t.back(KEEPALIVE, b"\x01")
    t.say("wait 100")
    t.back(MSG, channel.initialize_update_answer(SERIAL))
    t.say("# EXTERNAL AUTHENTICATE: the failures are forgotten")
    t.next(MSG, channel.external_authenticate())
    t.back(MSG, b"\x90\x00")


@story
def busy(t: Teller) -> None:
    t.say("# a host that grows impatient")
    t.say("only card")
    t.init()
    t.say("# WINK; the card blinks and says so")
    wink = t.next(WINK)
    t.say("wait 100")
    t.back(KEEPALIVE, b"\x01")
    t.say("# a copy of the request at work: KEEPALIVE")
    t.say(f"host> {wink.hex()}")
    t.back(KEEPALIVE, b"\x01")
    t.say("# the next request: ERROR 06, its seq is not used")
    t.next(PING)
    t.back(ERROR, b"\x06")
    t.say("# CANCEL with the seq of WINK: WINK answers ERROR 7F")
    t.seq -= 1
    t.say(f"host> {frame(t.session, t.seq, CANCEL, b'').hex()}")
    t.back(ERROR, b"\x7f")
    t.next(PING, b"after")
    t.back(PING, b"after")
    t.say("# INIT while WINK is at work: it waits, with KEEPALIVE in session 0 …")
    t.next(WINK)
    nonce, session = t.draw("nonce", 8), t.draw("session", 4)
    t.say(f"host> {frame(bytes(4), 0, INIT, nonce).hex()}")
    keepalive = frame(bytes(4), 0, KEEPALIVE, b"\x01")
    t.say(f"card> {keepalive.hex()}")
    t.say("wait 100")
    t.say(f"card> {keepalive.hex()}")
    t.say("# … until it is done (here: cancelled); the answer of WINK is dropped")
    t.say(f"host> {frame(t.session, t.seq, CANCEL, b'').hex()}")
    answer = nonce + session + b"\x01" + BOOT_ID + b"\x00"
    t.say(f"card> {frame(bytes(4), 0, INIT, answer).hex()}")


@story
def stock_client(t: Teller) -> None:
    t.say(
        "# the forms that stock clients use: P1 00, bare ciphertext in PUT KEY, padding alone for no data, Le"
    )
    t.say("only card")
    t.init()
    channel = Channel(BATCH, t.draw("challenge", 8), 1)
    initialize_update = bytes.fromhex("8050000008") + channel.host_challenge + b"\x00"
    t.plain(
        "INITIALIZE UPDATE, KVN 00: the one present",
        initialize_update.hex(),
        channel.initialize_update_answer(SERIAL)[:-2],
    )
    t.plain("EXTERNAL AUTHENTICATE", channel.external_authenticate().hex(), b"")
    t.say("# GET DATA 00C1 with encrypted emptiness")
    t.next(MSG, channel.command_padding_only(bytes.fromhex("80CA00C1")) + b"\x00")
    t.back(MSG, channel.answer(b"\x00\x00\x01", 0x9000))
    data = put_key_data(BATCH, ISSUER, bare=True)
    t.under(channel, "PUT KEY", "80D80181", data, put_key_answer(ISSUER))


@story
def stripped_r_mac(t: Teller) -> None:
    t.say("# somebody on the cable answers instead of the card")
    t.say("only driver")
    t.init()
    t.who_are_you()
    channel = t.open(BATCH, 1)
    t.say("# GET DATA, life cycle, under the channel; answered without R-MAC: the host ends the channel")
    t.next(MSG, channel.command(bytes.fromhex("80CADF01"), b""))
    t.back(MSG, b"\x0f\x90\x00")


@story
def restock(t: Teller) -> None:
    t.say("card after personalise-aes-128")
    challenge = t.draw("challenge", 8)  # drawn first: INIT goes out when something is to be sent
    t.init()
    channel = t.open(ISSUER, 3, challenge)
    t.under(channel, "SET STATUS OP_READY: the wipe", "80F08001")
    t.under(channel, "life cycle", "80CADF01", answer=b"\x01")
    t.under(channel, "profile and suite: none", "80CADF02")
    t.under(channel, "PIN tries: no PIN kept", "80CADF03", answer=b"\xff\xff")
    t.under(channel, "quota", "80CADF08", answer=b"\x00\x20")
    t.under(channel, "PUT KEY", "80D82081", put_key_data(ISSUER, RESTOCK), put_key_answer(RESTOCK))
    t.leave_channel()
    t.plain("GET DATA, key information", "80CA00E0", bytes.fromhex("C00401108810 C00402108810 C00403108810"))


@story
def lock_and_terminate(t: Teller) -> None:
    t.say("card after personalise-aes-128")
    t.init()
    t.who_are_you()
    channel = t.open(ISSUER, 3)
    t.under(channel, "SET STATUS CARD_LOCKED", "80F0807F")
    question = QUESTIONS[0]
    data = bytes([len(question)]) + question.encode()
    t.under(channel, "INTERNAL AUTHENTICATE, refused", "00880000", data, status=0x6985)
    t.under(channel, "SET STATUS SECURED", "80F0800F")
    t.under(channel, "SET STATUS TERMINATED; its R-MAC is the proof", "80F080FF")
    t.leave_channel()
    t.plain("GET DATA, life cycle", "80CADF01", b"\xff")


def worked_example() -> dict[str, bytes]:
    """Return every intermediate value of the first secure channel of personalise-aes-128."""
    told = document.parse("", bodies()["personalise-aes-128"])
    host_challenge = told.fixed("challenge")[0]
    channel = Channel(BATCH, host_challenge, 1)
    first_frame = told.steps[0][1]
    assert isinstance(first_frame, bytes)
    return {
        "CRC of the INIT": zlib.crc32(bytes(5) + b"\x06" + told.fixed("nonce")[0]).to_bytes(4, "big"),
        "INIT, framed": first_frame,
        "master": BATCH_MASTER,
        "Key-ENC": BATCH.enc,
        "Key-MAC": BATCH.mac,
        "Key-DEK": BATCH.dek,
        "KCV(Key-ENC)": kcv(BATCH.enc),
        "host challenge": host_challenge,
        "card challenge": channel.card_challenge,
        "S-ENC": channel.s_enc,
        "S-MAC": channel.s_mac,
        "S-RMAC": channel.s_rmac,
        "card cryptogram": channel.card_cryptogram,
        "host cryptogram": channel.host_cryptogram,
        "EXTERNAL AUTHENTICATE": channel.external_authenticate(),
        "chaining value": channel.chain,
        "PUT KEY, data": put_key_data(BATCH, ISSUER),
        "PUT KEY, wrapped": channel.command(bytes.fromhex("80D80181"), put_key_data(BATCH, ISSUER)),
        "PUT KEY, answer": channel.answer(put_key_answer(ISSUER), 0x9000),
        "seed": SEED_32,
        "check value": check_value(SEED_32),
        "question": QUESTIONS[0].encode(),
        "response": ocra(SUITE_A, SEED_32, QUESTIONS[0]).encode(),
    }


if __name__ == "__main__":
    text = document.PATH.read_text("utf-8")
    text = document.replace_blocks(text, bodies())
    document.PATH.write_text(document.replace_worked_example(text, worked_example()), "utf-8")
