"""A third, tiny implementation of the wire, written from docs/protocol.md alone.

It shares nothing with driver or card: `hashlib`, `hmac`, `zlib` and the AES block of `cryptography` are all
it has. It has no error handling and keeps no rules; it only computes bytes, so that the numbers in the
document are proved three times. Section numbers are those of docs/protocol.md.
"""

import hashlib
import hmac
import zlib
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

AID = bytes.fromhex("F0445343504C555301")


# Section 2.1: frames


def cobs(data: bytes) -> bytes:
    """COBS, in its textbook form: each run of up to 254 non-zero bytes after its length + 1."""
    out = bytearray()
    runs = data.split(b"\x00")
    for number, run in enumerate(runs):
        while len(run) >= 254:
            out += b"\xff" + run[:254]
            run = run[254:]
            if not run and number == len(runs) - 1:
                return bytes(out)
        out += bytes([len(run) + 1]) + run
    return bytes(out)


def frame(session: bytes, seq: int, cmd: int, payload: bytes) -> bytes:
    body = session + bytes([seq, cmd]) + payload
    return b"\x00" + cobs(body + zlib.crc32(body).to_bytes(4, "big")) + b"\x00"


# Section 14.1: reports


def reports(channel: bytes, cmd: int, payload: bytes) -> list[bytes]:
    """A message's 64-byte reports."""
    first = channel + bytes([0x80 + cmd]) + len(payload).to_bytes(2, "big") + payload[:57]
    rest = [payload[at : at + 59] for at in range(57, len(payload), 59)]
    more = [channel + bytes([sequence]) + piece for sequence, piece in enumerate(rest)]
    return [report + bytes(64 - len(report)) for report in (first, *more)]


# Sections 4 and 5: keys and the secure channel


def aes(key: bytes, block: bytes) -> bytes:
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305 (single blocks, by the standards)
    return encryptor.update(block)


def xor(a: bytes, b: bytes) -> bytes:
    return bytes(x ^ y for x, y in zip(a, b, strict=True))


def pad(data: bytes) -> bytes:
    return data + b"\x80" + bytes(-(len(data) + 1) % 16)


def cbc(key: bytes, icv: bytes, data: bytes) -> bytes:
    out = b""
    for i in range(0, len(data), 16):
        icv = aes(key, xor(icv, data[i : i + 16]))
        out += icv
    return out


def cmac(key: bytes, data: bytes) -> bytes:
    """NIST SP 800-38B."""
    doubled = []
    value = int.from_bytes(aes(key, bytes(16)), "big")
    for _ in range(2):
        value = (value << 1) ^ (0x87 if value >> 127 else 0)
        value &= (1 << 128) - 1
        doubled.append(value.to_bytes(16, "big"))
    whole = bool(data) and len(data) % 16 == 0
    last = data[-16:] if whole else pad(data[len(data) - len(data) % 16 :])
    head = data[: -16 if whole else len(data) - len(data) % 16]
    return cbc(key, bytes(16), head + xor(last, doubled[0 if whole else 1]))[-16:]


