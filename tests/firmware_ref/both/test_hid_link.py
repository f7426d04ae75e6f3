"""The HID link: reports, channels, sequence, lock, timeouts, whatever else may arrive (CTAP 2.1, 11.2.4)."""

from tests.firmware_ref.both import bench as b

SELECT = b"\x00\xa4\x04\x00\x09\xf0DSCPLUS\x01"
INITIALIZE_UPDATE = b"\x80\x50\x00\x00\x08hostchal"
BOUNDARIES = (0, 1, 56, 57, 58, 115, 116, 117, 174, 175, 176, 470, 471, 511, 512)


def ready():
    bench = b.Bench()
    return bench, b.HidHost(bench)


def refused(channel, code):
    return [(channel, b.ERROR, bytes([code]))]


def kept_alive(channel):
    return [(channel, b.KEEPALIVE, b"\x01")]


def winking(bench):
    return bench.card.display() == "* WINK *"


def feed(bench, reports):
    for report in reports:
        bench.card.receive_report(report)


# --- INIT and channels


def test_init_answers_nonce_channel_protocol_2_device_version_and_wink():
    bench, host = ready()
    answer = host.init(b"nonce..2")
    assert len(answer) == 17
    assert answer[12:] == b"\x02\x00\x01\x00\x01"
    assert answer[8:12] not in (b"\x00" * 4, b.BROADCAST)
    assert b.HidHost(bench).session != host.session


def test_init_on_a_channel_keeps_its_number():
    _, host = ready()
    channel = host.session
    answer = host.init(b"nonce..2", channel)
    assert answer[8:12] == channel
    assert host.request(b.PING, b"still") == (b.PING, b"still")


def test_init_of_wrong_length_is_refused_and_changes_nothing():
    _, host = ready()
    secure = host.open(b.TRANSPORT, 0)
    for n in (0, 7, 9, 58, 513):
        for channel in (b.BROADCAST, host.session):
            assert host.send(channel, b.INIT, b"n" * n) == refused(channel, 0x03)
    assert secure.command(0x80, 0xCA, 0xDF, 0x07) == (b"", 0x9000)


def test_channels_never_given_are_refused():
    bench, host = ready()
    old = host.session
    bench.reboot()
    for channel in (old, b"\x00" * 4, b"else", b.BROADCAST):
        for cmd in (b.PING, b.MSG, b.LOCK, b.WINK, 0x10, b.KEEPALIVE, b.ERROR):
            assert host.send(channel, cmd, b"") == refused(channel, 0x0B)
    for channel in (old, b"\x00" * 4, b"else"):
        assert host.send(channel, b.INIT, b"nonce..2") == refused(channel, 0x0B)
        assert host.send(channel, b.CANCEL, b"") == []


def test_killed_clients_do_not_use_up_the_channels():
    _bench, host = ready()
    channels = [host.session]
    for n in range(50):
        channels.append(host.init(b"nonce%3d" % n)[8:12])
    assert len(set(channels)) == 51
    for channel in channels[-8:]:
        assert host.send(channel, b.PING, b"x") == [(channel, b.PING, b"x")]
    for channel in channels[:-8]:
        assert host.send(channel, b.PING, b"x") == refused(channel, 0x0B)


def test_the_channel_longest_unused_is_given_up_first():
    bench, _ = ready()
    hosts = [b.HidHost(bench, b"nonce..%d" % n) for n in range(7)]
    first = b.HidHost(bench)  # the eighth of this list: the one of ready() goes
    hosts.append(first)
    for host in hosts[:0:-1]:
        assert host.request(b.PING, b"used") == (b.PING, b"used")
    hosts[0].init(b"again..1", hosts[0].session)
    for gone in (hosts[7], hosts[6]):
        b.HidHost(bench)
        assert gone.start(b.PING, b"x") == refused(gone.session, 0x0B)
    for host in hosts[:6]:
        assert host.start(b.PING, b"x") == [(host.session, b.PING, b"x")]


