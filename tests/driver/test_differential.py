"""Driver and card, two implementations of RFC 6287 and of SCP03: they agree on whatever is drawn."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dscplus_driver import KeySet, LifeCycle, Pin, Profile, Seed, ocra, put_key, scp03
from dscplus_driver.apdu import Command
from tests.harness import sample
from tests.harness.loopback import LoopbackCard

CARD_SUITES = st.builds(
    "OCRA-1:HOTP-{}-{}:{}QN0{}{}".format,
    st.sampled_from(["SHA1", "SHA256"]),
    st.integers(6, 8),
    st.sampled_from(["", "C-"]),
    st.integers(4, 8),
    st.sampled_from(["", "-PSHA1", "-PSHA256"]),
)
KEYS = st.sampled_from([16, 32]).flatmap(lambda n: st.tuples(*[st.binary(min_size=n, max_size=n)] * 3))


@pytest.fixture(scope="module")
def card():
    """A card under the issuer's keys, INITIALIZED."""
    card = LoopbackCard(sample.SERIAL_NUMBER, sample.transport_keys())
    with card.connect() as driver:
        with driver.open_session(sample.transport_keys()) as session:
            session.put_key(sample.issuer_keys())
        with driver.open_session(sample.issuer_keys()) as session:
            session.set_status(LifeCycle.INITIALIZED)
    return card


def store_suite(session, keys, seed, suite, profile):
    """STORE DATA with any suite that a card admits; the driver itself stores the two profiles' own."""
    sealed = scp03.encrypt_under_dek(keys.dek.reveal(), scp03.pad(bytes((len(seed),)) + seed))
    content = bytes((profile,)) + suite.encode()
    groups = b"\x01\x01" + bytes((len(content),)) + content + b"\x80\x01" + bytes((len(sealed),)) + sealed
    return session._change("STORE DATA", Command(0x80, 0xE2, 0x88, 0, groups))


@settings(max_examples=60, deadline=None)
@given(st.binary(min_size=20, max_size=64), CARD_SUITES, st.data())
def test_any_seed_suite_and_question_give_one_response(card, seed, suite, data):
    parsed = ocra.Suite.parse(suite)
    question = data.draw(st.from_regex(rf"[0-9]{{4,{parsed.question_length}}}", fullmatch=True))
    pin = Pin(f"{data.draw(st.integers(0, 9999)):04d}") if parsed.pin_hash else None
    profile = Profile.SERVER_PIN if pin else Profile.CARD_PIN
    with card.connect() as driver, driver.open_session(sample.issuer_keys()) as session:
        assert store_suite(session, sample.issuer_keys(), seed, suite, profile) == Seed(seed).check_value()
        for counter in range(2):
            expected = ocra.respond(
                suite, seed, question, pin=pin, counter=counter if parsed.counter else None
            )
            assert session.respond(question, pin) == expected
        session.set_status(LifeCycle.OP_READY)
        session.set_status(LifeCycle.INITIALIZED)


@settings(max_examples=40, deadline=None)
@given(KEYS, KEYS, st.integers(0x01, 0x0F), st.integers(0x10, 0x7F))
def test_any_keys_open_a_channel_and_are_rotated(present, following, version, next_version):
    old, new = KeySet(version, *present), KeySet(next_version, *following)
    card = LoopbackCard("0000000026", old)
    with card.connect() as driver:
        with driver.open_session(old) as session:
            assert session.life_cycle() is LifeCycle.OP_READY
            session.put_key(new)
        with driver.open_session(new) as session:
            assert session.key_version == next_version
        assert driver.key_information().key_length == len(following[0])
        assert put_key.confirmation(new)[0] == next_version


@settings(max_examples=40, deadline=None)
@given(st.lists(st.binary(max_size=300), min_size=1, max_size=6))
def test_no_bytes_that_the_card_sends_back_crash_the_driver(card, answers):
    """Any APDU through the raw door: an answer with a status word, never an exception."""
    with card.connect() as driver:
        for apdu in answers:
            assert len(driver.transmit(apdu)) >= 2
