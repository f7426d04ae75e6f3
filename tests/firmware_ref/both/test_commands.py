"""Every command's access rules and answers, tag by tag and state by state."""

from dscplus_card import cmac, state
from dscplus_card.ocra import hmac
from dscplus_card.state import State
from tests.firmware_ref.both import bench as b

ALL = (state.OP_READY, state.INITIALIZED, state.SECURED, state.CARD_LOCKED)
PERSONALISED = ALL[1:]
WORKING = ALL[1:3]
TAGS = (0x0045, 0x00E0, 0x00C1) + tuple(range(0xDF01, 0xDF0D))

# (command, life cycles in which it goes further than 6985, needs a channel, needs issuer keys)
ACCESS = (
    ((0x80, 0xD8, 0x55, 0x81), (state.OP_READY,), True, False),
    ((0x80, 0xE2, 0x88, 0x00), (state.INITIALIZED,), True, True),
    ((0x00, 0x2C, 0x02, 0x81), PERSONALISED, True, True),
    ((0x00, 0x2C, 0x03, 0x81), PERSONALISED, True, True),
    ((0x00, 0x20, 0x00, 0x81), WORKING, True, True),
    ((0x00, 0x88, 0x00, 0x00), WORKING, True, True),
    ((0x80, 0x32, 0x01, 0x00), ALL, False, False),
    ((0x80, 0x32, 0x02, 0x00), ALL, False, False),
    ((0x80, 0x32, 0x03, 0x00), ALL, True, False),
    ((0x80, 0x32, 0x04, 0x00), ALL, True, False),
    ((0x80, 0xCA, 0xDF, 0x01), ALL + (state.TERMINATED,), False, False),
    ((0x80, 0xCA, 0xDF, 0x07), ALL + (state.TERMINATED,), True, False),
)


def card_in(life_cycle, version=b.ISSUER_VERSION, seed=b""):
    """A card in any state, straight from flash; (bench, host, function that opens a channel)."""
    flash = b.blank_flash()
    changes = {state.LIFE_CYCLE: life_cycle, state.KEY_VERSION: version}
    if seed:
        changes.update({state.SEED: seed, state.PROFILE: 1, state.SUITE: b.SUITE_A})
    State(flash).commit(changes)
    bench = b.Bench(flash)
    host = b.Host(bench)
    return bench, host, lambda: host.open(b.TRANSPORT, 0)


def test_access_table_in_the_clear():
    for life_cycle in ALL + (state.TERMINATED,):
        _, host, _ = card_in(life_cycle)
        for command, life_cycles, needs_channel, _ in ACCESS:
            status = host.command(*command)[1]
            if life_cycle == state.TERMINATED and state.TERMINATED not in life_cycles:
                assert status == 0x6985, (life_cycle, command)
            elif needs_channel:
                assert status == 0x6982, (life_cycle, command)
            else:
                assert status == 0x9000, (life_cycle, command)
        if life_cycle == state.TERMINATED:
            assert host.command(0x80, 0x50, 0, 0, b"hostchal") == (b"", 0x6985)
            assert host.command(0x80, 0xF0, 0x80, 1) == (b"", 0x6985)
            assert host.command(0x00, 0xA4, 4, 0, b"\xf0DSCPLUS\x01") == (b"", 0x9000)


def test_access_table_in_the_channel():
    for life_cycle in ALL:
        for version in (0x01, 0x0F, 0x10, 0x1F, 0x20, 0x7F):
            _, _, opened = card_in(life_cycle, version)
            channel = opened()
            for command, life_cycles, _, needs_issuer in ACCESS:
                status = channel.command(*command)[1]
                allowed = life_cycle in life_cycles and (version >= 0x20 or not needs_issuer)
                assert (status != 0x6985) == allowed, (life_cycle, version, command, status)


