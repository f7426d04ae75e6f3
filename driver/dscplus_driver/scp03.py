"""SCP03, the host's side: GlobalPlatform Card Specification Amendment D, i = 70, S8. No I/O.

`Handshake` opens a channel; `SecureChannel` wraps commands and unwraps answers. A channel that saw one answer
it cannot trust is closed for good.
"""

import hmac
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC, ECB

from .apdu import Command, Response
from .errors import AuthenticationFailed, HandshakeRefused, ProtocolError, SessionClosed, UsageError
from .kdf3 import Cmac
from .sensitive import KeySet
from .status import SUCCESS, carries_mac, meaning

AID = b"\xf0DSCPLUS\x01"
"""The card's application; it enters the pseudo-random card challenge."""
HOST_CHALLENGE_LENGTH = 8
MAC_LENGTH = 8
BLOCK = 16
ZERO_ICV = bytes(BLOCK)
MAX_PLAINTEXT = 239
"""Bytes of plaintext data in one wrapped command or answer."""

_INS_INITIALIZE_UPDATE = 0x50
_INS_EXTERNAL_AUTHENTICATE = 0x82
_SECURE_MESSAGING = 0x04
_SCP_IDENTIFIER = 0x03
_SCP_OPTIONS = 0x70


class Level:
    """Bits of the security level, P1 of EXTERNAL AUTHENTICATE; 33 is all of them."""

    NONE = 0x00
    C_MAC = 0x01
    C_DECRYPTION = 0x02
    R_MAC = 0x10
    R_ENCRYPTION = 0x20


FULL = Level.C_MAC | Level.C_DECRYPTION | Level.R_MAC | Level.R_ENCRYPTION
LEVELS = (0x00, 0x01, 0x03, 0x11, 0x13, 0x33)


class Constant:
    """Derivation constants (Amendment D, table 4-1)."""

    CARD_CRYPTOGRAM = 0x00
    HOST_CRYPTOGRAM = 0x01
    CARD_CHALLENGE = 0x02
    S_ENC = 0x04
    S_MAC = 0x06
    S_RMAC = 0x07


