"""SCP03, the card's side (GlobalPlatform Amendment D 1.1.2): S8 mode, every security level.

The levels are here for the published vectors; the applet opens level 33 only.
"""

from dscplus_card.cmac import BLOCK, ZERO_BLOCK, cbc_decrypt, cbc_encrypt, cmac, pad, unpad
from dscplus_card.octets import equal
from dscplus_card.port import Port

C_MAC = 0x01
C_DECRYPTION = 0x02
R_MAC = 0x10
R_ENCRYPTION = 0x20

MAC_LENGTH = 8
CHALLENGE_LENGTH = 8

_CARD_CRYPTOGRAM = 0x00
_HOST_CRYPTOGRAM = 0x01
_CARD_CHALLENGE = 0x02
_S_ENC = 0x04
_S_MAC = 0x06
_S_RMAC = 0x07


class SecurityError(Exception):
    """A MAC, a cryptogram or a padding is wrong: the channel has ended (6982)."""


def kdf(port: Port, key: bytes, constant: int, bits: int, context: bytes) -> bytes:
    """Data derivation (Amendment D 4.1.5): `bits`, a multiple of 8, of SP 800-108 in counter mode."""
    out = b""
    counter = 0
    while len(out) * 8 < bits:
        counter += 1
        fixed = b"\x00" * 11 + bytes([constant, 0]) + bits.to_bytes(2, "big") + bytes([counter])
        out += cmac(port, key, fixed + context)
    return out[: bits // 8]


def card_challenge(port: Port, key_enc: bytes, sequence: bytes, aid: bytes) -> bytes:
    """The pseudo-random card challenge (6.2.2.1) of a 3-byte sequence counter."""
    return kdf(port, key_enc, _CARD_CHALLENGE, CHALLENGE_LENGTH * 8, sequence + aid)


def key_check_value(port: Port, key: bytes) -> bytes:
    """First 3 bytes of AES(key, 16 × 01)."""
    return port.aes_encrypt_block(key, b"\x01" * BLOCK)[:3]


def carries_mac(status: int) -> bool:
    """R-MAC protects 9000 and the warnings 62xx, 63xx; an error word goes bare (6.2.5)."""
    return status == 0x9000 or status >> 8 in (0x62, 0x63)


class SecureChannel:
    """One channel, from the challenges of INITIALIZE UPDATE on. Holds session keys only."""

    def __init__(
        self, port: Port, key_enc: bytes, key_mac: bytes, host_challenge: bytes, challenge: bytes
    ) -> None:
        context = host_challenge + challenge
        bits = len(key_enc) * 8
        self._port = port
        self.s_enc = kdf(port, key_enc, _S_ENC, bits, context)
        self.s_mac = kdf(port, key_mac, _S_MAC, bits, context)
        self.s_rmac = kdf(port, key_mac, _S_RMAC, bits, context)
        self.card_cryptogram = kdf(port, self.s_mac, _CARD_CRYPTOGRAM, 64, context)
        self._host_cryptogram = kdf(port, self.s_mac, _HOST_CRYPTOGRAM, 64, context)
        self._level = C_MAC
        self._chaining = ZERO_BLOCK
        self._counter = 0

    def authenticate(self, header: bytes, data: bytes) -> None:
        """EXTERNAL AUTHENTICATE: `header` CLA INS P1 P2, `data` host cryptogram 8 ‖ C-MAC 8. P1 is the level.

        Raises SecurityError when either is wrong.
        """
        cryptogram = self._check_mac(header, data)
        if not equal(cryptogram, self._host_cryptogram):
            raise SecurityError("host cryptogram")
        self._level = header[2]

    def unwrap(self, header: bytes, data: bytes) -> bytes:
        """Plain data of a command under the channel; raises SecurityError when MAC or padding is wrong.

        Data that decrypt to padding alone give b"", like none: a stock client encrypts even those.
        """
        body = self._check_mac(header, data)
        if not self._level & C_DECRYPTION:
            return body
        self._counter += 1
        if not body:
            return b""
        if len(body) % BLOCK:
            raise SecurityError("length of encrypted data")
        plain = unpad(cbc_decrypt(self._port, self.s_enc, self._icv(0), body))
        if plain is None:
            raise SecurityError("padding")
        return plain

    def wrap(self, data: bytes, status: int) -> bytes:
        """The answer to the last unwrapped command: data ‖ R-MAC ‖ status word, as the level says."""
        word = status.to_bytes(2, "big")
        if not self._level & R_MAC or not carries_mac(status):
            return data + word
        if data and self._level & R_ENCRYPTION:
            data = cbc_encrypt(self._port, self.s_enc, self._icv(0x80), pad(data))
        return data + cmac(self._port, self.s_rmac, self._chaining + data + word)[:MAC_LENGTH] + word

    def _check_mac(self, header: bytes, data: bytes) -> bytes:
        if len(data) < MAC_LENGTH:
            raise SecurityError("no MAC")
        body = data[:-MAC_LENGTH]
        mac = cmac(self._port, self.s_mac, self._chaining + header + bytes([len(data)]) + body)
        if not equal(mac[:MAC_LENGTH], data[-MAC_LENGTH:]):
            raise SecurityError("C-MAC")
        self._chaining = mac
        return body

    def _icv(self, top: int) -> bytes:
        return self._port.aes_encrypt_block(self.s_enc, bytes([top]) + self._counter.to_bytes(15, "big"))
