"""Restock and scrap, and reading a card's state after a lost answer."""

import pytest

from dscplus_driver import (
    Card,
    KeySet,
    LifeCycle,
    MasterKey,
    errors,
    personalise,
    read_evidence,
    restock,
    scrap,
)
from dscplus_driver.link.hid_frames import REPORT_LENGTH
from dscplus_driver.link.interface import LinkKind
from dscplus_driver.model import Personality, PinTries, Profile
from dscplus_driver.retire import RestockStep, wipe
from tests.driver.middleman import connect_through
from tests.harness import sample
from tests.harness.loopback import LoopbackCard

pytestmark = pytest.mark.usefixtures("each_link")

ISSUER = sample.issuer_keys()
RESTOCK = KeySet.diversify(MasterKey(bytes(range(16))), 0x10, sample.SERIAL_NUMBER)
ALL = [RestockStep.WIPED, RestockStep.PROVEN, RestockStep.KEYS_ROTATED]


@pytest.fixture
def card():
    card = LoopbackCard(sample.SERIAL_NUMBER, sample.transport_keys())
    with card.connect() as driver:
        personalise(driver, sample.plan())
    return card


def restocked(card):
    steps = []
    with card.connect() as driver:
        restock(driver, ISSUER, RESTOCK, on_step=steps.append)
        evidence = read_evidence(driver, (ISSUER, RESTOCK))
    return steps, evidence


def test_a_card_is_wiped_proven_and_under_restock_keys(card):
    steps, evidence = restocked(card)
    assert steps == ALL
    assert evidence.is_wiped and evidence.key_version == RESTOCK.version


@pytest.mark.parametrize(("key_length", "octets", "reports"), [(16, 616, 20), (32, 664, 21)])
def test_restock_takes_nine_round_trips_and_its_bytes(card, key_length, octets, reports):
    transport = card.transport()
    before = card.virtual.bytes_in + card.virtual.bytes_out
    keys = KeySet.diversify(MasterKey(bytes(range(key_length))), 0x10, sample.SERIAL_NUMBER)
    restock(Card(transport, clock=card.clock), ISSUER, keys)
    assert transport.round_trips == 9
    expected = octets if card.link is LinkKind.SERIAL else reports * REPORT_LENGTH
    assert card.virtual.bytes_in + card.virtual.bytes_out - before == expected


def test_a_restocked_card_is_only_proven_again(card):
    restocked(card)
    assert restocked(card)[0] == ALL[1:]


@pytest.mark.parametrize("request_number", range(1, 9))
def test_an_answer_lost_anywhere_is_recovered_from(card, request_number):
    card.set_faults(f"lose-answer={request_number}")
    steps, evidence = restocked(card)
    assert steps in (ALL, ALL[1:]) and evidence.is_wiped and evidence.key_version == RESTOCK.version


@pytest.mark.parametrize(
    ("reading", "value", "complaint"),
    [
        ("quota_left", 29, "quota is 29"),
        ("pin_tries", PinTries(left=5, limit=5), "PIN is"),
        ("personality", Personality(Profile.CARD_PIN, Profile.CARD_PIN.suite), "profile is"),
    ],
)
def test_a_wipe_that_cannot_be_proven_is_refused(card, monkeypatch, reading, value, complaint):
    monkeypatch.setattr(f"dscplus_driver.session.SecureSession.{reading}", lambda _session: value)
    with card.connect() as driver, pytest.raises(errors.CardUnfit, match=complaint):
        restock(driver, ISSUER, RESTOCK)
    with card.connect() as driver:
        assert driver.key_information().key_version == ISSUER.version


def test_wipe_leaves_the_issuers_keys_and_may_be_repeated(card):
    with card.connect() as driver:
        wipe(driver, ISSUER)
        wipe(driver, ISSUER)
        evidence = read_evidence(driver, (ISSUER,))
    assert evidence.is_wiped and evidence.key_version == ISSUER.version


def test_scrap_is_for_ever(card):
    with card.connect() as driver:
        scrap(driver, (ISSUER, sample.transport_keys()))
        assert driver.life_cycle() is LifeCycle.TERMINATED
        assert driver.key_information() is None
        with pytest.raises(errors.CardError):
            read_evidence(driver, (ISSUER,))


def test_scrap_without_its_proof_is_a_case_for_quarantine(card):
    driver = connect_through(card, lambda answer, number: b"\x69\x85" if number == 3 else answer)
    with pytest.raises(errors.OutcomeUnknown, match="quarantine"):
        scrap(driver, (ISSUER,))


def test_evidence_tries_issuer_keys_first_and_none_twice(card):
    with card.connect() as driver:
        evidence = read_evidence(driver, (ISSUER, RESTOCK, sample.transport_keys()))
        assert (evidence.key_version, evidence.life_cycle) == (ISSUER.version, LifeCycle.SECURED)
        counter = evidence.sequence_counter
        with pytest.raises(errors.KeyVersionNotFound, match="10, 01"):
            read_evidence(driver, (RESTOCK, sample.transport_keys()))
        assert driver.sequence_counter() == counter
