"""CPython's port: AES by `cryptography`."""

import hashlib
import os
import time
from collections.abc import Callable

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from dscplus_card.flash import MemoryFlash
from dscplus_card.port import Port

_KEYS_KEPT = 16  # key schedules kept: a session uses six


class CPythonPort(Port):
    """A card's machine under CPython. Clock (in seconds) and randomness can be handed in for tests."""

    def __init__(
        self,
        flash: MemoryFlash,
        clock: Callable[[], float] = time.monotonic,
        random: Callable[[int], bytes] = os.urandom,
        battery: Callable[[], tuple[int, int]] = lambda: (3000, 2900),
    ) -> None:
        super().__init__(flash)
        self._clock = clock
        self._random = random
        self._battery = battery
        self._contexts: dict[tuple[bytes, bool], CipherContext] = {}

    def now_ms(self) -> int:
        return int(self._clock() * 1000)

    def random(self, n: int) -> bytes:
        return self._random(n)

    def aes_encrypt_block(self, key: bytes, block: bytes) -> bytes:
        return self._context(key, True).update(block)

    def aes_decrypt_block(self, key: bytes, block: bytes) -> bytes:
        return self._context(key, False).update(block)

    def sha1(self, data: bytes) -> bytes:
        return hashlib.sha1(data).digest()

    def sha256(self, data: bytes) -> bytes:
        return hashlib.sha256(data).digest()

    def battery_mv(self) -> tuple[int, int]:
        return self._battery()

    def _context(self, key: bytes, encrypt: bool) -> CipherContext:
        # One ECB context serves any number of blocks; making one costs ten times the block itself.
        context = self._contexts.get((key, encrypt))
        if context is None:
            if len(self._contexts) >= _KEYS_KEPT:
                del self._contexts[next(iter(self._contexts))]
            cipher = Cipher(AES(key), ECB())  # noqa: S305 (the block cipher itself: modes are the core's)
            context = cipher.encryptor() if encrypt else cipher.decryptor()
            self._contexts[(key, encrypt)] = context
        return context
