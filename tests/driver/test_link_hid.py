"""The HID link's rules: channels, busy cards, sequences, timers. No I/O, no time that passes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dscplus_driver.link.events import AnswerBroken, Answered, GaveUp, GiveUpReason, Opened, Refused, Working
from dscplus_driver.link.frames import LinkCommand, LinkErrorCode
from dscplus_driver.link.hid import (
    ANSWER_TIMEOUT,
    BUSY_PATIENCE,
    FIRST_BUSY_DELAY,
    INIT_TIMEOUT,
    INIT_TRIES,
    LONGEST_BUSY_DELAY,
    HidLink,
)
from dscplus_driver.link.hid_frames import BROADCAST, REPORT_LENGTH, MessageReader, reports_of, split
from dscplus_driver.link.interface import CEILING, State

CHANNEL = 0xA1B2C3D4
FOREIGN = 0x01020304
VERSION_2 = b"\x02\x01\x00\x00\x01"  # protocol version, device version, capabilities
LENGTHS = [0, 1, 56, 57, 58, 116, 117, 174, 175, 250, 511, 512]
"""Around the ends of the first, second and third report, and of all."""


class Nonces:
    """Nonces that are told apart: NONCE001, NONCE002, …"""

    def __init__(self):
        self.drawn = 0

    def __call__(self, n):
        self.drawn += 1
        return b"NONCE%03d" % self.drawn


FIRST_NONCE = b"NONCE001"
SECOND_NONCE = b"NONCE002"


def reports(channel, cmd, payload=b""):
    whole = split(channel, cmd, payload)
    return [whole[at : at + REPORT_LENGTH] for at in range(0, len(whole), REPORT_LENGTH)]


def one(channel, cmd, payload=b""):
    (report,) = reports(channel, cmd, payload)
    return report


def init_answer(nonce=FIRST_NONCE, channel=CHANNEL, *, on=BROADCAST, rest=VERSION_2):
    return one(on, LinkCommand.INIT, nonce + channel.to_bytes(4, "big") + rest)


def error(code, channel=CHANNEL):
    return one(channel, LinkCommand.ERROR, bytes((code,)))


KEEPALIVE = one(CHANNEL, LinkCommand.KEEPALIVE, b"\x01")
BUSY = error(LinkErrorCode.BUSY)


def send(link, now=0.0):
    data = link.data_to_send()
    link.sent(now)
    return data


def asking_link():
    """A link that has asked for its first channel."""
    link = HidLink(Nonces())
    link.init()
    assert send(link) == one(BROADCAST, LinkCommand.INIT, FIRST_NONCE)
    return link


def opened_link():
    link = asking_link()
    assert link.receive(init_answer(), 0.0) == [Opened(1, b"", 2, 1)]
    return link


def waiting_link(payload=b"question", cmd=LinkCommand.MSG):
    link = opened_link()
    link.request(cmd, payload)
    assert send(link) == split(CHANNEL, cmd, payload)
    return link


def asking_again_link():
    """A link that has a channel and asks to begin anew on it."""
    link = opened_link()
    link.init()
    assert send(link) == one(CHANNEL, LinkCommand.INIT, SECOND_NONCE)
    return link


# --- frames


def test_a_message_becomes_reports_as_ctaphid_has_them():
    payload = bytes(range(1, 131))
    first, second, third = reports(CHANNEL, LinkCommand.MSG, payload)
    assert first == bytes.fromhex("a1b2c3d4 83 0082") + payload[:57]
    assert second == bytes.fromhex("a1b2c3d4 00") + payload[57:116]
    assert third == bytes.fromhex("a1b2c3d4 01") + payload[116:] + bytes(45)


@pytest.mark.parametrize("length", LENGTHS)
def test_messages_of_each_length_come_back_whole(length):
    payload = bytes(i % 251 for i in range(length))
    whole = split(CHANNEL, LinkCommand.PING, payload)
    assert len(whole) == 64 * reports_of(length)
    (message,) = MessageReader().feed(whole)
    assert (message.channel, message.cmd, message.payload) == (CHANNEL, LinkCommand.PING, payload)


def test_least_numbers_of_reports():
    assert [reports_of(length) for length in (0, 57, 58, 116, 117, 512)] == [1, 1, 2, 2, 3, 9]


def test_a_message_longer_than_the_limit_is_refused_before_it_is_sent():
    link = opened_link()
    with pytest.raises(ValueError, match="at most 512"):
        link.request(LinkCommand.PING, bytes(513))
    assert link.data_to_send() == b"" and link.state is State.IDLE
    link.request(LinkCommand.PING, bytes(512))
    assert len(link.data_to_send()) == 9 * 64


def test_a_reader_keeps_a_bounded_number_of_messages_that_never_end():
    reader = MessageReader()
    for channel in range(1, 1000):
        assert reader.feed(reports(channel, LinkCommand.MSG, bytes(100))[0]) == []
        assert len(reader._begun) <= 16
    (message,) = reader.feed(split(7, LinkCommand.MSG, bytes(100)))
    assert message.channel == 7


# --- channels


@pytest.mark.parametrize(
    "report",
    [
        init_answer(nonce=b"another!"),
        init_answer(channel=0),
        init_answer(channel=BROADCAST),
        init_answer(on=CHANNEL),
        init_answer(rest=VERSION_2[:-1]),
        one(BROADCAST, LinkCommand.INIT),
        one(BROADCAST, LinkCommand.MSG, FIRST_NONCE + bytes(9)),
        reports(BROADCAST, LinkCommand.PING, bytes(100))[1],
        error(LinkErrorCode.CHANNEL, BROADCAST),
        error(LinkErrorCode.COMMAND, BROADCAST),
        one(BROADCAST, LinkCommand.ERROR),
        init_answer()[:-1],
        init_answer() + b"\x00",
        b"\x00" + init_answer(),
        b"",
        bytes(64),
    ],
)
def test_on_the_broadcast_channel_only_our_nonce_counts(report):
    link = asking_link()
    assert link.receive(report, 0.1) == []
    assert link.state is State.WAITING and link.session == 0 and link.data_to_send() == b""
    assert link.receive(init_answer(), 0.2) == [Opened(1, b"", 2, 1)]


def test_an_init_answer_may_say_more_than_this_version_knows():
    assert asking_link().receive(init_answer(rest=VERSION_2 + b"more"), 0.1) == [Opened(1, b"", 2, 1)]


def test_beginning_anew_keeps_the_channel_and_is_another_session():
    link = asking_again_link()
    assert link.session == 0
    assert link.receive(init_answer(SECOND_NONCE, on=CHANNEL), 0.1) == [Opened(2, b"", 2, 1)]
    assert link.session == 2


@pytest.mark.parametrize(
    "stale",
    [
        one(CHANNEL, LinkCommand.MSG, b"late answer"),
        *reports(CHANNEL, LinkCommand.MSG, bytes(150)),
        error(LinkErrorCode.OTHER),
        error(LinkErrorCode.MSG_TIMEOUT),
        init_answer(on=CHANNEL),
        init_answer(SECOND_NONCE, FOREIGN, on=CHANNEL),
        init_answer(SECOND_NONCE),
    ],
)
def test_what_was_still_to_come_ends_with_init(stale):
    link = asking_again_link()
    assert link.receive(stale, 0.1) == []
    assert link.state is State.WAITING
    assert link.receive(init_answer(SECOND_NONCE, on=CHANNEL), 0.2) == [Opened(2, b"", 2, 1)]


def test_a_channel_that_the_card_forgot_is_given_up_for_a_new_one():
    link = asking_again_link()
    assert link.receive(error(LinkErrorCode.CHANNEL), 0.1) == []
    assert send(link, 0.1) == one(BROADCAST, LinkCommand.INIT, SECOND_NONCE)
    assert link.receive(init_answer(SECOND_NONCE, FOREIGN), 0.2) == [Opened(2, b"", 2, 1)]
    link.request(LinkCommand.PING)
    assert link.data_to_send() == one(FOREIGN, LinkCommand.PING)


def test_a_channel_that_is_unknown_in_a_session_ends_it():
    link = waiting_link()
    assert link.receive(error(LinkErrorCode.CHANNEL), 0.1) == [Refused(LinkErrorCode.CHANNEL, True)]
    link.init()
    assert link.data_to_send() == one(BROADCAST, LinkCommand.INIT, SECOND_NONCE)


def test_leaving_ends_what_the_card_keeps_for_our_channel():
    assert opened_link().leave() == one(CHANNEL, LinkCommand.INIT, SECOND_NONCE)
    link = waiting_link()
    link.close()
    assert link.leave() == one(CHANNEL, LinkCommand.INIT, SECOND_NONCE)
    assert HidLink(Nonces()).leave() == b""


# --- answers


@pytest.mark.parametrize("length", LENGTHS)
def test_answers_of_each_length(length):
    link = waiting_link()
    payload = bytes(i % 251 for i in range(length))
    *begun, last = reports(CHANNEL, LinkCommand.MSG, payload)
    for report in begun:
        assert link.receive(report, 0.1) == []
    assert link.receive(last, 0.1) == [Answered(payload)]
    assert link.state is State.IDLE and link.deadline() is None


@pytest.mark.parametrize(
    "report",
    [
        one(FOREIGN, LinkCommand.MSG, b"answer of another"),
        one(FOREIGN, LinkCommand.KEEPALIVE, b"\x01"),
        error(LinkErrorCode.BUSY, FOREIGN),
        error(LinkErrorCode.BUSY, BROADCAST),
        *reports(FOREIGN, LinkCommand.MSG, bytes(150)),
        init_answer(),
        init_answer(on=CHANNEL),
        one(CHANNEL, LinkCommand.PING, b"another command"),
        one(CHANNEL, LinkCommand.ERROR),
        one(CHANNEL, LinkCommand.ERROR, b"\x06\x06"),
        one(CHANNEL, LinkCommand.MSG, b"short")[:63],
        one(CHANNEL, LinkCommand.MSG, b"long") + b"\x00",
        b"",
    ],
)
def test_what_is_not_of_this_request_is_ignored_at_any_point_of_the_answer(report):
    whole = reports(CHANNEL, LinkCommand.MSG, bytes(150))
    begins_a_message_of_our_channel = report[:4] == CHANNEL.to_bytes(4, "big") and len(report) == 64
    for at in range(1 if begins_a_message_of_our_channel else len(whole)):
        link = waiting_link()
        for before in whole[:at]:
            assert link.receive(before, 0.1) == []
        assert link.receive(report, 0.1) == []
        events = [event for after in whole[at:] for event in link.receive(after, 0.1)]
        assert events == [Answered(bytes(150))]


THREE = reports(CHANNEL, LinkCommand.MSG, bytes(range(150)))
START, SECOND, THIRD = THREE
OVERLONG = bytes.fromhex("a1b2c3d4 83 0201") + bytes(57)


@pytest.mark.parametrize(
    "arriving",
    [
        [SECOND],
        [THIRD],
        [START, THIRD],
        [START, SECOND, SECOND],
        [START, START],
        [START, SECOND, START],
        [START, KEEPALIVE],
        [START, BUSY],
        [START, error(LinkErrorCode.OTHER)],
        [START, one(CHANNEL, LinkCommand.MSG, b"another")],
        [START, init_answer(on=CHANNEL)],
        [OVERLONG],
    ],
    ids=[
        *("no start", "no start, later part", "lost", "doubled", "start doubled", "start again"),
        *("keepalive within", "busy within", "error within", "answer within", "init within", "overlong"),
    ],
)
def test_an_answer_out_of_order_is_no_answer(arriving):
    link = waiting_link()
    *before, last = arriving
    for report in before:
        assert link.receive(report, 0.1) == []
    assert link.receive(last, 0.1) == [AnswerBroken()]
    assert link.state is State.CLOSED and link.session == 0
    for rest in THREE:
        assert link.receive(rest, 0.2) == []
    link.init()
    assert link.data_to_send() == one(CHANNEL, LinkCommand.INIT, SECOND_NONCE)


@given(st.lists(st.integers(0, 8), max_size=12))
def test_no_order_of_an_answers_reports_but_the_right_one_gives_it(order):
    payload = bytes(i % 251 for i in range(512))
    whole = reports(CHANNEL, LinkCommand.MSG, payload)
    link = waiting_link()
    events = [event for i in order for event in link.receive(whole[i], 0.1)]
    rightly_begun = order[:9] == list(range(9))
    assert [event for event in events if isinstance(event, Answered)] == [Answered(payload)] * rightly_begun


# --- errors, busy cards


@pytest.mark.parametrize("code", [0x01, 0x02, 0x03, 0x04, 0x05, 0x0B, 0x7F, 0x55])
def test_errors_that_end_the_session_and_others(code):
    link = waiting_link()
    lost = code in (LinkErrorCode.SEQUENCE, LinkErrorCode.MSG_TIMEOUT, LinkErrorCode.CHANNEL)
    assert link.receive(error(code), 0.1) == [Refused(code, lost)]
    assert link.state is (State.CLOSED if lost else State.IDLE)


def test_a_busy_card_is_asked_again_later_and_later_then_told_of():
    link = waiting_link(bytes(100))
    asked, now = split(CHANNEL, LinkCommand.MSG, bytes(100)), 0.0
    waited = []
    while not (events := link.receive(BUSY, now)):
        waited.append(round(link.deadline() - now, 3))
        assert link.tick(link.deadline() - 0.001) == [] and link.data_to_send() == b""
        now = link.deadline()
        assert link.tick(now) == []
        assert send(link, now) == asked
    assert events == [Refused(LinkErrorCode.BUSY, False)]
    assert now == pytest.approx(BUSY_PATIENCE)
    *waited, _what_was_left_of_the_patience = waited
    assert waited == sorted(waited)
    assert (waited[0], waited[-1]) == (FIRST_BUSY_DELAY, LONGEST_BUSY_DELAY)
    assert link.state is State.IDLE


def test_a_card_that_is_busy_no_longer_answers():
    link = waiting_link()
    link.receive(BUSY, 0.1)
    link.tick(1.0)
    send(link, 1.0)
    assert link.receive(one(CHANNEL, LinkCommand.MSG, b"answer"), 1.1) == [Answered(b"answer")]


def test_errors_while_a_busy_card_is_left_alone_say_nothing():
    """Each report of a message that was not begun may be complained of."""
    link = waiting_link(bytes(100))
    link.receive(BUSY, 0.1)
    again_at = link.deadline()
    for code in LinkErrorCode:
        assert link.receive(error(code), 0.11) == []
    assert link.deadline() == again_at


@pytest.mark.parametrize("sign", [KEEPALIVE, one(CHANNEL, LinkCommand.MSG, b"answer"), START, SECOND])
def test_what_was_not_begun_and_yet_is_at_work_is_never_sent_again(sign):
    link = waiting_link()
    link.receive(BUSY, 0.1)
    assert link.receive(sign, 0.12) == [AnswerBroken()]
    assert link.tick(100.0) == [] and link.data_to_send() == b""


def test_a_request_that_was_begun_is_not_sent_again_for_a_late_busy():
    link = waiting_link()
    assert link.receive(KEEPALIVE, 0.1) == [Working()]
    assert link.receive(BUSY, 0.2) == [Refused(LinkErrorCode.BUSY, True)]
    assert link.tick(100.0) == [] and link.data_to_send() == b""


def test_what_a_begun_request_still_answers_after_a_late_busy_is_not_the_next_ones_answer():
    link = waiting_link()
    link.receive(KEEPALIVE, 0.1)
    link.receive(BUSY, 0.2)
    assert (link.state, link.session) == (State.CLOSED, 0)
    link.init()
    assert send(link) == one(CHANNEL, LinkCommand.INIT, SECOND_NONCE)
    assert link.receive(one(CHANNEL, LinkCommand.MSG, b"late"), 0.3) == []


def test_init_asks_a_busy_card_again_and_takes_an_answer_at_any_time():
    link = asking_link()
    assert link.receive(error(LinkErrorCode.BUSY, BROADCAST), 0.1) == []
    assert link.deadline() == pytest.approx(0.1 + FIRST_BUSY_DELAY)
    assert link.receive(init_answer(), 0.12) == [Opened(1, b"", 2, 1)]
    assert link.data_to_send() == b""


def test_init_at_a_card_that_stays_busy_is_refused():
    link, now = asking_link(), 0.0
    while not (events := link.receive(error(LinkErrorCode.BUSY, BROADCAST), now)):
        now = link.deadline()
        assert link.tick(now) == []
        assert send(link, now) == one(BROADCAST, LinkCommand.INIT, FIRST_NONCE)
    assert events == [Refused(LinkErrorCode.BUSY, True)]
    assert now == pytest.approx(BUSY_PATIENCE) and link.state is State.CLOSED


# --- timers


@pytest.mark.parametrize("cmd", [LinkCommand.MSG, LinkCommand.PING, LinkCommand.WINK])
def test_silence_ends_a_request_and_nothing_is_sent_again(cmd):
    link = waiting_link(b"", cmd)
    assert link.tick(ANSWER_TIMEOUT - 0.001) == []
    assert link.tick(ANSWER_TIMEOUT) == [GaveUp(GiveUpReason.SILENCE)]
    assert link.data_to_send() == b"" and link.state is State.CLOSED
    link.init()
    assert send(link, 3.0) == one(CHANNEL, LinkCommand.INIT, SECOND_NONCE)
    link.receive(init_answer(SECOND_NONCE, on=CHANNEL), 3.0)
    assert link.data_to_send() == b"" and link.tick(200.0) == []


def test_half_an_answer_and_silence_end_a_request():
    link = waiting_link()
    link.receive(START, 1.0)
    assert link.tick(1.0 + ANSWER_TIMEOUT) == [GaveUp(GiveUpReason.SILENCE)]


@pytest.mark.parametrize("report", [KEEPALIVE, START])
def test_signs_of_life_start_the_timeout_afresh(report):
    link = waiting_link()
    link.receive(report, 1.5)
    assert link.deadline() == 1.5 + ANSWER_TIMEOUT


@pytest.mark.parametrize(
    "report", [one(FOREIGN, LinkCommand.KEEPALIVE, b"\x01"), init_answer(), b"\x01", b""]
)
def test_what_others_hear_does_not(report):
    link = waiting_link()
    link.receive(report, 1.5)
    assert link.deadline() == ANSWER_TIMEOUT


def test_the_timeout_counts_from_the_last_report_sent():
    link = opened_link()
    link.request(LinkCommand.MSG, b"question")
    link.data_to_send()
    assert link.deadline() is None
    link.sent(5.0)
    assert link.deadline() == 5.0 + ANSWER_TIMEOUT


def test_init_is_asked_again_with_its_nonce_then_given_up():
    link = asking_link()
    now = 0.0
    for _ in range(INIT_TRIES - 1):
        now += INIT_TIMEOUT
        assert link.tick(now - 0.001) == []
        assert link.data_to_send() == b""
        assert link.tick(now) == []
        assert send(link, now) == one(BROADCAST, LinkCommand.INIT, FIRST_NONCE)
    assert link.tick(now + INIT_TIMEOUT) == [GaveUp(GiveUpReason.SILENCE)]
    assert link.state is State.CLOSED


def test_a_channel_on_which_init_is_not_answered_is_given_up():
    link, now = asking_again_link(), 0.0
    while not link.tick(now := now + INIT_TIMEOUT):
        send(link, now)
    link.init()
    assert link.data_to_send() == one(BROADCAST, LinkCommand.INIT, b"NONCE003")


def test_init_waits_while_keepalives_come():
    link = asking_link()
    assert link.receive(one(BROADCAST, LinkCommand.KEEPALIVE, b"\x01"), 0.4) == [Working()]
    assert link.tick(0.4 + INIT_TIMEOUT - 0.001) == [] and link.data_to_send() == b""


def test_the_ceiling_ends_a_request_whatever_arrives():
    link, now, events = waiting_link(), 0.0, []
    while not events and now < 2 * CEILING:
        now += 0.1
        events = [event for event in link.receive(KEEPALIVE, now) if event != Working()]
    assert events == [GaveUp(GiveUpReason.CEILING)]
    assert now == pytest.approx(CEILING, abs=0.2)


def test_nobody_is_woken_later_than_at_the_ceiling():
    link, now = waiting_link(), 0.0
    while now < CEILING - 1:
        now += 1.0
        assert link.receive(KEEPALIVE, now) == [Working()]
    assert link.deadline() == CEILING
    assert link.tick(CEILING) == [GaveUp(GiveUpReason.CEILING)]


# --- requests


def test_a_second_request_has_to_wait():
    with pytest.raises(RuntimeError):
        waiting_link().request(LinkCommand.PING)


def test_cancel_goes_to_our_channel_and_has_no_payload():
    link = waiting_link()
    link.cancel()
    assert send(link, 0.1) == one(CHANNEL, LinkCommand.CANCEL)
    assert link.receive(error(LinkErrorCode.OTHER), 0.2) == [Refused(LinkErrorCode.OTHER, False)]


@pytest.mark.parametrize("link", [asking_link, opened_link, asking_again_link])
def test_cancel_without_a_request_sends_nothing(link):
    cancelled = link()
    cancelled.cancel()
    assert cancelled.data_to_send() == b""


@given(st.lists(st.binary(max_size=70) | st.binary(min_size=64, max_size=64), max_size=30))
def test_any_reports_of_others_leave_the_link_waiting(chunks):
    link = waiting_link()
    for i, chunk in enumerate(chunks):
        if chunk[:4] != CHANNEL.to_bytes(4, "big"):
            assert link.receive(chunk, i * 0.01) == []
    assert link.receive(one(CHANNEL, LinkCommand.MSG, b"answer"), 1.0) == [Answered(b"answer")]
