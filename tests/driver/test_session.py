"""Card and SecureSession against the reference card, and against somebody on the cable."""

import pytest

from dscplus_driver import Card, KeySet, LifeCycle, MasterKey, Pin, Profile, Seed, errors, ocra
from tests.driver.middleman import connect_through
from tests.harness import sample
from tests.harness.loopback import LoopbackCard

pytestmark = pytest.mark.usefixtures("each_link")

SEED = Seed(b"a sample seed of 32 bytes length")
PIN = Pin("0042")


@pytest.fixture
def card():
    return LoopbackCard(sample.SERIAL_NUMBER, sample.transport_keys())


@pytest.fixture
def issuer_card(card):
    """A card under the issuer's keys, INITIALIZED."""
    with card.connect() as driver:
        with driver.open_session(sample.transport_keys()) as session:
            session.put_key(sample.issuer_keys())
        with driver.open_session(sample.issuer_keys()) as session:
            session.set_status(LifeCycle.INITIALIZED)
    return card


def store(session):
    session.store_data(SEED, profile=Profile.CARD_PIN, language="es", text="DEMO")
    session.set_pin(PIN)


def test_the_architecture_pages_example(card):
    with card.connect() as driver:
        assert driver.serial_number == sample.SERIAL_NUMBER
        assert driver.life_cycle() is LifeCycle.OP_READY
        with driver.open_session(sample.transport_keys()) as session:
            session.put_key(sample.issuer_keys())
        with driver.open_session(sample.issuer_keys()) as session:
            session.set_status(LifeCycle.INITIALIZED)
            assert session.store_data(SEED, profile=Profile.CARD_PIN, language="en") == SEED.check_value()
            session.set_pin(PIN)
            assert session.respond("123456") == ocra.respond(Profile.CARD_PIN.suite, SEED, "123456")
            session.verify_pin(PIN)
            session.set_status(LifeCycle.SECURED)
        assert driver.life_cycle() is LifeCycle.SECURED


def test_readings_in_the_clear_and_under_r_mac_agree(issuer_card):
    with issuer_card.connect() as driver:
        with driver.open_session(sample.issuer_keys()) as session:
            store(session)
            under = [session.life_cycle(), session.personality(), session.pin_tries(), session.quota_left()]
            assert session.seed_check_value() == SEED.check_value()
            counter = session.sequence_counter_at_opening
        clear = [driver.life_cycle(), driver.personality(), driver.pin_tries(), driver.quota_left()]
        assert clear == under
        assert driver.sequence_counter() == counter
        assert (driver.language(), driver.text()) == ("es", "DEMO")
        assert driver.key_information().key_version == sample.ISSUER_VERSION
        assert driver.self_test() == 0
        assert driver.measure_battery().millivolts > 0


def test_the_seed_check_value_is_not_told_in_the_clear(issuer_card):
    with issuer_card.connect() as driver, pytest.raises(errors.StatusWordError) as caught:
        driver.get_data(0xDF07)
    assert caught.value.status_word == 0x6982
    assert "6982" in str(caught.value) and sample.SERIAL_NUMBER not in repr(caught.value.command)


def test_wrong_pins_count_down_and_block(issuer_card):
    with issuer_card.connect() as driver, driver.open_session(sample.issuer_keys()) as session:
        store(session)
        for left in (4, 3, 2, 1, 0):
            with pytest.raises(errors.WrongPin) as caught:
                session.verify_pin(Pin("9999"))
            assert caught.value.tries_left == left
        with pytest.raises(errors.CardBlocked):
            session.verify_pin(PIN)
        session.unblock_pin()
        session.verify_pin(PIN)


def test_all_thirty_two_responses_and_no_more(issuer_card):
    with issuer_card.connect() as driver, driver.open_session(sample.issuer_keys()) as session:
        store(session)
        for _ in range(32):
            session.respond("000123")
        with pytest.raises(errors.StatusWordError) as caught:
            session.respond("000123")
        assert caught.value.status_word == 0x6985
        assert session.quota_left() == 0


@pytest.mark.parametrize("length", [16, 32])
def test_both_key_lengths(length):
    transport = KeySet.diversify(MasterKey(bytes(range(length))), 0x0F, "0000000018")
    issuer = KeySet.diversify(MasterKey(bytes(range(1, length + 1))), 0x7F, "0000000018")
    card = LoopbackCard("0000000018", transport)
    with card.connect() as driver:
        with driver.open_session(transport) as session:
            session.put_key(issuer)
        with driver.open_session(issuer) as session:
            assert session.key_version == 0x7F
        assert driver.key_information().key_length == length


