"""R46: from what is on record and what a card shows to exactly one recommendation, with its reasons.

What speaks against a card is a `Reason`; the table `REASONS` gives what each one comes to. The most severe
outcome wins: quarantine over scrap over restock. A card is restocked only if every proof in `PROOFS` is
there: a check that was not made, or could not be made, is a reason by itself.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum

from dscplus_driver.model import Battery, LifeCycle, PinTries
from dscplus_station.losses.rules import GONE, ReportKind
from dscplus_station.quarantine.rules import Cause
from dscplus_station.returns.rules import Condition
from dscplus_station.stock.rules import CardState
from dscplus_station.wording import N_, words

LOWEST_UNDER_LOAD = 2500
"""Millivolts: a card whose battery gives less under load is near its end; a new one gives 2,900."""


class Outcome(StrEnum):
    """What becomes of a card, from the mildest to the most severe."""

    RESTOCK = "restock"
    SCRAP = "scrap"
    QUARANTINE = "quarantine"


SEVERITY = list(Outcome)


class Check(StrEnum):
    """What is looked at, in the order of the sheet."""

    ANSWERS = "answers"
    LIFE_CYCLE = "life-cycle"
    SELF_TEST = "self-test"
    BATTERY = "battery"
    FIRMWARE = "firmware"
    GENUINE = "genuine"
    SEQUENCE = "sequence-counter"
    SEED = "seed"
    RESPONSE = "response"
    PIN_TRIES = "pin-tries"
    QUOTA = "quota"


class Result(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    NOTED = "noted"
    """Worth knowing; nothing against the card."""
    FAILED = "failed"
    MISSING = "missing"
    """It could not be made."""


class KeysFound(Enum):
    """Which keys opened the card."""

    ISSUER = N_("the issuer's keys of this card")
    RESTOCK = N_("the station's restock keys")
    BATCH = N_("the maker's keys of its batch")
    FOREIGN = N_("none of our keys")
    NONE = N_("none: it has no keys any more")


class Reason(StrEnum):
    """What a recommendation is given for."""

    UNKNOWN_SERIAL = "unknown-serial"
    NO_ANSWER = "no-answer"
    FOREIGN_KEYS = "foreign-keys"
    UNEXPECTED_KEYS = "unexpected-keys"
    COUNTER_BACKWARDS = "counter-backwards"
    SEED_UNKNOWN = "seed-unknown"
    WRONG_RESPONSE = "wrong-response"
    UNEXPECTED_LIFE_CYCLE = "unexpected-life-cycle"
    TERMINATED = "terminated"
    SCRAPPED_BEFORE = "scrapped-before"
    IN_QUARANTINE = "in-quarantine"
    NEVER_LEFT_BUT_UNFIT = "never-left-but-unfit"
    OUT_OF_SIGHT = "out-of-sight"
    DAMAGED = "damaged"
    DAMAGED_ON_PURPOSE = "damaged-on-purpose"
    BATTERY_LOW = "battery-low"
    SELF_TEST_FAILED = "self-test-failed"
    PROOF_MISSING = "proof-missing"
    PIN_BLOCKED = "pin-blocked"
    HALF_MADE = "half-made"
    NEVER_OPENED = "never-opened"
    ALL_PROVEN = "all-proven"


R, Q, S = Outcome.RESTOCK, Outcome.QUARANTINE, Outcome.SCRAP
REASONS: dict[Reason, Outcome] = {
    Reason.UNKNOWN_SERIAL: Q,
    Reason.NO_ANSWER: Q,
    Reason.FOREIGN_KEYS: Q,
    Reason.UNEXPECTED_KEYS: Q,
    Reason.COUNTER_BACKWARDS: Q,
    Reason.SEED_UNKNOWN: Q,
    Reason.WRONG_RESPONSE: Q,
    Reason.UNEXPECTED_LIFE_CYCLE: Q,
    Reason.TERMINATED: Q,
    Reason.SCRAPPED_BEFORE: Q,
    Reason.IN_QUARANTINE: Q,
    Reason.NEVER_LEFT_BUT_UNFIT: Q,
    Reason.OUT_OF_SIGHT: S,
    Reason.DAMAGED: S,
    Reason.DAMAGED_ON_PURPOSE: S,
    Reason.BATTERY_LOW: S,
    Reason.SELF_TEST_FAILED: S,
    Reason.PROOF_MISSING: S,
    Reason.PIN_BLOCKED: R,
    Reason.HALF_MADE: R,
    Reason.NEVER_OPENED: R,
    Reason.ALL_PROVEN: R,
}
"""What each reason comes to by itself (docs/returns-desk.md has the table in words)."""

TOLD: dict[Reason, str] = {
    Reason.UNKNOWN_SERIAL: "Its serial number is not on record here.",
    Reason.NO_ANSWER: "It does not answer, so nothing about it can be proven.",
    Reason.FOREIGN_KEYS: "It has the right serial number and wrong keys: foreign, or a copy.",
    Reason.UNEXPECTED_KEYS: "It holds keys of ours, but not those that it left with.",
    Reason.COUNTER_BACKWARDS: "Its sequence counter ran backwards: a copy, or tampered with.",
    Reason.SEED_UNKNOWN: "Its seed is not the one that it left with.",
    Reason.WRONG_RESPONSE: "It answers a question otherwise than this card must: a copy.",
    Reason.UNEXPECTED_LIFE_CYCLE: "It is not in the life cycle state that it left in.",
    Reason.TERMINATED: "It says that it is terminated; a refusal is no proof of that.",
    Reason.SCRAPPED_BEFORE: "The card of this serial number was scrapped, and yet there is one.",
    Reason.IN_QUARANTINE: "It is in quarantine: a supervisor resolves that.",
    Reason.NEVER_LEFT_BUT_UNFIT: "It never left the house and is not fit for stock.",
    Reason.OUT_OF_SIGHT: "It was lost or stolen: what was done to it meanwhile no check shows.",
    Reason.DAMAGED: "It is damaged.",
    Reason.DAMAGED_ON_PURPOSE: "It was damaged on purpose.",
    Reason.BATTERY_LOW: "Its battery is at its end.",
    Reason.SELF_TEST_FAILED: "Its self-test found a fault.",
    Reason.PROOF_MISSING: "Not every check could be made, so that it cannot serve again.",
    Reason.PIN_BLOCKED: "Its PIN is blocked; the wipe ends that.",
    Reason.HALF_MADE: "It was made for an order that was cancelled.",
    Reason.NEVER_OPENED: "It came back undelivered, in its closed parcel.",
    Reason.ALL_PROVEN: "It is this card, sound, and answers as it must.",
}

CAUSES: dict[Reason, Cause] = {
    Reason.UNKNOWN_SERIAL: Cause.UNKNOWN_SERIAL,
    Reason.NO_ANSWER: Cause.NO_ANSWER,
    Reason.FOREIGN_KEYS: Cause.FOREIGN_KEYS,
    Reason.UNEXPECTED_KEYS: Cause.FOREIGN_KEYS,
    Reason.COUNTER_BACKWARDS: Cause.COUNTER_BACKWARDS,
    Reason.SEED_UNKNOWN: Cause.CHECK_VALUE_UNKNOWN,
    Reason.WRONG_RESPONSE: Cause.WRONG_RESPONSE,
    Reason.UNEXPECTED_LIFE_CYCLE: Cause.LIFE_CYCLE,
    Reason.TERMINATED: Cause.TERMINATED,
    Reason.NEVER_LEFT_BUT_UNFIT: Cause.SELF_TEST_FAILED,
}
"""The cause that a quarantine is opened with; any other quarantine is a person's decision (BY_HAND)."""