def test_wrong_p1_p2_is_told_before_life_cycle_and_data():
    _, _, opened = card_in(state.CARD_LOCKED, 0x01)
    channel = opened()
    for cla, ins, p1, p2 in (
        (0x00, 0xA4, 0x04, 0x0C),
        (0x00, 0xA4, 0x00, 0x00),
        (0x80, 0xD8, 0x01, 0x01),
        (0x80, 0xE2, 0x80, 0x00),
        (0x80, 0xE2, 0x88, 0x01),
        (0x00, 0x20, 0x00, 0x80),
        (0x00, 0x20, 0x01, 0x81),
        (0x00, 0x88, 0x01, 0x00),
        (0x00, 0x88, 0x00, 0x01),
        (0x80, 0xF0, 0x40, 0x07),
        (0x80, 0x32, 0x01, 0x01),
        (0x80, 0x32, 0x05, 0x00),
        (0x80, 0x32, 0x00, 0x00),
    ):
        assert channel.command(cla, ins, p1, p2) == (b"", 0x6A86), (ins, p1, p2)
    _, _, channel = b.personalised()
    assert channel.command(0x00, 0x2C, 0x01, 0x81) == (b"", 0x6A86)
    assert channel.command(0x00, 0x2C, 0x02, 0x80) == (b"", 0x6A86)


def test_select_takes_the_one_aid():
    host = b.Host(b.Bench())
    aid = b"\xf0DSCPLUS\x01"
    assert host.command(0x00, 0xA4, 4, 0, aid) == (b"", 0x9000)
    for other in (b"", aid[:-1], aid + b"\x00", b"\xf0DSCPLUS\x02"):
        assert host.command(0x00, 0xA4, 4, 0, other) == (b"", 0x6A82)


def get(source, tag):
    return source.command(0x80, 0xCA, tag >> 8, tag & 0xFF)


def test_get_data_of_a_blank_card():
    bench = b.Bench()
    host = b.Host(bench)
    assert get(host, 0x0045) == (b"0000000018", 0x9000)
    information = b"\xc0\x04\x01\x01\x88\x10" + b"\xc0\x04\x02\x01\x88\x10" + b"\xc0\x04\x03\x01\x88\x10"
    assert get(host, 0x00E0) == (information, 0x9000)
    assert get(host, 0x00C1) == (b"\x00\x00\x00", 0x9000)
    assert get(host, 0xDF01) == (b"\x01", 0x9000)
    assert get(host, 0xDF03) == (b"\xff\xff", 0x9000)
    assert get(host, 0xDF05) == (b"\x0b\xb8\x0b\x54", 0x9000)
    assert get(host, 0xDF06) == (b"\x00\x00\x00\x01" + b"\x00" * 16, 0x9000)
    assert get(host, 0xDF08) == (b"\x00\x20", 0x9000)
    assert len(get(host, 0xDF09)[0]) == 8
    assert get(host, 0xDF04)[0]
    for tag in (0xDF02, 0xDF0A, 0xDF0B):
        assert get(host, tag) == (b"", 0x9000)
    for tag in (0xDF07, 0xDF0C):
        assert get(host, tag) == (b"", 0x6982)
    for tag in (0x0000, 0x0046, 0xDF00, 0xDF0D, 0xFFFF):
        assert get(host, tag) == (b"", 0x6A88)


def test_get_data_of_a_personalised_card():
    bench, _, channel = b.issuer_channel(keys=b.ISSUER32)
    channel.set_status(state.INITIALIZED)
    suite = b"OCRA-1:HOTP-SHA1-7:C-QN07-PSHA256"
    check, _ = channel.store_data(
        2, suite, more=b.dgi(0x0102, b"es-419") + b.dgi(0x0103, b"SAMPLE OF 16 CH.")
    )
    assert check == hmac(bench.port, "SHA256", b.SEED, b"\x01" * 16)[:8]
    assert get(channel, 0x00E0)[0][:6] == b"\xc0\x04\x01\x21\x88\x20"
    assert get(channel, 0xDF02) == (b"\x02" + suite, 0x9000)
    assert get(channel, 0xDF03) == (b"\xff\xff", 0x9000)
    assert get(channel, 0xDF07) == (check, 0x9000)
    assert get(channel, 0xDF0A) == (b"es-419", 0x9000)
    assert get(channel, 0xDF0B) == (b"SAMPLE OF 16 CH.", 0x9000)
    assert get(channel, 0xDF0C) == (b"\x00" * 8, 0x9000)
    assert len(channel.respond(b"0000001", b"1234")[0]) == 7
    assert get(channel, 0xDF0C) == (b"\x00" * 7 + b"\x01", 0x9000)
    for tag in TAGS:
        assert get(channel, tag)[1] == 0x9000
    _, _, channel = b.personalised()
    assert get(channel, 0xDF0C) == (b"", 0x9000)  # a suite without C


