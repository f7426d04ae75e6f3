"""What the card says about itself, as types."""

from dataclasses import dataclass
from enum import IntEnum

from .errors import ProtocolError


class LifeCycle(IntEnum):
    """The card's life cycle (bytes as GlobalPlatform's)."""

    OP_READY = 0x01
    INITIALIZED = 0x07
    SECURED = 0x0F
    CARD_LOCKED = 0x7F
    TERMINATED = 0xFF


class Profile(IntEnum):
    """Who checks the PIN (R5): the card, five tries; or the server, from the response."""

    CARD_PIN = 0x01
    SERVER_PIN = 0x02

    @property
    def label(self) -> str:
        """The profile's name for people and files: card-pin, server-pin."""
        return self.name.lower().replace("_", "-")

    @property
    def suite(self) -> str:
        """The profile's OCRA suite."""
        return _SUITES[self]

    @property
    def keeps_pin(self) -> bool:
        """Whether the card keeps a PIN."""
        return self is Profile.CARD_PIN


_SUITES = {
    Profile.CARD_PIN: "OCRA-1:HOTP-SHA256-8:QN06",
    Profile.SERVER_PIN: "OCRA-1:HOTP-SHA256-8:QN06-PSHA256",
}


class Tag(IntEnum):
    """Tags of GET DATA."""

    SERIAL_NUMBER = 0x0045
    KEY_INFORMATION = 0x00E0
    SEQUENCE_COUNTER = 0x00C1
    LIFE_CYCLE = 0xDF01
    PROFILE = 0xDF02
    PIN_TRIES = 0xDF03
    FIRMWARE_VERSION = 0xDF04
    BATTERY = 0xDF05
    COUNTERS = 0xDF06
    SEED_CHECK_VALUE = 0xDF07
    QUOTA = 0xDF08
    BOOT_ID = 0xDF09
    LANGUAGE = 0xDF0A
    TEXT = 0xDF0B
    OCRA_COUNTER = 0xDF0C


class Diagnosis(IntEnum):
    """What DIAGNOSE does (P1)."""

    SELF_TEST = 0x01
    BATTERY = 0x02
    DISPLAY_PATTERN = 0x03
    KEYPAD_TEST = 0x04


@dataclass(frozen=True, slots=True)
class KeyInformation:
    """The card's one key set: version number and the length of each key in bytes."""

    key_version: int
    key_length: int


@dataclass(frozen=True, slots=True)
class PinTries:
    """PIN tries left, and how many there are in all."""

    left: int
    limit: int


@dataclass(frozen=True, slots=True)
class Battery:
    """Battery voltage in millivolts, idle and under load."""

    millivolts: int
    millivolts_under_load: int


@dataclass(frozen=True, slots=True)
class Counters:
    """What the card counted in its life."""

    boots: int
    keypad_responses: int
    wire_responses: int
    wrong_pins: int
    wipes: int


@dataclass(frozen=True, slots=True)
class Personality:
    """The profile and OCRA suite stored with the seed."""

    profile: Profile
    suite: str


_UNKEPT = b"\xff\xff"


def fixed(tag: Tag, value: bytes, length: int) -> bytes:
    """Return ``value``. Raises ProtocolError if it has not ``length`` bytes."""
    if len(value) != length:
        raise ProtocolError(f"data object {tag:04X} has {len(value)} bytes instead of {length}")
    return value


def text(tag: Tag, value: bytes) -> str:
    """Return a value of printable ASCII. Raises ProtocolError for other bytes: texts are shown, and a
    terminal obeys escape sequences.
    """
    found = value.decode("ascii", "replace")
    if not (found.isascii() and found.isprintable()):
        raise ProtocolError(f"data object {tag:04X} is not printable ASCII")
    return found


def serial_number(value: bytes) -> str:
    """Read ten ASCII digits, the last a Luhn digit."""
    digits = text(Tag.SERIAL_NUMBER, value)
    if not is_serial_number(digits):
        raise ProtocolError("the card's serial number is not ten digits with a Luhn digit")
    return digits


def is_serial_number(value: str) -> bool:
    """Tell whether this is ten ASCII digits, the last a Luhn digit."""
    return len(value) == 10 and value.isascii() and value.isdigit() and luhn_valid(value)


def luhn_valid(digits: str) -> bool:
    """Tell whether the last of the digits is the Luhn digit of the others."""
    total = 0
    for position, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 + position % 2)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def life_cycle(value: bytes) -> LifeCycle:
    """Read the life cycle byte."""
    (code,) = fixed(Tag.LIFE_CYCLE, value, 1)
    try:
        return LifeCycle(code)
    except ValueError:
        raise ProtocolError(f"{code:02X} is no life cycle state") from None


def key_information(value: bytes) -> KeyInformation | None:
    """Read three entries C0 04 key id, KVN, 88, length; None for a card without keys (TERMINATED)."""
    if not value:
        return None
    entries = [value[i : i + 6] for i in range(0, len(value), 6)]
    shapes = {(entry[:2], entry[3:]) for entry in entries}
    if len(value) != 18 or len(shapes) != 1 or entries[0][:2] != b"\xc0\x04" or entries[0][4] != 0x88:
        raise ProtocolError("the card's key information is not three AES keys of one version")
    return KeyInformation(key_version=entries[0][3], key_length=entries[0][5])


def personality(value: bytes) -> Personality | None:
    """Read profile (1 byte) and suite (ASCII); None while no seed is stored."""
    if not value:
        return None
    try:
        profile = Profile(value[0])
    except ValueError:
        raise ProtocolError(f"{value[0]:02X} is no profile") from None
    return Personality(profile, text(Tag.PROFILE, value[1:]))


def pin_tries(value: bytes) -> PinTries | None:
    """Read tries left and limit; None (FF FF) if the card keeps no PIN."""
    if fixed(Tag.PIN_TRIES, value, 2) == _UNKEPT:
        return None
    return PinTries(left=value[0], limit=value[1])


def battery(value: bytes) -> Battery:
    """Read two numbers of 2 bytes, millivolts."""
    fixed(Tag.BATTERY, value, 4)
    return Battery(number(value[:2]), number(value[2:]))


def counters(value: bytes) -> Counters:
    """Read five numbers of 4 bytes."""
    fixed(Tag.COUNTERS, value, 20)
    return Counters(*(number(value[i : i + 4]) for i in range(0, 20, 4)))


def number(value: bytes) -> int:
    """Read a big-endian number."""
    return int.from_bytes(value, "big")
