"""What a barcode at the bench can be: one table, read by `parse`, printed from the `*_code` functions.

| what | as printed or typed | kept apart by |
|---|---|---|
| an order | ``OR.O-1042.45`` | prefix, two check digits |
| a card | ``0000000018``, as on its back; also ``SN.0000000018`` | ten digits, the last Luhn |
| a label | ``LB.O-1042.0000000018.2.37``: order, card, which copy | prefix, two check digits |
| a command | ``DO.CANCEL.37``, or the bare word | prefix, two check digits |
| an operator's badge | ``OP-…`` | prefix; who it is, the sign-in decides |
| a tracking number | ``RR123456785US`` (UPU S10), ``TRK.…``, the carrier's own | check digit; prefix; below |

The check digits are ISO 7064's MOD 97-10 over the whole text, every character with a value of its own: one
wrong character, and any two characters swapped at any distance, never give another valid text. All of ours
hold two dots at least and a carrier's own numbers none, so that a misread one of ours is no tracking number
either; neither is one that looks like a badge, or is as short as a card's serial number.

Lower case is taken for a keyboard's (or for Caps Lock, if the rest is mixed) where the prefix itself is in
lower case; elsewhere capitals count.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from dscplus_driver.model import luhn_valid

MAX_LENGTH = 80
"""Characters that a scan may have: the longest label's; more means that two ran together."""

CHECK_MODULUS = 97
CHECK_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._@+-"
"""A character's value is its place; 67 of them, all below the modulus. Orders are spelled in these."""

SERIAL_DIGITS = 10
SHORTEST_TRACKING = 11
"""A carrier's own number without prefix is longer than a serial number; a shorter one is typed with TRK."""
TRACKING_DIGITS = 6
"""Digits that a carrier's own number holds at least: a mistyped command holds none."""


class Command(StrEnum):
    """What the printed command sheet can say."""

    OK = "OK"
    CANCEL = "CANCEL"
    REPRINT = "REPRINT"
    SUPERVISOR = "SUPERVISOR"


class Origin(StrEnum):
    """How a tracking number is known to be one."""

    S10 = "S10"
    """The UPU's format, with the right check digit."""
    TYPED = "TYPED"
    """It came with the prefix TRK."""
    FREE = "FREE"
    """It might be any carrier's: to be taken only where a tracking number is expected."""


@dataclass(frozen=True)
class OrderScan:
    """An order's barcode."""

    order: str


@dataclass(frozen=True)
class CardScan:
    """The serial number printed on a card's back."""

    serial_number: str


@dataclass(frozen=True)
class LabelScan:
    """One printed label: the order, its card, and which printing of it (1 is the first)."""

    order: str
    serial_number: str
    copy: int


@dataclass(frozen=True)
class TrackingScan:
    """A carrier's number, in capitals."""

    number: str
    origin: Origin


@dataclass(frozen=True)
class OperatorScan:
    """An operator's badge. What it says opens a sign-in, so it never shows itself."""

    badge: str = field(repr=False)


@dataclass(frozen=True)
class CommandScan:
    """A command."""

    command: Command


@dataclass(frozen=True)
class Unreadable:
    """Nothing that can be relied on; `why` never repeats what was read, which might be a badge."""

    why: str


Scan = OrderScan | CardScan | LabelScan | TrackingScan | OperatorScan | CommandScan


# --- What is printed -----------------------------------------------------------------------------


def order_code(order: str) -> str:
    """The text of an order's barcode."""
    return _with_check_digits(f"OR.{order}")


def card_code(serial_number: str) -> str:
    """The text of a card's barcode: as it stands on its back."""
    return serial_number


def label_code(order: str, serial_number: str, copy: int) -> str:
    """The text of a label's barcode. `copy` counts the printings of one order's card, from 1."""
    return _with_check_digits(f"LB.{order}.{serial_number}.{copy}")


def command_code(command: Command) -> str:
    """The text of a command's barcode."""
    return _with_check_digits(f"DO.{command}")


def _with_check_digits(text: str) -> str:
    """`text`, a dot and the two digits that make the whole ISO 7064 MOD 97-10.

    Raises:
        ValueError: a character that has no value.
    """
    remainder = _remainder(f"{text}.00")
    return f"{text}.{(1 - remainder) % CHECK_MODULUS:02d}"


def _remainder(text: str) -> int:
    value = 0
    for character in text:
        value = (value * 10 + CHECK_ALPHABET.index(character)) % CHECK_MODULUS
    return value


def _checked(text: str) -> bool:
    return set(text) <= set(CHECK_ALPHABET) and _remainder(text) == 1


# --- What is read --------------------------------------------------------------------------------

_ORDER = re.compile(r"OR\.(?P<order>[A-Za-z0-9][A-Za-z0-9._@+-]{0,39})\.[0-9]{2}", re.ASCII)
_LABEL = re.compile(
    r"LB\.(?P<order>[A-Za-z0-9][A-Za-z0-9._@+-]{0,39})\.(?P<serial>[0-9]{10})\.(?P<copy>[1-9][0-9]{0,3})\.[0-9]{2}",
    re.ASCII,
)
_COMMAND = re.compile(r"DO\.(?P<command>[A-Z]+)\.[0-9]{2}", re.ASCII)
_SERIAL = re.compile(r"(?:SN[.:])?(?P<serial>[0-9]{10})", re.ASCII)
_BADGE = re.compile(r"OP-[A-Za-z0-9._-]{1,60}", re.ASCII)
_S10 = re.compile(r"[A-Z]{2}(?P<number>[0-9]{8})(?P<check>[0-9])[A-Z]{2}", re.ASCII)
_FREE = re.compile(rf"[A-Z0-9][A-Z0-9-]{{{SHORTEST_TRACKING - 1},39}}", re.ASCII)
_TYPED = re.compile(r"TRK\.(?P<number>[A-Z0-9][A-Z0-9 ./-]{2,39})", re.ASCII | re.IGNORECASE)
_OURS = re.compile(r"(?:OR|LB|DO|SN|OP|TRK)[.:-]", re.ASCII | re.IGNORECASE)
_SYMBOLOGY = re.compile(r"\][A-Za-z][0-9A-Za-z]")
"""What some scanners send before the text (AIM identifiers, such as ``]C0``)."""

