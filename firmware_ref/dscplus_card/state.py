"""What the card remembers: the fields of the store, by name, and their first values."""

from dscplus_card import store as records
from dscplus_card.flash import MemoryFlash
from dscplus_card.ocra import Suite
from dscplus_card.octets import all_digits
from dscplus_card.store import Store

SERIAL_NUMBER = 1  # 10 ASCII digits
LIFE_CYCLE = 2  # 1
KEY_VERSION = 3  # 1
KEY_ENC = 4  # 16 or 32, all three alike
KEY_MAC = 5
KEY_DEK = 6
SEQUENCE_COUNTER = 7  # 3, SCP03's, for the card's whole life
AUTHENTICATION_FAILURES = 8  # 1, in a row
PROFILE = 9  # 1
SUITE = 10  # ASCII
SEED = 11  # 20 to 64
PIN = 12  # 4 ASCII digits
TRIES_LEFT = 13  # 1
LANGUAGE = 14
TEXT = 15
QUOTA = 16  # 2, INTERNAL AUTHENTICATEs left
OCRA_COUNTER = 17  # 8
BOOTS = 18  # 4 each from here
KEYPAD_RESPONSES = 19
WIRE_RESPONSES = 20
WRONG_PINS = 21
WIPES = 22

_CREDENTIALS = (LIFE_CYCLE, PROFILE, SUITE, SEED, PIN)
SECRETS = (KEY_ENC, KEY_MAC, KEY_DEK, SEED, PIN)
WIDTHS = {
    LIFE_CYCLE: 1,
    KEY_VERSION: 1,
    SEQUENCE_COUNTER: 3,
    AUTHENTICATION_FAILURES: 1,
    PROFILE: 1,
    TRIES_LEFT: 1,
    QUOTA: 2,
    OCRA_COUNTER: 8,
    BOOTS: 4,
    KEYPAD_RESPONSES: 4,
    WIRE_RESPONSES: 4,
    WRONG_PINS: 4,
    WIPES: 4,
}

OP_READY = 0x01
INITIALIZED = 0x07
SECURED = 0x0F
CARD_LOCKED = 0x7F
TERMINATED = 0xFF

CARD_PIN = 0x01  # profile A: the card checks the PIN
SERVER_PIN = 0x02  # profile B: the PIN goes into the response

PIN_LENGTH = 4
PIN_TRIES = 5
QUOTA_LIMIT = 32


class State:
    """The card's memory. Numbers are read as int; every change is one atomic commit.

    `epoch` counts the commits that touched what a holder at the keypad relies on; what he has typed holds
    for one.
    """

    def __init__(self, flash: MemoryFlash) -> None:
        self._store = Store(flash, SECRETS)
        self._suite: "Suite | None" = None
        self.epoch = 0

    def get(self, field: int) -> bytes:
        """The field's bytes; b"" when there is none."""
        return self._store.get(field)

    def number(self, field: int) -> int:
        """The field as an unsigned integer; 0 when there is none."""
        return int.from_bytes(self._store.get(field), "big")

    def commit(self, changes: "dict[int, bytes | int]") -> None:
        """All of `changes` or none, durable on return; b"" removes. Numbers stop at their field's maximum."""
        encoded: "dict[int, bytes]" = {}
        for field, value in changes.items():
            if isinstance(value, int):
                width = WIDTHS[field]
                value = min(value, (1 << 8 * width) - 1).to_bytes(width, "big")
            encoded[field] = value
            if field in _CREDENTIALS:
                self.epoch += 1
        self._store.commit(encoded)

    def intact(self) -> bool:
        """Is the store in flash as it should be?"""
        return self._store.intact()

    def suite(self) -> "Suite | None":
        """The suite in force, None before STORE DATA."""
        text = self.get(SUITE).decode()
        if not text:
            return None
        if self._suite is None or self._suite.text != text:
            self._suite = Suite(text)
        return self._suite

    def issuer_keys(self) -> bool:
        """Is the key set the issuer's (key version 20–7F)?"""
        return 0x20 <= self.number(KEY_VERSION) <= 0x7F


def manufacture(
    flash: MemoryFlash, serial_number: str, key_version: int, keys: "tuple[bytes, bytes, bytes]"
) -> None:
    """Make a blank card of a flash: `keys` are the maker's ENC, MAC and DEK under `key_version` (01–0F).

    Raises ValueError when serial number (ten digits, the last Luhn), version or key lengths are wrong.
    """
    if len(serial_number) != 10 or not all_digits(serial_number.encode()) or _luhn_sum(serial_number) % 10:
        raise ValueError("serial number %s: ten digits wanted, the last a Luhn digit" % serial_number)
    if not 0x01 <= key_version <= 0x0F:
        raise ValueError("key version %02X: the maker's are 01 to 0F" % key_version)
    lengths = [len(key) for key in keys]
    if lengths not in ([16] * 3, [32] * 3):
        raise ValueError("three keys of 16 or three of 32 bytes wanted")
    fields = {
        SERIAL_NUMBER: serial_number.encode(),
        LIFE_CYCLE: bytes([OP_READY]),
        KEY_VERSION: bytes([key_version]),
        KEY_ENC: keys[0],
        KEY_MAC: keys[1],
        KEY_DEK: keys[2],
        QUOTA: QUOTA_LIMIT.to_bytes(WIDTHS[QUOTA], "big"),
    }
    records.create(flash, fields)


def _luhn_sum(digits: str) -> int:
    total = 0
    for place, digit in enumerate(digits):
        # The check digit is the tenth, so the even places are doubled.
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return total
