"""Personalisation: what remains to be done on a card, as a pure decision; and doing it, step by confirmed
step.

The sequence: own keys in place of the maker's, INITIALIZED, seed, PIN, three random questions answered as the
host computes them, the PIN verified, SECURED. It starts from whatever state the card is in and repeats only
what is missing: each question costs quota. No seed travels under a maker's or restock keys.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from . import errors, ocra
from .card import Card
from .evidence import CardEvidence
from .model import LifeCycle, Profile
from .recovery import open_any, until_known
from .sensitive import KeySet, Pin, Seed
from .session import SecureSession

QUESTIONS = 3


class Step(StrEnum):
    """What the card has confirmed under R-MAC, in the sequence's order."""

    KEYS_ROTATED = "keys-rotated"
    INITIALIZED = "initialized"
    SEED_STORED = "seed-stored"
    PIN_SET = "pin-set"
    RESPONSE_CHECKED = "response-checked"
    PIN_VERIFIED = "pin-verified"
    SECURED = "secured"
    WIPED = "wiped"


@dataclass(frozen=True, slots=True)
class Plan:
    """What one card is to become.

    ``card_keys``: the sets the card may hold now, transport or restock keys, diversified for this card.
    ``pin`` is set and verified with CARD_PIN; with SERVER_PIN it only goes into the questions' responses.
    ``pin_confirmed`` and ``responses_confirmed`` are what a journal of an earlier run on this card, with this
    seed, has: they save repeats.
    """

    card_keys: tuple[KeySet, ...]
    issuer_keys: KeySet
    seed: Seed
    pin: Pin
    profile: Profile = Profile.CARD_PIN
    language: str = ""
    text: str = ""
    pin_confirmed: bool = False
    responses_confirmed: int = 0


@dataclass(frozen=True, slots=True)
class Personalised:
    """A card that is SECURED: who it is, under which keys, which seed it holds, and how far its channels are
    counted.

    A later ``sequence_counter`` that is lower belongs to another card.
    """

    serial_number: str
    key_version: int
    check_value: bytes
    sequence_counter: int


def remaining(evidence: CardEvidence, plan: Plan) -> tuple[Step, ...]:
    """Return the steps that this card still needs, in order.

    Raises CardUnfit, with the evidence in its message, for a card that this plan must not touch: locked,
    terminated, under keys of another version than the plan's, or with another seed.
    """
    if evidence.life_cycle in (LifeCycle.CARD_LOCKED, LifeCycle.TERMINATED):
        raise _unfit(evidence, f"the card is {evidence.life_cycle.name}")
    if evidence.life_cycle is LifeCycle.OP_READY:
        rotated = evidence.key_version == plan.issuer_keys.version
        return (() if rotated else (Step.KEYS_ROTATED,)) + _from_blank(plan)
    if evidence.key_version != plan.issuer_keys.version:
        raise _unfit(evidence, f"the card is personalised under key version {evidence.key_version:02X}")
    secured = evidence.life_cycle is LifeCycle.SECURED
    if (evidence.check_value or secured) and evidence.check_value != plan.seed.check_value():
        raise _unfit(evidence, f"the card holds another seed (check value {evidence.check_value.hex()})")
    if not secured:
        return _from_initialized(evidence, plan)
    if evidence.personality is None or evidence.personality.profile is not plan.profile:
        raise _unfit(evidence, f"the card is not of profile {plan.profile.name}")
    return (Step.PIN_VERIFIED,) if plan.profile.keeps_pin else ()


def _from_blank(plan: Plan) -> tuple[Step, ...]:
    return (Step.INITIALIZED, Step.SEED_STORED, *_pin(plan), *_checks(plan, QUESTIONS))


def _from_initialized(evidence: CardEvidence, plan: Plan) -> tuple[Step, ...]:
    stored = evidence.personality is not None and evidence.personality.profile is plan.profile
    questions = QUESTIONS - plan.responses_confirmed if stored else QUESTIONS
    if evidence.quota_left < questions:
        return (Step.WIPED, *_from_blank(plan))
    if not stored:
        return (Step.SEED_STORED, *_pin(plan), *_checks(plan, questions))
    # Nothing on the card tells one PIN from another: unless a journal knows better, it is set again.
    kept = plan.pin_confirmed and evidence.pin_tries is not None and evidence.pin_tries.left > 0
    return (() if kept else _pin(plan)) + _checks(plan, questions)


def _pin(plan: Plan) -> tuple[Step, ...]:
    return (Step.PIN_SET,) if plan.profile.keeps_pin else ()


def _checks(plan: Plan, questions: int) -> tuple[Step, ...]:
    verify = (Step.PIN_VERIFIED,) if plan.profile.keeps_pin else ()
    return (Step.RESPONSE_CHECKED,) * questions + verify + (Step.SECURED,)


