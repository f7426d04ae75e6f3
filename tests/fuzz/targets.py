"""What must hold for any bytes at all.

Each target takes the fuzzer's bytes and asserts; hypothesis feeds them in the suite (test_fuzz.py), a
coverage-guided fuzzer by hand (guided.py).
"""

from collections.abc import Callable

from dscplus_card import state
from dscplus_driver.apdu import Command, Response
from dscplus_driver.card import Card
from dscplus_driver.errors import DscError, ProtocolError, UsageError
from dscplus_driver.link.events import AnswerBroken, Answered, GaveUp, Opened, Refused, Working
from dscplus_driver.link.frames import LinkCommand
from dscplus_driver.link.hid import HidLink
from dscplus_driver.link.interface import LinkKind
from dscplus_driver.link.interface import State as LinkState
from dscplus_driver.link.serial import SerialLink
from dscplus_driver.model import luhn_valid
from tests.fuzz.hid_targets import card_takes_any_messages_on_both_links, card_takes_any_reports
from tests.fuzz.invariants import KEPT_BY_ANY_PLAIN_BYTES, STATUS_WORDS
from tests.fuzz.rig import ERROR, INIT, MSG, NO_SESSION, PING, Choices, VirtualCard, frames_in
from tests.golden import inputs
from tests.golden.hosts_part import BATCH
from tests.golden.third import Channel, frame, put_key_data, store_data

NONCE = b"\x01\x02\x03\x04\x05\x06\x07\x08"
INSTRUCTIONS = (0xA4, 0xCA, 0x50, 0x82, 0xD8, 0xE2, 0x88, 0x2C, 0x20, 0xF0, 0x32)

Target = Callable[[bytes], None]


def card_takes_any_bytes(data: bytes) -> None:
    """Any bytes, in pieces: no crash, nothing that matters changes, and the next INIT is answered."""
    card = VirtualCard()
    before = card.remembers()
    session = card.open_link(NONCE)
    for piece in data.split(b"\x2c"):
        card.send(piece)
        card.pass_time(len(piece))
    _still_well(card, before, session)


def card_takes_any_frames(data: bytes) -> None:
    """Well-formed frames of any content, in and out of sequence: the same."""
    card = VirtualCard()
    before = card.remembers()
    session = card.open_link(NONCE)
    choices = Choices(data)
    seq = 0
    while choices:
        kind = choices.byte()
        seq = (seq + (1 if kind < 0xC0 else choices.byte())) % 256
        sender = session if kind % 8 else choices.take(4)
        cmd = choices.byte() if kind % 4 == 0 else MSG
        answer = card.send(frame(sender, seq, cmd, choices.take(choices.byte() % 40)))
        for seen in frames_in(answer):
            if seen.cmd == INIT:
                session, seq = seen.payload[8:12], 0
            if seen.cmd == MSG:
                assert int.from_bytes(seen.payload[-2:], "big") in STATUS_WORDS
        card.pass_time(choices.byte() * 10)
    _still_well(card, before, session)


def _still_well(card: VirtualCard, before: dict[int, bytes], session: bytes) -> None:
    after = card.remembers()
    for field in KEPT_BY_ANY_PLAIN_BYTES:
        assert after[field] == before[field]
    opened = card.open_link(NONCE[::-1])
    assert opened not in (session, NO_SESSION)
    assert card.ask(opened, 1, PING, b"well").payload == b"well"


