"""OCRA, RFC 6287, as far as a keypad and an 8-character display can serve it.

Numeric questions of 4 to 8 digits, SHA-1 or SHA-256, 6 to 8 response digits, optional PIN (P), optional
counter (C). The PIN's hash is SHA-1 or SHA-256 (no SHA-512: MicroPython has none).
"""

from dscplus_card.octets import xor
from dscplus_card.port import Port

_HMAC_BLOCK = 64
_QUESTION_LENGTH = 128
_HASHES = ("SHA1", "SHA256")


class SuiteError(Exception):
    """The suite is none that this card serves."""


class Suite:
    """`text` as given, `hash`, response `digits`, `question_digits`, `counter`, `pin_hash` ("" = no P)."""

    def __init__(self, text: str) -> None:
        parts = text.split(":")
        if len(parts) != 3 or parts[0] != "OCRA-1":
            raise SuiteError("not OCRA-1:function:input")
        function = parts[1].split("-")
        if len(function) != 3 or function[0] != "HOTP" or function[1] not in _HASHES:
            raise SuiteError("hash function")
        if function[2] not in ("6", "7", "8"):
            raise SuiteError("response digits")
        inputs = parts[2].split("-")
        self.counter = inputs[0] == "C"
        if self.counter:
            inputs = inputs[1:]
        if not inputs or inputs[0] not in ("QN04", "QN05", "QN06", "QN07", "QN08"):
            raise SuiteError("question")
        self.pin_hash = ""
        if len(inputs) > 1:
            self.pin_hash = inputs[1][1:]
            if len(inputs) > 2 or inputs[1][0:1] != "P" or self.pin_hash not in _HASHES:
                raise SuiteError("data input")
        self.text = text
        self.hash = function[1]
        self.digits = int(function[2])
        self.question_digits = int(inputs[0][3])


def _digest(port: Port, name: str, data: bytes) -> bytes:
    return port.sha1(data) if name == "SHA1" else port.sha256(data)


def hmac(port: Port, name: str, key: bytes, message: bytes) -> bytes:
    """HMAC (RFC 2104) with "SHA1" or "SHA256"; keys of at most 64 bytes, which every seed is."""
    key = key + b"\x00" * (_HMAC_BLOCK - len(key))
    inner = _digest(port, name, xor(key, b"\x36" * _HMAC_BLOCK) + message)
    return _digest(port, name, xor(key, b"\x5c" * _HMAC_BLOCK) + inner)


def response(port: Port, suite: Suite, seed: bytes, question: bytes, counter: int, pin: bytes) -> str:
    """The response's digits, zero-padded (RFC 6287 5.2). `question` and `pin` are ASCII digits.

    `counter` and `pin` are read only when the suite has them.
    """
    message = suite.text.encode() + b"\x00"
    if suite.counter:
        message += counter.to_bytes(8, "big")
    message += _question(question)
    if suite.pin_hash:
        message += _digest(port, suite.pin_hash, pin)
    mac = hmac(port, suite.hash, seed, message)
    offset = mac[-1] & 0x0F
    number = (int.from_bytes(mac[offset : offset + 4], "big") & 0x7FFFFFFF) % 10**suite.digits
    return "%0*d" % (suite.digits, number)


def _question(question: bytes) -> bytes:
    # Decimal -> integer -> hex without leading zeros -> zero nibbles on the right, 256 nibbles in all.
    nibbles = "%x" % int(question.decode())
    if len(nibbles) % 2:
        nibbles += "0"
    value = bytes.fromhex(nibbles)
    return value + b"\x00" * (_QUESTION_LENGTH - len(value))