NOT_OUR_CARD = frozenset(
    {Reason.FOREIGN_KEYS, Reason.COUNTER_BACKWARDS, Reason.SEED_UNKNOWN, Reason.WRONG_RESPONSE}
)
"""What came back is not the card that was sent: the deposit of that one is not released (R12)."""

PROOFS = frozenset(
    {
        Check.LIFE_CYCLE,
        Check.SELF_TEST,
        Check.BATTERY,
        Check.GENUINE,
        Check.SEQUENCE,
        Check.SEED,
        Check.RESPONSE,
    }
)
"""A card that was out is restocked only with all of these."""
PROOFS_IN_HOUSE = PROOFS - {Check.RESPONSE, Check.SEED}
"""Of a card that was never out: half made, it may have no seed to answer with."""


@dataclass(frozen=True)
class Finding:
    """How one check ended. `evidence` is for people, without secrets; `reason`: what it speaks for."""

    check: Check
    result: Result
    evidence: str
    reason: Reason | None = None


@dataclass(frozen=True)
class OnRecord:
    """What the station knows of a card beside what it shows. `state` None: the serial number is unknown."""

    state: CardState | None
    was_out: bool
    report: ReportKind | None
    undelivered: bool


@dataclass(frozen=True)
class Recommendation:
    """One outcome, why, and to which others the desk may deviate (it then says why)."""

    outcome: Outcome
    reasons: tuple[Reason, ...]
    deviations: tuple[Outcome, ...]


