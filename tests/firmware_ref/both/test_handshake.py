"""Opening SCP03 at the applet: the handshake, the sequence counter, delays after failures."""

from dscplus_card import cmac, scp03, state
from dscplus_card.commands_keys import authentication_delay
from dscplus_card.state import State
from tests.firmware_ref.both import bench as b

LIFE_CYCLE = (0x80, 0xCA, 0xDF, 0x01)
CHALLENGE = b"hostchal"


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
    host = b.Host(b.Bench())
    channel = host.open(b.TRANSPORT, 0)
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