def card_takes_any_commands_in_a_channel(data: bytes) -> None:
    """Commands of any content under a good channel: documented status words, right R-MACs, sane and durable
    state, and never the seed or a key in an answer.
    """
    card = VirtualCard()
    choices = Choices(data)
    session = card.open_link(NONCE)
    seq = 0

    def speak(apdu: bytes) -> bytes:
        nonlocal seq
        seq = (seq + 1) % 256
        answer = card.ask(session, seq, MSG, apdu)
        assert answer.cmd == MSG
        return answer.payload

    def open_channel(keys, counter: int) -> Channel:
        channel = Channel(keys, NONCE, counter)
        speak(channel.initialize_update())
        assert speak(channel.external_authenticate()) == b"\x90\x00"
        return channel

    channel = open_channel(inputs.BATCH, 1)
    if choices.byte() % 4:  # mostly: a card on its way to being personalised
        speak(channel.command(bytes.fromhex("80D80181"), put_key_data(inputs.BATCH, inputs.ISSUER)))
        channel = open_channel(inputs.ISSUER, 2)
        speak(channel.command(bytes.fromhex("80F08007"), b""))
        data_field = store_data(inputs.ISSUER, 1, inputs.SUITE_A, inputs.SEED_32, "en", "")
        speak(channel.command(bytes.fromhex("80E28800"), data_field))
        speak(channel.command(bytes.fromhex("002C0281"), inputs.PIN.encode()))
    while choices:
        memory = card.remembers()
        apdu, in_channel = _any_command(choices, channel)
        answer = speak(apdu)
        status = int.from_bytes(answer[-2:], "big")
        assert status in STATUS_WORDS
        assert len(answer) <= 250
        if in_channel and status in (0x9000, *range(0x63C0, 0x63D0)):
            assert len(answer) >= 10, "success without R-MAC"
        for secret in (inputs.SEED_32, inputs.PIN.encode(), inputs.ISSUER.dek, memory[state.KEY_ENC]):
            assert not secret or secret not in answer
        _sane(memory, card.remembers())
        if status == 0x6982 or not in_channel:
            break


def _any_command(choices: Choices, channel: Channel) -> tuple[bytes, bool]:
    kind = choices.byte()
    instruction = INSTRUCTIONS[kind % len(INSTRUCTIONS)] if kind < 0xE0 else choices.byte()
    p1p2 = {
        0xD8: b"\x20\x81",
        0xE2: b"\x88\x00",
        0x88: b"\x00\x00",
        0x2C: b"\x02\x81",
        0x20: b"\x00\x81",
        0xF0: bytes([0x80, (0x01, 0x07, 0x0F, 0x7F, 0xFF)[choices.byte() % 5]]),
    }.get(instruction, choices.take(2))
    if choices.byte() % 16 == 0:
        p1p2 = choices.take(2)
    header = bytes([0x80, instruction]) + p1p2
    data = choices.take(choices.byte() % 240)
    if choices.byte() % 32 == 0:
        return header + bytes([len(data)]) + data, False
    return channel.command(header, data), True


def _sane(before: dict[int, bytes], after: dict[int, bytes]) -> None:
    """What no single command may do to a card."""
    life_cycle = after[state.LIFE_CYCLE]
    assert life_cycle in (b"\x01", b"\x07", b"\x0f", b"\x7f", b"\xff")
    assert after[state.SERIAL_NUMBER] == before[state.SERIAL_NUMBER]
    assert after[state.SEQUENCE_COUNTER] >= before[state.SEQUENCE_COUNTER]
    assert after[state.TRIES_LEFT] in (b"", *(bytes([left]) for left in range(6)))
    if after[state.WIPES] == before[state.WIPES] and after[state.QUOTA] and before[state.QUOTA]:
        assert after[state.QUOTA] <= before[state.QUOTA], "the quota grew without a wipe"
    if life_cycle in (b"\x0f", b"\x7f"):
        assert len(after[state.SEED]) >= 20, "SECURED without a seed"
    if life_cycle == b"\x01":
        assert after[state.SEED] == after[state.PIN] == b"", "OP_READY with a seed or a PIN"
    if life_cycle == b"\xff":
        assert after[state.SEED] == after[state.PIN] == after[state.KEY_ENC] == b""
    if after[state.KEY_VERSION] != before[state.KEY_VERSION] and life_cycle != b"\xff":
        assert 0x10 <= after[state.KEY_VERSION][0] <= 0x7F, "maker's keys came back (KVN 01 to 0F)"


