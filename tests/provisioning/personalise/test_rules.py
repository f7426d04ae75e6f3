"""What is done next, from evidence and journal alone."""

import dataclasses
import itertools

import pytest

from dscplus_driver.evidence import FULL_QUOTA, CardEvidence
from dscplus_driver.model import LifeCycle, Personality, PinTries
from dscplus_driver.model import Profile as CardProfile
from dscplus_station.devices.rules import Profile
from dscplus_station.personalise.rules import (
    Action,
    Complete,
    GiveBack,
    History,
    RunState,
    SetAside,
    after,
    keys_do_not_open,
    next_action,
    recorded_as,
    shown_by,
)
from dscplus_station.quarantine.rules import Cause

OURS, EARLIER, STRANGE = b"our seed", b"earlier.", b"strange."
PERSONALITY = Personality(CardProfile.CARD_PIN, CardProfile.CARD_PIN.suite)
FULL_TRIES = PinTries(5, 5)

BLANK = CardEvidence(
    serial_number="0000000018",
    key_version=0x01,
    life_cycle=LifeCycle.OP_READY,
    check_value=b"",
    personality=None,
    pin_tries=None,
    quota_left=FULL_QUOTA,
    sequence_counter=8,
)
RESERVED = History(Profile.CARD_PIN, RunState.RESERVED, 0x20, OURS, frozenset({EARLIER}), sequence_counter=7)
SERVER_PIN = dataclasses.replace(RESERVED, profile=Profile.SERVER_PIN)


def card(**shown):
    return dataclasses.replace(BLANK, **({"key_version": 0x20} | shown))


def journal(state, **known):
    return dataclasses.replace(RESERVED, state=state, **known)


def seeded(life_cycle=LifeCycle.INITIALIZED, **shown):
    return card(**({"life_cycle": life_cycle, "check_value": OURS, "personality": PERSONALITY} | shown))


@pytest.mark.parametrize("history", [RESERVED, SERVER_PIN], ids=["R5-profile-A", "R5-profile-B"])
def test_r5_a_blank_card_is_taken_through_all_steps_of_its_profile_in_order(history):
    evidence, recorded, done = BLANK, [], []
    for _ in range(20):
        decision = next_action(history, evidence)
        if decision == Complete():
            break
        done.append(decision)
        evidence = after(evidence, decision, history)
        step = recorded_as(decision, evidence, history)
        if step is not None:
            recorded.append(step)
            history = dataclasses.replace(history, state=step)
    with_pin = history.profile is Profile.CARD_PIN
    assert done == [
        Action.ROTATE_KEYS,
        Action.INITIALIZE,
        Action.STORE_SEED,
        *([Action.SET_PIN] if with_pin else []),
        Action.VERIFY,
        Action.SECURE,
    ]
    assert recorded == [
        RunState.KEYS_ROTATED,
        RunState.SEED_STORED,
        *([RunState.PIN_SET] if with_pin else []),
        RunState.VERIFIED,
    ]
    assert evidence.life_cycle is LifeCycle.SECURED


TABLE = [
    # what the card shows, what the journal has: what is done next
    ("restock keys", card(key_version=0x10), RESERVED, Action.ROTATE_KEYS),
    (
        "maker's keys, not OP_READY",
        card(key_version=0x01, life_cycle=LifeCycle.INITIALIZED),
        RESERVED,
        Action.WIPE,
    ),
    ("PUT KEY's answer lost", card(), RESERVED, Action.INITIALIZE),
    ("SET STATUS's answer lost", card(life_cycle=LifeCycle.INITIALIZED), RESERVED, Action.STORE_SEED),
    ("STORE DATA's answer lost", seeded(), journal(RunState.KEYS_ROTATED), Action.SET_PIN),
    (
        "RESET RETRY COUNTER's answer lost",
        seeded(pin_tries=FULL_TRIES),
        journal(RunState.SEED_STORED),
        Action.SET_PIN,
    ),
    ("PIN set and recorded", seeded(pin_tries=FULL_TRIES), journal(RunState.PIN_SET), Action.VERIFY),
    ("PIN recorded but gone", seeded(), journal(RunState.PIN_SET), Action.SET_PIN),
    (
        "PIN blocked at the keypad",
        seeded(pin_tries=PinTries(0, 5)),
        journal(RunState.VERIFIED),
        Action.SET_PIN,
    ),
    ("verified", seeded(pin_tries=FULL_TRIES), journal(RunState.VERIFIED), Action.SECURE),
    (
        "last SET STATUS's answer lost",
        seeded(LifeCycle.SECURED, pin_tries=FULL_TRIES),
        journal(RunState.VERIFIED),
        Complete(),
    ),
    (
        "secured, but the proof is not on record",
        seeded(LifeCycle.SECURED, pin_tries=FULL_TRIES),
        journal(RunState.PIN_SET),
        Action.VERIFY,
    ),
    (
        "locked",
        seeded(LifeCycle.CARD_LOCKED, pin_tries=FULL_TRIES),
        journal(RunState.PIN_SET),
        Action.SECURE,
    ),
    (
        "too little quota for the questions",
        seeded(pin_tries=FULL_TRIES, quota_left=2),
        journal(RunState.PIN_SET),
        Action.WIPE,
    ),
    (
        "quota for exactly the questions",
        seeded(pin_tries=FULL_TRIES, quota_left=3),
        journal(RunState.PIN_SET),
        Action.VERIFY,
    ),
    ("seed of a cancelled order", seeded(check_value=EARLIER), RESERVED, Action.WIPE),
    ("wiped behind our back", card(), journal(RunState.VERIFIED), Action.INITIALIZE),
    ("secured without a seed", card(life_cycle=LifeCycle.SECURED), journal(RunState.VERIFIED), Action.WIPE),
]