def test_a_channel_is_never_0_nor_broadcast_nor_one_that_lives():
    bench, host = ready()
    draws = [b"\x00" * 4, b"\xff" * 4, host.session, b"new."]
    bench.port.random = lambda n: draws.pop(0)
    assert b.HidHost(bench).session == b"new."


def flood(bench):
    for n in range(20):
        b.HidHost(bench, b"flood%3d" % n)


def test_a_channel_in_use_is_never_given_up():
    bench, host = ready()
    secure = host.open(b.TRANSPORT, 0)
    flood(bench)
    assert secure.command(0x80, 0xCA, 0xDF, 0x07) == (b"", 0x9000)
    bench.wait(5000)

    assert host.request(b.LOCK, b"\x0a") == (b.LOCK, b"")
    flood(bench)
    assert host.request(b.LOCK, b"\x00") == (b.LOCK, b"")

    first, second = b.reports(host.session, b.PING, b"p" * 60)
    feed(bench, [first])
    flood(bench)
    feed(bench, [second])
    assert host.heard() == [(host.session, b.PING, b"p" * 60)]

    assert host.start(b.WINK, b"") == []
    flood(bench)
    bench.wait(3000)
    assert (host.session, b.WINK, b"") in host.heard()


# --- messages


def test_ping_echoes_every_length():
    _, host = ready()
    for n in BOUNDARIES:
        payload = bytes([at % 251 for at in range(n)])
        assert host.request(b.PING, payload) == (b.PING, payload)


def test_msg_executes_an_apdu():
    _, host = ready()
    assert host.apdu(SELECT) == (b"", 0x9000)
    assert host.command(0x80, 0xCA, 0x00, 0x45) == (b.SERIAL.encode(), 0x9000)


def test_unknown_commands_and_wrong_lengths_are_refused():
    _, host = ready()
    for cmd in (0x00, 0x02, 0x10, b.KEEPALIVE, b.ERROR, 0x7F):
        assert host.request(cmd, b"x" * 60) == (b.ERROR, b"\x01")
    assert host.request(b.WINK, b"x") == (b.ERROR, b"\x03")
    assert host.request(b.LOCK, b"") == (b.ERROR, b"\x03")
    assert host.request(b.LOCK, b"\x01\x01") == (b.ERROR, b"\x03")
    assert host.request(b.LOCK, b"\x0b") == (b.ERROR, b"\x02")


def test_a_message_longer_than_the_limit_is_refused_once():
    bench, host = ready()
    for n in (513, 7609):
        assert host.start(b.MSG, b"x" * n) == refused(host.session, 0x03)
    feed(bench, [host.session + b"\x83\xff\xff" + b"x" * 57])
    assert host.heard() == refused(host.session, 0x03)
    assert host.request(b.PING, b"next") == (b.PING, b"next")


def test_a_report_of_wrong_length_is_no_report():
    bench, host = ready()
    (report,) = b.reports(host.session, b.PING, b"x")
    for wrong in (
        b"",
        b"\x00",
        report[:4],
        report[:5],
        report[:7],
        report[:63],
        report + b"\x00",
        b"\x00" + report,
    ):
        feed(bench, [wrong])
        assert host.heard() == []
    first, second = b.reports(host.session, b.PING, b"p" * 60)
    feed(bench, [first, b"", second[:63], second + b"\x00", second])
    assert host.heard() == [(host.session, b.PING, b"p" * 60)]


def test_a_continuation_without_its_start_is_ignored():
    bench, host = ready()
    other = b.HidHost(bench)
    for sequence in (0, 1, 0x7F):
        for channel in (host.session, b"else", b"\x00" * 4, b.BROADCAST):
            feed(bench, [channel + bytes([sequence]) + b"x" * 59])
            assert host.heard() == []
    first, second = b.reports(host.session, b.PING, b"p" * 60)
    feed(bench, [first, other.session + second[4:], second])
    assert host.heard() == [(host.session, b.PING, b"p" * 60)]


