"""Hashes of what operators prove themselves by: Argon2id of what people choose, SHA-256 of what is drawn."""

import functools
import hashlib
import threading
from dataclasses import dataclass

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError


@dataclass(frozen=True)
class Argon2id:
    """Argon2id's parameters (RFC 9106): passes, memory in KiB, lanes."""

    passes: int
    memory_kib: int
    lanes: int


PARAMETERS = Argon2id(passes=3, memory_kib=64 * 1024, lanes=4)
"""RFC 9106's second recommendation: 64 MiB and 0.1 to 0.2 s a guess, which a sign-in can wait for."""

AT_ONCE = 2
"""Hashes that are computed side by side; others wait: who is not signed in shall not take all the memory."""
_turn = threading.BoundedSemaphore(AT_ONCE)


def hash_secret(secret: str) -> str:
    """The encoded Argon2id hash of a PIN or password, with a fresh salt."""
    with _turn:
        return _hasher(PARAMETERS).hash(secret)


def secret_fits(encoded: str | None, secret: str) -> bool:
    """Whether a secret fits its hash. Without a hash it never does, and takes as long to find out."""
    try:
        with _turn:
            _hasher(PARAMETERS).verify(encoded or _nobodys(PARAMETERS), secret)
    except (VerificationError, InvalidHashError):
        return False
    return encoded is not None


def needs_rehash(encoded: str) -> bool:
    """Whether a hash was made under other parameters than those of this release."""
    return _hasher(PARAMETERS).check_needs_rehash(encoded)


def digest(drawn: str) -> str:
    """SHA-256, in hex, of a value drawn at random: there is nothing to guess that would need salt."""
    return hashlib.sha256(drawn.encode()).hexdigest()


@functools.cache
def _hasher(parameters: Argon2id) -> PasswordHasher:
    return PasswordHasher(
        time_cost=parameters.passes, memory_cost=parameters.memory_kib, parallelism=parameters.lanes
    )


@functools.cache
def _nobodys(parameters: Argon2id) -> str:
    """A hash that stands in for those who have none."""
    return _hasher(parameters).hash("nobody's")
