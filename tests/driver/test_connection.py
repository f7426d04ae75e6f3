"""The connection over lines that lose, double and change bytes: every request is executed at most once."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dscplus_driver import errors
from dscplus_driver.connection import Connection
from dscplus_driver.link.frames import Frame, LinkCommand
from dscplus_driver.link.hid import ANSWER_TIMEOUT, INIT_TIMEOUT, INIT_TRIES
from dscplus_driver.link.hid_frames import split
from dscplus_driver.link.interface import CEILING, LinkKind
from tests.driver.peer import LinkPeer, PeerTransport, VirtualClock


def connect(peer, line=lambda _direction, data: data, link=LinkKind.SERIAL, **options):
    clock = VirtualClock()
    transport = PeerTransport(peer, clock, line)
    transport.link = link
    return Connection(transport, clock=clock, **options), transport, clock


def test_the_first_exchange_opens_a_session():
    connection, transport, _ = connect(LinkPeer())
    assert connection.exchange(LinkCommand.PING, b"hello") == b"hello"
    assert connection.session == 0x1001 and connection.boot_id == b"BOOTBOOT"
    assert len(transport.written) == 2


def noisy(seed, rate=0.05):
    """Drops, doubles, flips and cuts, each at ``rate``."""
    source = random.Random(seed)  # noqa: S311 - a line's noise, repeatable

    def line(_direction, data):
        if source.random() < rate:
            return b""
        if source.random() < rate:
            data += data
        if data and source.random() < rate:
            position = source.randrange(len(data))
            data = (
                data[:position] + bytes((data[position] ^ 1 << source.randrange(8),)) + data[position + 1 :]
            )
        if data and source.random() < rate:
            data = data[: source.randrange(len(data))]
        return data

    return line


@settings(max_examples=25)
@given(st.integers(0, 2**32))
def test_a_noisy_line_gives_right_answers_and_no_double_execution(seed):
    peer = LinkPeer(lambda _cmd, payload: payload[::-1])
    connection, _, _ = connect(peer, noisy(seed))
    lost = 0
    for number in range(60):
        request = number.to_bytes(4, "big") + b"\x00\xff" * (number % 20)
        try:
            assert connection.exchange(LinkCommand.MSG, request) == request[::-1]
        except (errors.CardTimeout, errors.LinkError):
            lost += 1
    payloads = [payload for _, payload in peer.executed]
    assert len(payloads) == len(set(payloads))
    assert lost <= 5


def test_an_answer_that_is_lost_is_repeated_not_executed_again():
    drop = iter([True, False])
    peer = LinkPeer()
    connection, transport, _ = connect(peer)
    connection.exchange(LinkCommand.PING)
    transport.line = lambda direction, data: b"" if direction == "<" and next(drop, False) else data
    assert connection.exchange(LinkCommand.MSG, b"once") == b"once"
    assert [payload for _, payload in peer.executed] == [b"", b"once"]


def test_silence_is_a_timeout_after_four_tries():
    connection, transport, clock = connect(LinkPeer(), lambda _direction, _data: b"")
    before = clock.now
    with pytest.raises(errors.CardTimeout, match="no answer"):
        connection.exchange(LinkCommand.PING)
    assert clock.now - before == pytest.approx(1.0)
    assert len(transport.written) == 4


def test_a_babbling_port_is_given_up_at_the_ceiling():
    connection, transport, clock = connect(LinkPeer())

    def babble(timeout):
        clock.now += 0.1
        return b"\x55"

    transport.read = babble
    before = clock.now
    with pytest.raises(errors.CardTimeout, match="90 s"):
        connection.exchange(LinkCommand.PING)
    assert clock.now - before <= CEILING + 0.2


def test_after_giving_up_the_next_exchange_begins_with_init():
    peer = LinkPeer()
    connection, transport, _ = connect(peer)
    connection.exchange(LinkCommand.PING)
    transport.line = lambda _direction, _data: b""
    with pytest.raises(errors.CardTimeout):
        connection.exchange(LinkCommand.MSG, b"lost")
    assert connection.session == 0
    transport.line = lambda _direction, data: data
    assert connection.exchange(LinkCommand.MSG, b"next") == b"next"
    assert peer.inits == 2 and b"lost" not in [payload for _, payload in peer.executed]


def test_a_card_that_restarted_is_told_apart():
    peer = LinkPeer()
    connection, _, _ = connect(peer)
    connection.exchange(LinkCommand.PING)
    peer.restart()
    with pytest.raises(errors.LinkError, match="restarted"):
        connection.exchange(LinkCommand.MSG, b"x")
    assert connection.exchange(LinkCommand.MSG, b"y") == b"y"


@pytest.mark.parametrize(
    ("code", "error"),
    [(0x06, errors.CardBusy), (0x01, errors.LinkError), (0x7F, errors.LinkError), (0x55, errors.LinkError)],
)
def test_refusals_are_typed(code, error):
    peer = LinkPeer()
    connection, _, _ = connect(peer)
    connection.exchange(LinkCommand.PING)
    peer._take = lambda frame: Frame(frame.session, frame.seq, LinkCommand.ERROR, bytes((code,))).encode()
    with pytest.raises(error) as caught:
        connection.exchange(LinkCommand.MSG, b"x")
    assert str(caught.value).startswith("memory:peer: ")


def test_a_card_of_another_link_version_is_refused():
    peer = LinkPeer()
    connection, _, _ = connect(peer)
    peer.link_version = 2
    with pytest.raises(errors.LinkError, match="link version 2"):
        connection.exchange(LinkCommand.PING)
    assert connection.session == 0 and peer.executed == []


def test_removal_is_typed_and_says_where():
    connection, transport, _ = connect(LinkPeer())
    connection.exchange(LinkCommand.PING)
    transport.removed = True
    with pytest.raises(errors.CardRemoved, match="memory:peer: the card was removed"):
        connection.exchange(LinkCommand.MSG, b"x")


def test_interrupting_a_wait_cancels_the_request_and_leaves_the_session():
    peer = LinkPeer()
    connection, transport, _ = connect(peer)
    connection.exchange(LinkCommand.PING)
    session = connection.session

    def interrupted(_timeout):
        raise KeyboardInterrupt

    read, transport.read = transport.read, interrupted
    with pytest.raises(KeyboardInterrupt):
        connection.exchange(LinkCommand.WINK)
    assert transport.written[-1] == Frame(session, 2, LinkCommand.CANCEL).encode()
    transport.read = read
    assert connection.exchange(LinkCommand.PING, b"again") == b"again"


def test_after_a_write_that_failed_the_next_exchange_begins_anew():
    peer = LinkPeer()
    connection, transport, _ = connect(peer)
    connection.exchange(LinkCommand.PING)

    def no_taker(_data):
        raise errors.CardTimeout("the port took no bytes for 2 s", where=transport.url)

    write, transport.write = transport.write, no_taker
    with pytest.raises(errors.CardTimeout):
        connection.exchange(LinkCommand.MSG, b"lost")
    transport.write = write
    assert connection.exchange(LinkCommand.MSG, b"next") == b"next"
    assert peer.inits == 2 and (LinkCommand.MSG, b"lost") not in peer.executed


@pytest.mark.parametrize("link", list(LinkKind))
def test_a_message_longer_than_the_limit_is_refused_and_nothing_is_sent(link):
    connection, transport, _ = connect(LinkPeer(), link=link)
    with pytest.raises(errors.UsageError, match="at most 512 bytes, not 513"):
        connection.exchange(LinkCommand.PING, bytes(513))
    assert transport.written == []


def test_two_threads_are_told_apart_at_once():
    connection, transport, _ = connect(LinkPeer())
    read = transport.read

    def reenter(timeout):
        with pytest.raises(RuntimeError, match="another thread"):
            connection.exchange(LinkCommand.PING)
        return read(timeout)

    transport.read = reenter
    assert connection.exchange(LinkCommand.PING, b"x") == b"x"


def test_the_tap_sees_what_travels():
    seen = []
    connection, transport, _ = connect(
        LinkPeer(), tap=lambda direction, data, _link: seen.append((direction, data))
    )
    connection.exchange(LinkCommand.PING, b"x")
    assert [data for direction, data in seen if direction == ">"] == transport.written
    assert [direction for direction, _ in seen] == [">", "<", ">", "<"]


def test_reports_of_other_clients_do_not_put_off_the_timers():
    """Who has a HID node open sees all its reports: a program that never pauses must not keep us waiting."""
    connection, transport, clock = connect(LinkPeer(), link=LinkKind.HID)

    def foreign_report(_timeout):
        clock.now += 0.001
        return split(0x0BADCAFE, LinkCommand.PING, b"another program's")

    transport.peer.receive = lambda _data: b""
    transport.read = foreign_report
    before = clock.now
    with pytest.raises(errors.CardTimeout, match="no answer"):
        connection.exchange(LinkCommand.PING)
    assert clock.now - before == pytest.approx(INIT_TRIES * INIT_TIMEOUT, abs=0.1)
    assert len(transport.written) == INIT_TRIES
    assert clock.now - before < ANSWER_TIMEOUT + 0.1


def test_interrupting_the_farewell_to_a_request_leaves_no_half_of_it():
    peer = LinkPeer()
    connection, transport, _ = connect(peer)
    connection.exchange(LinkCommand.PING)

    def interrupted(_data_or_timeout):
        raise KeyboardInterrupt

    read, write = transport.read, transport.write
    transport.read = interrupted

    def write_once(data):
        transport.write = interrupted
        write(data)

    transport.write = write_once
    with pytest.raises(KeyboardInterrupt):
        connection.exchange(LinkCommand.WINK)
    transport.read, transport.write = read, write
    assert connection.exchange(LinkCommand.PING, b"again") == b"again"
    assert peer.inits == 2


def test_a_session_is_not_reset_under_another_thread():
    connection, transport, _ = connect(LinkPeer())
    read = transport.read

    def reset_meanwhile(timeout):
        with pytest.raises(RuntimeError, match="another thread"):
            connection.reset()
        return read(timeout)

    transport.read = reset_meanwhile
    assert connection.exchange(LinkCommand.PING, b"x") == b"x"
    connection.reset()
    assert connection.session == 0
