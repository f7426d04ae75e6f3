"""PUT KEY: three AES keys as Amendment D, 7.2 has them."""

from . import scp03
from .apdu import Command
from .errors import UsageError
from .sensitive import KeySet

AES_KEY_TYPE = 0x88
KCV_LENGTH = 3
NEW_VERSIONS = range(0x10, 0x80)


def command(present: KeySet, new: KeySet) -> Command:
    """Return PUT KEY, the new keys encrypted under the present Key-DEK.

    Data: new KVN, then for ENC, MAC, DEK: 88, L, key length, ciphertext, 03, KCV. Raises UsageError for a new
    version that is a maker's (01 to 0F): those never come back onto a card.
    """
    if new.version not in NEW_VERSIONS:
        raise UsageError(f"key version {new.version:02X} is a maker's; a new key set has 10 to 7F")
    blocks = b"".join(_block(present, key) for key in (new.enc.reveal(), new.mac.reveal(), new.dek.reveal()))
    return Command(0x80, 0xD8, present.version, 0x81, bytes((new.version,)) + blocks)


def confirmation(new: KeySet) -> bytes:
    """Return what the card must answer: new KVN and the three KCVs."""
    keys = (new.enc, new.mac, new.dek)
    return bytes((new.version,)) + b"".join(scp03.key_check_value(key.reveal()) for key in keys)


def _block(present: KeySet, key: bytes) -> bytes:
    ciphertext = scp03.encrypt_under_dek(present.dek.reveal(), key)
    header = bytes((AES_KEY_TYPE, 1 + len(ciphertext), len(key)))
    return header + ciphertext + bytes((KCV_LENGTH,)) + scp03.key_check_value(key)
