"""STORE DATA and INTERNAL AUTHENTICATE."""

from dscplus_card import command as sw
from dscplus_card import holder, state
from dscplus_card.cmac import BLOCK, ZERO_BLOCK, cbc_decrypt, unpad
from dscplus_card.command import Command, Refused
from dscplus_card.ocra import Suite, SuiteError, hmac
from dscplus_card.octets import all_digits
from dscplus_card.port import Port

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from dscplus_card.applet import Applet

_PROFILE, _LANGUAGE, _TEXT, _SEED = 0x0101, 0x0102, 0x0103, 0x8001
_GROUPINGS = (_PROFILE, _LANGUAGE, _TEXT, _SEED)
_SHORTEST_SEED, _LONGEST_SEED = 20, 64
_LONGEST_LANGUAGE = 35  # RFC 5646 4.4.1
_LONGEST_TEXT = 16
_SHORTEST_QUESTION = 4


def store_data(applet: "Applet", command: Command) -> bytes:
    """80 E2 88 00: profile, suite, seed, language, text in one atomic command; answers the seed check value.

    A repeat replaces everything and erases the PIN; the quota stays.
    """
    memory = applet.memory
    groupings = _groupings(command.data)
    if _PROFILE not in groupings or _SEED not in groupings:
        raise Refused(sw.WRONG_DATA)
    profile, suite = _profile(groupings[_PROFILE])
    seed = _seed(applet.port, memory.get(state.KEY_DEK), groupings[_SEED])
    language = groupings.get(_LANGUAGE, b"")
    text = groupings.get(_TEXT, b"")
    if len(language) > _LONGEST_LANGUAGE or len(text) > _LONGEST_TEXT or not _printable(language + text):
        raise Refused(sw.WRONG_DATA)
    memory.commit(
        {
            state.PROFILE: profile,
            state.SUITE: suite,
            state.SEED: seed,
            state.PIN: b"",
            state.TRIES_LEFT: b"",
            state.OCRA_COUNTER: b"",
            state.LANGUAGE: language,
            state.TEXT: text,
        }
    )
    return seed_check_value(applet.port, seed)


def seed_check_value(port: Port, seed: bytes) -> bytes:
    """First 8 bytes of HMAC-SHA-256(seed, 16 × 01)."""
    return hmac(port, "SHA256", seed, b"\x01" * BLOCK)[:8]


def internal_authenticate(applet: "Applet", command: Command) -> bytes:
    """00 88 00 00, length ‖ question [‖ length ‖ PIN]: the response's digits.

    Each draws on a quota that only a wipe restores.
    """
    memory = applet.memory
    suite = memory.suite()
    if suite is None:
        raise Refused(sw.NO_PIN)
    fields = _counted(command.data)
    if len(fields) != (2 if suite.pin_hash else 1):
        raise Refused(sw.WRONG_DATA)
    question = fields[0]
    pin = fields[1] if suite.pin_hash else b""
    if not all_digits(question) or not _SHORTEST_QUESTION <= len(question) <= suite.question_digits:
        raise Refused(sw.WRONG_DATA)
    if suite.pin_hash and (len(pin) != state.PIN_LENGTH or not all_digits(pin)):
        raise Refused(sw.WRONG_DATA)
    quota = memory.number(state.QUOTA)
    if quota == 0:
        raise Refused(sw.CONDITIONS)
    changes: "dict[int, bytes | int]" = {
        state.QUOTA: quota - 1,
        state.WIRE_RESPONSES: memory.number(state.WIRE_RESPONSES) + 1,
    }
    return holder.respond(applet.port, memory, question, pin, changes).encode()


def _groupings(data: bytes) -> "dict[int, bytes]":
    """The DGIs, tag 2 ‖ length 1 ‖ data; each known and at most once."""
    found: "dict[int, bytes]" = {}
    at = 0
    while at < len(data):
        tag = int.from_bytes(data[at : at + 2], "big")
        if at + 3 > len(data) or tag not in _GROUPINGS or tag in found:
            raise Refused(sw.WRONG_DATA)
        end = at + 3 + data[at + 2]
        if end > len(data):
            raise Refused(sw.WRONG_DATA)
        found[tag] = data[at + 3 : end]
        at = end
    return found


def _profile(data: bytes) -> "tuple[int, bytes]":
    """Profile and suite; P is there exactly when the server checks the PIN (R5)."""
    if not data or data[0] not in (state.CARD_PIN, state.SERVER_PIN) or not _printable(data[1:]):
        raise Refused(sw.WRONG_DATA)
    try:
        suite = Suite(data[1:].decode())
    except SuiteError:
        raise Refused(sw.WRONG_DATA) from None
    if (suite.pin_hash != "") != (data[0] == state.SERVER_PIN):
        raise Refused(sw.WRONG_DATA)
    return data[0], data[1:]


def _seed(port: Port, dek: bytes, ciphertext: bytes) -> bytes:
    """length 1 ‖ seed, padded, under Key-DEK."""
    if not ciphertext or len(ciphertext) % BLOCK:
        raise Refused(sw.WRONG_DATA)
    plain = unpad(cbc_decrypt(port, dek, ZERO_BLOCK, ciphertext))
    if not plain or plain[0] != len(plain) - 1 or not _SHORTEST_SEED <= plain[0] <= _LONGEST_SEED:
        raise Refused(sw.WRONG_DATA)
    return plain[1:]


def _counted(data: bytes) -> "list[bytes]":
    """Fields of length 1 ‖ bytes."""
    fields: "list[bytes]" = []
    at = 0
    while at < len(data):
        end = at + 1 + data[at]
        if end > len(data):
            raise Refused(sw.WRONG_DATA)
        fields.append(data[at + 1 : end])
        at = end
    return fields


def _printable(data: bytes) -> bool:
    for byte in data:
        if not 0x20 <= byte <= 0x7E:
            return False
    return True
