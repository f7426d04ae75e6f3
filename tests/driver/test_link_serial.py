"""The serial link's rules: sessions, sequence, repeats, timers. No I/O, no time that passes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dscplus_driver.link.events import Answered, GaveUp, GiveUpReason, Opened, Refused, Working
from dscplus_driver.link.frames import Frame, LinkCommand, LinkErrorCode
from dscplus_driver.link.serial import ANSWER_TIMEOUT, CEILING, RETRANSMISSIONS, SerialLink, State

SESSION = 0xA1B2C3D4
NONCE = b"NONCENCE"


def init_answer(nonce=NONCE, session=SESSION, version=1):
    payload = nonce + session.to_bytes(4, "big") + bytes((version,)) + b"BOOTBOOT" + b"\x00"
    return Frame(0, 0, LinkCommand.INIT, payload).encode()


def opened_link():
    link = SerialLink(lambda n: NONCE[:n])
    link.init()
    link.data_to_send()
    link.sent(0.0)
    (event,) = link.receive(init_answer(), 0.0)
    assert event == Opened(SESSION, b"BOOTBOOT", 1, 0)
    return link


def waiting_link(payload=b"question"):
    link = opened_link()
    link.request(LinkCommand.MSG, payload)
    link.data_to_send()
    link.sent(0.0)
    return link


def answer(payload=b"answer", *, session=SESSION, seq=1, cmd=LinkCommand.MSG):
    return Frame(session, seq, cmd, payload).encode()


def test_init_is_session_0_seq_0_and_a_nonce():
    link = SerialLink(lambda n: NONCE[:n])
    link.init()
    assert link.data_to_send() == Frame(0, 0, LinkCommand.INIT, NONCE).encode()
    assert link.data_to_send() == b""


@pytest.mark.parametrize(
    "reply",
    [
        init_answer(nonce=b"another!"),
        init_answer(session=0),
        Frame(0, 0, LinkCommand.INIT, b"").encode(),
        Frame(0, 0, LinkCommand.INIT, bytes(23)).encode(),
        Frame(0, 1, LinkCommand.INIT, bytes(22)).encode(),
    ],
)
def test_an_init_answer_that_is_not_ours_opens_nothing(reply):
    link = SerialLink(lambda n: NONCE[:n])
    link.init()
    link.data_to_send()
    link.sent(0.0)
    assert link.receive(reply, 0.1) == []
    assert link.state is State.WAITING and link.session == 0


def test_requests_are_numbered_from_one_and_wrap():
    link = opened_link()
    seqs = []
    for _ in range(258):
        link.request(LinkCommand.PING)
        link.data_to_send()
        link.sent(0.0)
        seqs.append(link._seq)
        link.receive(answer(b"", seq=link._seq, cmd=LinkCommand.PING), 0.0)
    assert seqs == [*range(1, 256), 0, 1, 2]


def test_the_answer_ends_the_request():
    link = waiting_link()
    assert link.receive(answer(), 0.1) == [Answered(b"answer")]
    assert link.state is State.IDLE and link.deadline() is None


def test_a_second_request_has_to_wait():
    with pytest.raises(RuntimeError):
        waiting_link().request(LinkCommand.PING)


@pytest.mark.parametrize(
    "frame",
    [
        answer(session=SESSION + 1),
        answer(session=0),
        answer(seq=0),
        answer(seq=2),
        answer(cmd=LinkCommand.PING),
        answer(b"\x0b", session=SESSION + 1, cmd=LinkCommand.ERROR),
        answer(b"\x0b", seq=0, cmd=LinkCommand.ERROR),
        answer(b"", cmd=LinkCommand.ERROR),
        answer(b"\x01", session=0, seq=0, cmd=LinkCommand.KEEPALIVE),
        init_answer(),
    ],
)
def test_what_echoes_another_session_seq_or_command_is_ignored(frame):
    link = waiting_link()
    assert link.receive(frame, 0.1) == []
    assert link.state is State.WAITING
    assert link.receive(answer(), 0.2) == [Answered(b"answer")]


def test_a_late_copy_of_the_last_answer_is_not_taken_for_the_next():
    link = waiting_link()
    link.receive(answer(b"first"), 0.1)
    link.request(LinkCommand.MSG, b"second question")
    link.data_to_send()
    link.sent(0.1)
    assert link.receive(answer(b"first"), 0.1) == []
    assert link.receive(answer(b"second", seq=2), 0.1) == [Answered(b"second")]


def test_silence_brings_the_same_bytes_again_three_times_then_gives_up():
    link = opened_link()
    link.request(LinkCommand.MSG, b"question")
    first = link.data_to_send()
    link.sent(10.0)
    now = 10.0
    for _ in range(RETRANSMISSIONS):
        assert link.tick(now + ANSWER_TIMEOUT - 0.001) == []
        assert link.data_to_send() == b""
        now += ANSWER_TIMEOUT
        assert link.tick(now) == []
        assert link.data_to_send() == first
        link.sent(now)
    assert link.tick(now + ANSWER_TIMEOUT) == [GaveUp(GiveUpReason.SILENCE)]
    assert link.state is State.CLOSED and link.session == 0


def test_the_timeout_counts_from_the_last_byte_drained():
    link = opened_link()
    link.request(LinkCommand.MSG, b"question")
    link.data_to_send()
    assert link.deadline() is None
    link.sent(5.0)
    assert link.deadline() == 5.0 + ANSWER_TIMEOUT


def test_every_byte_received_restarts_the_timeout():
    link = waiting_link()
    link.receive(b"\x01", 0.2)
    assert link.tick(0.2 + ANSWER_TIMEOUT - 0.001) == []
    assert link.data_to_send() == b""
    link.tick(0.2 + ANSWER_TIMEOUT)
    assert link.data_to_send() != b""


def test_a_keepalive_for_this_request_starts_the_count_of_repeats_afresh():
    link = waiting_link()
    now = 0.0
    for _ in range(RETRANSMISSIONS * 3):
        now += ANSWER_TIMEOUT
        assert link.tick(now) == []
        link.data_to_send()
        link.sent(now)
        assert link.receive(answer(b"\x01", cmd=LinkCommand.KEEPALIVE), now) == [Working()]
    assert link.state is State.WAITING


def test_init_waits_while_keepalives_of_session_0_come():
    link = SerialLink(lambda n: NONCE[:n])
    link.init()
    link.data_to_send()
    link.sent(0.0)
    assert link.receive(Frame(0, 0, LinkCommand.KEEPALIVE, b"\x01").encode(), 0.1) == [Working()]
    assert link.receive(init_answer(), 0.2) == [Opened(SESSION, b"BOOTBOOT", 1, 0)]


def test_the_ceiling_ends_a_request_whatever_arrives():
    link = waiting_link()
    now, events = 0.0, []
    while not events and now < 2 * CEILING:
        now += 0.1
        events = [e for e in link.receive(answer(b"\x01", cmd=LinkCommand.KEEPALIVE), now) if e != Working()]
    assert events == [GaveUp(GiveUpReason.CEILING)]
    assert now == pytest.approx(CEILING, abs=0.2)
    assert link.state is State.CLOSED


@pytest.mark.parametrize("code", list(LinkErrorCode))
def test_sequence_and_channel_errors_end_the_session_others_do_not(code):
    link = waiting_link()
    lost = code in (LinkErrorCode.SEQUENCE, LinkErrorCode.CHANNEL)
    assert link.receive(answer(bytes((code,)), cmd=LinkCommand.ERROR), 0.1) == [Refused(code, lost)]
    assert link.state is (State.CLOSED if lost else State.IDLE)


def test_nothing_is_repeated_across_init():
    link = waiting_link(b"change something")
    link.init()
    sent = link.data_to_send()
    link.sent(1.0)
    link.receive(init_answer(), 1.0)
    assert sent == Frame(0, 0, LinkCommand.INIT, NONCE).encode()
    assert link.data_to_send() == b""
    assert link.tick(100.0) == [] and link.data_to_send() == b""


def test_cancel_carries_the_requests_seq_and_no_payload():
    link = waiting_link()
    link.cancel()
    assert link.data_to_send() == Frame(SESSION, 1, LinkCommand.CANCEL).encode()
    link.sent(0.1)
    assert link.receive(answer(b"\x7f", cmd=LinkCommand.ERROR), 0.2) == [Refused(LinkErrorCode.OTHER, False)]


def test_cancel_without_a_request_sends_nothing():
    link = opened_link()
    link.cancel()
    assert link.data_to_send() == b""


@given(st.lists(st.binary(max_size=600), max_size=30))
def test_any_bytes_leave_the_link_waiting_and_small(chunks):
    link = waiting_link()
    for i, chunk in enumerate(chunks):
        assert link.receive(chunk, i * 0.01) == []
        assert len(link._reader._pending) <= 527
    assert link.receive(b"\x00" + answer(), 1.0) == [Answered(b"answer")]