def test_keys_of_another_version(card):
    with card.connect() as driver, pytest.raises(errors.KeyVersionNotFound, match="20"):
        driver.open_session(sample.issuer_keys())
    assert card.connect().sequence_counter() == 0


def test_other_keys_of_the_same_version(card):
    others = KeySet.diversify(MasterKey(bytes(16)), sample.TRANSPORT_VERSION, sample.SERIAL_NUMBER)
    with card.connect() as driver, pytest.raises(errors.AuthenticationFailed) as caught:
        driver.open_session(others)
    assert sample.SERIAL_NUMBER in str(caught.value) and caught.value.where in str(caught.value)


def test_a_makers_version_is_never_put_back(card):
    with card.connect() as driver, driver.open_session(sample.transport_keys()) as session:
        with pytest.raises(errors.UsageError, match="maker"):
            session.put_key(KeySet(0x0F, bytes(16), bytes(16), bytes(16)))
        session.put_key(sample.issuer_keys())


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"text": "x" * 17}, "16"),
        ({"text": "Grüße"}, "ASCII"),
        ({"text": "a\n"}, "printable"),
        ({"language": "ñ"}, "ASCII"),
    ],
)
def test_texts_that_the_card_cannot_hold_are_refused_before_anything_is_sent(issuer_card, options, complaint):
    with issuer_card.connect() as driver, driver.open_session(sample.issuer_keys()) as session:
        with pytest.raises(errors.UsageError, match=complaint):
            session.store_data(SEED, profile=Profile.CARD_PIN, **options)
        assert session.seed_check_value() == b""


def test_a_card_that_confirms_other_keys_or_another_seed_is_not_believed(issuer_card, monkeypatch):
    """Authenticated, and wrong all the same: a card whose firmware is broken."""
    with issuer_card.connect() as driver, driver.open_session(sample.issuer_keys()) as session:
        monkeypatch.setattr(session, "_change", lambda _name, _command: SEED.check_value()[:-1] + b"?")
        with pytest.raises(errors.ProtocolError, match="another seed"):
            session.store_data(SEED, profile=Profile.CARD_PIN)
        monkeypatch.setattr(session, "_change", lambda _name, _command: b"\x20" + bytes(9))
        with pytest.raises(errors.ProtocolError, match="other keys"):
            session.put_key(sample.issuer_keys())


# --- sessions end when they must ---


def test_a_plain_command_does_not_silently_end_an_open_session(card):
    with card.connect() as driver, driver.open_session(sample.transport_keys()) as session:
        with pytest.raises(errors.SessionOpen):
            driver.life_cycle()
        with pytest.raises(errors.SessionOpen):
            driver.open_session(sample.transport_keys())
        assert session.life_cycle() is LifeCycle.OP_READY


def test_after_a_session_the_card_answers_in_the_clear(card):
    with card.connect() as driver:
        with driver.open_session(sample.transport_keys()) as session:
            session.life_cycle()
        assert driver.life_cycle() is LifeCycle.OP_READY
        assert driver.life_cycle() is LifeCycle.OP_READY


@pytest.mark.parametrize("end", ["close", "put_key", "reset"])
def test_a_session_that_is_over_says_so(card, end):
    with card.connect() as driver:
        session = driver.open_session(sample.transport_keys())
        if end == "put_key":
            session.put_key(sample.issuer_keys())
        else:
            (session.close if end == "close" else driver.reset)()
        with pytest.raises(errors.SessionClosed):
            session.life_cycle()
        with pytest.raises(errors.SessionClosed):
            session.set_status(LifeCycle.INITIALIZED)


def test_a_card_that_restarted_ends_the_session(card):
    with card.connect() as driver:
        session = driver.open_session(sample.transport_keys())
        card.virtual.cut_power()
        card.replug()
        with pytest.raises(errors.LinkError, match="no such session"):
            session.life_cycle()
        with pytest.raises(errors.SessionClosed):
            session.life_cycle()


def test_another_card_at_the_same_port_is_noticed(card):
    other = LoopbackCard("0000000026", sample.transport_keys("0000000026"))
    with card.connect() as driver:
        assert driver.serial_number == sample.SERIAL_NUMBER
        driver.reset()
        driver._connection._transport = other.transport()
        with pytest.raises(errors.CardUnfit, match="0000000026"):
            driver.open_session(sample.transport_keys())


# --- somebody on the cable ---


def shorten(answer, _number):
    """Nothing but the status word: as if the card had no R-MAC to give."""
    return answer[-2:]


def flip(answer, _number):
    return bytes((answer[0] ^ 1,)) + answer[1:]