def derive(cmac: Cmac, constant: int, context: bytes, length: int) -> bytes:
    """Return ``length`` bytes from the key of ``cmac``: SP 800-108 in counter mode (Amendment D, 4.1.5)."""
    label = bytes(11) + bytes((constant, 0)) + (length * 8).to_bytes(2, "big")
    blocks = -(-length // BLOCK)
    return b"".join(cmac(label + bytes((i,)) + context) for i in range(1, blocks + 1))[:length]


def key_check_value(key: bytes) -> bytes:
    """Return the KCV: the first 3 bytes of AES(key, 16 x 01)."""
    return _ecb(key).update(b"\x01" * BLOCK)[:3]


def encrypt_under_dek(dek: bytes, plaintext: bytes) -> bytes:
    """Return ``plaintext`` (whole blocks) under a static Key-DEK: AES-CBC, zero ICV."""
    encryptor = Cipher(AES(dek), CBC(ZERO_ICV)).encryptor()
    return encryptor.update(plaintext) + encryptor.finalize()


def pad(data: bytes) -> bytes:
    """Pad to whole blocks by 80 00 …; padding is always present."""
    return data + b"\x80" + bytes(-(len(data) + 1) % BLOCK)


def unpad(padded: bytes) -> bytes | None:
    """Undo `pad`; None if the padding is not 80 00 …, at most one block."""
    data = padded.rstrip(b"\x00")
    if not data.endswith(b"\x80") or len(padded) - len(data) >= BLOCK:
        return None
    return data[:-1]


def _ecb(key: bytes) -> CipherContext:
    return Cipher(AES(key), ECB()).encryptor()  # noqa: S305 - for one block of a counter or a constant


@dataclass(frozen=True, slots=True)
class CardChallenge:
    """The answer of INITIALIZE UPDATE, taken apart."""

    diversification_data: bytes
    key_version: int
    challenge: bytes
    cryptogram: bytes
    sequence_counter: int

    @classmethod
    def parse(cls, data: bytes) -> "CardChallenge":
        """Read 32 bytes: diversification data 10, KVN 03 70, challenge 8, cryptogram 8, counter 3."""
        if len(data) != 32:
            raise ProtocolError(f"INITIALIZE UPDATE was answered by {len(data)} bytes instead of 32")
        if data[11] != _SCP_IDENTIFIER or data[12] != _SCP_OPTIONS:
            raise ProtocolError(f"the card offers SCP {data[11]:02X}, i = {data[12]:02X}, not SCP03, i = 70")
        return cls(data[:10], data[10], data[13:21], data[21:29], int.from_bytes(data[29:], "big"))


class Handshake:
    """One INITIALIZE UPDATE / EXTERNAL AUTHENTICATE. ``host_challenge``: 8 bytes never used before."""

    def __init__(self, keys: KeySet, host_challenge: bytes, *, level: int = FULL, aid: bytes = AID) -> None:
        """Raises UsageError for a level that SCP03 does not know or a challenge of another length."""
        if level not in LEVELS:
            raise UsageError(f"SCP03 has no security level {level:02X}")
        if len(host_challenge) != HOST_CHALLENGE_LENGTH:
            raise UsageError("a host challenge has 8 bytes")
        self._keys = keys
        self._host_challenge = host_challenge
        self._level = level
        self._aid = aid

    def initialize_update(self) -> Command:
        """Return INITIALIZE UPDATE for the key set's version."""
        return Command(0x80, _INS_INITIALIZE_UPDATE, self._keys.version, 0, self._host_challenge)

    def external_authenticate(self, answer: bytes) -> tuple[Command, "SecureChannel"]:
        """Check the card's answer; return EXTERNAL AUTHENTICATE and the channel that stands once it answered
        9000.

        Raises ProtocolError for a malformed answer, AuthenticationFailed if it does not prove the card's
        keys: another key version, a challenge that is not derived from the sequence counter, a wrong
        cryptogram.
        """
        card = CardChallenge.parse(answer)
        enc, mac = Cmac(self._keys.enc.reveal()), Cmac(self._keys.mac.reveal())
        if card.key_version != self._keys.version:
            raise AuthenticationFailed(
                f"the card answered for key version {card.key_version:02X}, not {self._keys.version:02X}"
            )
        context = self._host_challenge + card.challenge
        length = self._keys.key_length()
        # Session keys are nobody's local variable: a traceback of a refusal may be shown with its locals.
        channel = SecureChannel(
            self._level,
            s_enc=derive(enc, Constant.S_ENC, context, length),
            s_mac=derive(mac, Constant.S_MAC, context, length),
            s_rmac=derive(mac, Constant.S_RMAC, context, length),
            sequence_counter=card.sequence_counter,
        )
        cryptogram = derive(channel._c_mac, Constant.CARD_CRYPTOGRAM, context, 8)
        genuine = hmac.compare_digest(card.cryptogram, cryptogram)
        counter = card.sequence_counter.to_bytes(3, "big")
        expected = derive(enc, Constant.CARD_CHALLENGE, counter + self._aid, 8)
        if not (hmac.compare_digest(card.challenge, expected) and genuine):
            raise AuthenticationFailed(
                f"the card's keys of version {card.key_version:02X} are not these keys"
            )
        host_cryptogram = derive(channel._c_mac, Constant.HOST_CRYPTOGRAM, context, 8)
        authenticate = channel.mac(Command(0x80, _INS_EXTERNAL_AUTHENTICATE, self._level, 0, host_cryptogram))
        return authenticate, channel

    @staticmethod
    def confirm(response: Response) -> None:
        """Check the answer of EXTERNAL AUTHENTICATE: nothing but a bare 9000 opens the channel."""
        if response.status_word != SUCCESS or response.data:
            word = response.status_word
            raise HandshakeRefused(f"the card refused the host's keys: {word:04X} ({meaning(word)})")


@dataclass(slots=True)
class SecureChannel:
    """The session keys and counters of one channel; use `wrap` and `unwrap` strictly in turn."""

    level: int
    s_enc: bytes = field(repr=False)
    s_mac: bytes = field(repr=False)
    s_rmac: bytes = field(repr=False)
    sequence_counter: int
    closed: bool = False
    _chaining: bytes = field(default=bytes(BLOCK), repr=False)
    _counter: int = 0
    # One a channel: setting up a key costs more than the few blocks of a command.
    _c_mac: Cmac = field(init=False, repr=False)
    _r_mac: Cmac = field(init=False, repr=False)
    _icv_encryptor: CipherContext = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._c_mac, self._r_mac = Cmac(self.s_mac), Cmac(self.s_rmac)
        self._icv_encryptor = _ecb(self.s_enc)

    def wrap(self, command: Command) -> Command:
        """Return the command as it travels: data encrypted, C-MAC appended, as far as the level says.

        Raises SessionClosed after a bad answer, UsageError for data that does not fit.
        """
        if self.closed:
            raise SessionClosed("the secure channel has ended")
        if len(command.data) > MAX_PLAINTEXT:
            raise UsageError(f"a command carries at most {MAX_PLAINTEXT} bytes, not {len(command.data)}")
        self._counter += 1
        if not self.level & Level.C_MAC:
            return command
        if self.level & Level.C_DECRYPTION and command.data:
            command = Command(
                command.cla, command.ins, command.p1, command.p2, self._encrypt(command.data), command.le
            )
        return self.mac(command)

    def mac(self, command: Command) -> Command:
        """Return the command with secure messaging's class bit and its C-MAC; Le is not part of the MAC
        (6.2.4).
        """
        cla = command.cla | _SECURE_MESSAGING
        length = len(command.data) + MAC_LENGTH
        header = bytes((cla, command.ins, command.p1, command.p2, length))
        self._chaining = self._c_mac(self._chaining + header + command.data)
        data = command.data + self._chaining[:MAC_LENGTH]
        return Command(cla, command.ins, command.p1, command.p2, data, command.le)

    def unwrap(self, response: Response) -> Response:
        """Return the answer in plain, its R-MAC checked.

        An error word comes back as it is: it carries no data and proves nothing. Raises AuthenticationFailed,
        and closes the channel, for a 9000, 62xx or 63xx without its R-MAC, for a wrong one, and for data
        beside an error word.
        """
        if self.closed:
            raise SessionClosed("the secure channel has ended")
        if not self.level & Level.R_MAC:
            return response
        if not carries_mac(response.status_word):
            if response.data:
                raise self._distrust("an error word came with data")
            return response
        data, received = response.data[:-MAC_LENGTH], response.data[-MAC_LENGTH:]
        word = response.status_word.to_bytes(2, "big")
        expected = self._r_mac(self._chaining + data + word)[:MAC_LENGTH]
        if not hmac.compare_digest(received, expected):
            raise self._distrust("an answer without a valid R-MAC")
        if self.level & Level.R_ENCRYPTION and data:
            data = self._decrypt(data)
        return Response(data, response.status_word)

    def close(self) -> None:
        """Forget the session keys."""
        if self.closed:
            return
        self.closed = True
        self.s_enc = self.s_mac = self.s_rmac = self._chaining = b""
        del self._c_mac, self._r_mac, self._icv_encryptor

    def _encrypt(self, data: bytes) -> bytes:
        encryptor = Cipher(AES(self.s_enc), CBC(self._icv(0x00))).encryptor()
        return encryptor.update(pad(data)) + encryptor.finalize()

    def _decrypt(self, data: bytes) -> bytes:
        plaintext = None
        if len(data) % BLOCK == 0:
            decryptor = Cipher(AES(self.s_enc), CBC(self._icv(0x80))).decryptor()
            plaintext = unpad(decryptor.update(data) + decryptor.finalize())
        if plaintext is None:
            raise self._distrust("an answer whose encryption is broken")
        return plaintext

    def _icv(self, direction: int) -> bytes:
        return self._icv_encryptor.update(bytes((direction,)) + self._counter.to_bytes(BLOCK - 1, "big"))

    def _distrust(self, what: str) -> AuthenticationFailed:
        self.close()
        return AuthenticationFailed(
            f"the secure channel met {what}",
            advice="Somebody may be changing what card and host say: check the cable and this computer.",
        )
