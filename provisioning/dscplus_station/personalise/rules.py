"""What to do with a card next: decided from its evidence and the journal alone. No I/O here.

A personalised card is one for which all of these hold, in this order; what is missing is what is done next:

1. its sequence counter is beyond the last one that was seen on it;
2. it holds the issuer keys;
3. it holds the run's seed: the check value is equal;
4. it has a PIN with tries left (profile A), set by this run;
5. it answered three random questions, and the PIN was verified, since then;
6. it is SECURED.

Nothing is inferred from how an earlier attempt ended. A card is quarantined for the causes of
`quarantine.rules` only; whatever else goes wrong, the run stays open and is run again.
"""

from dataclasses import dataclass, replace
from enum import Enum, StrEnum

from dscplus_driver.evidence import FULL_QUOTA, CardEvidence
from dscplus_driver.model import LifeCycle, PinTries
from dscplus_driver.model import Profile as CardProfile
from dscplus_station.devices.rules import Profile
from dscplus_station.quarantine.rules import Cause
from dscplus_station.stock.rules import CardState
from dscplus_station.wording import words

QUESTIONS = 3
"""Random questions that a card answers before it is secured; each draws on its quota of 32."""

PIN_TRIES = PinTries(left=5, limit=5)
"""Tries of a PIN that was just set (R5)."""


class RunState(StrEnum):
    """The last step of a run that stands, in their order: the card confirmed each before it was recorded."""

    RESERVED = "RESERVED"
    KEYS_ROTATED = "KEYS_ROTATED"
    SEED_STORED = "SEED_STORED"
    PIN_SET = "PIN_SET"
    VERIFIED = "VERIFIED"
    SECURED = "SECURED"


class RunResult(StrEnum):
    """How a run ended. A run without a result is open, and running it again completes it."""

    COMPLETED = "COMPLETED"
    QUARANTINED = "QUARANTINED"
    CANCELLED = "CANCELLED"


CARD_STATE: dict[RunState, CardState] = {
    RunState.RESERVED: CardState.RESERVED,
    RunState.KEYS_ROTATED: CardState.PERSONALISED,
    RunState.SEED_STORED: CardState.PERSONALISED,
    RunState.PIN_SET: CardState.PERSONALISED,
    RunState.VERIFIED: CardState.VERIFIED,
    RunState.SECURED: CardState.SECURED,
}
"""A card's physical life while a run is on it."""


CARD_PROFILE: dict[Profile, CardProfile] = {
    Profile.CARD_PIN: CardProfile.CARD_PIN,
    Profile.SERVER_PIN: CardProfile.SERVER_PIN,
}
"""An order's profile as the card knows it (R5)."""


class Action(Enum):
    """What can be done to a card next; the value is what people read."""

    ROTATE_KEYS = "rotating its keys"
    WIPE = "wiping it"
    INITIALIZE = "initializing it"
    STORE_SEED = "storing the seed"
    SET_PIN = "setting the PIN"
    VERIFY = "verifying it"
    SECURE = "securing it"


_ORDER = list(RunState)


@dataclass(frozen=True)
class History:
    """What the journal knows of a run and its card.

    `check_value` is that of the run's sealed seed, `earlier_check_values` those of the card's earlier runs.
    `sequence_counter` is the highest that was seen on the card before its present secure channel.
    """

    profile: Profile
    state: RunState
    issuer_key_version: int
    check_value: bytes
    earlier_check_values: frozenset[bytes]
    sequence_counter: int


@dataclass(frozen=True)
class Complete:
    """Nothing is missing."""


@dataclass(frozen=True)
class SetAside:
    """The card goes to quarantine. `finding` is what was seen, without secrets."""

    cause: Cause
    finding: str


@dataclass(frozen=True)
class GiveBack:
    """The card returns to stock untouched: what is wrong may be the station's own records."""


Decision = Action | Complete | SetAside


def next_action(history: History, evidence: CardEvidence) -> Decision:
    """The first of the requirements that the card does not meet, as what is to be done about it."""
    if evidence.sequence_counter <= history.sequence_counter:
        return SetAside(
            Cause.COUNTER_BACKWARDS,
            words(
                "its sequence counter is {shown}, but {seen} was seen on it before",
                shown=evidence.sequence_counter,
                seen=history.sequence_counter,
            ),
        )
    if evidence.key_version != history.issuer_key_version:
        return _before_our_keys(history, evidence)
    return _seed(history, evidence) or _pin_and_proof(history, evidence)


def _before_our_keys(history: History, evidence: CardEvidence) -> Decision:
    if history.state is not RunState.RESERVED:
        return SetAside(
            Cause.FOREIGN_KEYS,
            words(
                "it holds key version {held}, though {put} was put on it and confirmed",
                held=f"{evidence.key_version:02X}",
                put=f"{history.issuer_key_version:02X}",
            ),
        )
    return Action.ROTATE_KEYS if evidence.life_cycle is LifeCycle.OP_READY else Action.WIPE


