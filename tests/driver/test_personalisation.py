"""Personalisation: what remains is decided from evidence; done, interrupted at any point, it completes."""

import contextlib
import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dscplus_driver import (
    Card,
    KeySet,
    LifeCycle,
    MasterKey,
    Pin,
    Plan,
    Profile,
    Seed,
    Step,
    errors,
    personalise,
)
from dscplus_driver.connection import Connection
from dscplus_driver.evidence import CardEvidence
from dscplus_driver.link.hid_frames import REPORT_LENGTH
from dscplus_driver.link.interface import LinkKind
from dscplus_driver.model import Personality, PinTries
from dscplus_driver.personalisation import QUESTIONS, remaining
from tests.driver.middleman import connect_through
from tests.harness import sample
from tests.harness.loopback import LoopbackCard

pytestmark = pytest.mark.usefixtures("each_link")

PLAN = sample.plan()
SERVER_PLAN = dataclasses.replace(PLAN, profile=Profile.SERVER_PIN)
BLANK = CardEvidence(
    serial_number=sample.SERIAL_NUMBER,
    key_version=sample.TRANSPORT_VERSION,
    life_cycle=LifeCycle.OP_READY,
    check_value=b"",
    personality=None,
    pin_tries=None,
    quota_left=32,
    sequence_counter=1,
)
OWNED = dataclasses.replace(BLANK, key_version=sample.ISSUER_VERSION)
BEGUN = dataclasses.replace(OWNED, life_cycle=LifeCycle.INITIALIZED)
SEEDED = dataclasses.replace(
    BEGUN, check_value=PLAN.seed.check_value(), personality=Personality(Profile.CARD_PIN, "")
)
PINNED = dataclasses.replace(SEEDED, pin_tries=PinTries(5, 5))
SECURED = dataclasses.replace(PINNED, life_cycle=LifeCycle.SECURED, quota_left=29)
CHECKS = ["response-checked"] * QUESTIONS
TAIL = [*CHECKS, "pin-verified", "secured"]
FROM_SEED = ["seed-stored", "pin-set", *TAIL]


@pytest.mark.parametrize(
    ("evidence", "journal", "steps"),
    [
        (BLANK, {}, ["keys-rotated", "initialized", *FROM_SEED]),
        (OWNED, {}, ["initialized", *FROM_SEED]),
        (BEGUN, {}, FROM_SEED),
        (BEGUN, {"pin_confirmed": True, "responses_confirmed": 3}, FROM_SEED),
        (SEEDED, {}, ["pin-set", *TAIL]),
        (SEEDED, {"pin_confirmed": True}, ["pin-set", *TAIL]),
        (PINNED, {}, ["pin-set", *TAIL]),
        (PINNED, {"pin_confirmed": True}, TAIL),
        (PINNED, {"pin_confirmed": True, "responses_confirmed": 2}, TAIL[2:]),
        (PINNED, {"pin_confirmed": True, "responses_confirmed": 3}, TAIL[3:]),
        (dataclasses.replace(PINNED, pin_tries=PinTries(0, 5)), {"pin_confirmed": True}, ["pin-set", *TAIL]),
        (dataclasses.replace(PINNED, quota_left=2), {}, ["wiped", "initialized", *FROM_SEED]),
        (
            dataclasses.replace(PINNED, quota_left=2),
            {"pin_confirmed": True, "responses_confirmed": 1},
            TAIL[1:],
        ),
        (dataclasses.replace(BEGUN, quota_left=0), {}, ["wiped", "initialized", *FROM_SEED]),
        (
            dataclasses.replace(SEEDED, personality=Personality(Profile.SERVER_PIN, "")),
            {"responses_confirmed": 3},
            FROM_SEED,
        ),
        (SECURED, {}, ["pin-verified"]),
    ],
)
def test_what_remains_is_decided_from_evidence_and_journal(evidence, journal, steps):
    assert [step.value for step in remaining(evidence, dataclasses.replace(PLAN, **journal))] == steps


def test_r5_a_server_pin_card_gets_no_pin_and_no_verify():
    assert [s.value for s in remaining(OWNED, SERVER_PLAN)] == [
        "initialized",
        "seed-stored",
        *CHECKS,
        "secured",
    ]
    secured = dataclasses.replace(SECURED, personality=Personality(Profile.SERVER_PIN, ""), pin_tries=None)
    assert remaining(secured, SERVER_PLAN) == ()