def test_a_wrong_sequence_number_ends_the_message():
    bench, host = ready()
    reports = b.reports(host.session, b.MSG, b"x" * 200)
    for wrong in (reports[:1] + reports[2:], reports[:2] + reports[1:], reports[:1] + reports[:0:-1]):
        feed(bench, wrong)
        assert host.heard() == refused(host.session, 0x04)
    assert host.request(b.PING, b"next") == (b.PING, b"next")


def test_a_start_within_a_message_ends_it():
    bench, host = ready()
    feed(bench, b.reports(host.session, b.MSG, b"x" * 60)[:1])
    assert host.start(b.PING, b"x") == refused(host.session, 0x04)
    assert host.start(b.PING, b"x") == [(host.session, b.PING, b"x")]


def test_init_within_a_message_drops_it():
    bench, host = ready()
    reports = b.reports(host.session, b.PING, b"x" * 60)
    feed(bench, reports[:1])
    host.init(b"nonce..2", host.session)
    feed(bench, reports[1:])
    bench.wait(1000)
    assert host.heard() == []


def test_a_message_whose_reports_cease_for_500_ms_is_given_up():
    bench, host = ready()
    reports = b.reports(host.session, b.PING, b"x" * 200)
    for report in reports[:-1]:
        feed(bench, [report])
        assert bench.card.next_tick_ms() == 500
        bench.wait(499)
        assert host.heard() == []
    bench.wait(1)
    assert host.heard() == refused(host.session, 0x05)
    feed(bench, reports[-1:])
    assert host.heard() == []
    assert bench.card.next_tick_ms() is None
    assert host.request(b.PING, b"next") == (b.PING, b"next")


def test_a_late_report_finds_its_message_given_up_even_without_a_tick():
    bench, host = ready()
    first, second = b.reports(host.session, b.PING, b"x" * 60)
    feed(bench, [first])
    bench.port.clock += 500
    feed(bench, [second])
    assert host.heard() == refused(host.session, 0x05)


def test_another_channel_is_busy_while_a_message_is_received():
    bench, host = ready()
    other = b.HidHost(bench)
    first, second = b.reports(host.session, b.PING, b"p" * 60)
    feed(bench, [first])
    for cmd in (b.PING, b.MSG, b.WINK, b.LOCK, 0x10):
        assert other.start(cmd, b"x" * 100) == refused(other.session, 0x06)
    assert other.start(b.CANCEL, b"") == []
    other.init(b"nonce..3", other.session)
    other.init(b"nonce..4")
    feed(bench, [second])
    assert host.heard() == [(host.session, b.PING, b"p" * 60)]


# --- work


def test_wink_blinks_with_keepalives_every_100_ms_and_answers():
    bench, host = ready()
    assert host.start(b.WINK, b"") == []
    assert winking(bench)
    bench.wait(99)
    assert host.heard() == []
    bench.wait(1)
    assert host.heard() == kept_alive(host.session)
    for _ in range(28):
        bench.wait(100)
        assert host.heard() == kept_alive(host.session)
    bench.wait(100)
    assert host.heard()[-1] == (host.session, b.WINK, b"")
    assert not winking(bench) and bench.card.next_tick_ms() is None


def test_everything_but_init_and_cancel_is_busy_while_a_request_is_at_work():
    bench, host = ready()
    other = b.HidHost(bench)
    host.start(b.WINK, b"")
    for one in (host, other):
        for cmd in (b.PING, b.MSG, b.WINK, b.LOCK):
            assert one.start(cmd, b"x" * 60) == refused(one.session, 0x06)
    other.init(b"nonce..3", other.session)
    other.init(b"nonce..4")
    assert other.start(b.CANCEL, b"") == []
    assert winking(bench)
    assert host.start(b.CANCEL, b"") == refused(host.session, 0x7F)
    assert not winking(bench)
    assert host.start(b.CANCEL, b"") == []
    assert other.request(b.PING, b"now") == (b.PING, b"now")


