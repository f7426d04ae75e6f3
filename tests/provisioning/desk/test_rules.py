"""R46: the desk's recommendation is total, deterministic, and never "restock" without every proof."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dscplus_driver.model import Battery, LifeCycle, PinTries
from dscplus_station.desk import rules
from dscplus_station.desk.rules import (
    CAUSES,
    PROOFS,
    PROOFS_IN_HOUSE,
    REASONS,
    TOLD,
    Check,
    Finding,
    KeysFound,
    OnRecord,
    Outcome,
    Reason,
    Result,
    cause_of,
    recommend,
)
from dscplus_station.losses.rules import GONE, ReportKind
from dscplus_station.quarantine.rules import CAUSE_TOLD, Cause
from dscplus_station.returns.rules import Condition
from dscplus_station.stock.rules import CardState

BACK = OnRecord(CardState.INSPECTED, was_out=True, report=None, undelivered=False)
GOOD = {
    finding.check: finding
    for finding in (
        Finding(Check.ANSWERS, Result.PASSED, "card"),
        rules.judge_life_cycle(LifeCycle.SECURED, was_out=True),
        rules.judge_self_test(0),
        rules.judge_battery(Battery(3000, 2900)),
        Finding(Check.FIRMWARE, Result.PASSED, "1"),
        rules.judge_keys(KeysFound.ISSUER, "", was_out=True),
        rules.judge_counter(8, 7),
        rules.judge_seed(True, holds_one=True),
        rules.judge_response(True),
        rules.judge_pin_tries(PinTries(5, 5)),
        Finding(Check.QUOTA, Result.PASSED, "28 left"),
    )
}
DEAD = {Check.ANSWERS: Finding(Check.ANSWERS, Result.FAILED, "silence", Reason.NO_ANSWER)}


def with_(*findings):
    return GOOD | {finding.check: finding for finding in findings}


def record(**changed):
    return OnRecord(
        **({"state": CardState.INSPECTED, "was_out": True, "report": None, "undelivered": False} | changed)
    )


R, S, Q = Outcome.RESTOCK, Outcome.SCRAP, Outcome.QUARANTINE
TABLE = {
    "sound": (BACK, Condition.INTACT, GOOD, R, Reason.ALL_PROVEN),
    "foreign": (
        BACK,
        Condition.INTACT,
        with_(rules.judge_keys(KeysFound.FOREIGN, "", was_out=True)),
        Q,
        Reason.FOREIGN_KEYS,
    ),
    "restock keys": (
        BACK,
        Condition.INTACT,
        with_(rules.judge_keys(KeysFound.RESTOCK, "", was_out=True)),
        Q,
        Reason.UNEXPECTED_KEYS,
    ),
    "batch keys": (
        BACK,
        Condition.INTACT,
        with_(rules.judge_keys(KeysFound.BATCH, "", was_out=True)),
        Q,
        Reason.UNEXPECTED_KEYS,
    ),
    "cloned: other seed": (
        BACK,
        Condition.INTACT,
        with_(rules.judge_seed(False, holds_one=True)),
        Q,
        Reason.SEED_UNKNOWN,
    ),
    "cloned: other responses": (
        BACK,
        Condition.INTACT,
        with_(rules.judge_response(False)),
        Q,
        Reason.WRONG_RESPONSE,
    ),
    "cloned: counter": (
        BACK,
        Condition.INTACT,
        with_(rules.judge_counter(7, 7)),
        Q,
        Reason.COUNTER_BACKWARDS,
    ),
    "blocked": (BACK, Condition.INTACT, with_(rules.judge_pin_tries(PinTries(0, 5))), R, Reason.PIN_BLOCKED),
    "dead battery": (
        BACK,
        Condition.INTACT,
        with_(rules.judge_battery(Battery(2900, 2499))),
        S,
        Reason.BATTERY_LOW,
    ),
    "broken inside": (BACK, Condition.INTACT, with_(rules.judge_self_test(32)), S, Reason.SELF_TEST_FAILED),
    "damaged": (BACK, Condition.DAMAGED, GOOD, S, Reason.DAMAGED),
    "damaged on purpose": (BACK, Condition.ON_PURPOSE, GOOD, S, Reason.DAMAGED_ON_PURPOSE),
    "half personalised, out": (
        BACK,
        Condition.INTACT,
        with_(rules.judge_life_cycle(LifeCycle.INITIALIZED, was_out=True)),
        Q,
        Reason.UNEXPECTED_LIFE_CYCLE,
    ),
    "half personalised, in the house": (
        record(state=CardState.PERSONALISED, was_out=False),
        Condition.INTACT,
        with_(
            rules.judge_life_cycle(LifeCycle.INITIALIZED, was_out=False),
            rules.judge_seed(None, holds_one=False),
        ),
        R,
        Reason.HALF_MADE,
    ),
    "in the house, broken": (
        record(state=CardState.PERSONALISED, was_out=False),
        Condition.DAMAGED,
        GOOD,
        Q,
        Reason.NEVER_LEFT_BUT_UNFIT,
    ),
    "locked": (
        BACK,
        Condition.INTACT,
        with_(rules.judge_life_cycle(LifeCycle.CARD_LOCKED, was_out=True)),
        Q,
        Reason.UNEXPECTED_LIFE_CYCLE,
    ),
    "unknown serial": (record(state=None), Condition.INTACT, GOOD, Q, Reason.UNKNOWN_SERIAL),
    "terminated": (
        BACK,
        Condition.INTACT,
        with_(rules.judge_life_cycle(LifeCycle.TERMINATED, was_out=True)),
        Q,
        Reason.TERMINATED,
    ),
    "lost and found": (record(report=ReportKind.LOST), Condition.INTACT, GOOD, S, Reason.OUT_OF_SIGHT),
    "stolen and found": (record(report=ReportKind.STOLEN), Condition.INTACT, GOOD, S, Reason.OUT_OF_SIGHT),
    "undelivered": (record(undelivered=True), Condition.UNOPENED, GOOD, R, Reason.NEVER_OPENED),
    "silent": (BACK, Condition.INTACT, DEAD, Q, Reason.NO_ANSWER),
    "silent and damaged": (BACK, Condition.DAMAGED, DEAD, Q, Reason.NO_ANSWER),
    "scrapped before": (record(state=CardState.SCRAPPED), Condition.INTACT, GOOD, Q, Reason.SCRAPPED_BEFORE),
    "in quarantine": (record(state=CardState.QUARANTINED), Condition.INTACT, GOOD, Q, Reason.IN_QUARANTINE),
    "no quota": (
        BACK,
        Condition.INTACT,
        with_(Finding(Check.RESPONSE, Result.MISSING, "")),
        S,
        Reason.PROOF_MISSING,
    ),
}


@pytest.mark.parametrize(("row", "expected"), [(row[:3], row[3:]) for row in TABLE.values()], ids=TABLE)
def test_r46_the_table(row, expected):
    found = recommend(*row)
    assert (found.outcome, expected[1] in found.reasons) == (expected[0], True)


def test_every_reason_has_its_outcome_its_words_and_its_cause():
    assert set(REASONS) == set(TOLD) == set(Reason)
    person_decides = {Reason.SCRAPPED_BEFORE, Reason.IN_QUARANTINE}
    assert {one for one, outcome in REASONS.items() if outcome is Q} - set(CAUSES) == person_decides
    assert set(CAUSE_TOLD) == set(Cause)
    assert cause_of([Reason.DAMAGED, Reason.WRONG_RESPONSE]) is Cause.WRONG_RESPONSE
    assert cause_of([Reason.DAMAGED]) is Cause.BY_HAND


def findings():
    """Any mixture of findings: good, bad, missing, or none at all for a check."""
    bad = {
        Check.ANSWERS: [DEAD[Check.ANSWERS]],
        Check.LIFE_CYCLE: [rules.judge_life_cycle(one, was_out=True) for one in LifeCycle],
        Check.SELF_TEST: [rules.judge_self_test(1)],
        Check.BATTERY: [rules.judge_battery(Battery(1, 1))],
        Check.GENUINE: [rules.judge_keys(one, "", was_out=True) for one in KeysFound],
        Check.SEQUENCE: [rules.judge_counter(1, 1)],
        Check.SEED: [rules.judge_seed(False, holds_one=True), rules.judge_seed(None, holds_one=True)],
        Check.RESPONSE: [rules.judge_response(False)],
        Check.PIN_TRIES: [rules.judge_pin_tries(PinTries(0, 5)), rules.judge_pin_tries(None)],
    }
    per_check = {
        check: st.sampled_from(
            [
                None,
                *[GOOD[check]] * 6,
                Finding(check, Result.MISSING, ""),
                Finding(check, Result.FAILED, ""),
                *bad.get(check, []),
            ]
        )
        for check in Check
    }
    return st.fixed_dictionaries(per_check).map(lambda all_: {c: f for c, f in all_.items() if f is not None})


records = st.builds(
    OnRecord,
    state=st.sampled_from([None, *CardState]),
    was_out=st.booleans(),
    report=st.sampled_from([None, *ReportKind]),
    undelivered=st.booleans(),
)


@given(records, st.sampled_from(Condition), findings())
def test_r46_total_deterministic_and_never_restocked_without_every_proof(of_record, condition, found):
    advised = recommend(of_record, condition, found)
    assert advised == recommend(of_record, condition, dict(reversed(found.items())))
    assert advised.reasons and REASONS[advised.reasons[0]] is advised.outcome
    assert advised.outcome not in advised.deviations
    proofs = PROOFS if of_record.was_out else PROOFS_IN_HOUSE
    proven = all(check in found and found[check].result is Result.PASSED for check in proofs)
    may_restock = Outcome.RESTOCK in (advised.outcome, *advised.deviations)
    if may_restock:
        assert proven
        assert of_record.state not in (None, CardState.QUARANTINED, CardState.SCRAPPED)
        assert condition not in (Condition.DAMAGED, Condition.ON_PURPOSE)
    if advised.outcome is Outcome.RESTOCK:
        assert of_record.report not in GONE
    if Outcome.SCRAP in (advised.outcome, *advised.deviations):
        assert found[Check.GENUINE].result is Result.PASSED  # or termination could not be proven
    if advised.outcome is Outcome.QUARANTINE:
        assert advised.deviations == ()
