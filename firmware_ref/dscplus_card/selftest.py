"""DIAGNOSE 01: known answers of the machine's primitives, and the store's checksums; one bit each."""

from dscplus_card import scp03
from dscplus_card.cmac import cmac
from dscplus_card.ocra import Suite, response
from dscplus_card.port import Port
from dscplus_card.state import State

_KEY = bytes(range(16))
_KCV = b"\xc3\x52\x80"  # of 000102…0F
_CMAC_KEY = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
_CMAC_OF_NOTHING = bytes.fromhex("bb1d6929e95937287fa37d129b756746")  # SP 800-38B, D.1 example 1


def failures(port: Port, memory: State) -> int:
    """0 = all right; bit 0 AES, bit 1 CMAC, bit 2 SHA-1, bit 3 SHA-256, bit 4 random source, bit 5 store."""
    block = port.aes_encrypt_block(_KEY, b"\x01" * 16)
    aes = scp03.key_check_value(port, _KEY) == _KCV and port.aes_decrypt_block(_KEY, block) == b"\x01" * 16
    mac = cmac(port, _CMAC_KEY, b"") == _CMAC_OF_NOTHING
    # RFC 6287, Appendix C
    sha1 = (
        response(port, Suite("OCRA-1:HOTP-SHA1-6:QN08"), b"12345678901234567890", b"11111111", 0, b"")
        == "243178"
    )
    suite = Suite("OCRA-1:HOTP-SHA256-8:QN08-PSHA1")
    key32 = b"12345678901234567890123456789012"
    sha256 = response(port, suite, key32, b"11111111", 0, b"1234") == "01501458"
    random = port.random(16) != port.random(16)
    result = 0
    for bit, right in enumerate((aes, mac, sha1, sha256, random, memory.intact())):
        if not right:
            result |= 1 << bit
    return result
