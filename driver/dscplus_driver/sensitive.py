"""Values that never show themselves: not in logs, tracebacks, reprs, format strings or pickles.

``reveal()`` gives the value to the few places that must see it; a search for that word finds them all.
"""

import hmac
from typing import NoReturn

from . import kdf3
from .errors import UsageError

PIN_LENGTH = 4
SEED_LENGTHS = range(20, 65)
KEY_LENGTHS = (16, 32)
KEY_VERSIONS = range(0x01, 0x80)


class Sensitive:
    """Holds bytes; comparable in constant time with its own kind only; unhashable; cannot be pickled or
    copied.
    """

    __slots__ = ("_value",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, value: bytes) -> None:
        self._value = value

    def __repr__(self) -> str:
        return f"<{type(self).__name__}, hidden>"

    def __format__(self, _spec: str) -> str:
        return repr(self)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return hmac.compare_digest(self._value, other._value)

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        raise TypeError(f"a {type(self).__name__} is not to be copied or pickled")


class Pin(Sensitive):
    """A Soft PIN: exactly four ASCII digits (R8)."""

    __slots__ = ()

    def __init__(self, digits: str) -> None:
        """Take the digits. Raises UsageError, which does not repeat them, for anything else."""
        if len(digits) != PIN_LENGTH or not (digits.isascii() and digits.isdigit()):
            raise UsageError("a PIN is exactly four digits, 0 to 9")
        super().__init__(digits.encode("ascii"))

    def reveal(self) -> bytes:
        """Return the four ASCII digits."""
        return self._value


class PinHash(Sensitive):
    """The hash of a PIN's digits, as a suite's P names it: all that a verifier keeps of a PIN."""

    __slots__ = ()

    def reveal(self) -> bytes:
        """Return the digest."""
        return self._value


class Seed(Sensitive):
    """An OCRA key: 20 to 64 bytes."""

    __slots__ = ()

    def __init__(self, value: bytes) -> None:
        """Take the bytes. Raises UsageError for a length outside 20 to 64."""
        if len(value) not in SEED_LENGTHS:
            raise UsageError(f"a seed has 20 to 64 bytes, not {len(value)}")
        super().__init__(bytes(value))

    def reveal(self) -> bytes:
        """Return the bytes."""
        return self._value

    def check_value(self) -> bytes:
        """Return the seed check value, 8 bytes, as the card computes it: HMAC-SHA-256(seed, 16 x 01), cut.

        It proves which seed a card holds and tells nothing about it.
        """
        return hmac.digest(self._value, b"\x01" * 16, "sha256")[:8]


class KeySet(Sensitive):
    """A card's static SCP03 keys: key version number, Key-ENC, Key-MAC, Key-DEK; each 16 or 32 bytes."""

    __slots__ = ("dek", "enc", "mac", "version")

    def __init__(self, version: int, enc: bytes, mac: bytes, dek: bytes) -> None:
        """Take the keys. Raises UsageError for a version outside 01 to 7F or for other lengths."""
        if version not in KEY_VERSIONS:
            raise UsageError("a key version number lies between 01 and 7F")
        if len(enc) not in KEY_LENGTHS or not len(enc) == len(mac) == len(dek):
            raise UsageError("the three keys of a key set have 16 bytes each, or 32 bytes each")
        super().__init__(bytes((version,)) + enc + mac + dek)
        self.version = version
        self.enc = StaticKey(enc)
        self.mac = StaticKey(mac)
        self.dek = StaticKey(dek)

    def __repr__(self) -> str:
        return f"<KeySet, version {self.version:02X}, hidden>"

    @classmethod
    def diversify(cls, master: "MasterKey", version: int, serial_number: str) -> "KeySet":
        """Derive the keys of one card from a batch or issuer master by KDF3.

        ``serial_number``: ten ASCII digits, the diversification data.
        """
        data = serial_number.encode("ascii")
        enc, mac, dek = (kdf3.derive(master.reveal(), purpose, data) for purpose in kdf3.PURPOSES)
        return cls(version, enc, mac, dek)

    def key_length(self) -> int:
        """Return the length of each key in bytes: 16 or 32."""
        return len(self.enc.reveal())


class StaticKey(Sensitive):
    """One AES key, 16 or 32 bytes."""

    __slots__ = ()

    def __init__(self, value: bytes) -> None:
        """Take the bytes. Raises UsageError for another length."""
        if len(value) not in KEY_LENGTHS:
            raise UsageError(f"a key has 16 or 32 bytes, not {len(value)}")
        super().__init__(bytes(value))

    def reveal(self) -> bytes:
        """Return the bytes."""
        return self._value


class MasterKey(StaticKey):
    """A batch master or issuer master: one AES key from which the keys of many cards are derived."""

    __slots__ = ()
