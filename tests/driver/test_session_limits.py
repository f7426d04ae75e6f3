"""What a secure session refuses to send, what it does not believe, and when it is over."""

import pytest

from dscplus_driver import (
    LifeCycle,
    Pin,
    Profile,
    Seed,
    errors,
    read_evidence,
    status,
)
from dscplus_driver.apdu import Response
from dscplus_driver.model import serial_number
from dscplus_driver.recovery import until_known
from tests.harness import sample
from tests.harness.loopback import LoopbackCard

pytestmark = pytest.mark.usefixtures("each_link")

ISSUER = sample.issuer_keys()
SEED = Seed(b"a sample seed of 32 bytes length")


@pytest.fixture
def card():
    """A card under the issuer's keys, with a seed and no PIN."""
    card = LoopbackCard(sample.SERIAL_NUMBER, sample.transport_keys())
    with card.connect() as driver:
        with driver.open_session(sample.transport_keys()) as session:
            session.put_key(ISSUER)
        with driver.open_session(ISSUER) as session:
            session.set_status(LifeCycle.INITIALIZED)
            session.store_data(SEED, profile=Profile.CARD_PIN)
    return card


@pytest.mark.parametrize(
    "question", ["", "123", "123456789", "1" * 300, "12345a", "-12345", "٣٣٣٣٣٣", "é12345"]
)
def test_questions_that_no_card_takes_cost_no_quota_and_say_what_is_wrong(card, question):
    with card.connect() as driver, driver.open_session(ISSUER) as session:
        with pytest.raises(errors.UsageError, match="4 to 8 digits"):
            session.respond(question)
        assert session.quota_left() == 32


@pytest.mark.parametrize("language", ["x" * 36, "x" * 300, "e\n", "\x7f"])
def test_languages_that_the_card_cannot_hold_are_refused_before_anything_is_sent(card, language):
    with card.connect() as driver, driver.open_session(ISSUER) as session:
        with pytest.raises(errors.UsageError, match="language"):
            session.store_data(SEED, profile=Profile.CARD_PIN, language=language)
        session.store_data(SEED, profile=Profile.CARD_PIN, language="x" * 35)
        assert session.language() == "x" * 35


def test_a_response_that_is_not_made_of_digits_is_not_believed(card, monkeypatch):
    with card.connect() as driver, driver.open_session(ISSUER) as session:
        monkeypatch.setattr(session, "_transmit", lambda _name, _command: b"1234567a")
        with pytest.raises(errors.ProtocolError, match="digits"):
            session.respond("123456")


def test_a_channel_that_lapsed_on_the_card_is_over_on_the_host(card):
    with card.connect() as driver:
        session = driver.open_session(ISSUER)
        card.clock.now += 5
        with pytest.raises(errors.StatusWordError, match="6982"):
            session.life_cycle()
        with pytest.raises(errors.SessionClosed):
            session.life_cycle()
        assert driver.life_cycle() is LifeCycle.INITIALIZED


def test_termination_ends_the_session(card):
    with card.connect() as driver:
        session = driver.open_session(ISSUER)
        session.set_status(LifeCycle.TERMINATED)
        with pytest.raises(errors.SessionClosed):
            session.life_cycle()


def test_evidence_is_read_in_a_fresh_channel_though_one_is_open(card):
    with card.connect() as driver:
        session = driver.open_session(ISSUER)
        assert read_evidence(driver, (ISSUER,)).sequence_counter == session.sequence_counter_at_opening + 1
        with pytest.raises(errors.SessionClosed):
            session.life_cycle()


def test_a_card_that_was_removed_is_not_waited_for(card):
    times = []

    def once(fresh: bool) -> None:
        times.append(fresh)
        with driver.open_session(ISSUER) as session:
            card.set_faults("unplug=20")
            session.set_pin(Pin("0042"))

    with card.connect() as driver, pytest.raises(errors.OutcomeUnknown) as caught:
        until_known(driver, once)
    assert isinstance(caught.value.__cause__, errors.CardRemoved) and times == [True]


@pytest.mark.parametrize("value", [b"0000000017", b"000000018", b"00000000181", b"00000000x8", b"\xff" * 10])
def test_a_serial_number_is_ten_digits_the_last_luhns(value):
    with pytest.raises(errors.ProtocolError):
        serial_number(value)
    assert serial_number(b"0000000018") == "0000000018"


def test_only_63cx_tells_tries():
    told = [word for word in range(0x6200, 0x6500) if status.is_tries_left(word)]
    assert told == list(range(0x63C0, 0x63D0))


@pytest.mark.parametrize("raw", [b"", b"\x90"])
def test_an_answer_shorter_than_a_status_word_is_none(raw):
    with pytest.raises(errors.ProtocolError):
        Response.parse(raw)