def recommend(record: OnRecord, condition: Condition, findings: Mapping[Check, Finding]) -> Recommendation:
    """The one recommendation for a card."""
    reasons = [*_of_record(record, condition), *_of_findings(findings)]
    if _most_severe(reasons) is not Outcome.QUARANTINE:
        proofs = PROOFS if record.was_out else PROOFS_IN_HOUSE
        if any(_open(findings.get(proof)) for proof in proofs):
            reasons.append(Reason.PROOF_MISSING)
        if not _passed(findings.get(Check.GENUINE)):
            reasons.append(Reason.NO_ANSWER)  # what does not open cannot be proven dead either
    if _most_severe(reasons) is Outcome.SCRAP and not record.was_out:
        reasons.append(Reason.NEVER_LEFT_BUT_UNFIT)
    outcome = _most_severe(reasons)
    if outcome is Outcome.RESTOCK:
        reasons.append(Reason.ALL_PROVEN)
    told = sorted(set(reasons), key=lambda one: (-SEVERITY.index(REASONS[one]), list(Reason).index(one)))
    return Recommendation(outcome, tuple(told), _deviations(record, outcome, told))


def _of_record(record: OnRecord, condition: Condition) -> Iterable[Reason]:
    if record.state is None:
        yield Reason.UNKNOWN_SERIAL
    if record.state is CardState.SCRAPPED:
        yield Reason.SCRAPPED_BEFORE
    if record.state is CardState.QUARANTINED:
        yield Reason.IN_QUARANTINE
    if record.report in GONE:
        yield Reason.OUT_OF_SIGHT
    if condition is Condition.DAMAGED:
        yield Reason.DAMAGED
    if condition is Condition.ON_PURPOSE:
        yield Reason.DAMAGED_ON_PURPOSE
    if record.undelivered and condition is Condition.UNOPENED:
        yield Reason.NEVER_OPENED
    if record.state is not None and not record.was_out:
        yield Reason.HALF_MADE


def _of_findings(findings: Mapping[Check, Finding]) -> Iterable[Reason]:
    for finding in findings.values():
        if finding.reason is not None:
            yield finding.reason
        elif finding.result is Result.FAILED:
            yield Reason.PROOF_MISSING


def _open(finding: Finding | None) -> bool:
    """Whether a check still lacks an answer, for or against the card."""
    return finding is None or finding.result is Result.MISSING


def _passed(finding: Finding | None) -> bool:
    return finding is not None and finding.result is Result.PASSED


def _most_severe(reasons: Iterable[Reason]) -> Outcome:
    return max((REASONS[one] for one in reasons), key=SEVERITY.index, default=Outcome.RESTOCK)


def _deviations(record: OnRecord, outcome: Outcome, reasons: Iterable[Reason]) -> tuple[Outcome, ...]:
    """Setting aside is always open; nothing is restocked without its proofs, whoever asks."""
    if outcome is Outcome.QUARANTINE:
        return ()
    if outcome is Outcome.RESTOCK:
        return (Outcome.SCRAP, Outcome.QUARANTINE) if record.was_out else (Outcome.QUARANTINE,)
    only_out_of_sight = {one for one in reasons if REASONS[one] is Outcome.SCRAP} == {Reason.OUT_OF_SIGHT}
    return (Outcome.RESTOCK, Outcome.QUARANTINE) if only_out_of_sight else (Outcome.QUARANTINE,)


def cause_of(reasons: Iterable[Reason]) -> Cause:
    """The cause that a quarantine with these reasons is opened with: the first that has one."""
    return next((CAUSES[one] for one in reasons if one in CAUSES), Cause.BY_HAND)


