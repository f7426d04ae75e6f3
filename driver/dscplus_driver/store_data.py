"""STORE DATA: seed, profile, language and text in one atomic command."""

from . import scp03
from .apdu import Command
from .errors import UsageError
from .model import Profile
from .sensitive import KeySet, Seed

MAX_TEXT = 16

_PROFILE = 0x0101
_LANGUAGE = 0x0102
_TEXT = 0x0103
_SEED = 0x8001


def command(keys: KeySet, seed: Seed, profile: Profile, language: str, text: str) -> Command:
    """Return STORE DATA; the seed travels under Key-DEK. Empty language and text are left out.

    Raises UsageError for a text that the display cannot hold or a language tag that is not ASCII.
    """
    if len(text) > MAX_TEXT or not (text.isascii() and text.isprintable()):
        raise UsageError(f"the card's text has at most {MAX_TEXT} printable ASCII characters")
    if not language.isascii():
        raise UsageError("a language tag is ASCII, such as en or es")
    sealed = scp03.encrypt_under_dek(
        keys.dek.reveal(), scp03.pad(bytes((len(seed.reveal()),)) + seed.reveal())
    )
    groups = _group(_PROFILE, bytes((profile,)) + profile.suite.encode("ascii")) + _group(_SEED, sealed)
    if language:
        groups += _group(_LANGUAGE, language.encode("ascii"))
    if text:
        groups += _group(_TEXT, text.encode("ascii"))
    return Command(0x80, 0xE2, 0x88, 0x00, groups)


def _group(tag: int, data: bytes) -> bytes:
    return tag.to_bytes(2, "big") + bytes((len(data),)) + data