_S10_WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)

NOTHING = "nothing was read: scan it again"
RAN_TOGETHER = "two scans ran together: scan again, one at a time"
STRANGE = "it holds characters that no barcode here has: check the scanner's keyboard layout, then scan again"
MISREAD = "its check digits do not fit: scan it again; typed by hand, capitals and every character count"
NO_SERIAL = "it has a serial number's ten digits, but the last does not fit the others: scan the card again"
NO_S10 = "it looks like a tracking number, but its check digit does not fit: scan it again"
TRACKING_BY_HAND = "it is no barcode of ours. A carrier's number in a form of its own: type TRK. before it"


def parse(text: str) -> Scan | Unreadable:
    """What was scanned or typed; the Enter that ends a scan may be there or not."""
    read = _SYMBOLOGY.sub("", text.strip(), count=1) if text.lstrip().startswith("]") else text.strip()
    if not read:
        return Unreadable(NOTHING)
    if len(read) > MAX_LENGTH or re.search(r"[\r\n\t]", read):
        return Unreadable(RAN_TOGETHER)
    if not (read.isascii() and read.isprintable()):
        return Unreadable(STRANGE)
    read = _in_capitals(read)
    for reader in _READERS:
        found = reader(read)
        if found is not None:
            return found
    if len(_OURS.findall(read)) > 1 or (_OURS.search(read) and not _OURS.match(read)):
        return Unreadable(RAN_TOGETHER)
    return Unreadable(MISREAD if _OURS.match(read) else TRACKING_BY_HAND)


def _in_capitals(text: str) -> str:
    """The text as it was printed, if its prefix says that somebody typed it, or that Caps Lock is on."""
    prefix = _OURS.match(text)
    if prefix is None or not prefix[0].islower():
        return text
    return text.upper() if text.islower() else text.swapcase()


def _order(text: str) -> OrderScan | None:
    found = _ORDER.fullmatch(text)
    return OrderScan(found["order"]) if found and _checked(text) else None


def _label(text: str) -> LabelScan | None:
    found = _LABEL.fullmatch(text)
    if not found or not _checked(text):
        return None
    return LabelScan(found["order"], found["serial"], int(found["copy"]))


def _command(text: str) -> CommandScan | None:
    bare = text.upper()
    if bare in set(Command):
        return CommandScan(Command(bare))
    found = _COMMAND.fullmatch(text)
    if not found or not _checked(text) or found["command"] not in set(Command):
        return None
    return CommandScan(Command(found["command"]))


def _card(text: str) -> CardScan | Unreadable | None:
    found = _SERIAL.fullmatch(text)
    if not found:
        return None
    return CardScan(found["serial"]) if luhn_valid(found["serial"]) else Unreadable(NO_SERIAL)


def _badge(text: str) -> OperatorScan | None:
    return OperatorScan(text) if _BADGE.fullmatch(text) else None


def _typed_tracking(text: str) -> TrackingScan | None:
    found = _TYPED.fullmatch(text)
    return TrackingScan(found["number"].strip(), Origin.TYPED) if found else None


def _s10(text: str) -> TrackingScan | Unreadable | None:
    joined = text.replace(" ", "").upper()
    found = _S10.fullmatch(joined)
    if not found:
        return None
    return TrackingScan(joined, Origin.S10) if s10_valid(joined) else Unreadable(NO_S10)


def _free_tracking(text: str) -> TrackingScan | Unreadable | None:
    number = text.upper()
    if not _FREE.fullmatch(number) or any(_near(number, prefix) for prefix in ("OP-", "SN.")):
        return None
    if sum(character.isdigit() for character in number) < TRACKING_DIGITS:
        return None
    half = len(number) // 2
    first, second = number[:half], number[half:]
    two_cards = (
        _SERIAL.fullmatch(first) and _SERIAL.fullmatch(second) and luhn_valid(first) and luhn_valid(second)
    )
    if (
        first == second
        or two_cards
        or any(s10_valid(number[start : start + 13]) for start in range(len(number) - 12))
    ):
        return Unreadable(RAN_TOGETHER)
    return TrackingScan(number, Origin.FREE)


def _near(text: str, prefix: str) -> bool:
    """Whether one wrong character, or two swapped ones, could have made this of what begins with `prefix`."""
    begin = text[: len(prefix)]
    differing = sum(ours != theirs for ours, theirs in zip(prefix, begin, strict=True))
    return differing <= 1 or sorted(begin) == sorted(prefix) or text.startswith(prefix[1:])


def s10_valid(text: str) -> bool:
    """Whether it is a UPU S10 number (such as RR123456785US) whose check digit fits."""
    found = _S10.fullmatch(text)
    if not found:
        return False
    total = sum(weight * int(digit) for weight, digit in zip(_S10_WEIGHTS, found["number"], strict=True))
    return int(found["check"]) == {10: 0, 11: 5}.get(11 - total % 11, 11 - total % 11)


_Reader = Callable[[str], Scan | Unreadable | None]
_READERS: tuple[_Reader, ...] = (
    _order,
    _label,
    _command,
    _badge,
    _typed_tracking,
    _card,
    _s10,
    _free_tracking,
)
