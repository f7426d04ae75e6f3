"""What a card shows, check by check (R46). This speaks to the card and to nothing else; on the card it moves
the counters that every secure channel and every question move, and changes nothing.
"""

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from dscplus_driver import errors, ocra
from dscplus_driver.card import Card
from dscplus_driver.evidence import CardEvidence
from dscplus_driver.model import LifeCycle
from dscplus_driver.recovery import until_known
from dscplus_driver.sensitive import KeySet, Pin, Seed
from dscplus_driver.session import SecureSession
from dscplus_station.desk import rules
from dscplus_station.desk.rules import Check, Finding, KeysFound, Reason, Result
from dscplus_station.devices.rules import Profile
from dscplus_station.wording import words

OnFinding = Callable[[Finding], None]
"""Called as each check ends; after a lost answer the checks begin again, and a later finding counts."""

_RESPONDING = (LifeCycle.INITIALIZED, LifeCycle.SECURED)


@dataclass(frozen=True)
class Expected:
    """What is known of the card that is to come.

    `keys` are what it may hold, issuer keys first. `seed` is None unless a device of this card is on record;
    `check_values` are those of all seeds that were ever written to it for the order it served last.
    """

    keys: tuple[tuple[KeysFound, KeySet], ...]
    was_out: bool
    sequence_counter: int
    profile: Profile | None = None
    suite: str = ""
    seed: Seed | None = None
    check_values: tuple[bytes, ...] = ()


@dataclass
class Diagnosis:
    """The findings so far, and the counter of the channel if the card proved its keys."""

    on_finding: OnFinding
    findings: dict[Check, Finding] = field(default_factory=dict)
    sequence_counter: int | None = None

    def add(self, finding: Finding) -> None:
        self.findings[finding.check] = finding
        self.on_finding(finding)


def silent(on_finding: OnFinding, told: str = words("it is at no port")) -> Diagnosis:
    """The diagnosis of a card that says nothing."""
    diagnosis = Diagnosis(on_finding)
    diagnosis.add(Finding(Check.ANSWERS, Result.FAILED, told, Reason.NO_ANSWER))
    return diagnosis


def diagnose(card: Card, expected: Expected, on_finding: OnFinding = lambda _finding: None) -> Diagnosis:
    """Make every check that the card's state admits.

    A card that falls silent, or says what no DSC+ says, is one that does not answer.

    Raises:
        CardRemoved, CardBusy, CardSwapped …: the card was not there to be looked at; begin again.
    """
    try:
        return until_known(card, lambda _fresh: _asked_again(card, expected, on_finding))
    except (errors.CardTimeout, errors.LinkError, errors.OutcomeUnknown, errors.ProtocolError) as error:
        if isinstance(error.__cause__, errors.CardRemoved):
            raise
        return silent(on_finding, words(error.what))


def _asked_again(card: Card, expected: Expected, on_finding: OnFinding) -> Diagnosis:
    """An error word, or an answer whose MAC does not fit, proves nothing: the card is asked once more."""
    try:
        return _diagnose(card, expected, on_finding)
    except (errors.StatusWordError, errors.AuthenticationFailed) as error:
        raise errors.OutcomeUnknown("a check", error.what, where=card.where) from error


def _diagnose(card: Card, expected: Expected, on_finding: OnFinding) -> Diagnosis:
    diagnosis = Diagnosis(on_finding)
    life_cycle = card.life_cycle()
    diagnosis.add(Finding(Check.ANSWERS, Result.PASSED, words("card {card}", card=card.serial_number)))
    diagnosis.add(rules.judge_life_cycle(life_cycle, was_out=expected.was_out))
    if life_cycle is not LifeCycle.TERMINATED:  # a terminated one tells its data and nothing more
        diagnosis.add(rules.judge_self_test(card.self_test()))
        diagnosis.add(rules.judge_battery(card.measure_battery()))
    diagnosis.add(Finding(Check.FIRMWARE, Result.PASSED, card.firmware_version()))
    opened = _open(card, expected, life_cycle)
    if not isinstance(opened, tuple):
        diagnosis.add(rules.judge_keys(opened, words(opened.value), was_out=expected.was_out))
        return diagnosis
    found, session = opened
    with session:
        evidence = session.evidence()
        told = words(
            "{keys}, version {version}", keys=words(found.value), version=f"{session.key_version:02X}"
        )
        diagnosis.add(rules.judge_keys(found, told, was_out=expected.was_out))
        diagnosis.sequence_counter = evidence.sequence_counter
        diagnosis.add(rules.judge_counter(evidence.sequence_counter, expected.sequence_counter))
        diagnosis.add(rules.judge_life_cycle(evidence.life_cycle, was_out=expected.was_out))
        diagnosis.add(_seed(evidence, expected))
        diagnosis.add(_response(session, evidence, expected, found))
        diagnosis.add(rules.judge_pin_tries(evidence.pin_tries))
        diagnosis.add(Finding(Check.QUOTA, Result.PASSED, words("{left} left", left=session.quota_left())))
    return diagnosis


def _open(
    card: Card, expected: Expected, life_cycle: LifeCycle
) -> tuple[KeysFound, SecureSession] | KeysFound:
    """Open a channel under the keys that the card has, or say what that came to.

    "No such version" is an error word and proves nothing: a card that says elsewhere that it has one of these
    versions is asked again.
    """
    for found, keys in expected.keys:
        try:
            return found, card.open_session(keys)
        except errors.KeyVersionNotFound:
            continue
        except errors.HandshakeRefused as error:
            raise errors.OutcomeUnknown("opening", error.what, where=card.where) from error
        except errors.AuthenticationFailed:
            return KeysFound.FOREIGN
        except errors.StatusWordError as error:
            if life_cycle is LifeCycle.TERMINATED:
                return KeysFound.NONE
            raise errors.OutcomeUnknown("opening", error.what, where=card.where) from error
    held = card.key_information()
    if held is None:
        return KeysFound.NONE
    if held.key_version in [keys.version for _, keys in expected.keys]:
        raise errors.OutcomeUnknown("opening", "the card denied its key version", where=card.where)
    return KeysFound.FOREIGN


def _seed(evidence: CardEvidence, expected: Expected) -> Finding:
    shown = evidence.check_value
    known = [hmac.compare_digest(shown, value) for value in expected.check_values]  # all of them, always
    return rules.judge_seed(any(known) if known else None, holds_one=bool(shown))


def _response(
    session: SecureSession, evidence: CardEvidence, expected: Expected, found: KeysFound
) -> Finding:
    """One random question. The answer comes under R-MAC.

    No holder's PIN is needed: with profile A a card answers the station without one, with profile B it takes
    any PIN into its response, so that a random one serves.
    """
    if expected.seed is None:
        return Finding(Check.RESPONSE, Result.MISSING, words("no seed of this card is on record"))
    if found is not KeysFound.ISSUER or evidence.life_cycle not in _RESPONDING:
        return Finding(Check.RESPONSE, Result.MISSING, words("it answers no question in this state"))
    if not evidence.quota_left:
        return Finding(Check.RESPONSE, Result.MISSING, words("its quota of responses is used up"))
    if evidence.personality is None or evidence.personality.suite != expected.suite:
        return rules.judge_response(False)
    pin = Pin(f"{secrets.randbelow(10_000):04d}") if expected.profile is Profile.SERVER_PIN else None
    question = ocra.new_question()
    response = session.respond(question, pin)
    return rules.judge_response(
        ocra.verify(expected.suite, expected.seed, question, response, pin=pin).matched
    )
