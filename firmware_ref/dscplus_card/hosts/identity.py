"""Who the virtual cards are: serial numbers, and the transport keys that a maker would have put on them."""

from pathlib import Path

from dscplus_card.cmac import cmac
from dscplus_card.port import Port

TEST_BATCH_KEY = bytes(range(0x40, 0x50))
"""The test key that GlobalPlatform published: 40 41 … 4F. Whoever reads this has it."""

FIRST_SAMPLE = 1  # 0000000018 and on: numbers that no maker gives out
NUMBER_DIGITS = 9  # a serial number without its check digit
MAKER_KEY_VERSIONS = range(0x01, 0x10)

_KDF3_PURPOSES = (0x01, 0x02, 0x03)  # ENC, MAC, DEK


class IdentityError(ValueError):
    """A serial number, key or key version that no card can have; the message says what is legal."""


def luhn_digit(digits: str) -> str:
    """Return the Luhn check digit (ISO/IEC 7812-1, annex B) to put after `digits`."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def serial_number(number: int) -> str:
    """Return the ten-digit serial number of the `number`th card: nine digits and their Luhn digit."""
    digits = f"{number:0{NUMBER_DIGITS}d}"
    if number < 0 or len(digits) > NUMBER_DIGITS:
        raise IdentityError(
            f"there is no card number {number}: serial numbers have {NUMBER_DIGITS} digits and a check digit"
        )
    return digits + luhn_digit(digits)


def read_first_number(text: str) -> int:
    """Read the first number: at most nine digits, or ten with the check digit. Raises IdentityError."""
    if not (text.isascii() and text.isdigit()) or len(text) > NUMBER_DIGITS + 1:
        raise IdentityError(f"{text!r} is no serial number: give at most nine digits, or all ten")
    if len(text) <= NUMBER_DIGITS:
        return int(text)
    body = text[:NUMBER_DIGITS]
    if text[NUMBER_DIGITS] != luhn_digit(body):
        raise IdentityError(f"{text} is no serial number: after {body} the check digit is {luhn_digit(body)}")
    return int(body)


def read_key_version(text: str) -> int:
    """Read a maker's key version number, two hexadecimal digits 01 to 0F. Raises IdentityError."""
    try:
        version = int(text, 16)
    except ValueError:
        version = 0
    if version not in MAKER_KEY_VERSIONS:
        raise IdentityError(f"{text!r} is no maker's key version: give 01 to 0F")
    return version


def read_batch_key(path: Path) -> bytes:
    """Read a batch master key: one line of hexadecimal, 16 or 32 bytes. Raises IdentityError, OSError."""
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii"))
    except ValueError:
        raise IdentityError(f"{path} is no batch key: it must hold hexadecimal digits only") from None
    if len(key) not in (16, 32):
        raise IdentityError(
            f"{path} is no batch key: it holds {len(key)} bytes, an AES batch key has 16 or 32"
        )
    return key


def card_keys(port: Port, batch_key: bytes, serial: str) -> tuple[bytes, bytes, bytes]:
    """Return (ENC, MAC, DEK) of one card by KDF3: CMAC(batch key, i ‖ 000000 ‖ purpose ‖ 00 ‖ serial)."""
    blocks = range(1, len(batch_key) // 16 + 1)
    enc, mac, dek = (
        b"".join(
            cmac(port, batch_key, bytes((block, 0, 0, 0, purpose, 0)) + serial.encode("ascii"))
            for block in blocks
        )
        for purpose in _KDF3_PURPOSES
    )
    return enc, mac, dek
