"""SCP03 at the applet: opening, refusing, ending; the sequence counter; delays after failures."""

from dscplus_card import cmac, scp03, state
from dscplus_card.commands_keys import authentication_delay
from dscplus_card.flash import MemoryFlash
from dscplus_card.state import State
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


def sequence(host):
    data, status = host.command(0x80, 0xCA, 0x00, 0xC1)
    assert status == 0x9000
    return int.from_bytes(data, "big")


def test_initialize_update_tells_serial_keys_and_a_pseudo_random_challenge():
    bench = b.Bench()
    host = b.Host(bench)
    answer, status = host.command(0x80, 0x50, 1, 0, CHALLENGE)
    assert status == 0x9000 and len(answer) == 32
    assert answer[:13] == b.SERIAL.encode() + b"\x01\x03\x70"
    assert answer[29:] == b"\x00\x00\x01"
    aid = b"\xf0DSCPLUS\x01"
    assert answer[13:21] == scp03.kdf(bench.port, b.TRANSPORT[0], 2, 64, answer[29:] + aid)


def test_initialize_update_refuses_and_does_not_count():
    host = b.Host(b.Bench())
    before = sequence(host)
    assert host.command(0x80, 0x50, 0x02, 0, CHALLENGE) == (b"", 0x6A88)
    assert host.command(0x80, 0x50, 0x01, 1, CHALLENGE) == (b"", 0x6A86)
    for length in (7, 9, 16):
        assert host.command(0x80, 0x50, 0x01, 0, b"c" * length) == (b"", 0x6700)
    assert host.command(0x80, 0x50, 0x01, 0) == (b"", 0x6700)
    assert sequence(host) == before


def test_sequence_counter_survives_reboot_wipe_and_put_key_and_never_repeats():
    bench, _, channel = b.issuer_channel()
    assert channel.answer[29:] == b"\x00\x00\x02"
    assert channel.set_status(state.INITIALIZED) == 0x9000
    assert channel.set_status(state.OP_READY) == 0x9000
    bench.reboot()
    assert b.Host(bench).open(b.ISSUER, 0).answer[29:] == b"\x00\x00\x03"


def test_sequence_counter_is_in_flash_before_the_answer():
    bench = b.Bench()
    host = b.Host(bench)
    host.command(0x80, 0x50, 0, 0, CHALLENGE)
    assert bench.memory().number(state.SEQUENCE_COUNTER) == 1
    assert bench.memory().number(state.AUTHENTICATION_FAILURES) == 1


def test_sequence_counter_ends_at_ffffff():
    flash = b.blank_flash()
    State(flash).commit({state.SEQUENCE_COUNTER: 0xFFFFFE})
    bench = b.Bench(flash)
    host = b.Host(bench)
    assert host.open(b.TRANSPORT, 0).answer[29:] == b"\xff\xff\xff"
    assert host.command(0x80, 0x50, 0, 0, CHALLENGE) == (b"", 0x6985)
    assert sequence(host) == 0xFFFFFF


def test_external_authenticate_must_follow_and_must_be_right():
    _, host, channel = opened()
    assert channel.command(0x80, 0x82, 0x33, 0, b"\x00" * 16) == (b"", 0x6985)
    host.init(b"nonce..2")
    assert host.command(0x84, 0x82, 0x33, 0, b"\x00" * 16) == (b"", 0x6982)
    assert host.command(0x84, 0x82, 0x33, 0, b"\x00" * 16) == (b"", 0x6982)
    for apdu, status in (
        (b"\x84\x82\x33\x00\x10" + b"\x00" * 16, 0x6982),
        (b"\x80\x82\x33\x00\x10" + b"\x00" * 16, 0x6982),
        (b"\x84\x82\x01\x00\x10" + b"\x00" * 16, 0x6A86),
        (b"\x84\x82\x13\x00\x10" + b"\x00" * 16, 0x6A86),
        (b"\x84\x82\x33\x01\x10" + b"\x00" * 16, 0x6A86),
        (b"\x84\x82\x33\x00\x08" + b"\x00" * 8, 0x6700),
    ):
        host.command(0x80, 0x50, 0, 0, CHALLENGE)
        assert host.apdu(apdu) == (b"", status)


def test_a_command_between_the_two_ends_the_handshake():
    bench = b.Bench()
    host = b.Host(bench)
    host.command(0x80, 0x50, 0, 0, CHALLENGE)
    real = host.apdu

    def intruding(apdu):
        if apdu[1] == 0x82:
            assert real(b"\x80\xca\xdf\x01")[1] == 0x9000
        return real(apdu)

    host.apdu = intruding
    assert b.raises(AssertionError, lambda: host.open(b.TRANSPORT, 0))


def test_a_refused_external_authenticate_ends_the_handshake_whatever_was_wrong():
    for refused in (
        b"\x84\x82\x01\x00\x10" + b"\x00" * 16,  # level
        b"\x84\x82\x33\x01\x10" + b"\x00" * 16,  # P2
        b"\x84\x82\x33\x00\x08" + b"\x00" * 8,
        b"\x80\x82\x33\x00",
        b"\x84\x82\x33",
    ):
        host = b.Host(b.Bench())
        real = host.apdu

        def twice(apdu, real=real, refused=refused):
            if apdu[1] == 0x82:
                assert real(refused)[1] != 0x9000
            return real(apdu)

        host.apdu = twice
        assert b.raises(AssertionError, lambda host=host: host.open(b.TRANSPORT, 0)), refused


