"""R8: which PINs are refused. Digits only come in, a reason goes out that does not repeat them."""

from datetime import date

from dscplus_station.errors import BadInput

_ASCENDING = "0123456789"


class PinRefused(BadInput):
    """R8 refuses a PIN; told without repeating it."""


def pin_fault(digits: str, birth_date: date | None = None, phone_tail: str | None = None) -> str | None:
    """Why a PIN is refused by R8, or None.

    Args:
        birth_date: the user's, if on record: no two of day, month and year, nor the year itself.
        phone_tail: the last four digits of the user's phone, if on record.
    """
    if len(digits) != 4 or not (digits.isascii() and digits.isdigit()):
        return "a PIN is exactly four digits"
    if len(set(digits)) == 1:
        return "four equal digits are refused"
    if digits in _ASCENDING or digits in _ASCENDING[::-1]:
        return "a straight sequence is refused"
    if birth_date is not None and digits in birth_digits(birth_date):
        return "digits of the birth date are refused"
    if phone_tail is not None and digits == phone_tail:
        return "digits of the phone number are refused"
    return None


def birth_digits(birth_date: date) -> frozenset[str]:
    """The four-digit spellings of a birth date: the year, and each ordered pair of day, month, short year."""
    parts = (f"{birth_date:%d}", f"{birth_date:%m}", f"{birth_date:%y}")
    pairs = {a + b for i, a in enumerate(parts) for j, b in enumerate(parts) if i != j}
    return frozenset(pairs | {f"{birth_date.year:04d}"})