def kdf(key: bytes, constant: int, bits: int, context: bytes) -> bytes:
    """Section 5.2: NIST SP 800-108 in counter mode with CMAC, as SCP03 lays out its input."""
    out = b""
    i = 1
    while len(out) * 8 < bits:
        block = bytes(11) + bytes([constant, 0]) + bits.to_bytes(2, "big") + bytes([i]) + context
        out += cmac(key, block)
        i += 1
    return out[: bits // 8]


def kdf3(master: bytes, purpose: int, serial: str) -> bytes:
    """Section 4.3: one card's key; purpose 1 ENC, 2 MAC, 3 DEK; as long as the master."""
    tail = bytes([0, 0, 0, purpose, 0]) + serial.encode()
    return b"".join(cmac(master, bytes([i]) + tail) for i in range(1, len(master) // 16 + 1))


def kcv(key: bytes) -> bytes:
    return aes(key, b"\x01" * 16)[:3]


@dataclass(frozen=True)
class Keys:
    version: int
    enc: bytes
    mac: bytes
    dek: bytes

    @classmethod
    def of_card(cls, master: bytes, version: int, serial: str) -> "Keys":
        return cls(version, *(kdf3(master, purpose, serial) for purpose in (1, 2, 3)))


@dataclass
class Channel:
    """Section 5: both ends of one secure channel; commands and answers in the order they are spoken."""

    keys: Keys
    host_challenge: bytes
    counter: int
    chain: bytes = bytes(16)
    spoken: int = 0
    card_challenge: bytes = field(init=False)

    def __post_init__(self) -> None:
        self.card_challenge = kdf(self.keys.enc, 0x02, 64, self.counter.to_bytes(3, "big") + AID)
        context = self.host_challenge + self.card_challenge
        bits = len(self.keys.enc) * 8
        self.s_enc = kdf(self.keys.enc, 0x04, bits, context)
        self.s_mac = kdf(self.keys.mac, 0x06, bits, context)
        self.s_rmac = kdf(self.keys.mac, 0x07, bits, context)
        self.card_cryptogram = kdf(self.s_mac, 0x00, 64, context)
        self.host_cryptogram = kdf(self.s_mac, 0x01, 64, context)

    def initialize_update(self) -> bytes:
        return bytes([0x80, 0x50, self.keys.version, 0, 8]) + self.host_challenge

    def initialize_update_answer(self, serial: str) -> bytes:
        key_information = bytes([self.keys.version, 0x03, 0x70])
        counter = self.counter.to_bytes(3, "big")
        return (
            serial.encode()
            + key_information
            + self.card_challenge
            + self.card_cryptogram
            + counter
            + b"\x90\x00"
        )

    def external_authenticate(self) -> bytes:
        return self._macced(bytes.fromhex("84823300"), self.host_cryptogram)

    def command(self, header: bytes, data: bytes) -> bytes:
        """Encrypts, then MACs; `header` is CLA INS P1 P2 as in the clear."""
        self.spoken += 1
        if data:
            data = cbc(self.s_enc, aes(self.s_enc, self.spoken.to_bytes(16, "big")), pad(data))
        return self._macced(bytes([header[0] | 0x04]) + header[1:], data)

    def command_padding_only(self, header: bytes) -> bytes:
        """A command without data as stock clients send it: one encrypted block of padding."""
        self.spoken += 1
        data = cbc(self.s_enc, aes(self.s_enc, self.spoken.to_bytes(16, "big")), pad(b""))
        return self._macced(bytes([header[0] | 0x04]) + header[1:], data)

    def answer(self, data: bytes, status: int) -> bytes:
        """Encrypts and MACs an answer; an error word goes bare."""
        sw = status.to_bytes(2, "big")
        if not (status == 0x9000 or status >> 8 in (0x62, 0x63)):
            return sw
        if data:
            block = b"\x80" + self.spoken.to_bytes(15, "big")
            data = cbc(self.s_enc, aes(self.s_enc, block), pad(data))
        return data + cmac(self.s_rmac, self.chain + data + sw)[:8] + sw

    def _macced(self, header: bytes, data: bytes) -> bytes:
        apdu = header + bytes([len(data) + 8]) + data
        self.chain = cmac(self.s_mac, self.chain + apdu)
        return apdu + self.chain[:8]


# Sections 6.5, 6.6 and 9: data fields and the response


def put_key_data(present: Keys, new: Keys, *, bare: bool = False) -> bytes:
    out = bytes([new.version])
    for key in (new.enc, new.mac, new.dek):
        ciphertext = cbc(present.dek, bytes(16), key)
        content = ciphertext if bare else bytes([len(key)]) + ciphertext
        out += bytes([0x88, len(content)]) + content + b"\x03" + kcv(key)
    return out


def put_key_answer(new: Keys) -> bytes:
    return bytes([new.version]) + kcv(new.enc) + kcv(new.mac) + kcv(new.dek)


def dgi(tag: int, data: bytes) -> bytes:
    return tag.to_bytes(2, "big") + bytes([len(data)]) + data


def store_data(keys: Keys, profile: int, suite: str, seed: bytes, language: str, text: str) -> bytes:
    sealed = cbc(keys.dek, bytes(16), pad(bytes([len(seed)]) + seed))
    out = (
        dgi(0x0101, bytes([profile]) + suite.encode()) + dgi(0x8001, sealed) + dgi(0x0102, language.encode())
    )
    return out + (dgi(0x0103, text.encode()) if text else b"")


def check_value(seed: bytes) -> bytes:
    return hmac.digest(seed, b"\x01" * 16, "sha256")[:8]


def ocra(suite: str, seed: bytes, question: str, pin: str | None = None) -> str:
    """Section 9.2, for suites without counter, session or time."""
    nibbles = f"{int(question):X}"
    data = suite.encode() + b"\x00" + bytes.fromhex(nibbles.ljust(256, "0"))
    algorithm, digits = suite.split(":")[1].split("-")[1:3]
    if pin is not None:
        data += hashlib.sha256(pin.encode()).digest()
    mac = hmac.digest(seed, data, algorithm.lower())
    offset = mac[-1] & 0x0F
    number = int.from_bytes(mac[offset : offset + 4], "big") & 0x7FFFFFFF
    return str(number % 10 ** int(digits)).zfill(int(digits))
