"""What the training card can be made to show, and what its holder does next. R1, R2, R5."""

from dataclasses import dataclass
from enum import StrEnum

PIN = "4711"
"""The training card's, told on the page."""

PIN_LENGTH = 4
CHALLENGE_LENGTH = 6
RESPONSE_LENGTH = 8


class Situation(StrEnum):
    """A state in which the card is put into a trainee's hand."""

    READY = "ready"
    """As its holder gets it; it checks the PIN itself (profile A)."""
    SERVER_PIN = "server-pin"
    """As above, but the server checks the PIN (profile B)."""
    BLANK = "blank"
    """Not personalised."""
    BLOCKED = "blocked"
    """The PIN's tries are used up."""
    LOCKED = "locked"
    """Locked by the issuer."""
    ENDED = "ended"
    """Terminated: of no use any more."""
    WORN = "worn"
    """Its memory takes nothing any more."""
    WEAK = "weak"
    """Its battery is low: only the station sees it."""
    DEAD = "dead"
    """Its battery is empty."""


class Deed(StrEnum):
    """What the station lets the card do while it is plugged in."""

    WINK = "wink"
    DISPLAY_TEST = "display-test"
    KEYPAD_TEST = "keypad-test"


class Shown(StrEnum):
    """The kinds of text on the display."""

    NOTHING = "nothing"
    PIN = "pin"
    CHALLENGE = "challenge"
    TYPED = "typed"
    RESPONSE = "response"
    FOUR_DIGITS = "four-digits"
    SIX_DIGITS = "six-digits"
    WRONG = "wrong"
    BLOCKED = "blocked"
    NOT_SET = "not-set"
    LOCKED = "locked"
    ENDED = "ended"
    FAULT = "fault"
    WINK = "wink"
    KEYS = "keys"
    PATTERN = "pattern"


_BY_TEXT = {
    "": Shown.NOTHING,
    "CHALLNG>": Shown.CHALLENGE,
    "4 DIGITS": Shown.FOUR_DIGITS,
    "6 DIGITS": Shown.SIX_DIGITS,
    "BLOCKED": Shown.BLOCKED,
    "NOT SET": Shown.NOT_SET,
    "LOCKED": Shown.LOCKED,
    "ENDED": Shown.ENDED,
    "FAULT": Shown.FAULT,
    "* WINK *": Shown.WINK,
}
_BY_BEGINNING = {"PIN>": Shown.PIN, "WRONG": Shown.WRONG, "KEYS": Shown.KEYS}


def shown(display: str, *, answered: bool) -> Shown:
    """What kind of text a display has.

    Args:
        display: its eight characters.
        answered: the last key was OK, and the card answered it by digits; else digits are what was typed.
    """
    text = display.strip()
    if text in _BY_TEXT:
        return _BY_TEXT[text]
    for beginning, kind in _BY_BEGINNING.items():
        if text.startswith(beginning):
            return kind
    if text.isdigit() and answered:
        return Shown.RESPONSE
    return Shown.TYPED if text.isdigit() else Shown.PATTERN


def is_response(display: str, key: str) -> bool:
    """Whether a display shows a response after a key."""
    return key == "ok" and len(display.strip()) == RESPONSE_LENGTH and display.isdigit()


class Step(StrEnum):
    """What the holder does next (R2)."""

    HOLD_PRESS = "hold-press"
    TYPE_PIN = "type-pin"
    OK_AFTER_PIN = "ok-after-pin"
    TYPE_CHALLENGE = "type-challenge"
    OK_AFTER_CHALLENGE = "ok-after-challenge"
    TOO_MANY = "too-many"
    COPY_RESPONSE = "copy-response"
    READ_THE_LIST = "read-the-list"
    """What shows is explained in the list of texts; the way begins anew with "press"."""


_ANEW = {
    Shown.NOTHING: Step.HOLD_PRESS,
    Shown.RESPONSE: Step.COPY_RESPONSE,
    Shown.FOUR_DIGITS: Step.TYPE_PIN,
    Shown.SIX_DIGITS: Step.TYPE_CHALLENGE,
    Shown.WRONG: Step.TYPE_PIN,
    Shown.CHALLENGE: Step.TYPE_CHALLENGE,
}


def next_step(kind: Shown, display: str) -> Step:
    """What the holder does next, at a display of this kind."""
    if kind is Shown.PIN:
        return Step.OK_AFTER_PIN if display.count("*") == PIN_LENGTH else Step.TYPE_PIN
    if kind is Shown.TYPED:
        typed = len(display.strip())
        if typed > CHALLENGE_LENGTH:
            return Step.TOO_MANY
        return Step.OK_AFTER_CHALLENGE if typed == CHALLENGE_LENGTH else Step.TYPE_CHALLENGE
    return _ANEW.get(kind, Step.READ_THE_LIST)


@dataclass(frozen=True)
class Face:
    """What a trainee sees. `accepted`: how the last response was judged; None: there was none yet."""

    serial_number: str
    situation: Situation
    display: str
    shown: Shown
    step: Step
    challenge: str
    accepted: bool | None
    busy: bool
