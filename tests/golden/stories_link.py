"""Golden transcripts of the link."""

from tests.golden.inputs import BATCH, BOOT_ID, SERIAL
from tests.golden.teller import CANCEL, ERROR, INIT, KEEPALIVE, MSG, PING, WINK, Teller
from tests.golden.third import Channel, frame


def init(t: Teller) -> None:
    t.init()
    t.plain("GET DATA, serial number", "80CA0045", SERIAL.encode())


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


def ping(t: Teller) -> None:
    t.init()
    for payload in (b"", b"\x00", bytes.fromhex("0011002200"), b"\xa5" * 254, bytes(range(256)) * 2):
        t.say(f"# PING with {len(payload)} bytes")
        t.next(PING, payload)
        t.back(PING, payload)


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


def damaged_answer(t: Teller) -> None:
    t.init()
    t.say("# GET DATA; one bit of its answer flips on the way")
    asked = t.next(MSG, bytes.fromhex("80CA0045"))
    answered = t.back(MSG, SERIAL.encode() + b"\x90\x00", who="lost")
    t.say(f"noise> {(answered[:10] + bytes([answered[10] ^ 1]) + answered[11:]).hex()}")
    t.say("# wrong CRC: it was nothing; after 250 ms of silence the same bytes again")
    t.say("wait 250")
    t.say(f"host> {asked.hex()}")
    t.say(f"card> {answered.hex()}")


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


STORIES = (
    init,
    init_repeat,
    ping,
    lost_answer,
    damaged_request,
    damaged_answer,
    wrong_session,
    busy,
)
