"""R6: when a challenge may be issued, when it may be answered, when wrong answers lock."""

from datetime import datetime
from enum import StrEnum

from dscplus_station.devices.rules import INTERIM, AssignmentState, DeviceType
from dscplus_station.figures import LoginFigures

MAX_CHALLENGES = 10
"""How many challenges one user's device gets in one lifetime of a challenge: a person needs one or two."""

RESPONSE_DIGITS = 8
QUESTION_DIGITS = 6


class Outcome(StrEnum):
    """How an attempt ended, for the operator; a holder is told no more than right or not (R6)."""

    RIGHT = "RIGHT"
    WRONG = "WRONG"
    REPLAYED = "REPLAYED"
    EXPIRED = "EXPIRED"
    FOREIGN = "FOREIGN"


OUTCOME_TOLD: dict[Outcome, str] = {
    Outcome.RIGHT: "right",
    Outcome.WRONG: "the response is wrong",
    Outcome.REPLAYED: "this challenge was answered before: ask for a new one",
    Outcome.EXPIRED: "this challenge has expired: ask for a new one",
    Outcome.FOREIGN: "this challenge was not issued for this card, user and purpose",
}


class Purpose(StrEnum):
    """What a response was given for."""

    LOGIN = "LOGIN"
    ACTIVATION = "ACTIVATION"
    SHARING = "SHARING"
    OPT_IN = "OPT_IN"
    PIN_CHANGE = "PIN_CHANGE"


def purpose_now(state: AssignmentState) -> Purpose:
    """What a challenge is for unless it is said: a card that is not active yet is to be activated (R15)."""
    return Purpose.ACTIVATION if state is AssignmentState.PENDING else Purpose.LOGIN


def states_for(purpose: Purpose) -> frozenset[AssignmentState]:
    """How a user's device must stand for a challenge of this purpose to be issued."""
    only = AssignmentState.PENDING if purpose is Purpose.ACTIVATION else AssignmentState.ACTIVE
    return frozenset({only})


def purpose_fault(kind: DeviceType, purpose: Purpose) -> str | None:
    """Why a type of device does not serve a purpose, or None: interim access is for logins (R17, R25)."""
    if kind in INTERIM and purpose in (Purpose.SHARING, Purpose.OPT_IN, Purpose.PIN_CHANGE):
        return f"a {kind} lets its user log in, no more: this needs a device of the own"
    return None


def unanswerable(
    now: datetime, *, issued_for_this: bool, used_at: datetime | None, expires_at: datetime | None
) -> Outcome | None:
    """Why a challenge cannot be answered (any more), whatever the response; None if it can (R6).

    Args:
        issued_for_this: whether it was issued for this very card, user and purpose.
        used_at, expires_at: the challenge's, aware; it expires at that very moment.
    """
    if not issued_for_this or expires_at is None:
        return Outcome.FOREIGN
    if used_at is not None:
        return Outcome.REPLAYED
    if now >= expires_at:
        return Outcome.EXPIRED
    return None


def wrong_after(outcome: Outcome, wrong_before: int) -> int:
    """The count of wrong responses in a row after an attempt.

    Only an answer to an open challenge tells anything about card and PIN: others change nothing.
    """
    if outcome is Outcome.RIGHT:
        return 0
    return wrong_before + 1 if outcome is Outcome.WRONG else wrong_before


def locks(wrong_in_a_row: int, figures: LoginFigures) -> bool:
    """Whether that many wrong responses in a row lock the device for that user (R6)."""
    return wrong_in_a_row >= figures.wrong_responses


def well_formed(question: str, response: str) -> str | None:
    """What is wrong with the form of a card's answer, or None. It is no attempt (R2: leading zeros count)."""
    for what, digits, length in (
        ("challenge", question, QUESTION_DIGITS),
        ("response", response, RESPONSE_DIGITS),
    ):
        if len(digits) != length or not (digits.isascii() and digits.isdigit()):
            return f"a {what} has exactly {length} digits; leading zeros count"
    return None
