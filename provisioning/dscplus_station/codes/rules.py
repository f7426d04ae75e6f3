"""R17, R18: passcodes and tables of indexed values: drawn, asked for, compared; they never show."""

import hashlib
import hmac
import re
import secrets
from typing import Self

from dscplus_driver.sensitive import Sensitive

ALPHABET = "ACDEFGHJKMNPQRTUVWXY34679"
"""Upper-case letters and digits without look-alikes: no 0 O, 1 I L, 2 Z, 5 S, 8 B (R17)."""

PASSCODE_LENGTH = 8
"""About 37 bits: enough, as five wrong answers in a row lock (R6)."""

INDEXES = 224
"""How many values a code card has, at the indexes 1 to 224 (R18)."""

VALUE_LENGTH = 3
ASKED = 2
ANSWER_LENGTH = ASKED * VALUE_LENGTH
"""R18: a login asks for the values at two indexes, joined into one answer."""

_INDEX_DIGITS = 3
_VALUE = re.compile(r"[A-Z0-9]+", re.ASCII)


class Passcode(Sensitive):
    """A temporary passcode."""

    __slots__ = ()

    @classmethod
    def new(cls) -> Self:
        """Draw one."""
        return cls(_drawn(PASSCODE_LENGTH).encode())

    def reveal(self) -> str:
        """Return its characters."""
        return self._value.decode()

    def digest(self) -> bytes:
        """Return the SHA-256 of its characters: all that is kept of it, and sealed."""
        return hashlib.sha256(self._value).digest()


class CodeTable(Sensitive):
    """The values of a code card, by indexes from 1."""

    __slots__ = ()

    def __init__(self, values: str) -> None:
        """Take all values, joined. Raises ValueError, which does not repeat them, for another length."""
        if len(values) != INDEXES * VALUE_LENGTH:
            raise ValueError(f"a code card has {INDEXES} values of {VALUE_LENGTH} characters")
        super().__init__(values.encode("ascii"))

    @classmethod
    def new(cls) -> Self:
        """Draw one."""
        return cls(_drawn(INDEXES * VALUE_LENGTH))

    def reveal(self) -> bytes:
        """Return all values, joined, in ASCII."""
        return self._value

    def value(self, index: int) -> str:
        """Return the value at an index, 1 to `INDEXES`."""
        if not 1 <= index <= INDEXES:
            raise ValueError(f"a code card has the indexes 1 to {INDEXES}")
        return self._value[(index - 1) * VALUE_LENGTH : index * VALUE_LENGTH].decode()

    def fits(self, question: str, answer: str) -> bool:
        """Whether an answer is the values at the question's indexes, joined; compared in constant time."""
        expected = "".join(self.value(index) for index in asked(question))
        return hmac.compare_digest(expected, typed(answer))


def passcode_fits(digest: bytes, answer: str) -> bool:
    """Whether an answer is the passcode that was digested; compared in constant time."""
    return hmac.compare_digest(digest, hashlib.sha256(typed(answer).encode()).digest())


def new_question() -> str:
    """Draw two different indexes, as a question of six digits: 017203 asks for the values at 17 and 203."""
    indexes = secrets.SystemRandom().sample(range(1, INDEXES + 1), ASKED)
    return "".join(f"{index:0{_INDEX_DIGITS}}" for index in indexes)


def asked(question: str) -> list[int]:
    """The indexes that a question asks for."""
    return [int(question[at : at + _INDEX_DIGITS]) for at in range(0, len(question), _INDEX_DIGITS)]


def typed(answer: str) -> str:
    """An answer as it is compared: upper-case (R17), without the spaces that people put between groups."""
    return "".join(answer.split()).upper()


def value_fault(value: str) -> str | None:
    """What is wrong with a value of a card that was made elsewhere, or None. The value is not repeated."""
    if len(value) != VALUE_LENGTH or not _VALUE.fullmatch(value):
        return f"a value has {VALUE_LENGTH} characters, A to Z or 0 to 9"
    return None


def code_answer_fault(question: str, answer: str) -> str | None:
    """What is wrong with the form of an answer from a code card, or None (R18)."""
    digits = ASKED * _INDEX_DIGITS
    if len(question) != digits or not (question.isascii() and question.isdigit()):
        return f"a question to a code card has {digits} digits: {ASKED} indexes of {_INDEX_DIGITS}"
    if len(typed(answer)) != ANSWER_LENGTH or not _VALUE.fullmatch(typed(answer)):
        return f"an answer has {ANSWER_LENGTH} letters and digits: the values at both indexes, joined"
    return None


def passcode_fault(question: str, answer: str) -> str | None:
    """What is wrong with the form of a passcode that was typed, or None (R17)."""
    if question:
        return "a passcode answers no challenge: leave it out"
    if len(typed(answer)) != PASSCODE_LENGTH or not _VALUE.fullmatch(typed(answer)):
        return f"a passcode has {PASSCODE_LENGTH} letters and digits"
    return None


def _drawn(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))
