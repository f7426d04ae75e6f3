"""Over HID, each command that changes the card × each way in which its answer can fail: OutcomeUnknown, and
the message is on the wire once. Only what the card said it had not begun is sent again.
"""

import pytest

from dscplus_driver import Card, LifeCycle, Pin, Profile, Seed, errors
from dscplus_driver.link.frames import LinkCommand
from dscplus_driver.link.hid import BUSY_PATIENCE
from dscplus_driver.link.hid_frames import MessageReader, split
from dscplus_driver.link.interface import LinkKind
from tests.harness import sample
from tests.harness.loopback import LoopbackCard, reports_in

CHANGES = {
    "PUT KEY": lambda session: session.put_key(sample.issuer_keys()),
    "SET STATUS": lambda session: session.set_status(LifeCycle.TERMINATED),
    "RESET RETRY COUNTER": lambda session: session.set_pin(Pin("0042")),
    "unblock": lambda session: session.unblock_pin(),
    "STORE DATA": lambda session: session.store_data(
        Seed(b"a sample seed of 32 bytes length"), profile=Profile.CARD_PIN
    ),
}


class Failing:
    """A transport to a card; from `fail` on, what the card answers to a MSG is told by ``answers(channel)``:
    reports, or exceptions. ``b""`` stands for time that passes without a report.
    """

    link = LinkKind.HID

    def __init__(self, card):
        self.url = "hid:/dev/hidraw0"
        self.messages = []
        self._card, self._clock = card.transport(), card.clock
        self._reader = MessageReader()
        self._answers = self._write_error = None
        self._script = iter(())

    def fail(self, answers, write_error=None):
        self._answers, self._write_error = answers, write_error
        self.messages.clear()

    def write(self, data):
        messages = self._reader.feed(data)
        self.messages += [message for message in messages if message.cmd == LinkCommand.MSG]
        if self._answers and messages[-1].cmd == LinkCommand.MSG:
            if self._write_error:
                raise self._write_error
            self._script = iter(self._answers(messages[-1].channel))
        else:
            self._card.write(data)

    def read(self, timeout):
        if not self._answers:
            return self._card.read(timeout)
        report = next(self._script, b"")
        if isinstance(report, Exception):
            raise report
        self._clock.now += 0.001 if report else timeout
        return report

    def close(self):
        self._card.close()


def error(code):
    return lambda channel: [split(channel, LinkCommand.ERROR, bytes((code,)))]


def answered(payload):
    return lambda channel: reports_in(split(channel, LinkCommand.MSG, payload))


def after_a_keepalive(answers):
    return lambda channel: [split(channel, LinkCommand.KEEPALIVE, b"\x01"), *answers(channel)]


def within_an_answer(report):
    return lambda channel: [answered(bytes(200))(channel)[0], *report(channel)]


REMOVED = errors.CardRemoved("the card was removed")
ANSWERS = {
    "silence": lambda _channel: [],
    "silence after a keepalive": after_a_keepalive(lambda _channel: []),
    "half an answer": within_an_answer(lambda _channel: []),
    "an answer without its start": lambda channel: answered(bytes(200))(channel)[1:],
    "an answer with a hole": lambda channel: answered(bytes(200))(channel)[::2],
    "an error within": within_an_answer(error(0x7F)),
    "too long": lambda channel: [(split(channel, LinkCommand.MSG)[:5] + b"\xff\xff").ljust(64, b"\0")],
    "removed": lambda _channel: [REMOVED],
    "removed after a keepalive": after_a_keepalive(lambda _channel: [REMOVED]),
    "removed within": within_an_answer(lambda _channel: [REMOVED]),
    "stalled": lambda _channel: [errors.LinkError("the card's USB endpoint is stalled")],
    "busy after a keepalive": after_a_keepalive(error(0x06)),
    "empty": answered(b""),
    "one byte": answered(b"\x90"),
    "success without a proof": answered(b"\x90\x00"),
    **{f"error {code:02X}": error(code) for code in (0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x0B, 0x7F, 0xFF)},
}


@pytest.fixture
def opened():
    card = LoopbackCard(sample.SERIAL_NUMBER, sample.transport_keys())
    card.link = LinkKind.HID
    transport = Failing(card)
    with Card(transport, clock=card.clock) as driver:
        yield card, transport, driver, driver.open_session(sample.transport_keys())


def assert_unknown(opened, change):
    _, transport, driver, session = opened
    with pytest.raises(errors.OutcomeUnknown) as caught:
        change(session)
    assert isinstance(caught.value.__cause__, errors.CardError)
    with pytest.raises(errors.SessionClosed):
        session.life_cycle()
    sent = list(transport.messages)
    # Nothing of it is taken up again, and what it left behind is no other request's answer.
    transport.fail(None)
    assert driver.life_cycle() is LifeCycle.OP_READY
    assert sent[0].payload not in [message.payload for message in transport.messages]
    return sent


@pytest.mark.parametrize("answers", ANSWERS.values(), ids=ANSWERS.keys())
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_each_failure_of_each_change_is_outcome_unknown_and_nothing_is_sent_twice(opened, change, answers):
    opened[1].fail(answers)
    assert len(assert_unknown(opened, change)) == 1


@pytest.mark.parametrize(
    "why", [REMOVED, errors.CardTimeout("the card took no report for 5 s"), errors.LinkError("stalled")]
)
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_write_that_fails_is_outcome_unknown_since_a_report_may_have_gone(opened, change, why):
    opened[1].fail(lambda _channel: [], why)
    assert len(assert_unknown(opened, change)) == 1


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_card_that_stays_busy_is_outcome_unknown_in_the_end(opened, change):
    card, transport, _, _ = opened
    transport.fail(error(0x06))
    before = card.clock.now
    sent = assert_unknown(opened, change)
    assert len({message.payload for message in sent}) == 1 < len(sent)
    assert card.clock.now - before <= BUSY_PATIENCE + 1
