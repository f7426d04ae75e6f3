"""Golden transcripts of the HID link."""

from tests.golden.inputs import BATCH, SERIAL
from tests.golden.stories_card import personalise_aes_128
from tests.golden.teller import (
    BROADCAST,
    CANCEL,
    ERROR,
    INIT,
    KEEPALIVE,
    LOCK,
    MSG,
    PING,
    WINK,
    HidTeller,
    init_answer,
)
from tests.golden.third import Channel, reports

LIFE_CYCLE = bytes.fromhex("80CADF01")
SELECT = bytes.fromhex("00A4040009F0445343504C555301")
CHECK_VALUE = bytes.fromhex("80CADF07")


def _other_client(t: HidTeller) -> bytes:
    """Somebody else asks for a channel; his lines are `other>` and `lost>`."""
    nonce, channel = t.draw("other-nonce", 8), t.draw("session", 4)
    t.say("# another client asks for a channel")
    t.send("other", INIT, nonce, channel=BROADCAST)
    t.send("lost", INIT, init_answer(nonce, channel), channel=BROADCAST)
    return channel


def hid_init(t: HidTeller) -> None:
    t.init()
    t.plain("GET DATA, serial number", "80CA0045", SERIAL.encode())


def hid_ping(t: HidTeller) -> None:
    t.init()
    for payload in (b"", b"\xa5" * 57, b"\xa5" * 58, bytes(range(256)) * 2):
        t.say(f"# PING with {len(payload)} bytes, {len(reports(t.session, PING, payload))} reports")
        t.next(PING, payload)
        t.back(PING, payload)


def hid_personalise(t: HidTeller) -> None:
    personalise_aes_128(t)


def hid_busy(t: HidTeller) -> None:
    t.init()
    t.who_are_you()
    other = _other_client(t)
    t.say("# it begins a secure channel: INITIALIZE UPDATE")
    channel = Channel(BATCH, t.draw("other-challenge", 8), 1)
    t.send("other", MSG, channel.initialize_update(), channel=other)
    t.send("lost", MSG, channel.initialize_update_answer(SERIAL), channel=other)
    t.say("# GET DATA, life cycle: ERROR 06, it was not begun")
    t.next(MSG, LIFE_CYCLE)
    t.back(ERROR, b"\x06")
    t.say("# the other client leaves: SELECT")
    t.send("other", MSG, SELECT, channel=other)
    t.send("lost", MSG, b"\x90\x00", channel=other)
    t.say("# 50 ms later our host asks again")
    t.say("wait 50")
    t.next(MSG, LIFE_CYCLE)
    t.back(MSG, b"\x01\x90\x00")


def hid_secure_channel(t: HidTeller) -> None:
    t.say("# whose secure channel it is, and how it ends")
    t.say("only card")
    t.init()
    other = _other_client(t)
    channel = t.open(BATCH, 1)
    t.say("# the other client's MSG is busy, its PING is answered")
    t.send("other", MSG, LIFE_CYCLE, channel=other)
    t.send("lost", ERROR, b"\x06", channel=other)
    t.send("other", PING, b"?", channel=other)
    t.send("lost", PING, b"?", channel=other)
    t.say("# so is INIT on its channel; it ends nothing of ours")
    nonce = t.draw("other-nonce", 8)
    t.send("other", INIT, nonce, channel=other)
    t.send("lost", INIT, init_answer(nonce, other), channel=other)
    t.under(channel, "the secure channel lives", "80CADF07")
    t.say("# 5 s without a message: it has lapsed")
    t.say("wait 5000")
    t.send("other", MSG, LIFE_CYCLE, channel=other)
    t.send("lost", MSG, b"\x01\x90\x00", channel=other)
    t.say("# GET DATA, seed check value, under the secure channel that was: 6982")
    t.next(MSG, channel.command(CHECK_VALUE, b""))
    t.back(MSG, b"\x69\x82")
    t.open(BATCH, 2)
    t.say("# INIT on our own channel ends the secure channel; the link's channel stays")
    nonce = t.draw("nonce", 8)
    t.next(INIT, nonce)
    t.back(INIT, init_answer(nonce, t.session))
    t.say("# the other client is served at once")
    t.send("other", MSG, LIFE_CYCLE, channel=other)
    t.send("lost", MSG, b"\x01\x90\x00", channel=other)


