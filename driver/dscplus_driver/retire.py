"""What becomes of a card that came back: restocked, wiped and proven so, under the station's restock keys; or
scrapped.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum

from . import errors
from .card import Card
from .evidence import FULL_QUOTA
from .model import LifeCycle
from .recovery import open_any, until_known
from .sensitive import KeySet
from .session import SecureSession


class RestockStep(StrEnum):
    """What a restock has achieved, in order."""

    WIPED = "wiped"
    PROVEN = "proven"
    KEYS_ROTATED = "keys-rotated"


def restock(
    card: Card,
    issuer_keys: KeySet,
    restock_keys: KeySet,
    *,
    on_step: Callable[[RestockStep], None] = lambda _step: None,
) -> None:
    """Wipe the card, prove it wiped under R-MAC, and put restock keys in place of the issuer's.

    Starts from any state that the issuer's keys open; a card that is already restocked is only proven. A lost
    answer is recovered from, up to three times. Raises CardUnfit if the wipe cannot be proven, and what
    `personalisation.personalise` raises.
    """
    reported: set[RestockStep] = set()

    def report(step: RestockStep) -> None:
        if step not in reported:
            reported.add(step)
            on_step(step)

    def once(fresh: bool) -> None:
        with open_any(card, (issuer_keys, restock_keys)) as session:
            if session.key_version == issuer_keys.version:
                if fresh or session.life_cycle() is not LifeCycle.OP_READY:
                    session.set_status(LifeCycle.OP_READY)
                report(RestockStep.WIPED)
            _prove_wiped(card, session)
            report(RestockStep.PROVEN)
            if session.key_version == issuer_keys.version:
                session.put_key(restock_keys)
            report(RestockStep.KEYS_ROTATED)

    until_known(card, once)


def wipe(card: Card, issuer_keys: KeySet) -> None:
    """Wipe the card and prove it under R-MAC; the issuer's keys stay on it. Raises what `restock` raises."""

    def once(_fresh: bool) -> None:
        with card.open_session(issuer_keys) as session:
            if session.life_cycle() is not LifeCycle.OP_READY:
                session.set_status(LifeCycle.OP_READY)
            _prove_wiped(card, session)

    until_known(card, once)


def _prove_wiped(card: Card, session: SecureSession) -> None:
    found = {
        "life cycle": (session.life_cycle(), LifeCycle.OP_READY),
        "profile": (session.personality(), None),
        "PIN": (session.pin_tries(), None),
        "quota": (session.quota_left(), FULL_QUOTA),
    }
    left = ", ".join(f"{name} is {value}" for name, (value, wiped) in found.items() if value != wiped)
    if left:
        raise errors.CardUnfit(
            f"the card is not wiped: {left}",
            where=card.where,
            advice="Keep it aside; do not put it back into the stock.",
        )


def scrap(card: Card, key_sets: Sequence[KeySet]) -> None:
    """End the card for ever: seed, PIN and keys are erased.

    ``key_sets``: those it may hold, issuer keys first. The proof is the card's own authenticated answer.
    Raises OutcomeUnknown if that was lost: a card that refuses everything afterwards is evidence, but no
    proof, and belongs in quarantine.
    """
    with open_any(card, key_sets) as session:
        try:
            session.set_status(LifeCycle.TERMINATED)
        except errors.OutcomeUnknown as error:
            error.advice = (
                "Keep the card in quarantine: that it refuses everything now is evidence, but no proof."
            )
            raise