def _seed(history: History, evidence: CardEvidence) -> Decision | None:
    if evidence.check_value == history.check_value:
        return None
    if not evidence.check_value:
        missing = {LifeCycle.OP_READY: Action.INITIALIZE, LifeCycle.INITIALIZED: Action.STORE_SEED}
        return missing.get(evidence.life_cycle, Action.WIPE)
    if evidence.check_value in history.earlier_check_values:
        return Action.WIPE  # left over from an order that was cancelled
    return SetAside(
        Cause.CHECK_VALUE_UNKNOWN,
        words(
            "the check value of its seed is {value}, which fits none that was written here",
            value=evidence.check_value.hex().upper(),
        ),
    )


def _pin_and_proof(history: History, evidence: CardEvidence) -> Decision:
    if evidence.life_cycle is LifeCycle.CARD_LOCKED:
        return Action.SECURE  # the way out of a lock; what is still missing follows
    if history.profile is Profile.CARD_PIN:
        usable = evidence.pin_tries is not None and evidence.pin_tries.left > 0
        # No card shows its PIN: unless the journal has it, it is set again, which costs nothing.
        if not (usable and _stands(history.state, RunState.PIN_SET)):
            return Action.SET_PIN
    if not _stands(history.state, RunState.VERIFIED):
        return Action.VERIFY if evidence.quota_left >= QUESTIONS else Action.WIPE
    return Complete() if evidence.life_cycle is LifeCycle.SECURED else Action.SECURE


def _stands(state: RunState, step: RunState) -> bool:
    return _ORDER.index(state) >= _ORDER.index(step)


def shown_by(history: History, evidence: CardEvidence) -> RunState | None:
    """The step that the card shows as done and the journal lacks: its answer or its record was lost.

    PIN_SET and VERIFIED leave no trace that could be read back; they are done again.
    """
    if evidence.key_version != history.issuer_key_version:
        return None
    seeded = evidence.check_value == history.check_value
    shown = RunState.SEED_STORED if seeded else RunState.KEYS_ROTATED
    return None if _stands(history.state, shown) else shown


def recorded_as(action: Action, evidence: CardEvidence, history: History) -> RunState | None:
    """What the journal records for an action that the card has confirmed. A step takes back all later ones.

    Args:
        evidence: the card's state after the action.
    """
    match action:
        case Action.ROTATE_KEYS:
            return RunState.KEYS_ROTATED
        case Action.WIPE:  # of all steps it leaves at most this one
            rotated = evidence.key_version == history.issuer_key_version
            return RunState.KEYS_ROTATED if rotated else None
        case Action.STORE_SEED:
            return RunState.SEED_STORED
        case Action.SET_PIN:
            return RunState.PIN_SET
        case Action.VERIFY:
            return RunState.VERIFIED
        case Action.INITIALIZE | Action.SECURE:
            return None  # STORE DATA proves the one; SECURED is recorded as the whole run's completion


def after(evidence: CardEvidence, action: Action, history: History) -> CardEvidence:
    """What the card's authenticated answer to `action` implies about its state."""
    match action:
        case Action.ROTATE_KEYS:
            return replace(evidence, key_version=history.issuer_key_version)
        case Action.WIPE:
            return replace(
                evidence,
                life_cycle=LifeCycle.OP_READY,
                check_value=b"",
                personality=None,
                pin_tries=None,
                quota_left=FULL_QUOTA,
            )
        case Action.INITIALIZE:
            return replace(evidence, life_cycle=LifeCycle.INITIALIZED)
        case Action.STORE_SEED:
            return replace(evidence, check_value=history.check_value, pin_tries=None)
        case Action.SET_PIN:
            return replace(evidence, pin_tries=PIN_TRIES)
        case Action.VERIFY:
            return replace(evidence, quota_left=evidence.quota_left - QUESTIONS)
        case Action.SECURE:
            return replace(evidence, life_cycle=LifeCycle.SECURED)


def keys_do_not_open(
    *, key_version: int | None, opened_before: bool, batch_proven: bool, finding: str
) -> SetAside | GiveBack:
    """What to think of a card that none of our keys opens: foreign, or our copy of its batch's key is wrong.

    A mistyped batch key fails on every card of the batch. It is only believed right once it has opened one.

    Args:
        key_version: the version for which card and station hold different keys; None if it has none of ours.
        opened_before: a key of ours has opened this very card before.
        batch_proven: the batch's transport key has opened a card of the batch.
        finding: what was seen, without secrets.
    """
    ours_by_version = key_version is not None and key_version >= 0x10
    if opened_before or batch_proven or ours_by_version:
        return SetAside(Cause.FOREIGN_KEYS, finding)
    return GiveBack()
