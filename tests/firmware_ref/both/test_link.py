"""The serial link: frames, sessions, repeats, keepalives, and whatever else may arrive."""

from dscplus_card import frames
from tests.firmware_ref.both import bench as b

NO_SESSION = b"\x00" * 4
SELECT = b"\x00\xa4\x04\x00\x09\xf0DSCPLUS\x01"
SEQUENCE_COUNTER = b"\x80\xca\x00\xc1"
INITIALIZE_UPDATE = b"\x80\x50\x00\x00\x08hostchal"


def error(code):
    return b.ERROR, bytes([code])


def refused(session, seq, code):
    return [(session, seq, b.ERROR, bytes([code]))]


def ready():
    bench = b.Bench()
    return bench, b.Host(bench)


def test_cobs_agrees_with_the_slow_way_at_every_boundary():
    for n in (0, 1, 2, 252, 253, 254, 255, 256, 507, 508, 509, 510, 511, 512):
        for payload in (b"\x01" * n, b"\x00" * n, b"\x01" * n + b"\x00", b"\x00" + b"\x01" * n):
            payload = payload[:512]
            encoded = frames.encode(b"SESS", 7, b.PING, payload)
            assert encoded == b.frame(b"SESS", 7, b.PING, payload)
            assert encoded[0] == 0 and encoded[-1] == 0 and len(encoded) <= 527 and 0 not in encoded[1:-1]
            frame = frames.decode(encoded[1:-1])
            assert (frame.session, frame.seq, frame.cmd, frame.payload) == (b"SESS", 7, b.PING, payload)


def test_frames_too_long_too_short_or_wrong_are_dropped_in_silence():
    bench, host = ready()
    good = b.frame(host.session, 1, b.PING, b"hello")
    bad = [
        b.frame(host.session, 1, b.PING, b"\x01" * 513),
        b.frame(host.session, 1, b.PING, b"")[:-6] + b"\x00",
        b"\x00" + b"\x01" * 9 + b"\x00",
        b"\x00\xff\x00",
        b"\x00" * 50,
        b"\x00" + b"\xaa" * 5000 + b"\x00",
    ]
    for at in range(1, len(good) - 1):
        bad.append(good[:at] + bytes([good[at] ^ 0x40]) + good[at + 1 :])
    for data in bad:
        bench.card.receive(data)
        assert bench.card.transmit() == b""
    assert host.request(b.PING, b"hello") == (b.PING, b"hello")


def test_a_frame_may_come_in_any_pieces_and_share_its_zeros():
    bench, host = ready()
    data = b.frame(host.session, 1, b.PING, b"one")[:-1] + b.frame(host.session, 2, b.PING, b"\x00two")
    for at in range(len(data)):
        bench.card.receive(data[at : at + 1])
    assert [one[3] for one in host.heard()] == [b"one", b"\x00two"]


def test_ping_echoes_every_length():
    _, host = ready()
    for n in (0, 1, 255, 256, 511, 512):
        assert host.request(b.PING, b"\xa5" * n) == (b.PING, b"\xa5" * n)


def test_init_answers_nonce_session_version_boot_id_capabilities():
    bench, host = ready()
    answer = host.init(b"nonce..2")
    assert len(answer) == 22 and answer[12] == 1 and answer[21] == 0
    assert answer[8:12] != NO_SESSION
    assert host.command(0x80, 0xCA, 0xDF, 0x09) == (answer[13:21], 0x9000)
    bench.reboot()
    again = b.Host(bench).init(b"nonce..2")
    assert again[13:21] != answer[13:21]


def test_a_late_copy_of_init_changes_nothing():
    _, host = ready()
    first = host.init(b"nonce..9")
    channel = host.open(b.TRANSPORT, 0)
    assert host.send(NO_SESSION, 0, b.INIT, b"nonce..9") == [(NO_SESSION, 0, b.INIT, first)]
    assert channel.command(0x80, 0xCA, 0xDF, 0x07) == (b"", 0x9000)


def test_another_init_ends_session_and_secure_channel():
    _, host = ready()
    channel = host.open(b.TRANSPORT, 0)
    old = host.session
    host.init(b"nonce..3")
    assert host.session != old
    assert host.send(old, 1, b.PING, b"") == refused(old, 1, 0x0B)
    assert host.apdu(channel.wrap(0x80, 0xCA, 0xDF, 0x07)) == (b"", 0x6982)


def test_init_of_wrong_length_or_in_a_session_is_refused():
    _, host = ready()
    for n in (0, 7, 9):
        assert host.send(NO_SESSION, 0, b.INIT, b"n" * n) == refused(NO_SESSION, 0, 0x03)
    assert host.send(NO_SESSION, 1, b.INIT, b"n" * 8) == refused(NO_SESSION, 1, 0x0B)
    assert host.send(host.session, 1, b.INIT, b"n" * 8) == refused(host.session, 1, 0x0B)
    assert host.request(b.PING, b"still") == (b.PING, b"still")


def test_requests_without_a_session_are_refused():
    bench = b.Bench()
    host = b.Host(bench)
    bench.reboot()
    for session in (NO_SESSION, host.session, b"\xff" * 4):
        assert host.send(session, 1, b.MSG, SELECT) == refused(session, 1, 0x0B)


