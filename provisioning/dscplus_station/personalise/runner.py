"""One card, one run: ask the rules what is missing, do it, record it once the card has confirmed it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum

from dscplus_driver import errors, ocra
from dscplus_driver.card import Card
from dscplus_driver.evidence import CardEvidence
from dscplus_driver.model import LifeCycle
from dscplus_driver.recovery import until_known
from dscplus_driver.sensitive import KeySet
from dscplus_driver.session import SecureSession
from dscplus_station.devices.rules import Profile
from dscplus_station.keystore.interface import Keystore
from dscplus_station.personalise.journal import Journal, OpenRun
from dscplus_station.personalise.rules import (
    CARD_PROFILE,
    QUESTIONS,
    Action,
    Complete,
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
from dscplus_station.wording import words

OnStep = Callable[[OpenRun, RunState], None]
"""Called after a step is durable."""


class Verdict(StrEnum):
    """How one attempt at a card ended."""

    COMPLETED = "completed"
    QUARANTINED = "quarantined"
    REFUSED = "refused"
    """The card was given back to stock untouched."""


@dataclass(frozen=True)
class Outcome:
    """An attempt that came to a verdict. `told`: what is wrong, what to do now; empty when it completed."""

    order_id: str
    serial_number: str
    verdict: Verdict
    steps: tuple[RunState, ...]
    told: str


class Stopped(Exception):
    """The operator asked to stop: the run ended at a step's boundary and stays open."""


class _SelfTestFailed(Exception):
    """The card, under R-MAC, answered otherwise than its seed and PIN demand; `finding` says how."""

    def __init__(self, finding: str) -> None:
        super().__init__(finding)
        self.finding = finding