@pytest.mark.parametrize(
    ("evidence", "complaint"),
    [
        (dataclasses.replace(SECURED, life_cycle=LifeCycle.CARD_LOCKED), "CARD_LOCKED"),
        (dataclasses.replace(BLANK, life_cycle=LifeCycle.TERMINATED), "TERMINATED"),
        (dataclasses.replace(PINNED, key_version=0x33), "key version 33"),
        (dataclasses.replace(PINNED, check_value=b"otherone"), "another seed"),
        (dataclasses.replace(SECURED, check_value=b"otherone"), "another seed"),
        (dataclasses.replace(SECURED, check_value=b""), "another seed"),
        (dataclasses.replace(SECURED, personality=Personality(Profile.SERVER_PIN, "")), "CARD_PIN"),
    ],
)
def test_a_card_that_the_plan_must_not_touch_is_refused(evidence, complaint):
    with pytest.raises(errors.CardUnfit, match=complaint):
        remaining(evidence, PLAN)


# --- done on the reference card ---


def new_card(length=16, **options):
    keys = KeySet.diversify(MasterKey(bytes(range(0x40, 0x40 + length))), 1, sample.SERIAL_NUMBER)
    return LoopbackCard(sample.SERIAL_NUMBER, keys, **options), keys


def run(card, plan=PLAN, **options):
    steps = []
    with card.connect() as driver:
        done = personalise(driver, plan, on_step=steps.append, **options)
    return done, [step.value for step in steps]


def state(card):
    with card.connect() as driver, driver.open_session(PLAN.issuer_keys) as session:
        return session.evidence()


def test_a_blank_card_comes_out_secured_and_tells_each_step():
    card, _ = new_card()
    done, steps = run(card)
    assert steps == ["keys-rotated", "initialized", *FROM_SEED]
    assert (done.serial_number, done.key_version) == (sample.SERIAL_NUMBER, sample.ISSUER_VERSION)
    assert done.check_value == PLAN.seed.check_value()
    evidence = state(card)
    assert (evidence.life_cycle, evidence.quota_left) == (LifeCycle.SECURED, 29)
    assert evidence.sequence_counter == done.sequence_counter + 1


def test_server_pin_cards_are_made_too():
    card, _ = new_card()
    _, steps = run(card, SERVER_PLAN)
    assert steps == ["keys-rotated", "initialized", "seed-stored", *CHECKS, "secured"]
    assert state(card).pin_tries is None


def test_the_byte_budget_holds():
    """1,300 bytes or 36 reports, and 16 round trips; AES-256, a seed of 64 bytes."""
    card, keys = new_card(32)
    plan = Plan((keys,), PLAN.issuer_keys, Seed(bytes(64)), PLAN.pin)
    transport = card.transport()
    personalise(Card(transport, clock=card.clock), plan)
    assert transport.round_trips == 16
    most = 1300 if card.link is LinkKind.SERIAL else 36 * REPORT_LENGTH
    assert card.virtual.bytes_in + card.virtual.bytes_out <= most