@pytest.mark.parametrize(
    ("evidence", "history", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_what_is_missing_is_done_next(evidence, history, expected):
    assert next_action(history, evidence) == expected


@pytest.mark.parametrize(
    ("evidence", "history", "cause"),
    [
        (card(sequence_counter=7), RESERVED, Cause.COUNTER_BACKWARDS),
        (card(sequence_counter=6), RESERVED, Cause.COUNTER_BACKWARDS),
        (seeded(check_value=STRANGE), RESERVED, Cause.CHECK_VALUE_UNKNOWN),
        (BLANK, journal(RunState.KEYS_ROTATED), Cause.FOREIGN_KEYS),
        (card(key_version=0x10), journal(RunState.VERIFIED), Cause.FOREIGN_KEYS),
    ],
)
def test_the_causes_of_quarantine_that_evidence_shows(evidence, history, cause):
    decision = next_action(history, evidence)
    assert isinstance(decision, SetAside)
    assert decision.cause is cause
    assert decision.finding


def test_every_state_a_card_can_show_leads_to_completion_or_to_a_listed_cause():
    """No combination of evidence and journal is stuck, goes in circles or is quarantined off the list."""
    shown = itertools.product(
        (0x01, 0x10, 0x20),
        (LifeCycle.OP_READY, LifeCycle.INITIALIZED, LifeCycle.SECURED, LifeCycle.CARD_LOCKED),
        (b"", OURS, EARLIER, STRANGE),
        (None, PinTries(0, 5), PinTries(3, 5), FULL_TRIES),
        (0, 2, 3, 32),
    )
    endings = set()
    for version, life_cycle, check_value, tries, quota in shown:
        for state, profile in itertools.product(list(RunState)[:-1], Profile):
            history = journal(state, profile=profile)
            evidence = card(
                key_version=version,
                life_cycle=life_cycle,
                check_value=check_value,
                pin_tries=tries,
                quota_left=quota,
            )
            endings.add(ending(history, evidence))
    assert endings == {"complete", Cause.FOREIGN_KEYS, Cause.CHECK_VALUE_UNKNOWN}


def ending(history, evidence):
    for _ in range(12):
        adopted = shown_by(history, evidence)
        if adopted is not None:
            history = dataclasses.replace(history, state=adopted)
        decision = next_action(history, evidence)
        if isinstance(decision, Complete):
            return "complete"
        if isinstance(decision, SetAside):
            return decision.cause
        evidence = after(evidence, decision, history)
        history = dataclasses.replace(
            history, state=recorded_as(decision, evidence, history) or history.state
        )
    raise AssertionError(f"{history} and {evidence} go round in circles")


def test_a_step_recorded_again_takes_back_the_later_ones():
    """A seed stored anew has to be proven anew, whatever was proven before."""
    history = journal(RunState.VERIFIED)
    evidence = after(card(life_cycle=LifeCycle.INITIALIZED), Action.STORE_SEED, history)
    again = dataclasses.replace(history, state=recorded_as(Action.STORE_SEED, evidence, history))
    assert next_action(again, evidence) is Action.SET_PIN
    assert (
        next_action(dataclasses.replace(again, state=RunState.PIN_SET), seeded(pin_tries=FULL_TRIES))
        is Action.VERIFY
    )


@pytest.mark.parametrize(
    ("evidence", "state", "shown"),
    [
        (BLANK, RunState.RESERVED, None),
        (card(), RunState.RESERVED, RunState.KEYS_ROTATED),
        (card(), RunState.KEYS_ROTATED, None),
        (seeded(), RunState.RESERVED, RunState.SEED_STORED),
        (seeded(check_value=EARLIER), RunState.RESERVED, RunState.KEYS_ROTATED),
        (seeded(LifeCycle.SECURED, pin_tries=FULL_TRIES), RunState.KEYS_ROTATED, RunState.SEED_STORED),
        (seeded(), RunState.VERIFIED, None),
    ],
)
def test_the_journal_catches_up_with_what_the_card_shows_and_no_further(evidence, state, shown):
    assert shown_by(journal(state), evidence) is shown


@pytest.mark.parametrize(
    ("version", "opened_before", "batch_proven", "foreign"),
    [
        (0x01, False, False, False),  # a mistyped batch key fails like this on every card
        (None, False, False, False),  # so does a mistyped key version
        (0x01, False, True, True),
        (0x01, True, False, True),
        (None, True, False, True),
        (0x20, False, False, True),  # issuer keys that are not ours
        (0x10, False, False, True),
    ],
)
def test_a_card_no_key_opens_is_foreign_only_if_our_key_is_known_to_be_right(
    version, opened_before, batch_proven, foreign
):
    thought = keys_do_not_open(
        key_version=version, opened_before=opened_before, batch_proven=batch_proven, finding="seen"
    )
    assert thought == (SetAside(Cause.FOREIGN_KEYS, "seen") if foreign else GiveBack())