def test_flash_that_fails_opens_no_channel():
    bench = b.Bench()
    host = b.Host(bench)
    real, program = host.apdu, bench.flash.program

    def failing(apdu):
        if apdu[1] == 0x82:
            bench.flash.program = lambda sector, offset, data: None
        return real(apdu)

    host.apdu = failing
    assert b.raises(AssertionError, lambda: host.open(b.TRANSPORT, 0))  # 6581
    host.apdu, bench.flash.program = real, program
    assert host.apdu(b"\x84\xca\xdf\x07\x08" + b"\x00" * 8) == (b"", 0x6982)
    assert host.command(*LIFE_CYCLE) == (b"\x01", 0x9000)
    assert bench.memory().number(state.AUTHENTICATION_FAILURES) == 1


def test_session_keys_end_with_their_channel():
    bench, _, channel = opened()
    assert is_open(channel)
    held = [value for value in bench.card._applet.__dict__.values() if isinstance(value, scp03.SecureChannel)]
    assert held
    bench.wait(5000)
    applet = bench.card._applet.__dict__
    assert [name for name, value in applet.items() if isinstance(value, scp03.SecureChannel)] == []


def test_wrong_keys_do_not_open():
    bench = b.Bench()
    host = b.Host(bench)
    assert b.raises(AssertionError, lambda: host.open(b.ISSUER, 0))
    port = bench.port
    answer, _ = host.command(0x80, 0x50, 0, 0, CHALLENGE)
    context = CHALLENGE + answer[13:21]
    s_mac = scp03.kdf(port, b.ISSUER[1], 6, 128, context)
    data = b"\x84\x82\x33\x00\x10" + scp03.kdf(port, s_mac, 1, 64, context)
    assert host.apdu(data + cmac.cmac(port, s_mac, b"\x00" * 16 + data)[:8]) == (b"", 0x6982)


def test_a_wrong_host_cryptogram_under_a_right_mac_does_not_open():
    host = b.Host(b.Bench())
    port = host.bench.port
    answer, _ = host.command(0x80, 0x50, 0, 0, CHALLENGE)
    s_mac = scp03.kdf(port, b.TRANSPORT[1], 6, 128, CHALLENGE + answer[13:21])
    data = b"\x84\x82\x33\x00\x10" + b"\x00" * 8
    assert host.apdu(data + cmac.cmac(port, s_mac, b"\x00" * 16 + data)[:8]) == (b"", 0x6982)


def test_external_authenticate_wants_the_class_of_secure_messaging_though_all_else_is_right():
    for cla, status in ((0x84, 0x9000), (0x04, 0x9000), (0x80, 0x6982), (0x00, 0x6982)):
        host = b.Host(b.Bench())
        port = host.bench.port
        answer, _ = host.command(0x80, 0x50, 0, 0, CHALLENGE)
        context = CHALLENGE + answer[13:21]
        s_mac = scp03.kdf(port, b.TRANSPORT[1], 6, 128, context)
        data = bytes([cla]) + b"\x82\x33\x00\x10" + scp03.kdf(port, s_mac, 1, 64, context)
        assert host.apdu(data + cmac.cmac(port, s_mac, b"\x00" * 16 + data)[:8]) == (b"", status)


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


def test_a_handshake_lapses_too():
    bench = b.Bench()
    host = b.Host(bench)
    real = host.apdu

    def slow(apdu):
        if apdu[1] == 0x82:
            bench.wait(5000)
        return real(apdu)

    host.apdu = slow
    assert b.raises(AssertionError, lambda: host.open(b.TRANSPORT, 0))


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


def test_delay_grows_from_1_s_to_60_s_after_ten_failures_in_a_row():
    delays = [authentication_delay(n) for n in range(20)]
    assert delays == [0] * 10 + [1000, 2000, 4000, 8000, 16000, 32000] + [60000] * 4
    bench = b.Bench()
    host = b.Host(bench)
    for _ in range(10):
        assert len(host.start(b.MSG, b"\x80\x50\x00\x00\x08hostchal")) == 1
    start = bench.port.clock
    assert host.command(0x80, 0x50, 0, 0, CHALLENGE)[1] == 0x9000
    assert bench.port.clock - start == 1000
    bench.reboot()
    host = b.Host(bench)
    start = bench.port.clock
    host.open(b.TRANSPORT, 0)
    assert bench.port.clock - start == 2000
    start = bench.port.clock
    host.open(b.TRANSPORT, 0)
    assert bench.port.clock == start


def test_cancel_stops_a_delay_unexecuted():
    flash = b.blank_flash()
    State(flash).commit({state.AUTHENTICATION_FAILURES: 200})
    bench = b.Bench(flash)
    host = b.Host(bench)
    assert host.start(b.MSG, b"\x80\x50\x00\x00\x08hostchal") == []
    for _ in range(599):
        bench.wait(100)
        assert host.heard() == [(host.session, 1, b.KEEPALIVE, b"\x01")]
    assert host.send(host.session, 1, b.CANCEL, b"") == [(host.session, 1, b.ERROR, b"\x7f")]
    bench.wait(1000)
    assert sequence(host) == 0


def test_pulling_the_plug_in_a_delay_gains_nothing():
    flash = b.blank_flash()
    State(flash).commit({state.AUTHENTICATION_FAILURES: 10})
    bench = b.Bench(flash)
    for _ in range(3):
        b.Host(bench).start(b.MSG, b"\x80\x50\x00\x00\x08hostchal")
        bench.reboot()
    assert bench.memory().number(state.SEQUENCE_COUNTER) == 0
    assert bench.memory().number(state.AUTHENTICATION_FAILURES) == 10


def test_a_blank_flash_is_no_card():
    from dscplus_card.store import NotManufactured

    assert b.raises(NotManufactured, lambda: b.Bench(MemoryFlash(1024, 2)))