def test_no_report_more_than_the_apdus_need(monkeypatch):
    """A message of n bytes takes 1 + ⌈(n − 57) / 59⌉ reports; INIT and its answer one each."""
    card, keys = new_card(32)
    card.link = LinkKind.HID
    lengths, exchange = [], Connection.exchange

    def measured(self, cmd, payload=b""):
        answer = exchange(self, cmd, payload)
        lengths.extend([len(payload), len(answer)])
        return answer

    monkeypatch.setattr(Connection, "exchange", measured)
    personalise(
        Card(card.transport(), clock=card.clock), Plan((keys,), PLAN.issuer_keys, PLAN.seed, PLAN.pin)
    )
    needed = 2 + sum(1 + max(0, -(-(length - 57) // 59)) for length in lengths)
    assert card.virtual.bytes_in + card.virtual.bytes_out == needed * REPORT_LENGTH


def test_again_on_a_finished_card_it_only_proves_the_pin():
    card, _ = new_card()
    run(card)
    _, steps = run(card)
    assert steps == ["keys-rotated", "initialized", "seed-stored", "pin-verified", "secured"]
    assert state(card).quota_left == 29


def test_another_pin_on_a_finished_card_is_refused_not_set():
    card, _ = new_card()
    run(card)
    with pytest.raises(errors.WrongPin):
        run(card, dataclasses.replace(PLAN, pin=Pin("8642")))


def test_another_seed_is_refused_and_changes_nothing():
    card, _ = new_card()
    run(card)
    before = state(card)
    with pytest.raises(errors.CardUnfit, match="another seed"):
        run(card, dataclasses.replace(PLAN, seed=Seed(bytes(20))))
    after = state(card)
    assert dataclasses.replace(after, sequence_counter=before.sequence_counter) == before


def test_keys_that_are_not_the_cards_are_refused():
    card, _ = new_card()
    foreign = KeySet.diversify(MasterKey(bytes(16)), 1, sample.SERIAL_NUMBER)
    with pytest.raises(errors.AuthenticationFailed):
        run(card, dataclasses.replace(PLAN, card_keys=(foreign,)))


def test_a_restocked_card_is_personalised_from_its_restock_keys():
    restock = KeySet.diversify(MasterKey(bytes(range(16))), 0x10, sample.SERIAL_NUMBER)
    card, keys = new_card()
    with card.connect() as driver, driver.open_session(keys) as session:
        session.put_key(restock)
    _, steps = run(card, dataclasses.replace(PLAN, card_keys=(restock, *PLAN.card_keys)))
    assert steps[0] == "keys-rotated"


def test_a_wrong_response_is_never_verified():
    """The card answers by another seed than it was given: a bad card, and no lie of the cable would pass."""
    card, _ = new_card()
    with card.connect() as driver, pytest.raises(errors.CardUnfit, match="otherwise than its seed"):
        genuine = driver.open_session

        def with_a_bad_card(keys):
            session = genuine(keys)
            session.respond = lambda _question, _pin=None: "00000000"
            return session

        driver.open_session = with_a_bad_card
        personalise(driver, PLAN)
    assert state(card).life_cycle is LifeCycle.INITIALIZED


def test_what_on_step_raises_ends_the_run_before_the_next_command():
    class Stop(Exception):
        pass

    def stop_at_seed(step):
        if step is Step.SEED_STORED:
            raise Stop

    card, _ = new_card()
    with card.connect() as driver, pytest.raises(Stop):
        personalise(driver, PLAN, on_step=stop_at_seed)
    evidence = state(card)
    assert evidence.check_value == PLAN.seed.check_value() and evidence.pin_tries is None


@pytest.mark.parametrize("request_number", range(1, 16))
def test_an_answer_lost_for_good_is_recovered_from_within_the_run(request_number):
    card, _ = new_card()
    card.set_faults(f"lose-answer={request_number}")
    _, steps = run(card)
    assert steps == ["keys-rotated", "initialized", *FROM_SEED]
    assert state(card).life_cycle is LifeCycle.SECURED


@pytest.mark.parametrize("request_number", range(8, 14))
def test_a_journal_from_before_a_wipe_saves_no_question_after_a_lost_answer(request_number):
    """What it knows belongs to a seed that is no longer on the card: storing the seed makes it void."""
    card, _ = new_card()
    card.set_faults(f"lose-answer={request_number}")
    stale = dataclasses.replace(PLAN, pin_confirmed=True, responses_confirmed=3)
    _, steps = run(card, stale)
    assert steps.count("response-checked") == 3 and "pin-set" in steps
    assert state(card).pin_tries is not None


def test_recovery_begins_with_a_new_link_session():
    card, _ = new_card()
    driver = connect_through(card, lambda answer, number: b"\x69\x85" if number == 8 else answer)
    sessions = []
    personalise(driver, PLAN, on_step=lambda _step: sessions.append(driver._connection.session))
    assert len(set(sessions)) == 2


@pytest.mark.parametrize("answer", range(2, 16))
@pytest.mark.parametrize("lie", [b"\x69\x85", b"\x90\x00", b"\x63\x00", b""], ids=bytes.hex)
def test_one_lie_on_the_cable_never_makes_a_half_card_pass(answer, lie):
    """It completes by fresh evidence, or tells its caller; SECURED is reported only if the card is."""
    card, _ = new_card()
    steps = []
    driver = connect_through(card, lambda genuine, number: lie if number == answer else genuine)
    try:
        personalise(driver, PLAN, on_step=steps.append)
    except errors.CardError:
        assert Step.SECURED not in steps
    run(card)
    assert state(card).life_cycle is LifeCycle.SECURED


def test_a_card_that_is_gone_is_not_waited_for():
    for cut in (0, 100, 300, 500, 700, 900):
        card, _ = new_card()
        card.set_faults(f"unplug={cut}")
        with pytest.raises((errors.OutcomeUnknown, errors.CardRemoved)) as caught:
            run(card)
        assert errors.CardRemoved in (type(caught.value), type(caught.value.__cause__))
        assert card.clock.now == 1000.0


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 1400), min_size=1, max_size=4))
def test_unplugged_anywhere_and_run_again_it_completes(cuts):
    card, _ = new_card()
    for cut in cuts:
        card.set_faults(f"unplug={cut}")
        with contextlib.suppress(errors.CardError):
            run(card)
        card.replug()  # also where the very last byte was the last
    card.set_faults("")
    run(card)
    evidence = state(card)
    assert evidence.life_cycle is LifeCycle.SECURED and evidence.check_value == PLAN.seed.check_value()


def test_a_run_interrupted_again_and_again_wipes_rather_than_run_out_of_quota():
    """Killed before the last step, without a journal, eleven times: 33 questions, and 32 in the quota."""
    card, _ = new_card()
    seen = set()

    class Killed(Exception):
        pass

    def killed_at_the_end(step):
        seen.add(step)
        if step is Step.PIN_VERIFIED:
            raise Killed

    for _ in range(11):
        with card.connect() as driver, pytest.raises(Killed):
            personalise(driver, PLAN, on_step=killed_at_the_end)
    assert Step.WIPED in seen
    run(card)
    assert state(card).life_cycle is LifeCycle.SECURED