def driver_link_takes_any_bytes(data: bytes) -> None:
    """The driver's link in any state: no crash, and only events that the state can have."""
    choices = Choices(data)
    link = SerialLink(lambda n: NONCE[:n])
    link.init()
    link.data_to_send()
    link.sent(0.0)
    if choices.byte() % 2:
        opened = frame(NO_SESSION, 0, INIT, NONCE + b"\x0a\x0b\x0c\x0d\x01" + NONCE + b"\x00")
        assert isinstance(link.receive(opened, 0.0)[0], Opened)
        link.request(LinkCommand.MSG, b"\x80\xca\x00\x45")
        link.data_to_send()
        link.sent(0.0)
    now = 0.0
    while choices:
        kind = choices.byte()
        content = choices.take(choices.byte() % 64)
        if kind % 3 == 0:
            content = frame(
                b"\x0a\x0b\x0c\x0d" if kind % 2 else NO_SESSION, kind % 2, choices.byte(), content
            )
        now += choices.byte() / 1000
        for event in [*link.receive(content, now), *link.tick(now)]:
            assert isinstance(event, Answered | Opened | Refused | GaveUp | Working)
            if isinstance(event, Opened):
                assert event.session != 0
        link.data_to_send()
        if link.state is LinkState.WAITING:
            link.sent(now)
            assert link.deadline() is not None, "waits without an end"


HID_CHANNEL = b"\x0a\x0b\x0c\x0d"
BROADCAST = b"\xff\xff\xff\xff"


def driver_hid_link_takes_any_reports(data: bytes) -> None:
    """The driver's HID link, given reports of any content and length, good ones among them: only events that
    the state can have, an answer only from reports that say it in their order, nothing sent again but what a
    busy card refused, and an end.
    """
    choices = Choices(data)
    link = HidLink(lambda n: NONCE[:n])
    link.init()
    link.data_to_send()
    link.sent(0.0)
    if choices.byte() % 4:
        opened = _report(BROADCAST + b"\x86\x00\x11" + NONCE + HID_CHANNEL + b"\x02\x01\x00\x00\x01")
        assert isinstance(link.receive(opened, 0.0)[0], Opened)
        link.request(LinkCommand.MSG, b"\x80\xca\x00\x45")
        link.data_to_send()
        link.sent(0.0)
    now, busy, ours = 0.0, False, []
    while choices:
        report = _any_report(choices)
        now += choices.byte() / 200
        was_init = not link.session
        if len(report) == 64 and report[:4] == HID_CHANNEL:
            ours.append(report)
            busy = busy or report[4:8] == b"\xbf\x00\x01\x06"
        if len(report) == 64 and report[:4] == BROADCAST:
            busy = busy or report[4:8] == b"\xbf\x00\x01\x06"
        for event in [*link.receive(report, now), *link.tick(now)]:
            assert isinstance(event, Answered | Opened | Refused | GaveUp | Working | AnswerBroken)
            if isinstance(event, Answered):
                assert not was_init
                assert _said(ours, len(event.payload)) == event.payload
        if link.data_to_send():
            assert was_init or busy, "sent again"
        if link.state is LinkState.WAITING:
            link.sent(now)
            assert link.deadline() is not None, "waits without an end"


def _report(content: bytes) -> bytes:
    return content.ljust(64, b"\x00")


def _any_report(choices: Choices) -> bytes:
    """A report that is mostly nearly right."""
    kind = choices.byte()
    channel = (HID_CHANNEL, HID_CHANNEL, HID_CHANNEL, BROADCAST, choices.take(4))[kind % 5]
    command = (0x83, 0xBB, 0xBF, 0x86, 0, 1, 2, choices.byte())[choices.byte() % 8]
    if command in (0xBB, 0xBF):
        content = bytes((command, 0, 1)) + choices.take(1)
    elif command == 0x86:
        content = b"\x86\x00\x11" + NONCE + HID_CHANNEL + choices.take(5)
    elif command == 0x83:
        content = b"\x83" + (choices.byte() * 3).to_bytes(2, "big") + choices.take(57)
    else:
        content = bytes((command,)) + choices.take(59)
    report = _report(channel + content)
    return report[: choices.byte()] if kind >= 0xF0 else report


