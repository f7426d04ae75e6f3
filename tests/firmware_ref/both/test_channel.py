"""SCP03 at the applet, once it is open: refusing, ending."""

from dscplus_card import cmac, scp03
from dscplus_card.flash import MemoryFlash
from tests.firmware_ref.both import bench as b

LIFE_CYCLE = (0x80, 0xCA, 0xDF, 0x01)
CHECK_VALUE = (0x80, 0xCA, 0xDF, 0x07)
CHALLENGE = b"hostchal"
SELECT = b"\x00\xa4\x04\x00\x09\xf0DSCPLUS\x01"


def opened():
    bench = b.Bench()
    host = b.Host(bench)
    return bench, host, host.open(b.TRANSPORT, 0)


def is_open(channel):
    return channel.command(*CHECK_VALUE) == (b"", 0x9000)


def test_session_keys_end_with_their_channel():
    bench, _, channel = opened()
    assert is_open(channel)
    held = [value for value in bench.card._applet.__dict__.values() if isinstance(value, scp03.SecureChannel)]
    assert held
    bench.wait(5000)
    applet = bench.card._applet.__dict__
    assert [name for name, value in applet.items() if isinstance(value, scp03.SecureChannel)] == []


def test_plain_select_and_initialize_update_end_the_channel_and_execute():
    for apdu, length in ((SELECT, 0), (b"\x80\x50\x00\x00\x08hostchal", 32)):
        _, host, channel = opened()
        data, status = host.apdu(apdu)
        assert (len(data), status) == (length, 0x9000)
        assert host.apdu(channel.wrap(*LIFE_CYCLE)) == (b"", 0x6982)


def test_any_other_plain_command_ends_the_channel_unexecuted():
    for command in (LIFE_CYCLE, (0x80, 0x32, 1, 0), (0x00, 0x99, 0, 0), (0x00, 0x82, 0x33, 0)):
        _, host, channel = opened()
        assert host.command(*command) == (b"", 0x6982)
        assert host.apdu(channel.wrap(*LIFE_CYCLE)) == (b"", 0x6982)
        assert host.command(*LIFE_CYCLE) == (b"\x01", 0x9000)


def test_bad_mac_padding_length_or_class_close_the_channel():
    _, host, channel = opened()
    good = channel.wrap(*CHECK_VALUE)
    unpadded = cmac.cbc_encrypt(host.bench.port, channel.s_enc, b"\x00" * 16, b"\x11" * 16)
    for make, status in (
        (lambda c: good[:-1] + bytes([good[-1] ^ 1]), 0x6982),
        (lambda c: good[:4] + b"\x07" + good[5:12], 0x6982),
        (lambda c: b"\x84\xca\xdf\x07", 0x6982),
        (lambda c: c.mac(b"\x84\xe2\x88\x00", unpadded), 0x6982),
        (lambda c: c.mac(b"\x84\xe2\x88\x00", b"\x00" * 15), 0x6982),
        (lambda c: c.wrap(*CHECK_VALUE)[:-1], 0x6700),
        (lambda c: c.wrap(*CHECK_VALUE) + b"\x00\x00", 0x6700),
        (lambda c: b"\x84\xca\xdf", 0x6700),
        (lambda c: c.mac(b"\x94\xca\xdf\x07", b""), 0x6E00),
        (lambda c: c.mac(b"\x0c\xca\xdf\x07", b""), 0x6E00),
    ):
        _, host, channel = opened()
        assert host.apdu(make(channel)) == (b"", status)
        assert host.apdu(channel.wrap(*CHECK_VALUE)) == (b"", 0x6982)


def test_later_errors_leave_the_channel_open_with_chain_and_counter_advanced():
    _, _, channel = opened()
    for command, status in (
        ((0x80, 0x99, 0, 0), 0x6D00),
        ((0x80, 0xE2, 0x88, 1), 0x6A86),
        ((0x80, 0xE2, 0x88, 0), 0x6985),
        ((0x80, 0xCA, 0xDF, 0x99), 0x6A88),
        ((0x80, 0xCA, 0xDF, 0x07, b"data"), 0x6700),
        ((0x80, 0xA4, 4, 0, b"other"), 0x6A82),
        ((0x80, 0x50, 0, 0, CHALLENGE), 0x6985),
    ):
        assert channel.command(*command) == (b"", status)
        assert is_open(channel)