def test_init_on_the_channel_at_work_ends_the_work():
    bench, host = ready()
    host.start(b.WINK, b"")
    bench.wait(100)
    answer = host.session
    feed(bench, b.reports(answer, b.INIT, b"nonce..2"))
    ((channel, cmd, _),) = host.heard()  # the keepalive that waited is no longer wanted
    assert (channel, cmd) == (answer, b.INIT)
    assert not winking(bench)
    bench.wait(4000)
    assert host.heard() == []
    assert host.request(b.PING, b"next") == (b.PING, b"next")


def test_init_takes_back_what_waits_for_its_channel_alone():
    bench, host = ready()
    other = b.HidHost(bench)
    for one in (host, other):
        feed(bench, b.reports(one.session, b.PING, b"x" * 100))
    feed(bench, b.reports(host.session, b.INIT, b"nonce..2"))
    assert [got[:2] for got in host.heard()] == [(other.session, b.PING), (host.session, b.INIT)]


def test_keepalives_do_not_pile_up():
    bench, host = ready()
    host.start(b.WINK, b"")
    bench.wait(3000)
    assert host.heard() == kept_alive(host.session) + [(host.session, b.WINK, b"")]


# --- lock


def test_lock_shuts_other_channels_and_the_serial_link_out():
    bench, host = ready()
    other, serial = b.HidHost(bench), b.Host(bench)
    assert host.request(b.LOCK, b"\x02") == (b.LOCK, b"")
    for cmd in (b.PING, b.MSG, b.WINK, b.LOCK):
        assert other.start(cmd, b"") == refused(other.session, 0x06)
    assert serial.request(b.MSG, SELECT) == (b.ERROR, b"\x06")
    assert serial.request(b.WINK, b"") == (b.ERROR, b"\x06")
    assert host.apdu(SELECT) == (b"", 0x9000)
    bench.wait(1999)
    assert other.start(b.MSG, SELECT) == refused(other.session, 0x06)
    bench.wait(1)
    assert other.apdu(SELECT) == (b"", 0x9000)
    assert serial.apdu(SELECT) == (b"", 0x9000)


def test_lock_is_renewed_and_released_by_its_holder_and_by_init():
    bench, host = ready()
    other = b.HidHost(bench)
    host.request(b.LOCK, b"\x0a")
    bench.wait(9000)
    host.request(b.LOCK, b"\x0a")
    bench.wait(9000)
    assert other.start(b.MSG, SELECT) == refused(other.session, 0x06)
    host.request(b.LOCK, b"\x00")
    assert other.apdu(SELECT) == (b"", 0x9000)
    host.request(b.LOCK, b"\x0a")
    host.init(b"nonce..2", host.session)
    assert other.apdu(SELECT) == (b"", 0x9000)


def test_lock_is_not_given_away_from_a_secure_channel_or_from_work():
    bench, _host = ready()
    other, serial = b.HidHost(bench), b.Host(bench)
    secure = serial.open(b.TRANSPORT, 0)
    assert other.request(b.LOCK, b"\x0a") == (b.ERROR, b"\x06")
    assert secure.command(0x80, 0xCA, 0xDF, 0x07) == (b"", 0x9000)
    bench.wait(5000)
    serial.start(b.WINK, b"")
    assert other.request(b.LOCK, b"\x0a") == (b.ERROR, b"\x06")
    bench.wait(3000)
    assert other.request(b.LOCK, b"\x01") == (b.LOCK, b"")


# --- memory


def test_a_host_that_never_reads_costs_bounded_memory():
    bench, host = ready()
    for _ in range(100):
        feed(bench, b.reports(host.session, b.PING, b"\x55" * 512))
    count = 0
    while bench.card.transmit_report():
        count += 1
    assert count <= 64
    assert host.request(b.PING, b"alive") == (b.PING, b"alive")
