"""Over HID, client after client: killed ones, polite ones, and cards that go at any report."""

import pytest

from dscplus_card import hid_link, state
from dscplus_driver import Card, errors, personalise, read_evidence
from dscplus_driver.link.frames import LinkCommand
from dscplus_driver.link.hid import ANSWER_TIMEOUT, BUSY_PATIENCE
from dscplus_driver.link.hid_frames import BROADCAST, REPORT_LENGTH, split
from dscplus_driver.link.interface import LinkKind
from dscplus_driver.model import LifeCycle
from tests.harness import sample
from tests.harness.loopback import LoopbackCard, reports_in

CHANNEL_LAPSES = 5.0
MESSAGE_TIMES_OUT = 0.5
REPORTS = 35
FLASH_OPERATIONS = 16
LOCK = 0x04


@pytest.fixture
def card():
    return new_card()


def new_card():
    card = LoopbackCard(sample.SERIAL_NUMBER, sample.transport_keys())
    card.link = LinkKind.HID
    return card


def seconds_of(card, act):
    before = card.clock.now
    act()
    return card.clock.now - before


def run(card):
    with card.connect() as driver:
        return personalise(driver, sample.plan())


def open_channel_of(card):
    """A session of a client that is killed: it never closes anything."""
    return card.connect().open_session(sample.transport_keys())


# --- one client after another


def test_a_new_client_waits_until_the_channel_of_a_killed_one_lapses(card):
    open_channel_of(card)
    waited = seconds_of(card, lambda: run(card))
    assert CHANNEL_LAPSES <= waited <= BUSY_PATIENCE
    assert card.memory().number(state.LIFE_CYCLE) == state.SECURED


def test_a_new_client_need_not_wait_for_one_that_left(card):
    with card.connect() as driver, driver.open_session(sample.transport_keys()) as session:
        session.life_cycle()
    assert seconds_of(card, lambda: run(card)) == 0


def test_leaving_twice_says_it_once(card):
    driver = card.connect()
    driver.life_cycle()
    before = card.virtual.bytes_in
    driver.close()
    driver.close()
    assert card.virtual.bytes_in - before == REPORT_LENGTH


def test_leaving_a_card_that_is_gone_is_no_error(card):
    with card.connect() as driver:
        driver.life_cycle()
        card.virtual.unplug()


def test_beginning_anew_ends_the_own_channel_at_once(card):
    def again():
        assert read_evidence(driver, [sample.transport_keys()]).life_cycle is LifeCycle.OP_READY

    with card.connect() as driver:
        driver.open_session(sample.transport_keys())
        assert seconds_of(card, again) == 0


def test_a_new_client_waits_for_the_rest_of_a_killed_ones_message(card):
    host = Host(card)
    begun = reports_in(split(host.channel, LinkCommand.MSG, bytes(200)))
    host.send(b"".join(begun[:2]))
    with card.connect() as driver:
        assert seconds_of(card, driver.life_cycle) >= MESSAGE_TIMES_OUT


def test_answers_that_a_killed_client_never_read_are_not_ours(card):
    host = Host(card)
    for _ in range(3):
        host.send(split(host.channel, LinkCommand.PING, b"\x55" * 200))
    host.send(split(BROADCAST, LinkCommand.INIT, b"killed!!"))
    with card.connect() as driver:
        assert driver.life_cycle() is LifeCycle.OP_READY
        assert driver.serial_number == sample.SERIAL_NUMBER


def test_a_card_that_stays_with_another_client_is_busy(card):
    host = Host(card)
    host.send(split(host.channel, LOCK, b"\x0a"))
    with card.connect() as driver:
        with pytest.raises(errors.CardBusy, match="works for another client"):
            driver.life_cycle()
        assert seconds_of(card, driver.life_cycle) < 10 - BUSY_PATIENCE + 0.5, "until the lock ends"


def test_an_interrupted_wait_is_cancelled_and_the_card_is_free_at_once(card):
    driver = card.connect()
    driver.life_cycle()
    transport = driver._connection._transport
    sent, write, read = [], transport.write, transport.read

    def interrupted(_timeout):
        raise KeyboardInterrupt

    transport.write = lambda data: (sent.append(data), write(data))
    transport.read = interrupted
    with pytest.raises(KeyboardInterrupt):
        driver.wink()
    assert [report[4] & 0x7F for report in sent] == [LinkCommand.WINK, LinkCommand.CANCEL]
    transport.read = read
    assert seconds_of(card, driver.life_cycle) == 0
    assert sent[2][4] & 0x7F == LinkCommand.INIT


