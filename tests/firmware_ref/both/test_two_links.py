"""Serial and HID at one card: whose turn it is, and whose secure channel (protocol.md, 2.8 and 14)."""

from tests.firmware_ref.both import bench as b

SELECT = b"\x00\xa4\x04\x00\x09\xf0DSCPLUS\x01"
COUNTER = b"\x80\xca\x00\xc1"
CHECK_VALUE = (0x80, 0xCA, 0xDF, 0x07)
BUSY = (b.ERROR, b"\x06")
DONE = (b"", 0x9000)


def all_three():
    """A bench; two HID clients and a serial host."""
    bench = b.Bench()
    return bench, b.HidHost(bench), b.HidHost(bench), b.Host(bench)


def test_a_command_at_work_keeps_every_other_session_out():
    bench, host, other, serial = all_three()
    assert host.start(b.WINK, b"") == []
    assert serial.request(b.MSG, SELECT) == BUSY
    assert serial.request(b.WINK, b"") == BUSY
    assert serial.request(b.PING, b"x") == (b.PING, b"x")
    assert other.request(b.MSG, SELECT) == BUSY
    bench.wait(3000)
    host.heard()
    assert serial.start(b.WINK, b"") == []
    assert host.request(b.MSG, SELECT) == BUSY
    assert host.request(b.PING, b"x") == (b.PING, b"x")
    assert serial.send(serial.session, serial.seq, b.CANCEL, b"")[0][2:] == (b.ERROR, b"\x7f")
    assert host.apdu(SELECT) == DONE


def test_busy_on_the_serial_link_is_the_answer_of_its_repeats_too():
    bench, host, _, serial = all_three()
    host.start(b.WINK, b"")
    busy = serial.start(b.MSG, b"\x80\x50\x00\x00\x08hostchal")
    bench.wait(3000)
    assert serial.send(serial.session, serial.seq, b.MSG, b"\x80\x50\x00\x00\x08hostchal") == busy
    assert serial.apdu(COUNTER) == (b"\x00\x00\x00", 0x9000)


def test_answers_go_to_the_link_that_asked():
    bench, host, _, serial = all_three()
    host.start(b.WINK, b"")
    bench.wait(3000)
    assert serial.heard() == [] and host.heard()[-1] == (host.session, b.WINK, b"")
    serial.start(b.WINK, b"")
    bench.wait(3000)
    assert host.heard() == [] and serial.heard()[-1][2] == b.WINK


def test_msg_in_another_session_is_busy_while_a_secure_channel_is_open():
    for holder in range(3):
        _bench, *hosts = all_three()
        owner = hosts.pop(holder)
        secure = owner.open(b.TRANSPORT, 0)
        for other in hosts:
            assert other.request(b.MSG, SELECT) == BUSY
            assert other.request(b.MSG, secure.wrap(*CHECK_VALUE)) == BUSY
            assert other.request(b.WINK, b"") == BUSY
            assert other.request(b.PING, b"x") == (b.PING, b"x")
            secure = owner.open(b.TRANSPORT, 0)  # the wrapped copy above has moved the host's counter on
            assert secure.command(*CHECK_VALUE) == DONE


def test_a_handshake_is_not_broken_by_another_session():
    bench, host, other, serial = all_three()
    host.apdu(b"\x80\x50\x00\x00\x08hostchal")
    assert other.request(b.MSG, SELECT) == BUSY
    assert serial.request(b.MSG, SELECT) == BUSY
    bench.wait(5000)
    assert other.apdu(SELECT) == DONE


def test_a_killed_clients_channel_lapses_after_5_s():
    for holder in range(3):
        bench, *hosts = all_three()
        owner = hosts.pop(holder)
        secure = owner.open(b.TRANSPORT, 0)
        bench.wait(4999)
        for other in hosts:
            assert other.request(b.MSG, SELECT) == BUSY
        bench.wait(1)
        for other in hosts:
            assert other.apdu(SELECT) == DONE
        assert owner.apdu(secure.wrap(*CHECK_VALUE)) == (b"", 0x6982)


def test_a_channel_has_lapsed_even_before_the_tick_that_is_due():
    bench, host, other, _ = all_three()
    host.open(b.TRANSPORT, 0)
    bench.port.clock += 5000
    assert other.apdu(SELECT) == DONE