def proven(evidence: CardEvidence, plan: Plan) -> tuple[Step, ...]:
    """Return the steps that the evidence shows to be done, whether or not their answers ever arrived.

    For a card that `remaining` does not refuse.
    """
    steps = []
    if evidence.key_version == plan.issuer_keys.version:
        steps.append(Step.KEYS_ROTATED)
    if evidence.life_cycle is not LifeCycle.OP_READY:
        steps.append(Step.INITIALIZED)
    if evidence.check_value:
        steps.append(Step.SEED_STORED)
    return tuple(steps)


def personalise(
    card: Card,
    plan: Plan,
    *,
    on_step: Callable[[Step], None] = lambda _step: None,
    new_question: Callable[[], str] = ocra.new_question,
) -> Personalised:
    """Bring the card to SECURED as the plan says, from whatever state it is in.

    ``on_step`` is called after the card has confirmed a step under R-MAC, before the next is sent; on a card
    that is found under way, for what the evidence proves done. It may raise: the run then ends there.
    RESPONSE_CHECKED comes once a question, the others once.

    A lost answer is recovered from here, up to three times, by fresh evidence. Raises CardUnfit, WrongPin,
    AuthenticationFailed, KeyVersionNotFound, and after the last recovery OutcomeUnknown, CardTimeout,
    LinkError or, when the card is gone, CardRemoved. Call again with the same seed to go on.
    """
    run = _Run(card, plan, on_step, new_question)
    return until_known(card, run.once)


@dataclass(slots=True)
class _Run:
    card: Card
    plan: Plan
    on_step: Callable[[Step], None]
    new_question: Callable[[], str]
    reported: set[Step] = field(default_factory=set)

    def once(self, fresh: bool) -> Personalised:
        """Go through what remains, once. A lost answer ends it."""
        serial_number = self.card.serial_number
        blank = fresh and self.card.life_cycle() is LifeCycle.OP_READY
        issuer = (self.plan.issuer_keys,)
        with open_any(
            self.card, self.plan.card_keys + issuer if blank else issuer + self.plan.card_keys
        ) as session:
            evidence = CardEvidence.of_blank(session, serial_number) if blank else session.evidence()
            steps = remaining(evidence, self.plan)
            for step in proven(evidence, self.plan):
                self._report(step)
            rotate = steps[:1] == (Step.KEYS_ROTATED,)
            if rotate:
                session.put_key(self.plan.issuer_keys)
                self._report(Step.KEYS_ROTATED)
                steps = steps[1:]
            else:
                self._go_on(session, steps)
        if rotate:
            with self.card.open_session(self.plan.issuer_keys) as session:
                self._go_on(session, steps)
        self._report(Step.SECURED)
        return Personalised(
            serial_number,
            self.plan.issuer_keys.version,
            self.plan.seed.check_value(),
            session.sequence_counter_at_opening,
        )

    def _go_on(self, session: SecureSession, steps: tuple[Step, ...]) -> None:
        for step in steps:
            self._do(step, session)
            self._report(step)

    def _report(self, step: Step) -> None:
        """Tell the caller of a step, and remember it for the plan of what remains after a lost answer."""
        if step is Step.RESPONSE_CHECKED:
            self.plan = replace(self.plan, responses_confirmed=self.plan.responses_confirmed + 1)
        elif step is Step.PIN_SET:
            self.plan = replace(self.plan, pin_confirmed=True)
        elif step is Step.WIPED:
            self.reported = {Step.KEYS_ROTATED}
        if step in self.reported:
            return
        if step is not Step.RESPONSE_CHECKED:
            self.reported.add(step)
        self.on_step(step)

    def _do(self, step: Step, session: SecureSession) -> None:
        plan = self.plan
        match step:
            case Step.INITIALIZED:
                session.set_status(LifeCycle.INITIALIZED)
            case Step.SEED_STORED:
                # It erases the PIN, and responses belong to the seed they were made with.
                self.plan = replace(plan, pin_confirmed=False, responses_confirmed=0)
                session.store_data(plan.seed, profile=plan.profile, language=plan.language, text=plan.text)
            case Step.PIN_SET:
                session.set_pin(plan.pin)
            case Step.RESPONSE_CHECKED:
                self._check_response(session)
            case Step.PIN_VERIFIED:
                session.verify_pin(plan.pin)
            case Step.SECURED:
                session.set_status(LifeCycle.SECURED)
            case Step.WIPED:
                session.set_status(LifeCycle.OP_READY)
            case Step.KEYS_ROTATED:
                raise AssertionError("keys are rotated before anything else")

    def _check_response(self, session: SecureSession) -> None:
        question = self.new_question()
        pin = None if self.plan.profile.keeps_pin else self.plan.pin
        response = session.respond(question, pin)
        if not ocra.verify(self.plan.profile.suite, self.plan.seed, question, response, pin=pin):
            raise errors.CardUnfit(
                f"the card answered {question} otherwise than its seed demands",
                where=self.card.where,
                advice="Keep the card aside: its seed or its firmware is not what it should be.",
            )


def _unfit(evidence: CardEvidence, what: str) -> errors.CardUnfit:
    return errors.CardUnfit(
        what,
        where=f"card {evidence.serial_number}",
        advice="Nothing was changed. If the card may be used anew, wipe it first.",
    )