def personalise(
    card: Card,
    journal: Journal,
    keystore: Keystore,
    run: OpenRun,
    *,
    on_step: OnStep = lambda _run, _step: None,
    stopping: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Bring a run's card to SECURED, from whatever state an earlier attempt left it in.

    Args:
        run: as `Journal.begin` gave it for the card's serial number.
        stopping: asked between steps.

    Raises:
        DscError: the card was lost or did not answer; the run stays open and is run again.
        StationError: the database failed, or the run was changed meanwhile.
        Stopped: as asked.
    """
    return _Attempt(card, journal, keystore, run, on_step, stopping).until_verdict()


class _Attempt:
    """One attempt at an open run, with what is known of the card so far."""

    def __init__(
        self,
        card: Card,
        journal: Journal,
        keystore: Keystore,
        run: OpenRun,
        on_step: OnStep,
        stopping: Callable[[], bool],
    ) -> None:
        self._card = card
        self._journal = journal
        self._run = run
        self._on_step = on_step
        self._stopping = stopping
        self._issuer_keys = keystore.issuer_master().keys_of(run.serial_number)
        in_stock = (keystore.batch_master(run.batch), keystore.restock_master())
        self._stock_keys = tuple(master.keys_of(run.serial_number) for master in in_stock)
        self._steps: list[RunState] = []
        self._counter_seen = run.sequence_counter
        self._evidence: CardEvidence | None = None  # as last shown, for whoever looks at a quarantine

    def until_verdict(self) -> Outcome:
        if not self._run.resumed:
            self._durable(self._run, RunState.RESERVED)
        return until_known(self._card, self._from_the_top)

    def _from_the_top(self, first: bool) -> Outcome:
        """Go on to a verdict. A lost answer ends it; then it begins again, from what the card shows."""
        fresh = first and not self._run.resumed
        life_cycle = self._card.life_cycle()
        # What costs least when right comes first: a version that the card has not is refused without a trace.
        order = (*self._stock_keys, self._issuer_keys)
        opened = self._open(order if fresh else order[::-1], life_cycle)
        if isinstance(opened, Outcome):
            return opened
        self._evidence = self._look(opened, assume_blank=fresh and life_cycle is LifeCycle.OP_READY)
        while True:
            with opened as session:
                verdict = self._work(session, self._evidence)
            if verdict is not None:
                return verdict
            opened = self._open((self._issuer_keys,), life_cycle)  # PUT KEY ended the channel
            if isinstance(opened, Outcome):
                return opened
            self._evidence = replace(self._evidence, sequence_counter=opened.sequence_counter_at_opening)

    def _open(self, key_sets: tuple[KeySet, ...], life_cycle: LifeCycle) -> SecureSession | Outcome:
        """Open a channel under the key set the card has; a wrong one is tried once, and no other after it."""
        version = None
        tried = ", ".join(f"{keys.version:02X}" for keys in key_sets)
        finding: str = words("it has none of the key versions {tried}", tried=tried)
        for keys in key_sets:
            try:
                return self._card.open_session(keys)
            except errors.KeyVersionNotFound:
                continue
            except errors.HandshakeRefused as error:
                raise errors.OutcomeUnknown("opening", error.what, where=self._card.where) from error
            except errors.AuthenticationFailed:
                version = keys.version
                finding = words(
                    "its keys of version {version} are not those of this station", version=f"{version:02X}"
                )
                break
            except errors.StatusWordError as error:
                if life_cycle is not LifeCycle.TERMINATED:
                    raise errors.OutcomeUnknown("opening", error.what, where=self._card.where) from error
                break
        if life_cycle is LifeCycle.TERMINATED:
            return self._set_aside(SetAside(Cause.TERMINATED, words("it is TERMINATED, and no key opens it")))
        if version is None:
            finding = self._held_instead(key_sets, finding)
        thought = keys_do_not_open(
            key_version=version,
            opened_before=self._counter_seen > 0,
            batch_proven=self._run.batch_proven,
            finding=finding,
        )
        return self._set_aside(thought) if isinstance(thought, SetAside) else self._give_back(finding)

    def _held_instead(self, key_sets: tuple[KeySet, ...], finding: str) -> str:
        """Say which key version the card holds: "no such version" is an error word and proves nothing.

        Raises:
            OutcomeUnknown: the card says elsewhere that it holds one of these versions.
        """
        held = self._card.key_information()
        if held is None:
            return finding
        if held.key_version in [keys.version for keys in key_sets]:
            raise errors.OutcomeUnknown("opening", "the card denied its key version", where=self._card.where)
        return words(
            "it holds key version {version}, so {finding}", version=f"{held.key_version:02X}", finding=finding
        )

    def _look(self, session: SecureSession, *, assume_blank: bool) -> CardEvidence:
        if assume_blank and session.key_version != self._issuer_keys.version:
            return CardEvidence.of_blank(session, self._run.serial_number)
        with _doubted("reading its state"):
            return session.evidence()

    def _work(self, session: SecureSession, evidence: CardEvidence) -> Outcome | None:
        """Do what is missing, action by action; None when the keys were rotated and the channel is over."""
        history = self._history()
        self._counter_seen = max(self._counter_seen, evidence.sequence_counter)
        shown = shown_by(history, evidence)
        if shown is not None:
            history = self._record(history, shown, evidence)
        while True:
            decision = next_action(history, evidence)
            if isinstance(decision, Complete):
                return self._complete(evidence)
            if isinstance(decision, SetAside):
                return self._set_aside(decision)
            if self._stopping():
                raise Stopped
            try:
                self._perform(session, decision)
            except _SelfTestFailed as failed:
                return self._set_aside(SetAside(Cause.SELF_TEST_FAILED, failed.finding))
            evidence = self._evidence = after(evidence, decision, history)
            step = recorded_as(decision, evidence, history)
            if step is not None:
                history = self._record(history, step, evidence)
            if decision is Action.ROTATE_KEYS:
                return None

    def _perform(self, session: SecureSession, action: Action) -> None:
        run = self._run
        with _doubted(action.value):
            match action:
                case Action.ROTATE_KEYS:
                    session.put_key(self._issuer_keys)
                case Action.WIPE:
                    session.set_status(LifeCycle.OP_READY)
                case Action.INITIALIZE:
                    session.set_status(LifeCycle.INITIALIZED)
                case Action.STORE_SEED:
                    session.store_data(run.seed, profile=CARD_PROFILE[run.profile], language=run.language)
                case Action.SET_PIN:
                    session.set_pin(run.pin)
                case Action.VERIFY:
                    self._verify(session)
                case Action.SECURE:
                    session.set_status(LifeCycle.SECURED)

    def _verify(self, session: SecureSession) -> None:
        """Three random questions answered as we would, and the PIN (profile A) accepted."""
        run = self._run
        suite = CARD_PROFILE[run.profile].suite
        pin = run.pin if run.profile is Profile.SERVER_PIN else None
        for number in range(1, QUESTIONS + 1):
            question = ocra.new_question()
            if not ocra.verify(suite, run.seed, question, session.respond(question, pin), pin=pin).matched:
                raise _SelfTestFailed(
                    words(
                        "it answered question {number} of {questions} otherwise than its seed demands",
                        number=number,
                        questions=QUESTIONS,
                    )
                )
        if run.profile is Profile.CARD_PIN:
            try:
                session.verify_pin(run.pin)
            except errors.WrongPin as wrong:
                raise _SelfTestFailed(words("it refused the PIN that it had confirmed")) from wrong

    def _history(self) -> History:
        run = self._run
        return History(
            profile=run.profile,
            state=run.state,
            issuer_key_version=self._issuer_keys.version,
            check_value=run.seed.check_value(),
            earlier_check_values=run.earlier_check_values,
            sequence_counter=self._counter_seen,
        )

    def _record(self, history: History, step: RunState, evidence: CardEvidence) -> History:
        self._durable(self._journal.record(self._run, step, evidence), step)
        return replace(history, state=step)

    def _complete(self, evidence: CardEvidence) -> Outcome:
        self._journal.complete(self._run, evidence)
        self._durable(self._run, RunState.SECURED)
        return self._outcome(Verdict.COMPLETED)

    def _durable(self, run: OpenRun, step: RunState) -> None:
        self._run = run
        self._steps.append(step)
        self._on_step(run, step)

    def _set_aside(self, finding: SetAside) -> Outcome:
        self._journal.set_aside(self._run, finding, self._evidence)
        return self._outcome(
            Verdict.QUARANTINED,
            f"card {self._run.serial_number} is quarantined: {finding.finding}. Put it aside; "
            f"order {self._run.order_id} waits for another card.",
        )

    def _give_back(self, finding: str) -> Outcome:
        self._journal.give_back(self._run, finding)
        return self._outcome(
            Verdict.REFUSED,
            f"card {self._run.serial_number}: {finding}. Nothing was changed on it. Compare the key check "
            f"value of batch {self._run.batch} with the maker's, and import its key again if they differ "
            f"(dsc-station keys import-batch {self._run.batch}).",
        )

    def _outcome(self, verdict: Verdict, told: str = "") -> Outcome:
        return Outcome(self._run.order_id, self._run.serial_number, verdict, tuple(self._steps), told)


@contextmanager
def _doubted(deed: str) -> Iterator[None]:
    """Whatever a card answers but an authenticated success proves nothing: its state is read again.

    So an error word, a broken R-MAC and an answer that does not fit become OutcomeUnknown.
    """
    try:
        yield
    except (
        errors.AuthenticationFailed,
        errors.StatusWordError,
        errors.CardBlocked,
        errors.ProtocolError,
        errors.WrongPin,
    ) as error:
        raise errors.OutcomeUnknown(deed, error.what, where=error.where) from error
