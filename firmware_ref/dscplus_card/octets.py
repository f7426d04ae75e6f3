"""Byte strings: the little that both interpreters need and neither has in common."""


def xor(a: bytes, b: bytes) -> bytes:
    """a ⊕ b, as long as `a`; both of one length."""
    n = len(a)
    return (int.from_bytes(a, "big") ^ int.from_bytes(b, "big")).to_bytes(n, "big")


def equal(a: bytes, b: bytes) -> bool:
    """Compare in a time that depends on the lengths alone (MicroPython has no hmac.compare_digest)."""
    if len(a) != len(b):
        return False
    different = 0
    for x, y in zip(a, b):
        different |= x ^ y
    return different == 0


def all_digits(data: bytes) -> bool:
    """Is every byte an ASCII digit, and is there at least one?"""
    for byte in data:
        if not 0x30 <= byte <= 0x39:
            return False
    return len(data) > 0