def test_plain_commands_that_end_the_channel_let_the_others_in():
    _, host, other, serial = all_three()
    host.open(b.TRANSPORT, 0)
    assert host.apdu(SELECT) == DONE
    assert other.apdu(SELECT) == DONE
    assert serial.apdu(SELECT) == DONE


def test_init_on_the_own_channel_ends_the_secure_channel():
    _, host, other, _ = all_three()
    secure = host.open(b.TRANSPORT, 0)
    host.init(b"nonce..2", host.session)
    assert other.apdu(SELECT) == DONE
    assert host.apdu(secure.wrap(*CHECK_VALUE)) == (b"", 0x6982)


def test_init_forgets_the_secure_channel_at_once():
    for holder in range(3):
        bench, *hosts = all_three()
        owner = hosts.pop(holder)
        owner.open(b.TRANSPORT, 0)
        assert bench.card.next_tick_ms() == 5000
        if isinstance(owner, b.HidHost):
            owner.init(b"nonce..2", owner.session)
        else:
            owner.init(b"nonce..2")
        assert bench.card.next_tick_ms() is None
        for other in hosts:
            assert other.apdu(SELECT) == DONE


def test_serial_init_that_waits_for_work_ends_the_secure_channel_after_it():
    bench, host, _, serial = all_three()
    secure = serial.open(b.TRANSPORT, 0)
    assert serial.start(b.MSG, secure.wrap(0x80, 0x32, 3, 0)) == []
    bench.card.receive(b.frame(b"\x00" * 4, 0, b.INIT, b"nonce..2"))
    assert host.request(b.MSG, SELECT) == BUSY
    bench.wait(4000)
    assert bench.card.next_tick_ms() is None
    assert host.apdu(SELECT) == DONE


def test_a_command_that_comes_with_its_init_is_served():
    bench, _, _, serial = all_three()
    serial.open(b.TRANSPORT, 0)
    bench.port.random = lambda n: b"new."
    init = b.frame(b"\x00" * 4, 0, b.INIT, b"nonce..2")
    bench.card.receive(init + b.frame(b"new.", 1, b.MSG, SELECT))
    assert serial.heard()[1] == (b"new.", 1, b.MSG, b"\x90\x00")


def test_init_elsewhere_ends_nobodys_secure_channel():
    _, host, other, serial = all_three()
    secure = host.open(b.TRANSPORT, 0)
    serial.init(b"nonce..2")
    other.init(b"nonce..3")
    other.init(b"nonce..4", other.session)
    assert secure.command(*CHECK_VALUE) == DONE
    host.apdu(SELECT)
    secure = serial.open(b.TRANSPORT, 0)
    host.init(b"nonce..5", host.session)
    assert secure.command(*CHECK_VALUE) == DONE


def test_init_elsewhere_stops_nobodys_work():
    bench, host, other, serial = all_three()
    host.start(b.WINK, b"")
    serial.init(b"nonce..2")
    other.init(b"nonce..3", other.session)
    bench.wait(3000)
    assert host.heard()[-1] == (host.session, b.WINK, b"")
    serial.start(b.WINK, b"")
    host.init(b"nonce..4", host.session)
    bench.wait(3000)
    assert serial.heard()[-1][2:] == (b.WINK, b"")


def test_init_within_the_delay_of_an_authentication_gains_nothing():
    bench, host, _, _ = all_three()
    for _ in range(10):
        host.apdu(b"\x80\x50\x00\x00\x08hostchal")
    assert host.start(b.MSG, b"\x80\x50\x00\x00\x08hostchal") == []
    host.init(b"nonce..2", host.session)
    bench.wait(60000)
    assert host.heard() == []
    assert host.apdu(COUNTER) == (b"\x00\x00\x0a", 0x9000)
    assert host.start(b.MSG, b"\x80\x50\x00\x00\x08hostchal") == []


def test_the_card_is_personalised_over_hid():
    bench = b.Bench()
    host = b.HidHost(bench)
    secure = host.open(b.TRANSPORT, 0)
    assert secure.put_key(b.ISSUER_VERSION, b.ISSUER)[1] == 0x9000
    secure = host.open(b.ISSUER, b.ISSUER_VERSION)
    assert secure.set_status(0x07) == 0x9000
    assert secure.store_data()[1] == 0x9000
    assert secure.command(0, 0x2C, 2, 0x81, b.PIN) == DONE
    assert len(secure.respond(b"123456")[0]) == 8
    assert secure.set_status(0x0F) == 0x9000
    assert bench.memory().get(2) == b"\x0f"