def test_statistics_come_in_their_order():
    bench, _, channel = b.personalised()
    for _ in range(2):
        bench.type("press", "0042", "OK", "123456", "OK")
    for _ in range(3):
        channel.respond(b"123456")
    for _ in range(4):
        channel.command(0, 0x20, 0, 0x81, b"9999")
    channel.set_status(state.OP_READY)
    assert get(channel, 0xDF06)[0] == b"".join([n.to_bytes(4, "big") for n in (1, 2, 3, 4, 1)])


def test_put_key_in_both_formats_and_both_lengths():
    for keys in (b.ISSUER, b.ISSUER32):
        for with_length in (True, False):
            bench = b.Bench()
            host = b.Host(bench)
            channel = host.open(b.TRANSPORT, 0)
            answer, status = channel.put_key(0x7F, keys, with_length=with_length)
            assert status == 0x9000 and len(answer) == 10 and answer[0] == 0x7F
            assert host.apdu(channel.wrap(0x80, 0xCA, 0xDF, 0x07)) == (b"", 0x6982)  # the channel has ended
            assert b.raises(AssertionError, lambda: host.open(b.TRANSPORT, 0))
            host.init(b"nonce..2")
            restock = host.open(keys, 0x7F)
            assert restock.put_key(0x10, b.TRANSPORT, present=0x7F)[1] == 0x9000
            host.open(b.TRANSPORT, 0x10)


def test_put_key_refuses_and_changes_nothing():
    bench = b.Bench()
    host = b.Host(bench)
    channel = host.open(b.TRANSPORT, 0)
    for version in (0x00, 0x01, 0x0F, 0x80, 0xFF):
        assert channel.put_key(version, b.ISSUER) == (b"", 0x6A80)
    assert channel.put_key(0x20, b.ISSUER, present=0x02) == (b"", 0x6A88)
    assert channel.put_key(0x20, b.ISSUER, present=0x00) == (b"", 0x6A88)
    assert channel.put_key(0x20, b.ISSUER[:2]) == (b"", 0x6A80)
    assert channel.put_key(0x20, b.ISSUER + b.ISSUER[:1]) == (b"", 0x6A80)
    assert channel.put_key(0x20, (b.ISSUER[0], b.ISSUER[1], b.ISSUER32[2])) == (b"", 0x6A80)
    good = []
    wrapped = channel.command
    channel.command = lambda *command: good.append(command[4]) or (b"", 0)
    channel.put_key(0x20, b.ISSUER)
    channel.command = wrapped
    block = good[0]
    for at in (1, 2, 3, 4, 20, 21, 22, 23, len(block) - 1, len(block) - 4):  # tag, lengths, ciphertext, KCV
        changed = block[:at] + bytes([block[at] ^ 0x04]) + block[at + 1 :]
        assert channel.command(0x80, 0xD8, 1, 0x81, changed) == (b"", 0x6A80), at
    for n in range(len(block)):
        assert channel.command(0x80, 0xD8, 1, 0x81, block[:n]) == (b"", 0x6A80), n
    assert channel.command(0x80, 0xD8, 1, 0x81, block + b"\x00") == (b"", 0x6A80)
    assert host.open(b.TRANSPORT, 1).put_key(0x20, b.ISSUER)[1] == 0x9000


def sealed(channel, plain):
    return cmac.cbc_encrypt(channel.port, channel.keys[2], b"\x00" * 16, cmac.pad(plain))


