"""What the station asks of a keystore: a sealed file today, an HSM later."""

from dataclasses import dataclass
from typing import Protocol

from dscplus_driver.scp03 import key_check_value
from dscplus_driver.sensitive import KeySet, MasterKey
from dscplus_station.errors import NotAuthorised

ISSUER_KEY_VERSION = 0x20
RESTOCK_KEY_VERSION = 0x10


class KeystoreError(NotAuthorised):
    """The keystore will not: wrong passphrase, or something sealed for another place."""


@dataclass(frozen=True)
class VersionedMaster:
    """A master from which card keys are derived (KDF3), with the key version number its card keys carry."""

    version: int
    key: MasterKey

    def kcv(self) -> str:
        """The key check value, six hex digits: the first 3 bytes of AES(key, 16 x 01)."""
        return key_check_value(self.key.reveal()).hex().upper()

    def keys_of(self, serial_number: str) -> KeySet:
        """The key set of one card."""
        return KeySet.diversify(self.key, self.version, serial_number)


class Keystore(Protocol):
    """Keeps the keys; seals what the database holds."""

    def seal(self, context: bytes, plaintext: bytes) -> bytes:
        """AES-256-GCM under the KEK, bound to `context` (made by `pin_of`, `seed_of` …)."""
        ...

    def unseal(self, context: bytes, sealed: bytes) -> bytes:
        """Undo `seal`.

        Raises:
            KeystoreError: sealed under another key or for another context, or altered.
        """
        ...

    def issuer_master(self) -> VersionedMaster:
        """The master of the keys a card in use carries."""
        ...

    def restock_master(self) -> VersionedMaster:
        """The master of the keys a returned card is put back into stock with."""
        ...

    def batch_master(self, batch: str) -> VersionedMaster:
        """The maker's transport master of a batch.

        Raises:
            NotFound: its key was never imported.
        """
        ...


def pin_of(order: str) -> bytes:
    """The context of an order's sealed PIN."""
    return _context("pin", order)


def seed_of(serial_number: str, run: str) -> bytes:
    """The context of a card's sealed seed: the card and the run that made it."""
    return _context("seed", serial_number, run)


def pin_hash_of(serial_number: str, run: str) -> bytes:
    """The context of the sealed PIN hash that the verifier of profile B keeps."""
    return _context("pin-hash", serial_number, run)


def codes_of(serial_number: str) -> bytes:
    """The context of what a device's answers are compared with: a passcode's digest, a code card's table."""
    return _context("codes", serial_number)


def identity_of(user: str) -> bytes:
    """The context of a user's sealed identity facts."""
    return _context("identity", user)


def sms_of(user: str) -> bytes:
    """The context of a mobile number and its code, while a user confirms it and after."""
    return _context("sms", user)


def answer_of(token: str, key: str) -> bytes:
    """The context of an answer of the API that is kept for the same request again."""
    return _context("answer", token, key)


def kind_of_context(context: bytes) -> str:
    """What a context is for: its first part, `pin`, `seed` …"""
    return context[2 : 2 + int.from_bytes(context[:2])].decode()


def _context(*parts: str) -> bytes:
    # Lengths in front, so that no two lists of parts give one context.
    encoded = [part.encode() for part in parts]
    return b"".join(len(part).to_bytes(2, "big") + part for part in encoded)
