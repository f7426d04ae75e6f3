"""Golden transcripts of a card's life: read, personalised, tried, restocked, ended."""

from tests.golden.inputs import (
    BATCH,
    BATCH_256,
    BOOT_ID,
    ISSUER,
    ISSUER_256,
    PIN,
    QUESTIONS,
    RESTOCK,
    SEED_20,
    SEED_32,
    SEED_64,
    SUITE_A,
    SUITE_B,
    WRONG_PIN,
)
from tests.golden.teller import ERROR, PING, Teller
from tests.golden.third import Keys, check_value, ocra, put_key_answer, put_key_data, store_data


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


def personalise_aes_128(t: Teller) -> None:
    _personalise(t, BATCH, ISSUER, SEED_32, profile=1)


def personalise_aes_256(t: Teller) -> None:
    t.say("card keys AES-256")
    _personalise(t, BATCH_256, ISSUER_256, SEED_64, profile=1)


def personalise_server_pin(t: Teller) -> None:
    _personalise(t, BATCH, ISSUER, SEED_20, profile=2)


def wrong_pin(t: Teller) -> None:
    t.say("card after personalise-aes-128")
    t.init()
    t.who_are_you()
    channel = t.open(ISSUER, 3)
    t.under(channel, "VERIFY, a wrong PIN", "00200081", WRONG_PIN.encode(), status=0x63C4)
    t.under(channel, "PIN tries", "80CADF03", answer=b"\x04\x05")
    t.under(channel, "VERIFY, the right one", "00200081", PIN.encode())
    t.under(channel, "PIN tries", "80CADF03", answer=b"\x05\x05")


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


def conditions(t: Teller) -> None:
    t.say("# a host that does things in a wrong order")
    t.say("only card")
    t.init()
    channel = t.open(BATCH, 1)
    t.under(channel, "SET STATUS INITIALIZED under transport keys", "80F08007", status=0x6985)
    makers = Keys(0x0F, ISSUER.enc, ISSUER.mac, ISSUER.dek)
    t.under(channel, "PUT KEY, a maker's version", "80D80181", put_key_data(BATCH, makers), status=0x6A80)
    t.under(channel, "PUT KEY", "80D80181", put_key_data(BATCH, ISSUER), put_key_answer(ISSUER))
    channel = t.open(ISSUER, 2)
    data = store_data(ISSUER, 1, SUITE_A, SEED_32, "en", "")
    t.under(channel, "STORE DATA in OP_READY", "80E28800", data, status=0x6985)
    t.under(channel, "SET STATUS INITIALIZED", "80F08007")
    t.under(channel, "PUT KEY in INITIALIZED", "80D82081", put_key_data(ISSUER, RESTOCK), status=0x6985)
    t.under(channel, "SET STATUS SECURED without a seed", "80F0800F", status=0x6985)
    t.under(channel, "RESET RETRY COUNTER without a profile", "002C0281", PIN.encode(), status=0x6984)
    t.under(channel, "STORE DATA", "80E28800", data, check_value(SEED_32))
    t.under(channel, "SET STATUS SECURED without a PIN", "80F0800F", status=0x6985)
    t.under(channel, "VERIFY without a PIN", "00200081", PIN.encode(), status=0x6984)
    t.under(channel, "RESET RETRY COUNTER", "002C0281", PIN.encode())
    question = bytes([len(QUESTIONS[0])]) + QUESTIONS[0].encode()
    response = ocra(SUITE_A, SEED_32, QUESTIONS[0]).encode()
    t.under(channel, "INTERNAL AUTHENTICATE", "00880000", question, response)
    t.under(channel, "quota", "80CADF08", answer=b"\x00\x1f")
    t.under(channel, "STORE DATA again: erases the PIN", "80E28800", data, check_value(SEED_32))
    t.under(channel, "PIN tries: no PIN kept", "80CADF03", answer=b"\xff\xff")
    t.under(channel, "… and leaves the quota", "80CADF08", answer=b"\x00\x1f")
    t.under(channel, "SET STATUS SECURED without a PIN", "80F0800F", status=0x6985)


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


STORIES = (
    get_data,
    refusals,
    personalise_aes_128,
    personalise_aes_256,
    personalise_server_pin,
    wrong_pin,
    pin_blocked,
    conditions,
    restock,
    lock_and_terminate,
)
