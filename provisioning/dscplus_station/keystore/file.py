"""The keystore as a file, sealed by a passphrase: scrypt gives the key, AES-256-GCM seals the content.

The file is JSON: parameters in the clear (authenticated as associated data), the content as hex. It is
replaced whole: a reader sees the old one or the new one, also after a power cut.
"""

import json
import os
from pathlib import Path
from typing import Any, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from dscplus_driver.sensitive import MasterKey
from dscplus_station.errors import BadInput, NotFound, StateConflict, StationError
from dscplus_station.home import write_private
from dscplus_station.keystore.interface import (
    ISSUER_KEY_VERSION,
    RESTOCK_KEY_VERSION,
    KeystoreError,
    VersionedMaster,
)

FORMAT = 1
SCRYPT_COST = 2**17
"""scrypt's N; with r = 8 a guess costs 128 MiB and about 0.4 s (RFC 7914)."""

_MAX_COST = 2**20
_KEY_BYTES = 32
_NONCE_BYTES = 12


def passphrase_key(passphrase: str, salt: bytes, cost: int) -> bytes:
    """The 32-byte key that a passphrase gives under scrypt (N = `cost`, r = 8, p = 1)."""
    return Scrypt(salt=salt, length=_KEY_BYTES, n=cost, r=8, p=1).derive(passphrase.encode())


def open_sealed(key: bytes, nonce_and_ciphertext: bytes, associated: bytes) -> bytes:
    """Decrypt nonce ‖ ciphertext ‖ tag. Raises InvalidTag."""
    nonce, ciphertext = nonce_and_ciphertext[:_NONCE_BYTES], nonce_and_ciphertext[_NONCE_BYTES:]
    if len(ciphertext) < 16:
        raise InvalidTag
    return AESGCM(key).decrypt(nonce, ciphertext, associated)


def make_sealed(key: bytes, plaintext: bytes, associated: bytes) -> bytes:
    """Encrypt under a fresh random nonce: nonce ‖ ciphertext ‖ tag."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, associated)


class FileKeystore:
    """An opened keystore file (see `interface.Keystore`)."""

    def __init__(
        self, path: Path, header: dict[str, Any], wrapping_key: bytes, content: dict[str, Any]
    ) -> None:
        self._path = path
        self._header = header
        self._wrapping_key = wrapping_key
        self._content = content

    def __repr__(self) -> str:
        return f"<FileKeystore {self._path}>"

    @classmethod
    def create(cls, path: Path, passphrase: str, cost: int | None = None) -> Self:
        """Make a keystore with a new KEK, issuer master and restock master.

        Raises:
            StationError: the file is there already, or cannot be written.
            BadInput: the passphrase is empty.
        """
        if path.exists():
            raise StationError(f"{path} is there already; nothing was changed")
        if not passphrase:
            raise BadInput("the passphrase is empty")
        cost = cost or SCRYPT_COST
        salt = os.urandom(16)
        content = {
            "kek": os.urandom(_KEY_BYTES).hex(),
            "issuer": {"version": ISSUER_KEY_VERSION, "key": os.urandom(_KEY_BYTES).hex()},
            "restock": {"version": RESTOCK_KEY_VERSION, "key": os.urandom(_KEY_BYTES).hex()},
            "batches": {},
        }
        header = {"format": FORMAT, "kdf": "scrypt", "cost": cost, "salt": salt.hex()}
        keystore = cls(path, header, passphrase_key(passphrase, salt, cost), content)
        keystore._write(content)
        return keystore

    @classmethod
    def open(cls, path: Path, passphrase: str) -> Self:
        """Open a keystore.

        Raises:
            NotFound: there is no such file.
            KeystoreError: wrong passphrase, or the file was altered or damaged.
        """
        try:
            document = json.loads(path.read_bytes())
            sealed = bytes.fromhex(document.pop("sealed"))
            header = {name: document[name] for name in ("format", "kdf", "cost", "salt")}
            cost, salt = int(header["cost"]), bytes.fromhex(header["salt"])
        except FileNotFoundError:
            raise NotFound(f"no keystore {path}: make a station with `dsc-station init`") from None
        except OSError as error:
            raise StationError(f"{path}: {error.strerror}") from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise KeystoreError(f"{path} is no keystore (any more): restore a backup") from None
        if header["format"] != FORMAT or header["kdf"] != "scrypt":
            raise KeystoreError(f"{path} is of a format that this release does not read: upgrade dscplus")
        if not 1 < cost <= _MAX_COST or cost & (cost - 1):
            raise KeystoreError(f"{path} is no keystore (any more): restore a backup")
        key = passphrase_key(passphrase, salt, cost)
        try:
            content = json.loads(open_sealed(key, sealed, _canonical(header)))
        except InvalidTag:
            raise KeystoreError(f"{path}: wrong passphrase (or the file was altered)") from None
        return cls(path, header, key, content)

    def seal(self, context: bytes, plaintext: bytes) -> bytes:
        """See `interface.Keystore`."""
        return make_sealed(self._kek(), plaintext, context)

    def unseal(self, context: bytes, sealed: bytes) -> bytes:
        """See `interface.Keystore`."""
        try:
            return open_sealed(self._kek(), sealed, context)
        except InvalidTag:
            raise KeystoreError("a sealed record does not belong where it stands, or was altered") from None

    def issuer_master(self) -> VersionedMaster:
        """See `interface.Keystore`."""
        return _master(self._content["issuer"])

    def restock_master(self) -> VersionedMaster:
        """See `interface.Keystore`."""
        return _master(self._content["restock"])

    def batch_master(self, batch: str) -> VersionedMaster:
        """See `interface.Keystore`."""
        try:
            return _master(self._content["batches"][batch])
        except KeyError:
            raise NotFound(
                f"no key of batch {batch}: import it with `dsc-station keys import-batch`"
            ) from None

    def import_batch(self, batch: str, master: VersionedMaster, *, replace: bool = False) -> bool:
        """Keep a batch's transport master; False if it was here. One writer at a time (a lock).

        Raises:
            StateConflict: the batch has another key already, which is not to be replaced.
        """
        document = json.loads(self._path.read_bytes())  # another process may have added a batch since
        sealed = bytes.fromhex(document["sealed"])
        self._content = json.loads(open_sealed(self._wrapping_key, sealed, _canonical(self._header)))
        known = self._content["batches"].get(batch)
        if known is not None and _master(known) == master:
            return False
        if known is not None and not replace:
            raise StateConflict(f"batch {batch} has another key already; nothing was changed")
        entry = {"version": master.version, "key": master.key.reveal().hex()}
        content = self._content | {"batches": self._content["batches"] | {batch: entry}}
        self._write(content)
        self._content = content
        return True

    def _kek(self) -> bytes:
        return bytes.fromhex(self._content["kek"])

    def _write(self, content: dict[str, Any]) -> None:
        sealed = make_sealed(self._wrapping_key, json.dumps(content).encode(), _canonical(self._header))
        document = json.dumps(self._header | {"sealed": sealed.hex()}, indent=1) + "\n"
        try:
            write_private(self._path, document.encode())
        except OSError as error:
            raise StationError(f"{self._path}: {error.strerror}. The keystore was not changed.") from None


def _master(entry: dict[str, Any]) -> VersionedMaster:
    return VersionedMaster(entry["version"], MasterKey(bytes.fromhex(entry["key"])))


def _canonical(header: dict[str, Any]) -> bytes:
    return json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