def test_sequence_first_next_wrap_and_everything_else():
    _, host = ready()
    for seq in (0, 2, 255):
        assert host.send(host.session, seq, b.PING, b"") == refused(host.session, seq, 0x04)
    for n in range(1, 258):
        assert host.request(b.PING, bytes([n % 256])) == (b.PING, bytes([n % 256]))
    assert host.seq == 1
    for seq in (3, 0, 255, 200):
        assert host.send(host.session, seq, b.PING, b"") == refused(host.session, seq, 0x04)


def test_a_repeat_is_answered_and_not_executed():
    _, host = ready()
    first = host.start(b.MSG, INITIALIZE_UPDATE)
    for _ in range(5):
        assert host.send(host.session, host.seq, b.MSG, INITIALIZE_UPDATE) == first
    assert host.apdu(SEQUENCE_COUNTER) == (b"\x00\x00\x01", 0x9000)
    assert host.start(b.MSG, INITIALIZE_UPDATE) != first


def test_the_same_seq_with_other_bytes_is_refused():
    _, host = ready()
    host.request(b.MSG, SELECT)
    for payload in (INITIALIZE_UPDATE, b"", SELECT + b"\x00"):
        assert host.send(host.session, host.seq, b.MSG, payload) == refused(host.session, host.seq, 0x04)
    assert host.apdu(SEQUENCE_COUNTER) == (b"\x00\x00\x00", 0x9000)


def test_refusals_of_the_link_use_their_seq_and_repeat():
    _, host = ready()
    for cmd in (0x00, 0x02, b.INIT ^ 0x80, b.KEEPALIVE, b.ERROR, 0xFF):
        assert host.request(cmd, b"") == error(0x01)
        assert host.send(host.session, host.seq, cmd, b"") == refused(host.session, host.seq, 0x01)
    assert host.request(b.WINK, b"x") == error(0x03)


def test_wink_blinks_with_keepalives_every_100_ms_and_answers():
    bench, host = ready()
    assert host.start(b.WINK, b"") == []
    assert bench.card.display() == "* WINK *"
    bench.wait(99)
    assert host.heard() == []
    bench.wait(1)
    assert host.heard() == [(host.session, 1, b.KEEPALIVE, b"\x01")]
    for _ in range(28):
        bench.wait(100)
        assert host.heard() == [(host.session, 1, b.KEEPALIVE, b"\x01")]
    bench.wait(100)
    assert host.heard()[-1] == (host.session, 1, b.WINK, b"")
    assert bench.card.display() == "        " and bench.card.next_tick_ms() is None


def test_while_a_request_is_at_work_others_are_busy_and_its_copy_gets_a_keepalive():
    _, host = ready()
    host.start(b.WINK, b"")
    session = host.session
    assert host.send(session, 1, b.WINK, b"") == [(session, 1, b.KEEPALIVE, b"\x01")]
    assert host.send(session, 1, b.PING, b"") == refused(session, 1, 0x04)
    assert host.send(session, 2, b.PING, b"") == refused(session, 2, 0x06)
    assert host.send(session, 3, b.PING, b"") == refused(session, 3, 0x04)
    assert host.send(b"else", 1, b.PING, b"") == refused(b"else", 1, 0x0B)
    assert host.send(session, 1, b.CANCEL, b"") == refused(session, 1, 0x7F)
    assert host.send(session, 2, b.PING, b"now") == [(session, 2, b.PING, b"now")]


def test_cancel_stops_only_what_it_names_and_is_itself_unanswered():
    bench, host = ready()
    assert host.send(host.session, 0, b.CANCEL, b"") == []
    host.start(b.WINK, b"")
    for session, seq in ((host.session, 2), (host.session, 0), (b"else", 1), (NO_SESSION, 1)):
        assert host.send(session, seq, b.CANCEL, b"") == []
    assert bench.card.display() == "* WINK *"
    assert host.send(host.session, 1, b.CANCEL, b"") == refused(host.session, 1, 0x7F)
    assert bench.card.display() == "        "
    assert host.send(host.session, 1, b.CANCEL, b"") == []
    assert host.send(host.session, 1, b.WINK, b"") == refused(host.session, 1, 0x7F)
    assert host.request(b.PING, b"next") == (b.PING, b"next")


def test_init_waits_for_the_command_at_work_whose_answer_is_dropped():
    bench, host = ready()
    host.start(b.WINK, b"")
    old = host.session
    waits = [(NO_SESSION, 0, b.KEEPALIVE, b"\x01")]
    assert host.send(NO_SESSION, 0, b.INIT, b"nonce..5") == waits
    assert host.send(NO_SESSION, 0, b.INIT, b"nonce..5") == waits
    bench.wait(100)
    assert host.heard() == waits
    bench.wait(2900)
    answer = host.heard()[-1]
    assert answer[:3] == (NO_SESSION, 0, b.INIT) and answer[3][:8] == b"nonce..5"
    assert all(got[0] == NO_SESSION for got in host.heard())
    assert answer[3][8:12] not in (old, NO_SESSION)
    assert host.send(old, 2, b.PING, b"") == refused(old, 2, 0x0B)


def test_a_host_that_never_reads_costs_bounded_memory():
    bench, host = ready()
    for seq in range(1, 256):
        bench.card.receive(b.frame(host.session, seq, b.PING, b"\x55" * 512))
    assert len(bench.card.transmit()) <= 4096
    for _ in range(50):
        bench.card.receive(b"\x55" * 999)
    bench.card.receive(b"\x00")
    host.seq = 255
    assert host.request(b.PING, b"alive") == (b.PING, b"alive")
