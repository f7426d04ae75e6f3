"""CMAC (NIST SP 800-38B) and CBC (SP 800-38A) over the port's AES block."""

from dscplus_card.octets import xor
from dscplus_card.port import Port

BLOCK = 16
ZERO_BLOCK = b"\x00" * BLOCK
_ALL_ONES = (1 << 128) - 1
_R128 = 0x87


def _double(block: bytes) -> bytes:
    value = int.from_bytes(block, "big") << 1
    if value > _ALL_ONES:
        value = (value & _ALL_ONES) ^ _R128
    return value.to_bytes(BLOCK, "big")


def cmac(port: Port, key: bytes, message: bytes) -> bytes:
    """The full 16-byte CMAC of `message`."""
    subkey = _double(port.aes_encrypt_block(key, ZERO_BLOCK))
    last_start = (len(message) - 1) // BLOCK * BLOCK if message else 0
    last = message[last_start:]
    if len(last) < BLOCK:
        subkey = _double(subkey)
        last = pad(last)
    state = ZERO_BLOCK
    for start in range(0, last_start, BLOCK):
        state = port.aes_encrypt_block(key, xor(state, message[start : start + BLOCK]))
    return port.aes_encrypt_block(key, xor(xor(state, last), subkey))


def cbc_encrypt(port: Port, key: bytes, icv: bytes, data: bytes) -> bytes:
    """AES-CBC; `data` a whole number of blocks."""
    out = b""
    for start in range(0, len(data), BLOCK):
        icv = port.aes_encrypt_block(key, xor(icv, data[start : start + BLOCK]))
        out += icv
    return out


def cbc_decrypt(port: Port, key: bytes, icv: bytes, data: bytes) -> bytes:
    """The inverse of `cbc_encrypt`."""
    out = b""
    for start in range(0, len(data), BLOCK):
        block = data[start : start + BLOCK]
        out += xor(port.aes_decrypt_block(key, block), icv)
        icv = block
    return out


def pad(data: bytes) -> bytes:
    """ISO/IEC 9797-1 method 2: 80, then 00 up to a whole block; always at least one byte."""
    return data + b"\x80" + b"\x00" * (BLOCK - 1 - len(data) % BLOCK)


def unpad(data: bytes) -> "bytes | None":
    """`data` without its padding; None where the padding is wrong."""
    body = data.rstrip(b"\x00")
    if not data or len(data) % BLOCK or len(data) - len(body) >= BLOCK or body[-1] != 0x80:
        return None
    return body[:-1]
