"""OCRA, RFC 6287, whole: every suite, one-way, mutual and signature; and what a verifier needs besides.

Only 937,501 of the million six-digit questions have responses of their own: n and 16·n share one, because a
numeric question is padded on the right. `new_question` therefore issues no multiple of 16.
"""

import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import new as new_hash

from .errors import UsageError
from .sensitive import Pin, PinHash, Seed

QUESTION_FIELD = 128
CARD_QUESTION_DIGITS = range(4, 9)
"""Digits of a question that a card takes."""
LOOK_AHEAD = 10
"""Counter values a verifier tries: a holder may have made responses that were never sent."""
_GRAMMAR = re.compile(
    r"OCRA-1:HOTP-(?P<hash>SHA1|SHA256|SHA512)-(?P<digits>0|4|5|6|7|8|9|10)"
    r":(?P<counter>C-)?Q(?P<format>[ANH])(?P<length>\d\d)"
    r"(?:-P(?P<pin>SHA1|SHA256|SHA512))?(?:-S(?P<session>\d{3})?(?P<s>))?(?:-T(?P<step>\d{1,2})(?P<unit>[SMH]))?",
    re.ASCII,
)
_SECONDS = {"S": 1, "M": 60, "H": 3600}
_MOST_STEPS = {"S": 59, "M": 59, "H": 48}
_DEFAULT_SESSION_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Suite:
    """An OCRA suite, taken apart (RFC 6287, 6). ``digits`` 0 means the whole HMAC; lengths in characters or
    bytes.
    """

    name: str
    hash_name: str
    digits: int
    counter: bool
    question_format: str
    question_length: int
    pin_hash: str | None
    session_length: int | None
    time_step: int | None

    @staticmethod
    @lru_cache(maxsize=32)
    def parse(name: str) -> "Suite":
        """Read a suite's name. Raises UsageError if RFC 6287 has no such suite."""
        match = _GRAMMAR.fullmatch(name)
        if not match:
            raise UsageError(f"{name!r} is no OCRA suite")
        length = int(match["length"])
        if not 4 <= length <= 64:
            raise UsageError(f"{name}: a question has 4 to 64 characters, not {length}")
        time_step = None
        if match["unit"]:
            steps = int(match["step"])
            if not 1 <= steps <= _MOST_STEPS[match["unit"]]:
                raise UsageError(f"{name}: {match['step']}{match['unit']} is no time step")
            time_step = steps * _SECONDS[match["unit"]]
        session_length = None
        if match["s"] is not None:
            session_length = int(match["session"] or _DEFAULT_SESSION_LENGTH)
        return Suite(
            name=name,
            hash_name=match["hash"].lower(),
            digits=int(match["digits"]),
            counter=match["counter"] is not None,
            question_format=match["format"],
            question_length=length,
            pin_hash=match["pin"].lower() if match["pin"] else None,
            session_length=session_length,
            time_step=time_step,
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a response was right; with a counter suite, the counter value to expect next time."""

    matched: bool
    next_counter: int | None = None

    def __bool__(self) -> bool:
        return self.matched


def respond(
    suite: str | Suite,
    key: Seed | bytes,
    question: str,
    *,
    pin: Pin | PinHash | bytes | None = None,
    counter: int | None = None,
    session: bytes | None = None,
    timestamp: float | None = None,
) -> str:
    """Return the response: decimal digits, or the whole HMAC in hexadecimal for a suite of 0 digits.

    ``question``: as the suite's format says, 4 characters up to twice its length (mutual mode joins two
    challenges). ``pin``: the PIN, hashed here, or its hash; ``counter``: 0 to 2^64 - 1; ``session``: at most
    as many bytes as the suite says, filled with zeros on the left; ``timestamp``: Unix seconds. Each must be
    given exactly if the suite names it: UsageError.
    """
    suite = suite if isinstance(suite, Suite) else Suite.parse(suite)
    data = b"".join(
        (
            suite.name.encode("ascii"),
            b"\x00",
            _counter_field(suite, counter),
            _question_field(suite, question),
            _pin_field(suite, pin),
            _session_field(suite, session),
            _time_field(suite, timestamp),
        )
    )
    secret = key.reveal() if isinstance(key, Seed) else key
    return _truncate(hmac.digest(secret, data, suite.hash_name), suite.digits)


def verify(
    suite: str | Suite,
    key: Seed | bytes,
    question: str,
    response: str,
    *,
    pin: Pin | PinHash | bytes | None = None,
    counter: int | None = None,
    session: bytes | None = None,
    timestamp: float | None = None,
) -> Verdict:
    """Compare a response in constant time; with a counter, try that value and the next nine (`LOOK_AHEAD`).

    Every candidate is computed and compared, whichever fits: the time tells nothing.
    """
    suite = suite if isinstance(suite, Suite) else Suite.parse(suite)
    given = response.encode("utf-8", "replace")
    if counter is None:
        expected = respond(suite, key, question, pin=pin, session=session, timestamp=timestamp)
        return Verdict(hmac.compare_digest(given, expected.encode("ascii")))
    next_counter = None
    for value in range(counter, counter + LOOK_AHEAD):
        expected = respond(suite, key, question, pin=pin, counter=value, session=session, timestamp=timestamp)
        if hmac.compare_digest(given, expected.encode("ascii")) and next_counter is None:
            next_counter = value + 1
    return Verdict(next_counter is not None, next_counter)


def new_question(digits: int = 6, *, below: Callable[[int], int] = secrets.randbelow) -> str:
    """Return a random numeric question of 4 to 8 digits, leading zeros kept, never a multiple of 16 (R1, R2).

    ``below(n)`` returns an unpredictable number from 0 to n - 1.
    """
    if digits not in CARD_QUESTION_DIGITS:
        raise UsageError("a question for a card has 4 to 8 digits")
    # Of every sixteen numbers the fifteen that are no multiple: each equally likely.
    sixteens, rest = divmod(below(10**digits // 16 * 15), 15)
    return f"{sixteens * 16 + rest + 1:0{digits}d}"


def _counter_field(suite: Suite, counter: int | None) -> bytes:
    _check_given(suite, "counter", named=suite.counter, given=counter is not None)
    if counter is None:
        return b""
    if not 0 <= counter < 1 << 64:
        raise UsageError("a counter lies between 0 and 2^64 - 1")
    return counter.to_bytes(8, "big")


def _question_field(suite: Suite, question: str) -> bytes:
    if not 4 <= len(question) <= 2 * suite.question_length:
        raise UsageError(
            f"a question for {suite.name} has 4 to {suite.question_length} characters,"
            f" twice that for mutual authentication; this one has {len(question)}"
        )
    match suite.question_format:
        case "A" if question.isascii():
            return question.encode("ascii").ljust(QUESTION_FIELD, b"\x00")
        case "N" if question.isascii() and question.isdigit():
            return _nibbles(f"{int(question):x}")
        case "H" if re.fullmatch("[0-9A-Fa-f]+", question):
            return _nibbles(question)
    kind = {"A": "ASCII", "N": "decimal digits", "H": "hexadecimal digits"}[suite.question_format]
    raise UsageError(f"a question for {suite.name} is made of {kind}")


def _nibbles(digits: str) -> bytes:
    """Fill hexadecimal digits, an odd number of them included, with zeros on the right."""
    return bytes.fromhex(digits.ljust(2 * QUESTION_FIELD, "0"))


def _pin_field(suite: Suite, pin: Pin | PinHash | bytes | None) -> bytes:
    _check_given(suite, "PIN", named=suite.pin_hash is not None, given=pin is not None)
    if suite.pin_hash is None or pin is None:
        return b""
    if isinstance(pin, PinHash):
        if len(pin.reveal()) != new_hash(suite.pin_hash).digest_size:
            raise UsageError(f"{suite.name} takes a PIN hash of another length")
        return pin.reveal()
    return new_hash(suite.pin_hash, pin.reveal() if isinstance(pin, Pin) else pin).digest()


def _session_field(suite: Suite, session: bytes | None) -> bytes:
    _check_given(suite, "session", named=suite.session_length is not None, given=session is not None)
    if suite.session_length is None or session is None:
        return b""
    if len(session) > suite.session_length:
        raise UsageError(f"session information has at most {suite.session_length} bytes, not {len(session)}")
    return session.rjust(suite.session_length, b"\x00")


def _time_field(suite: Suite, timestamp: float | None) -> bytes:
    _check_given(suite, "timestamp", named=suite.time_step is not None, given=timestamp is not None)
    if suite.time_step is None or timestamp is None:
        return b""
    if timestamp < 0:
        raise UsageError("a timestamp is not negative")
    return (int(timestamp) // suite.time_step).to_bytes(8, "big")


def _check_given(suite: Suite, what: str, *, named: bool, given: bool) -> None:
    """Refuse a missing or superfluous input: ignored, it would give a wrong response."""
    if named != given:
        raise UsageError(f"{suite.name} {'needs a' if named else 'takes no'} {what}")


def _truncate(digest: bytes, digits: int) -> str:
    """Truncate as HOTP does (RFC 4226, 5.3)."""
    if digits == 0:
        return digest.hex()
    offset = digest[-1] & 0xF
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**digits:0{digits}d}"