def hid_work(t: HidTeller) -> None:
    t.say("# KEEPALIVE, CANCEL, and who is busy meanwhile")
    t.say("only card")
    t.init()
    other = _other_client(t)
    t.say("# WINK; the card blinks and says so")
    t.next(WINK)
    t.say("wait 100")
    t.back(KEEPALIVE, b"\x01")
    t.say("# everybody else is busy, and so are we")
    t.send("other", PING, b"?", channel=other)
    t.send("lost", ERROR, b"\x06", channel=other)
    t.next(MSG, LIFE_CYCLE)
    t.back(ERROR, b"\x06")
    t.say("# the other client's CANCEL is not for our WINK")
    t.send("other", CANCEL, channel=other)
    t.say("# ours is: WINK answers ERROR 7F")
    t.next(CANCEL)
    t.back(ERROR, b"\x7f")
    t.say("# INIT on the channel at work ends the work; there is no other answer")
    t.next(WINK)
    nonce = t.draw("nonce", 8)
    t.next(INIT, nonce)
    t.back(INIT, init_answer(nonce, t.session))
    t.say("wait 3000")
    t.next(PING, b"next")
    t.back(PING, b"next")


def hid_lock(t: HidTeller) -> None:
    t.say("only card")
    t.init()
    other = _other_client(t)
    t.say("# LOCK for 2 s")
    t.next(LOCK, b"\x02")
    t.back(LOCK)
    t.say("wait 1999")
    t.say("# others are busy")
    t.send("other", PING, b"?", channel=other)
    t.send("lost", ERROR, b"\x06", channel=other)
    t.say("# it ends by itself")
    t.say("wait 1")
    t.send("other", PING, b"?", channel=other)
    t.send("lost", PING, b"?", channel=other)
    t.say("# 10 s, and released at once")
    for seconds in (10, 0):
        t.next(LOCK, bytes([seconds]))
        t.back(LOCK)
    t.send("other", PING, b"?", channel=other)
    t.send("lost", PING, b"?", channel=other)
    t.say("# 11 s: ERROR 02; no time at all: ERROR 03")
    t.next(LOCK, b"\x0b")
    t.back(ERROR, b"\x02")
    t.next(LOCK)
    t.back(ERROR, b"\x03")


def hid_errors(t: HidTeller) -> None:
    t.say("# a host that does everything wrong")
    t.say("only card")
    t.init()
    for name, channel in (("never given", b"\x0e\x0e\x0e\x0e"), ("0", bytes(4)), ("of all", BROADCAST)):
        t.say(f"# PING on the channel {name}: ERROR 0B")
        t.send("host", PING, b"?", channel=channel)
        t.send("card", ERROR, b"\x0b", channel=channel)
    t.say("# INIT with 7 bytes: ERROR 03, on the channel that it came on")
    t.send("host", INIT, b"7 bytes", channel=BROADCAST)
    t.send("card", ERROR, b"\x03", channel=BROADCAST)
    t.say("# a continuation without its start: silence")
    first, second = reports(t.session, PING, b"\xa5" * 58)
    second = second[:6]
    t.report("host", second)
    t.say("# command 10 (CBOR) is none of ours: ERROR 01")
    t.next(0x10)
    t.back(ERROR, b"\x01")
    t.say("# a message of 513 bytes: ERROR 03 to its start; what follows is without a start")
    longest = reports(t.session, PING, b"\xa5" * 513)
    t.report("host", longest[0])
    t.back(ERROR, b"\x03")
    t.report("host", longest[1])
    t.say("# sequence 01 where 00 is due: ERROR 04; the message is gone")
    t.report("host", first)
    t.report("host", second[:4] + b"\x01" + second[5:])
    t.back(ERROR, b"\x04")
    t.say("# a start where a continuation is due: likewise, and it is not the start of another")
    t.report("host", first)
    t.report("host", first)
    t.back(ERROR, b"\x04")
    t.say("# the rest does not come: ERROR 05 after 500 ms")
    t.report("host", first)
    t.say("wait 500")
    t.back(ERROR, b"\x05")
    t.say("# INIT drops a message half received: what is left of it has no start")
    t.report("host", first)
    nonce = t.draw("nonce", 8)
    t.next(INIT, nonce)
    t.back(INIT, init_answer(nonce, t.session))
    t.report("host", second)
    t.say("wait 500")
    t.say("# half a message, and another client: ERROR 06 to the start of its message, none to the rest")
    other = _other_client(t)
    t.report("host", first)
    t.report("other", other + first[4:])
    t.send("lost", ERROR, b"\x06", channel=other)
    t.report("other", other + second[4:])
    t.report("host", second)
    t.back(PING, b"\xa5" * 58)


STORIES = (
    hid_init,
    hid_ping,
    hid_personalise,
    hid_busy,
    hid_secure_channel,
    hid_work,
    hid_lock,
    hid_errors,
)