def test_store_data_refuses_and_changes_nothing():
    bench, _, channel = b.issuer_channel()
    channel.set_status(state.INITIALIZED)
    profile, seed = b.dgi(0x0101, b"\x01" + b.SUITE_A), b.dgi(0x8001, channel.sealed_seed())
    before = bench.flash.image()
    for data in (
        b"",
        profile,
        seed,
        profile + seed + b.dgi(0x0104, b""),
        profile + seed + profile,
        profile + seed + b"\x01",
        profile + seed + b"\x01\x02",
        profile + seed + b"\x01\x02\x05en",
        b.dgi(0x0101, b"") + seed,
        b.dgi(0x0101, b"\x00" + b.SUITE_A) + seed,
        b.dgi(0x0101, b"\x03" + b.SUITE_A) + seed,
        b.dgi(0x0101, b"\x01" + b.SUITE_B) + seed,  # P without the server's profile
        b.dgi(0x0101, b"\x02" + b.SUITE_A) + seed,
        b.dgi(0x0101, b"\x01OCRA-1:HOTP-SHA512-8:QN06") + seed,
        b.dgi(0x0101, b"\x01OCRA-1:HOTP-SHA256-8:QA06") + seed,
        b.dgi(0x0101, b"\x01\xff\xfe") + seed,
        profile + b.dgi(0x8001, b""),
        profile + b.dgi(0x8001, channel.sealed_seed()[:-1]),
        profile + b.dgi(0x8001, channel.sealed_seed()[:-16]),
        profile + b.dgi(0x8001, channel.sealed_seed(b"s" * 19)),
        profile + b.dgi(0x8001, channel.sealed_seed(b"s" * 65)),
        profile + b.dgi(0x8001, b"\x00" * 48),
        profile + b.dgi(0x8001, sealed(channel, b"\x1f" + b.SEED)),  # the length byte disagrees
        profile + b.dgi(0x8001, sealed(channel, b"\x21" + b.SEED)),
        profile + seed + b.dgi(0x0103, b"x" * 17),
        profile + seed + b.dgi(0x0103, b"\x07"),
        profile + seed + b.dgi(0x0102, b"x" * 36),
        profile + seed + b.dgi(0x0102, b"\x1f"),
        profile + seed + b.dgi(0x0102, b"\x7f"),
        profile + seed + b.dgi(0x0103, b"\x7f"),
    ):
        assert channel.command(0x80, 0xE2, 0x88, 0, data) == (b"", 0x6A80), data
    assert bench.flash.image() == before


def test_store_data_takes_seeds_of_20_to_64_bytes():
    _, _, channel = b.issuer_channel()
    channel.set_status(state.INITIALIZED)
    for n in (20, 31, 32, 46, 47, 48, 62, 63, 64):
        assert channel.store_data(seed=b"s" * n)[1] == 0x9000
    long_suite = b"OCRA-1:HOTP-SHA256-8:C-QN08-PSHA256"
    more = b.dgi(0x0102, b"x" * 35) + b.dgi(0x0103, b"x" * 16)
    assert channel.store_data(2, long_suite, b"s" * 64, more)[1] == 0x9000


def test_store_data_again_replaces_everything_and_erases_the_pin_but_not_the_quota():
    bench, _, channel = b.personalised(secured=False)
    assert channel.respond(b"123456")[1] == 0x9000
    assert channel.store_data(1, b"OCRA-1:HOTP-SHA1-6:C-QN08", b"t" * 20)[1] == 0x9000
    memory = bench.memory()
    assert memory.get(state.PIN) == b"" and memory.get(state.TRIES_LEFT) == b""
    assert memory.number(state.QUOTA) == 31 and memory.get(state.SEED) == b"t" * 20
    assert get(channel, 0xDF03) == (b"\xff\xff", 0x9000)
    assert channel.respond(b"12345678")[1] == 0x9000
    assert channel.store_data(1, b"OCRA-1:HOTP-SHA1-6:C-QN08", b"t" * 20)[1] == 0x9000
    assert get(channel, 0xDF0C) == (b"\x00" * 8, 0x9000)
    assert channel.set_status(state.SECURED) == 0x6985  # no PIN


def test_internal_authenticate_checks_question_pin_and_seed():
    _, _, channel = b.issuer_channel()
    channel.set_status(state.INITIALIZED)
    assert channel.respond(b"123456") == (b"", 0x6984)
    channel.store_data()
    for question in (b"1234", b"12345", b"123456"):
        assert channel.respond(question)[1] == 0x9000
    for question in (b"", b"123", b"1234567", b"12345a", b"12345\x00", b"-12345", b" 12345"):
        assert channel.respond(question) == (b"", 0x6A80)
    assert channel.respond(b"123456", b"0042") == (b"", 0x6A80)
    for data in (b"", b"\x07123456", b"\x05123456", b"\x06123456\x04", b"\x06123456\x00"):
        assert channel.command(0, 0x88, 0, 0, data) == (b"", 0x6A80)
    _, _, channel = b.personalised(2, b.SUITE_B)
    for pin in (b"", b"004", b"00420", b"004a"):
        assert channel.respond(b"123456", pin) == (b"", 0x6A80)
    assert channel.respond(b"123456", b"0042")[1] == 0x9000