def test_a_replayed_command_is_refused():
    _, host, channel = opened()
    wrapped = channel.wrap(*CHECK_VALUE)
    assert host.apdu(wrapped)[1] == 0x9000
    assert host.apdu(wrapped) == (b"", 0x6982)


def test_encrypted_nothing_counts_as_no_data_as_stock_clients_send_it():
    _, host, channel = opened()
    channel.counter += 1
    icv = host.bench.port.aes_encrypt_block(channel.s_enc, channel.counter.to_bytes(16, "big"))
    nothing = cmac.cbc_encrypt(host.bench.port, channel.s_enc, icv, cmac.pad(b""))
    assert channel.unwrap(*host.apdu(channel.mac(b"\x84\xca\xdf\x01", nothing))) == (b"\x01", 0x9000)
    assert is_open(channel)


def test_le_is_ignored_and_classes_00_and_80_are_one():
    _, host, channel = opened()
    assert channel.unwrap(*host.apdu(channel.wrap(*CHECK_VALUE) + b"\x00")) == (b"", 0x9000)
    assert channel.command(0x00, 0xCA, 0xDF, 0x01) == (b"\x01", 0x9000)
    host.apdu(SELECT)
    assert host.apdu(SELECT + b"\x00") == (b"", 0x9000)
    assert host.apdu(b"\x00\xca\xdf\x01\x00") == (b"\x01", 0x9000)
    assert host.apdu(b"\x80\xca\xdf\x01") == (b"\x01", 0x9000)


def test_extended_length_chaining_and_stray_bytes_are_refused():
    bench = b.Bench()
    host = b.Host(bench)
    for apdu, status in (
        (b"", 0x6700),
        (b"\x80", 0x6700),
        (b"\x80\xca\xdf", 0x6700),
        (b"\x00\xa4\x04\x00\x00\x00\x09\xf0DSCPLUS\x01", 0x6700),
        (b"\x80\xca\xdf\x01\x00\x00\x00", 0x6700),
        (b"\x00\xa4\x04\x00\x0a\xf0DSCPLUS\x01", 0x6700),
        (SELECT + b"\x00\x00", 0x6700),
        (b"\x10\xa4\x04\x00\x09\xf0DSCPLUS\x01", 0x6E00),
        (b"\x01\xa4\x04\x00\x09\xf0DSCPLUS\x01", 0x6E00),
        (b"\xc0\xca\xdf\x01", 0x6E00),
        (b"\xff\xca\xdf\x01", 0x6E00),
        (b"\x84\xca\xdf\x01", 0x6982),
        (b"\x04\xca\xdf\x01", 0x6982),
        (b"\x80\x99\x00\x00", 0x6D00),
    ):
        assert host.apdu(apdu) == (b"", status), apdu
    assert host.apdu(b"\xff" * 512) == (b"", 0x6700)


def test_a_channel_lapses_after_5_s_without_a_message():
    for wait, status in ((4999, 0x9000), (5000, 0x6982)):
        bench, host, channel = opened()
        bench.wait(wait)
        assert host.apdu(channel.wrap(*CHECK_VALUE))[1] == status
    bench, host, channel = opened()
    bench.port.clock += 5000  # the command comes before the card's next tick
    assert host.apdu(channel.wrap(*CHECK_VALUE)) == (b"", 0x6982)
    bench, _, channel = opened()
    for _ in range(4):
        bench.wait(4000)
        assert is_open(channel)


def test_a_long_command_does_not_let_its_own_channel_lapse():
    bench, _, channel = opened()
    assert channel.command(0x80, 0x32, 4, 0) == (b"", 0x9000)  # nobody presses a key for 30 s
    assert bench.port.clock > 30000 and is_open(channel)


def test_a_long_command_that_is_cancelled_does_not_either():
    bench, host, channel = opened()
    host.start(b.MSG, channel.wrap(0x80, 0x32, 4, 0))
    bench.wait(20000)
    assert host.send(host.session, host.seq, b.CANCEL, b"")[-1][3] == b"\x7f"
    bench.wait(4999)
    assert is_open(channel)


def test_a_blank_flash_is_no_card():
    from dscplus_card.store import NotManufactured

    assert b.raises(NotManufactured, lambda: b.Bench(MemoryFlash(1024, 2)))
