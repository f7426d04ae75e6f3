"""One restock or scrap of one card: the driver's own sequence, each step recorded once it is confirmed."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from dscplus_driver import errors, ocra, retire
from dscplus_driver.card import Card
from dscplus_driver.evidence import CardEvidence
from dscplus_driver.model import LifeCycle
from dscplus_driver.recovery import open_any, until_known
from dscplus_driver.retire import RestockStep
from dscplus_driver.sensitive import KeySet
from dscplus_station.desk.journal import Journal, OpenDisposal
from dscplus_station.desk.rules import Outcome
from dscplus_station.desk.states import DisposalState
from dscplus_station.errors import NotFound
from dscplus_station.keystore.interface import Keystore
from dscplus_station.quarantine.rules import Cause
from dscplus_station.wording import words

STEP_OF = {
    RestockStep.WIPED: DisposalState.WIPED,
    RestockStep.PROVEN: DisposalState.PROVEN,
    RestockStep.KEYS_ROTATED: DisposalState.KEYS_ROTATED,
}
OnStep = Callable[[OpenDisposal, DisposalState], None]
"""Called after a step is durable."""


class Verdict(StrEnum):
    """How an attempt ended."""

    RESTOCKED = "restocked"
    SCRAPPED = "scrapped"
    QUARANTINED = "quarantined"


@dataclass(frozen=True)
class Done:
    """An attempt that came to a verdict. `told`: what was wrong and what to do; empty if it was done."""

    serial_number: str
    verdict: Verdict
    told: str


def dispose(
    card: Card,
    journal: Journal,
    keystore: Keystore,
    disposal: OpenDisposal,
    on_step: OnStep = lambda _disposal, _step: None,
) -> Done:
    """Bring a begun restock or scrap to its proof, from whatever state an earlier attempt left the card in.

    Raises:
        DscError: the card was lost or did not answer; run it again.
        StationError: the database failed, or the disposal was changed meanwhile.
    """
    attempt = _Attempt(card, journal, keystore, disposal, on_step)
    return attempt.restock() if disposal.kind is Outcome.RESTOCK else attempt.scrap()


class _Attempt:
    """One attempt at an open disposal."""

    def __init__(
        self, card: Card, journal: Journal, keystore: Keystore, disposal: OpenDisposal, on_step: OnStep
    ) -> None:
        self._card = card
        self._journal = journal
        self._disposal = disposal
        self._on_step = on_step
        serial = disposal.serial_number
        self._issuer = keystore.issuer_master().keys_of(serial)
        self._restock = keystore.restock_master().keys_of(serial)
        self._all: tuple[KeySet, ...] = (self._issuer, self._restock)
        with suppress(NotFound):  # a batch whose key was never imported: none of its cards was opened by it
            self._all += (keystore.batch_master(disposal.batch).keys_of(serial),)

    def restock(self) -> Done:
        """Wiped, proven so, under restock keys; then all of it read back under those keys.

        A half-made card may hold restock or batch keys: the first are what it needs, and with the others it
        was never given a seed, so that they are exchanged for restock keys likewise. Never the other way.
        """
        try:
            keys = self._keys_it_holds()
            retire.restock(self._card, keys, self._restock, on_step=self._recorded)
            evidence = until_known(self._card, lambda _fresh: self._read_back())
        except errors.CardUnfit as error:
            return self._set_aside(Cause.NOT_PROVEN, words(error.what))
        except (errors.KeyVersionNotFound, errors.AuthenticationFailed) as error:
            return self._not_ours(error)
        if not evidence.is_wiped:
            return self._set_aside(Cause.NOT_PROVEN, words("it is not wiped, though it said so"), evidence)
        if evidence.sequence_counter <= self._disposal.sequence_counter:
            return self._set_aside(
                Cause.COUNTER_BACKWARDS, words("its sequence counter ran backwards"), evidence
            )
        self._journal.complete(self._disposal, DisposalState.KEYS_ROTATED, evidence)
        self._on_step(self._disposal, DisposalState.KEYS_ROTATED)
        return Done(self._disposal.serial_number, Verdict.RESTOCKED, "")

    def scrap(self) -> Done:
        """Terminated; the card's own authenticated answer is the proof. Without it: quarantine."""
        if self._card.life_cycle() is LifeCycle.TERMINATED:
            return self._terminated_without_proof()
        try:
            until_known(self._card, self._terminate)
        except _NoProof:
            return self._terminated_without_proof()
        except (errors.KeyVersionNotFound, errors.AuthenticationFailed) as error:
            return self._not_ours(error)
        self._journal.complete(self._disposal, DisposalState.TERMINATED)
        self._on_step(self._disposal, DisposalState.TERMINATED)
        return Done(self._disposal.serial_number, Verdict.SCRAPPED, "")

    def _keys_it_holds(self) -> KeySet:
        """The keys that open it; the restock keys count as the issuer's, since it is only proven then."""

        def once(_fresh: bool) -> KeySet:
            with open_any(self._card, self._all) as session:
                return next(keys for keys in self._all if keys.version == session.key_version)

        held = until_known(self._card, once)
        return self._issuer if held is self._restock else held

    def _recorded(self, step: RestockStep) -> None:
        """The last step is recorded with the proof under the new keys, as the whole restock's completion."""
        if step is RestockStep.KEYS_ROTATED:
            return
        self._disposal = self._journal.record(self._disposal, STEP_OF[step])
        self._on_step(self._disposal, STEP_OF[step])

    def _read_back(self) -> CardEvidence:
        """The card's state under restock keys; and the old seed answers no question any more."""
        with self._card.open_session(self._restock) as session:
            evidence = session.evidence()
            try:
                session.respond(ocra.new_question())
            except errors.StatusWordError:
                return evidence
            raise errors.CardUnfit("it still answers questions", where=self._card.where)

    def _terminate(self, fresh: bool) -> None:
        if not fresh and self._card.life_cycle() is LifeCycle.TERMINATED:
            raise _NoProof
        retire.scrap(self._card, self._all)

    def _terminated_without_proof(self) -> Done:
        return self._set_aside(
            Cause.TERMINATED, words("it says that it is terminated, but its proof was lost")
        )

    def _not_ours(self, error: errors.CardError) -> Done:
        """No key of ours opens it, though one did when it was inspected: asked once more, then set aside."""
        self._card.reset()
        self._card.check_serial_number()
        try:
            open_any(self._card, self._all).close()
        except (errors.KeyVersionNotFound, errors.AuthenticationFailed):
            return self._set_aside(Cause.FOREIGN_KEYS, words(error.what))
        raise errors.OutcomeUnknown("opening", error.what, where=self._card.where)

    def _set_aside(self, cause: Cause, finding: str, evidence: CardEvidence | None = None) -> Done:
        self._journal.set_aside(self._disposal, cause, finding, evidence)
        serial = self._disposal.serial_number
        told = words(
            "card {card} is quarantined: {finding}. Put it on the quarantine shelf.",
            card=serial,
            finding=finding,
        )
        return Done(serial, Verdict.QUARANTINED, told)


class _NoProof(Exception):
    """The card is terminated, and its answer that said so is lost."""