# What each reading of a card comes to


def judge_life_cycle(found: LifeCycle, *, was_out: bool) -> Finding:
    """A card leaves SECURED; one that is half made may be anything before that."""
    evidence = found.name
    if found is LifeCycle.TERMINATED:
        return Finding(Check.LIFE_CYCLE, Result.FAILED, evidence, Reason.TERMINATED)
    if found is LifeCycle.CARD_LOCKED or (was_out and found is not LifeCycle.SECURED):
        return Finding(Check.LIFE_CYCLE, Result.FAILED, evidence, Reason.UNEXPECTED_LIFE_CYCLE)
    return Finding(Check.LIFE_CYCLE, Result.PASSED, evidence)


def judge_self_test(failures: int) -> Finding:
    """One bit for each part that failed."""
    if failures:
        told = words("failed parts: {parts}", parts=f"{failures:08b}")
        return Finding(Check.SELF_TEST, Result.FAILED, told, Reason.SELF_TEST_FAILED)
    return Finding(Check.SELF_TEST, Result.PASSED, words("no fault"))


def judge_battery(battery: Battery) -> Finding:
    """Under load is what counts."""
    told = words(
        "{idle} mV, {load} mV under load", idle=battery.millivolts, load=battery.millivolts_under_load
    )
    if battery.millivolts_under_load < LOWEST_UNDER_LOAD:
        return Finding(Check.BATTERY, Result.FAILED, told, Reason.BATTERY_LOW)
    return Finding(Check.BATTERY, Result.PASSED, told)


def judge_keys(found: KeysFound, evidence: str, *, was_out: bool) -> Finding:
    """A card comes back with the keys that it left with; half made, it may have restock or batch keys."""
    if found is KeysFound.NONE:
        return Finding(Check.GENUINE, Result.FAILED, evidence, Reason.TERMINATED)
    if found is KeysFound.FOREIGN:
        return Finding(Check.GENUINE, Result.FAILED, evidence, Reason.FOREIGN_KEYS)
    if found is not KeysFound.ISSUER and was_out:
        return Finding(Check.GENUINE, Result.FAILED, evidence, Reason.UNEXPECTED_KEYS)
    return Finding(Check.GENUINE, Result.PASSED, evidence)


def judge_counter(shown: int, seen: int) -> Finding:
    """It only ever rises; `seen` is the highest that was seen before this channel."""
    told = words("{shown}; {seen} was seen before", shown=shown, seen=seen)
    if shown <= seen:
        return Finding(Check.SEQUENCE, Result.FAILED, told, Reason.COUNTER_BACKWARDS)
    return Finding(Check.SEQUENCE, Result.PASSED, told)


def judge_seed(equal: bool | None, *, holds_one: bool) -> Finding:
    """Whether its seed is one that was written here; `equal` None: there is none on record."""
    if not holds_one:
        return Finding(Check.SEED, Result.MISSING, words("it holds no seed"))
    if equal is None:
        return Finding(Check.SEED, Result.MISSING, words("no seed of this card is on record"))
    if not equal:
        told = words("its check value fits none that was written here")
        return Finding(Check.SEED, Result.FAILED, told, Reason.SEED_UNKNOWN)
    return Finding(Check.SEED, Result.PASSED, words("its check value is the one on record"))


def judge_response(matched: bool) -> Finding:
    """Whether it answered a random question as its seed demands."""
    if not matched:
        told = words("a random question was answered otherwise than its seed demands")
        return Finding(Check.RESPONSE, Result.FAILED, told, Reason.WRONG_RESPONSE)
    return Finding(Check.RESPONSE, Result.PASSED, words("a random question was answered as its seed demands"))


def judge_pin_tries(tries: PinTries | None) -> Finding:
    """A blocked PIN is the holder's affair; the wipe ends it."""
    if tries is None:
        return Finding(Check.PIN_TRIES, Result.PASSED, words("it keeps no PIN"))
    told = words("{left} of {limit} left", left=tries.left, limit=tries.limit)
    if tries.left == 0:
        return Finding(Check.PIN_TRIES, Result.NOTED, told, Reason.PIN_BLOCKED)
    return Finding(Check.PIN_TRIES, Result.PASSED, told)
