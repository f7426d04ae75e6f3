"""What must hold for any reports at all, and for any requests on both links at once."""

from typing import NamedTuple

from tests.fuzz.invariants import KEPT_BY_ANY_PLAIN_BYTES, STATUS_WORDS
from tests.fuzz.rig import (
    ERROR,
    INIT,
    KEEPALIVE,
    MSG,
    NO_SESSION,
    PING,
    WINK,
    Choices,
    VirtualCard,
    frames_in,
)
from tests.golden import inputs
from tests.golden.third import frame, reports

BROADCAST = b"\xff\xff\xff\xff"
LOCK = 0x04
NONCE = b"\x08\x07\x06\x05\x04\x03\x02\x01"
ERRORS = (0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0B, 0x7F)
MOST_REPORTS = 64
SERIAL_NUMBER = bytes.fromhex("80CA0045")
COMMANDS = (PING, MSG, MSG, LOCK, INIT, WINK, 0x11, 0x10)


class Said(NamedTuple):
    channel: bytes
    cmd: int
    payload: bytes


def messages_in(sent: list[bytes]) -> list[Said]:
    """Put a card's reports together. Asserts that they are whole messages, one after the other."""
    assert len(sent) <= MOST_REPORTS
    messages = []
    left = list(sent)
    while left:
        first = left.pop(0)
        length = int.from_bytes(first[5:7], "big")
        message = Said(first[:4], first[4] & 0x7F, (first[7:] + b"".join(one[5:] for one in left))[:length])
        expected = reports(*message)
        assert [first, *left[: len(expected) - 1]] == expected
        del left[: len(expected) - 1]
        messages.append(message)
        if message.cmd == ERROR:
            assert message.payload[0] in ERRORS
        if message.cmd == MSG:
            assert int.from_bytes(message.payload[-2:], "big") in STATUS_WORDS
    return messages


def card_takes_any_reports(data: bytes) -> None:
    """Any reports of any lengths, half of them on a channel that the card gave: no crash, only whole messages
    back, nothing that matters changes, and the next client is served.
    """
    card = VirtualCard()
    before = card.remembers()
    channel = _channel(card)
    choices = Choices(data)
    while choices:
        kind = choices.byte()
        report = choices.take(64 if kind % 8 else choices.byte())
        if kind & 0x10:
            report = channel + report[4:]
        said = messages_in(card.send_report(report))
        if kind & 0x20:
            card.pass_time(choices.byte() * 4)
            said += messages_in(card.fetch_reports())
        for message in said:
            assert message.cmd in (PING, MSG, LOCK, INIT, WINK, KEEPALIVE, ERROR)
    _next_client_is_served(card, before)


def card_takes_any_messages_on_both_links(data: bytes) -> None:
    """Good messages of several clients and frames of a serial host, mixed, cut short and interleaved: the
    same; and nobody is told another's answer.
    """
    card = VirtualCard()
    before = card.remembers()
    channels = [_channel(card) for _ in range(3)]
    session, seq = card.open_link(NONCE), 0
    choices = Choices(data)
    while choices:
        kind = choices.byte()
        payload = SERIAL_NUMBER if kind & 0x08 else choices.take(choices.byte() % 130)
        cmd = COMMANDS[choices.byte() % len(COMMANDS)]
        if cmd == LOCK:
            payload = bytes([choices.byte() % 12])
        asked = BROADCAST if kind % 16 == 7 else channels[kind % 3]
        if kind & 0x40:
            seq = (seq + 1) % 256
            for seen in frames_in(card.send(frame(session, seq, cmd, payload))):
                assert seen.session in (session, NO_SESSION)
            continue
        sent = reports(asked, cmd, payload)
        said = []
        for report in sent[: len(sent) - (kind >> 7)]:
            said += messages_in(card.send_report(report))
        assert {message.channel for message in said} <= {asked}
        for message in said:
            assert message.cmd in (cmd, ERROR)
        card.pass_time(choices.byte() * 8)
        for message in messages_in(card.fetch_reports()):
            assert message.channel in channels
            assert message.cmd in (MSG, WINK, KEEPALIVE, ERROR)
    _next_client_is_served(card, before)
    _still_serves_serial(card)


def _channel(card: VirtualCard) -> bytes:
    """INIT on the broadcast channel, which is answered whatever goes on."""
    (report,) = reports(BROADCAST, INIT, NONCE)
    answer = messages_in(card.send_report(report))[-1]
    assert answer[:2] == (BROADCAST, INIT)
    assert answer.payload[:8] == NONCE
    return answer.payload[8:12]


def _next_client_is_served(card: VirtualCard, before: dict[int, bytes]) -> None:
    """At once, or when work, lock, half a message and secure channel of those who left are over."""
    after = card.remembers()
    for field in KEPT_BY_ANY_PLAIN_BYTES:
        assert after[field] == before[field]
    channel = _channel(card)
    end = card.milliseconds + 75_000  # one delay of 60 s, and a lock of 10 s
    while True:
        (report,) = reports(channel, MSG, SERIAL_NUMBER)
        answer = [one for one in messages_in(card.send_report(report)) if one.channel == channel][-1]
        if answer.cmd == MSG:
            assert answer.payload == inputs.SERIAL.encode() + b"\x90\x00"
            return
        assert answer == (channel, ERROR, b"\x06")
        assert card.milliseconds < end, "the card does not recover"
        for _ in range(5):
            card.pass_time(100)
            card.fetch_reports()


def _still_serves_serial(card: VirtualCard) -> None:
    session = card.open_link(NONCE[::-1])
    assert card.ask(session, 1, MSG, SERIAL_NUMBER).payload == inputs.SERIAL.encode() + b"\x90\x00"
