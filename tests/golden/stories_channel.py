"""Golden transcripts of secure channels that fail, or that others than our driver open."""

from tests.golden.inputs import BATCH, ISSUER, SERIAL
from tests.golden.teller import KEEPALIVE, MSG, Teller
from tests.golden.third import Channel, put_key_answer, put_key_data


def failed_authentication(t: Teller) -> None:
    t.init()
    t.who_are_you()
    channel = Channel(BATCH, t.draw("challenge", 8), 1)
    t.say("# INITIALIZE UPDATE by a host that has the wrong Key-ENC, Key-MAC and Key-DEK")
    t.next(MSG, channel.initialize_update())
    t.say("# the host finds the card cryptogram wrong and stops")
    t.back(MSG, channel.initialize_update_answer(SERIAL))
    t.plain("GET DATA, sequence counter", "80CA00C1", b"\x00\x00\x01")


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
    for counter, what, spoilt in (
        (2, "right cryptogram, wrong C-MAC", -1),
        (3, "wrong cryptogram, right C-MAC", 0),
    ):
        channel = Channel(BATCH, t.draw("challenge", 8), counter)
        answer = channel.initialize_update_answer(SERIAL)[:-2]
        t.plain("INITIALIZE UPDATE", channel.initialize_update().hex(), answer)
        if spoilt == 0:
            channel.host_cryptogram = bytes(8)
        forged = channel.external_authenticate()
        forged = forged[:-1] + bytes([forged[-1] ^ (1 if spoilt else 0)])
        t.plain(f"EXTERNAL AUTHENTICATE, {what}", forged.hex(), b"", 0x6982)


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


def stripped_r_mac(t: Teller) -> None:
    t.say("# somebody on the cable answers instead of the card")
    t.say("only driver")
    t.init()
    t.who_are_you()
    channel = t.open(BATCH, 1)
    t.say("# GET DATA, life cycle, under the channel; answered without R-MAC: the host ends the channel")
    t.next(MSG, channel.command(bytes.fromhex("80CADF01"), b""))
    t.back(MSG, b"\x0f\x90\x00")


def forged_error(t: Teller) -> None:
    t.say("# somebody on the cable answers a change by an error: the host does not believe that either")
    t.say("only driver")
    t.init()
    t.who_are_you()
    channel = t.open(BATCH, 1)
    t.say("# PUT KEY; whether the card executed it cannot be told from this answer")
    t.next(MSG, channel.command(bytes.fromhex("80D80181"), put_key_data(BATCH, ISSUER)))
    t.back(MSG, b"\x69\x85")


def swapped_card(t: Teller) -> None:
    t.say("# between two exchanges another card takes the first one's place at the port")
    t.say("only driver")
    t.init()
    t.who_are_you()
    channel = Channel(BATCH, t.draw("challenge", 8), 1)
    t.say("# INITIALIZE UPDATE, answered by card 0000000026")
    t.next(MSG, channel.initialize_update())
    t.back(MSG, channel.initialize_update_answer("0000000026"))


def broken_channel(t: Teller) -> None:
    t.say("# somebody on the cable changes what the host sends")
    t.say("only card")
    t.init()
    channel = t.open(BATCH, 1)
    command = channel.command(bytes.fromhex("80CADF01"), b"")
    t.plain(
        "GET DATA with one bit of its C-MAC changed",
        (command[:-1] + bytes([command[-1] ^ 1])).hex(),
        b"",
        0x6982,
    )
    t.plain("the channel has ended", channel.command(bytes.fromhex("80CADF01"), b"").hex(), b"", 0x6982)
    channel = t.open(BATCH, 2)
    command = channel.command(bytes.fromhex("80CADF01"), b"")
    t.plain("GET DATA", command.hex(), channel.answer(b"\x01", 0x9000)[:-2])
    t.plain("the same command again: its C-MAC does not fit the chain any more", command.hex(), b"", 0x6982)
    channel = t.open(BATCH, 3)
    t.plain("a command in the clear ends the channel, unexecuted", "80CADF01", b"", 0x6982)
    t.plain("… and works after that", "80CADF01", b"\x01")
    t.plain("the channel has ended", channel.command(bytes.fromhex("80CADF01"), b"").hex(), b"", 0x6982)


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


STORIES = (
    failed_authentication,
    forged_external_authenticate,
    throttled,
    stripped_r_mac,
    forged_error,
    swapped_card,
    broken_channel,
    stock_client,
)
