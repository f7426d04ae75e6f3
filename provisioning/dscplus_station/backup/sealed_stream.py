"""A stream encrypted in chunks: a change, swap, cut or extension of the file is noticed.

Format: magic ‖ scrypt cost as a power of two (1) ‖ salt (16) ‖ chunks. A chunk is length (4, big-endian) ‖
AES-256-GCM ciphertext of up to 1 MiB; its nonce is the chunk's number (12 bytes), its associated data the
header and whether it is the last. The key serves one file only: the salt is fresh.
"""

import os
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dscplus_station.errors import BadInput, NotPermitted
from dscplus_station.keystore import file as keystore_file

MAGIC = b"DSC+ station backup 1\n"
CHUNK = 1 << 20
_SALT_BYTES = 16
_TAG_BYTES = 16
_MAX_COST_BITS = 20


class SealedWriter:
    """Takes plaintext, writes chunks; `finish` writes the last one."""

    def __init__(self, target: BinaryIO, passphrase: str) -> None:
        cost = keystore_file.SCRYPT_COST
        salt = os.urandom(_SALT_BYTES)
        self._header = MAGIC + bytes((cost.bit_length() - 1,)) + salt
        self._cipher = AESGCM(keystore_file.passphrase_key(passphrase, salt, cost))
        self._target = target
        self._pending = bytearray()
        self._number = 0
        target.write(self._header)

    def write(self, data: bytes) -> int:
        """Add plaintext."""
        self._pending += data
        while len(self._pending) > CHUNK:
            self._chunk(bytes(self._pending[:CHUNK]), last=False)
            del self._pending[:CHUNK]
        return len(data)

    def finish(self) -> None:
        """Write what is left, marked as the last chunk."""
        self._chunk(bytes(self._pending), last=True)

    def _chunk(self, plaintext: bytes, *, last: bool) -> None:
        nonce = self._number.to_bytes(12, "big")
        sealed = self._cipher.encrypt(nonce, plaintext, self._header + bytes((last,)))
        self._target.write(len(sealed).to_bytes(4, "big") + sealed)
        self._number += 1


def open_stream(source: BinaryIO, target: BinaryIO, passphrase: str) -> None:
    """Decrypt a whole stream into `target`; only when it returns may the plaintext be believed.

    Raises:
        BadInput: no backup file, or cut short, extended or altered.
        NotPermitted: wrong passphrase (or the first chunk was altered).
    """
    header = source.read(len(MAGIC) + 1 + _SALT_BYTES)
    if len(header) != len(MAGIC) + 1 + _SALT_BYTES or not header.startswith(MAGIC):
        raise BadInput("it is not a backup of a station, or of a newer format")
    cost_bits, salt = header[len(MAGIC)], header[len(MAGIC) + 1 :]
    if not 1 <= cost_bits <= _MAX_COST_BITS:
        raise BadInput("it is damaged")
    cipher = AESGCM(keystore_file.passphrase_key(passphrase, salt, 1 << cost_bits))
    number = 0
    while True:
        size = int.from_bytes(source.read(4), "big")
        sealed = source.read(size) if _TAG_BYTES <= size <= CHUNK + _TAG_BYTES else b""
        if len(sealed) != size or not sealed:
            raise BadInput("it is cut short or damaged")
        plaintext, last = _open_chunk(cipher, number, sealed, header)
        target.write(plaintext)
        number += 1
        if last:
            break
    if source.read(1):
        raise BadInput("something was added to its end")


def _open_chunk(cipher: AESGCM, number: int, sealed: bytes, header: bytes) -> tuple[bytes, bool]:
    for last in (False, True):
        try:
            return cipher.decrypt(number.to_bytes(12, "big"), sealed, header + bytes((last,))), last
        except InvalidTag:
            continue
    if number == 0:
        raise NotPermitted("wrong passphrase (or the file was altered)")
    raise BadInput("it is cut short or damaged")