def test_quota_of_32_is_restored_only_by_a_wipe():
    bench, _, channel = b.personalised(secured=False)
    for left in range(31, -1, -1):
        assert channel.respond(b"123456")[1] == 0x9000
        assert bench.memory().number(state.QUOTA) == left
    assert channel.respond(b"123456") == (b"", 0x6985)
    assert channel.store_data()[1] == 0x9000
    assert channel.respond(b"123456") == (b"", 0x6985)
    assert get(channel, 0xDF08) == (b"\x00\x00", 0x9000)
    assert channel.set_status(state.OP_READY) == 0x9000
    assert get(channel, 0xDF08) == (b"\x00\x20", 0x9000)


def test_self_test_battery_and_what_a_broken_primitive_shows():
    bench = b.Bench()
    host = b.Host(bench)
    assert host.command(0x80, 0x32, 1, 0) == (b"\x00", 0x9000)
    assert host.command(0x80, 0x32, 2, 0) == (b"\x0b\xb8\x0b\x54", 0x9000)
    assert host.command(0x80, 0x32, 2, 0, b"x") == (b"", 0x6700)
    read = bench.flash.read
    bench.flash.read = lambda sector, offset, n: bytes([byte ^ 1 for byte in read(sector, offset, n)])
    assert host.command(0x80, 0x32, 1, 0) == (b"\x20", 0x9000)
    bench.flash.read = read
    bench.port.random = lambda n: b"\x00" * n
    assert host.command(0x80, 0x32, 1, 0) == (b"\x10", 0x9000)
    sha1 = bench.port.sha1
    bench.port.sha1 = lambda data: sha1(data + b"!")
    failed = host.command(0x80, 0x32, 1, 0)[0][0]
    assert failed & 0x04 and failed & 0x10 and not failed & 0x03


def test_display_pattern_and_keypad_test_take_the_card_over():
    bench, host, channel = b.personalised()
    host.start(b.MSG, channel.wrap(0x80, 0x32, 3, 0))
    assert bench.card.display() == "88888888"
    seen = set()
    for _ in range(8):
        seen.add(bench.card.display())
        bench.wait(500)
    assert len(seen) == 6
    ((_, _, cmd, answer),) = [got for got in host.heard() if got[2] != b.KEEPALIVE]
    assert cmd == b.MSG and channel.unwrap(answer[:-2], 0x9000) == (b"", 0x9000)
    host.start(b.MSG, channel.wrap(0x80, 0x32, 4, 0))
    assert bench.card.display() == "KEYS  12"
    bench.type("5", "5", "OK", "press")
    assert bench.card.display() == "KEYS   9"
    bench.type("0123456789")
    assert bench.card.next_tick_ms() == 0
    bench.card.tick()
    ((_, _, cmd, answer),) = host.heard()
    assert channel.unwrap(answer[:-2], 0x9000) == (b"5KP012346789", 0x9000)
    assert bench.card.display() == "        "


def test_keypad_test_never_hears_a_pin_half_typed():
    bench, host, channel = b.personalised()
    bench.type("press", "00")
    assert channel.command(0x80, 0x32, 4, 0) == (b"", 0x6985)
    bench.type("42", "OK")
    assert channel.command(0x80, 0x32, 4, 0) == (b"", 0x6985)
    bench.type("123456", "OK")  # a response shows, nobody types
    host.init(b"nonce..2")
    channel = host.open(b.ISSUER, 0)
    host.start(b.MSG, channel.wrap(0x80, 0x32, 4, 0))
    assert bench.card.display() == "KEYS  12"
    cancelled = host.send(host.session, host.seq, b.CANCEL, b"")
    assert cancelled == [(host.session, host.seq, b.ERROR, b"\x7f")]
    assert get(channel, 0xDF01) == (b"\x0f", 0x9000)  # the channel has outlived the cancelled command
