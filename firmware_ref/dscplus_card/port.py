"""What the card asks of the machine it runs on; a port fills this in."""

from dscplus_card.flash import MemoryFlash


class Port:
    """The one adapter between the card and a machine; every method here is the machine's to provide."""

    def __init__(self, flash: MemoryFlash) -> None:
        self.flash = flash

    def now_ms(self) -> int:
        """Monotonic milliseconds from any origin."""
        raise NotImplementedError

    def random(self, n: int) -> bytes:
        """`n` cryptographically random bytes."""
        raise NotImplementedError

    def aes_encrypt_block(self, key: bytes, block: bytes) -> bytes:
        """AES of one 16-byte block; key of 16 or 32 bytes (24 where the machine can)."""
        raise NotImplementedError

    def aes_decrypt_block(self, key: bytes, block: bytes) -> bytes:
        """The inverse of `aes_encrypt_block`."""
        raise NotImplementedError

    def sha1(self, data: bytes) -> bytes:
        """SHA-1 digest, 20 bytes."""
        raise NotImplementedError

    def sha256(self, data: bytes) -> bytes:
        """SHA-256 digest, 32 bytes."""
        raise NotImplementedError

    def battery_mv(self) -> "tuple[int, int]":
        """Battery in millivolts: idle, and under load."""
        raise NotImplementedError