def refuse(_answer, _number):
    return b"\x69\x85"


def vanish(_answer, _number):
    return b""


def warn(_answer, _number):
    return b"\x63\x00"


LIES = {"shortened": shorten, "changed": flip, "refused": refuse, "empty": vanish, "warning": warn}
CHANGES = {
    "PUT KEY": lambda session: session.put_key(sample.issuer_keys()),
    "SET STATUS": lambda session: session.set_status(LifeCycle.TERMINATED),
    "RESET RETRY COUNTER": lambda session: session.set_pin(PIN),
    "STORE DATA": lambda session: session.store_data(SEED, profile=Profile.CARD_PIN),
}


def lie_from(number, lie):
    return lambda answer, count: lie(answer, count) if count >= number else answer


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_after_a_changing_command_every_unproven_answer_is_outcome_unknown(card, change, lie):
    with connect_through(card, lie_from(3, lie)) as driver:
        session = driver.open_session(sample.transport_keys())
        with pytest.raises(errors.OutcomeUnknown) as caught:
            change(session)
        assert caught.value.__cause__ is not None and sample.SERIAL_NUMBER in str(caught.value)
        with pytest.raises(errors.SessionClosed):
            session.life_cycle()


@pytest.mark.parametrize("lie", [shorten, flip, warn], ids=["shortened", "changed", "warning"])
def test_no_reading_is_believed_without_its_r_mac(card, lie):
    with connect_through(card, lie_from(3, lie)) as driver:
        session = driver.open_session(sample.transport_keys())
        with pytest.raises(errors.AuthenticationFailed):
            session.life_cycle()


@pytest.mark.parametrize("word", ["6982", "6300", "6283", "63C0", "9001", "900090009000"])
def test_external_authenticate_counts_only_with_a_bare_9000(card, word):
    driver = connect_through(card, lambda a, n: bytes.fromhex(word) if n == 2 else a)
    with driver, pytest.raises(errors.AuthenticationFailed):
        driver.open_session(sample.transport_keys())


def test_a_wrong_pin_cannot_be_passed_off_as_right(issuer_card):
    with connect_through(issuer_card, lambda a, n: b"\x90\x00" if n == 5 else a) as driver:
        session = driver.open_session(sample.issuer_keys())
        store(session)
        with pytest.raises(errors.AuthenticationFailed):
            session.verify_pin(Pin("9999"))


def test_an_answer_lost_for_good_after_a_change_is_outcome_unknown(card):
    with card.connect() as driver:
        session = driver.open_session(sample.transport_keys())
        card.set_faults("lose-answer=1")
        with pytest.raises(errors.OutcomeUnknown) as caught:
            session.put_key(sample.issuer_keys())
        assert isinstance(caught.value.__cause__, errors.CardTimeout)


def test_a_card_unplugged_during_a_change_is_outcome_unknown_because_removed(card):
    with card.connect() as driver:
        session = driver.open_session(sample.transport_keys())
        card.set_faults("unplug=20")
        with pytest.raises(errors.OutcomeUnknown) as caught:
            session.put_key(sample.issuer_keys())
        assert isinstance(caught.value.__cause__, errors.CardRemoved)


@pytest.mark.parametrize("tag", ["text", "language", "firmware_version"])
@pytest.mark.parametrize("value", [b"\x1b[2J", b"a\nb", b"\x7f", b"\xc3\xa9"])
def test_a_card_cannot_write_to_the_terminal_by_its_texts(card, tag, value):
    driver = connect_through(card, lambda _answer, _number: value + b"\x90\x00")
    with driver, pytest.raises(errors.ProtocolError, match="printable ASCII"):
        getattr(driver, tag)()


def test_the_suite_is_a_text_of_the_card_too(card):
    driver = connect_through(card, lambda _answer, _number: b"\x01OCRA\x1b]0;x\x07\x90\x00")
    with driver, pytest.raises(errors.ProtocolError, match="printable ASCII"):
        driver.personality()


def test_another_thread_is_refused_and_spoils_nothing_of_the_command_under_way(card):
    transport = card.transport()
    read = transport.read
    with Card(transport, clock=card.clock) as driver:
        session = driver.open_session(sample.transport_keys())

        def meanwhile(timeout):
            transport.read = read
            with pytest.raises(RuntimeError, match="another thread"):
                session.life_cycle()
            return read(timeout)

        transport.read = meanwhile
        session.put_key(sample.issuer_keys())
        with driver.open_session(sample.issuer_keys()) as session:
            assert session.life_cycle() is LifeCycle.OP_READY
