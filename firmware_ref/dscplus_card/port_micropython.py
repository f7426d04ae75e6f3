"""MicroPython's port: the unix build, and any board whose firmware has cryptolib."""

import hashlib
import os
import time

import cryptolib  # type: ignore[import-not-found]

from dscplus_card.port import Port

_ECB = 1


class MicroPythonPort(Port):
    """AES by cryptolib, which has no 24-byte keys; the wire needs none."""

    def __init__(self, flash: "object") -> None:
        Port.__init__(self, flash)  # type: ignore[arg-type]
        self._last_ticks = time.ticks_ms()  # type: ignore[attr-defined]
        self._now = 0

    def now_ms(self) -> int:
        """Milliseconds since the port was made; must be called once in 2^29 ms (six days)."""
        ticks = time.ticks_ms()  # type: ignore[attr-defined]
        self._now += time.ticks_diff(ticks, self._last_ticks)  # type: ignore[attr-defined]
        self._last_ticks = ticks
        return self._now

    def random(self, n: int) -> bytes:
        return os.urandom(n)

    def aes_encrypt_block(self, key: bytes, block: bytes) -> bytes:
        return cryptolib.aes(key, _ECB).encrypt(block)  # type: ignore[no-any-return]

    def aes_decrypt_block(self, key: bytes, block: bytes) -> bytes:
        return cryptolib.aes(key, _ECB).decrypt(block)  # type: ignore[no-any-return]

    def sha1(self, data: bytes) -> bytes:
        return hashlib.sha1(data).digest()

    def sha256(self, data: bytes) -> bytes:
        return hashlib.sha256(data).digest()

    def battery_mv(self) -> "tuple[int, int]":
        return 3000, 2900