def test_a_card_of_another_ctaphid_version_is_refused(card, monkeypatch):
    monkeypatch.setattr(hid_link, "PROTOCOL_VERSION", 3)
    with card.connect() as driver, pytest.raises(errors.LinkError, match="link version 3, this program vers"):
        driver.life_cycle()


class Host:
    """A client that is not ours: it sends what it is told, and reads when it likes."""

    def __init__(self, card):
        self.transport = card.transport()
        self.send(split(BROADCAST, LinkCommand.INIT, b"other!!!"))
        self.channel = int.from_bytes(self.transport.read(0)[15:19], "big")

    def send(self, reports):
        self.transport.write(reports)


# --- lost reports


class Losing:
    """A transport that loses report number ``n`` of the card (from 0), or gives an empty one before it."""

    def __init__(self, transport, n, *, only_late=False):
        self.url, self.link = transport.url, transport.link
        self._left, self._only_late, self._kept = n, only_late, []
        self._read = transport.read
        self.write, self.close = transport.write, transport.close

    def read(self, timeout):
        if self._kept:
            return self._kept.pop()
        report = self._read(timeout)
        if report:
            self._left -= 1
            if self._left == -1:
                self._kept = [report] if self._only_late else []
                return b""
        return report


def test_any_report_of_the_card_lost_is_recovered_from_and_never_a_wrong_answer():
    """INIT heals by itself, everything else by reading the card's state afresh."""
    for lost in range(16):
        card = new_card()
        with Card(Losing(card.transport(), lost), clock=card.clock) as driver:
            assert seconds_of(card, lambda d=driver: personalise(d, sample.plan())) <= 2 * ANSWER_TIMEOUT
        assert card.memory().number(state.LIFE_CYCLE) == state.SECURED
        assert card.memory().get(state.SEED) == sample.plan().seed.reveal()


@pytest.mark.parametrize("lost", [1, 2, 3])
def test_an_answer_with_a_report_missing_is_a_link_error_and_no_answer(card, lost):
    with Card(Losing(card.transport(), lost), clock=card.clock) as driver:  # report 0 answers INIT
        with pytest.raises(errors.LinkError, match="a part of the answer was lost"):
            driver.ping(bytes(200))
        driver.ping(bytes(200))


def test_an_empty_report_means_read_again():
    for late in range(16):
        card = new_card()
        with Card(Losing(card.transport(), late, only_late=True), clock=card.clock) as driver:
            assert seconds_of(card, lambda d=driver: personalise(d, sample.plan())) == 0


def test_an_answer_lost_for_good_leaves_the_outcome_unknown_and_nothing_is_sent_again(card):
    with card.connect() as driver, driver.open_session(sample.transport_keys()) as session:
        card.set_faults("lose-answer=1")
        before = card.virtual.bytes_in
        with pytest.raises(errors.OutcomeUnknown) as caught:
            session.put_key(sample.issuer_keys())
        assert isinstance(caught.value.__cause__, errors.CardTimeout)
        assert card.virtual.bytes_in - before == 3 * REPORT_LENGTH, "PUT KEY under the channel, once"
    assert card.memory().number(state.KEY_VERSION) == sample.ISSUER_VERSION


# --- cards that go


def test_these_are_all_reports_of_a_personalisation(card):
    run(card)
    farewell = 1
    assert card.virtual.bytes_in + card.virtual.bytes_out == (REPORTS + farewell) * REPORT_LENGTH


@pytest.mark.parametrize("n", range(REPORTS))
def test_unplug_at_each_report_then_again_completes(card, n):
    card.set_faults(f"unplug={n * REPORT_LENGTH}")
    with pytest.raises(errors.CardError) as caught:
        run(card)
    assert isinstance(caught.value, errors.CardRemoved | errors.OutcomeUnknown)
    card.replug()
    run(card)
    assert card.memory().number(state.LIFE_CYCLE) == state.SECURED


@pytest.mark.parametrize("operation", range(1, FLASH_OPERATIONS + 1))
def test_power_cut_at_each_flash_operation_then_again_completes(card, operation):
    card.set_faults(f"power-cut={operation},seed={operation}")
    with pytest.raises(errors.CardError):
        run(card)
    card.replug()
    run(card)
    assert card.memory().number(state.LIFE_CYCLE) == state.SECURED
