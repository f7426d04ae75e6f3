"""STORE DATA: seed, profile, language and text in one atomic command."""

from . import scp03
from .apdu import Command
from .errors import UsageError
from .model import Profile
from .sensitive import KeySet, Seed

MAX_TEXT = 16
MAX_LANGUAGE = 35
"""The longest language tag that need be taken (RFC 5646, 4.4.1)."""

_PROFILE = 0x0101
_LANGUAGE = 0x0102
_TEXT = 0x0103
_SEED = 0x8001


def command(keys: KeySet, seed: Seed, profile: Profile, language: str, text: str) -> Command:
    """Return STORE DATA; the seed travels under Key-DEK. Empty language and text are left out.

    Raises UsageError for a text or a language tag that the card cannot hold.
    """
    if not _fits(text, MAX_TEXT):
        raise UsageError(f"the card's text has at most {MAX_TEXT} printable ASCII characters")
    if not _fits(language, MAX_LANGUAGE):
        raise UsageError(f"a language tag, such as en, has at most {MAX_LANGUAGE} printable ASCII characters")
    sealed = scp03.encrypt_under_dek(
        keys.dek.reveal(), scp03.pad(bytes((len(seed.reveal()),)) + seed.reveal())
    )
    groups = _group(_PROFILE, bytes((profile,)) + profile.suite.encode("ascii")) + _group(_SEED, sealed)
    if language:
        groups += _group(_LANGUAGE, language.encode("ascii"))
    if text:
        groups += _group(_TEXT, text.encode("ascii"))
    return Command(0x80, 0xE2, 0x88, 0x00, groups)


def _fits(value: str, longest: int) -> bool:
    return len(value) <= longest and value.isascii() and value.isprintable()


def _group(tag: int, data: bytes) -> bytes:
    return tag.to_bytes(2, "big") + bytes((len(data),)) + data