def _said(reports: list[bytes], length: int) -> bytes | None:
    """What the last reports of a channel say if they are an answer of this length, whole and in order."""
    count = 1 + max(0, -(-(length - 57) // 59))
    last = reports[-count:]
    headers = [b"\x83" + length.to_bytes(2, "big"), *(bytes((n,)) for n in range(count - 1))]
    if len(last) != count:
        return None
    for report, header in zip(last, headers, strict=True):
        if not report[4:].startswith(header):
            return None
    pieces = (report[4 + len(header) :] for report, header in zip(last, headers, strict=True))
    return b"".join(pieces)[:length]


def driver_reads_any_apdu(data: bytes) -> None:
    """The driver's APDU parsers: a value that says the same, or the error that they promise."""
    try:
        response = Response.parse(data)
    except ProtocolError:
        assert len(data) < 2
    else:
        assert response.data + response.status_word.to_bytes(2, "big") == data
    try:
        command = Command.parse(data)
    except UsageError:
        return
    assert bytes(command) == data


class Liar:
    """A card that answers every request by the fuzzer's bytes, in well-formed frames."""

    url = "liar:"
    link = LinkKind.SERIAL

    def __init__(self, choices: Choices) -> None:
        self._choices = choices
        self._answer = b""
        self.seconds = 0.0

    def write(self, data: bytes) -> None:
        (request,) = frames_in(data)
        if request.cmd == INIT:
            payload = request.payload + b"\x0a\x0b\x0c\x0d\x01" + NONCE + b"\x00"
            self._answer = frame(NO_SESSION, 0, INIT, payload)
            return
        choices = self._choices
        kind = choices.byte() if choices else 0xFF
        payload = choices.take(choices.byte() % 64)
        if kind % 2:
            payload += b"\x90\x00"
        if kind % 8 == 7:
            payload = (
                inputs.SERIAL.encode() + b"\x01\x03\x70" + payload[:-2].ljust(19, b"\x00")[:19] + b"\x90\x00"
            )
        cmd = ERROR if kind % 16 == 2 else request.cmd
        self._answer = frame(request.session, request.seq, cmd, payload)

    def read(self, timeout: float) -> bytes:
        answer, self._answer = self._answer, b""
        self.seconds += 0.001 if answer else timeout
        return answer

    def close(self) -> None:
        pass


def driver_takes_any_answers(data: bytes) -> None:
    """The driver against a card that says anything: typed errors, typed values, no channel without keys."""
    liar = Liar(Choices(data))
    card = Card(liar, clock=lambda: liar.seconds, random=lambda n: bytes(n))
    readings = (
        *(card.life_cycle, card.key_information, card.sequence_counter, card.personality, card.pin_tries),
        *(card.firmware_version, card.battery, card.counters, card.quota_left, card.self_test),
        *(card.measure_battery, card.wink, lambda: card.serial_number),
    )
    for reading in readings:
        try:
            reading()
        except DscError:
            continue
    try:
        assert len(card.serial_number) == 10
        assert luhn_valid(card.serial_number)
    except DscError:
        pass
    try:
        card.open_session(BATCH)
    except DscError:
        return
    raise AssertionError("a secure channel with a card that has no keys")


TARGETS: dict[str, Target] = {
    target.__name__.replace("_", "-"): target
    for target in (
        card_takes_any_bytes,
        card_takes_any_frames,
        card_takes_any_reports,
        card_takes_any_messages_on_both_links,
        card_takes_any_commands_in_a_channel,
        driver_link_takes_any_bytes,
        driver_hid_link_takes_any_reports,
        driver_reads_any_apdu,
        driver_takes_any_answers,
    )
}
