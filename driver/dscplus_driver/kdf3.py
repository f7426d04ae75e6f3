"""Key derivation of one card's keys from a master key: KDF3, as GlobalPlatformPro derives them."""

from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

PURPOSES = (1, 2, 3)
"""ENC, MAC, DEK, in the order of a key set."""


class Cmac:
    """AES-CMAC (NIST SP 800-38B) under one key. Making it costs five times what one message costs."""

    __slots__ = ("_untouched",)

    def __init__(self, key: bytes) -> None:
        self._untouched = CMAC(AES(key))

    def __call__(self, message: bytes) -> bytes:
        """Return the 16-byte CMAC of ``message``."""
        context = self._untouched.copy()
        context.update(message)
        return context.finalize()


def derive(master: bytes, purpose: int, diversification_data: bytes) -> bytes:
    """Return the key for ``purpose`` (01 ENC, 02 MAC, 03 DEK), as long as ``master``: 16, 24 or 32 bytes.

    Block i is CMAC(master, i || 000000 || purpose || 00 || diversification data).
    """
    suffix = bytes((0, 0, 0, purpose, 0)) + diversification_data
    blocks = -(-len(master) // 16)
    cmac = Cmac(master)
    return b"".join(cmac(bytes((i,)) + suffix) for i in range(1, blocks + 1))[: len(master)]
