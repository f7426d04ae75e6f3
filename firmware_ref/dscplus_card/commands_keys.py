"""INITIALIZE UPDATE, EXTERNAL AUTHENTICATE, PUT KEY."""

from dscplus_card import command as sw
from dscplus_card import state
from dscplus_card.cmac import ZERO_BLOCK, cbc_decrypt
from dscplus_card.command import Command, Refused
from dscplus_card.octets import equal
from dscplus_card.scp03 import (
    CHALLENGE_LENGTH,
    MAC_LENGTH,
    SecureChannel,
    SecurityError,
    card_challenge,
    key_check_value,
)
from dscplus_card.work import Work

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from dscplus_card.applet import Applet

_SCP03 = b"\x03\x70"  # SCP 03, i = 70: pseudo-random challenge, R-MAC, R-encryption
_SEQUENCE_END = 0xFFFFFF
_FREE_FAILURES = 10
_LONGEST_DELAY_MS = 60000

_AES = 0x88
_KCV_LENGTH = 3
_FIRST_NEW_VERSION, _LAST_NEW_VERSION = 0x10, 0x7F  # the maker's versions never come back onto a card


def initialize_update(applet: "Applet", command: Command) -> "bytes | Work":
    """80 50 KVN 00, host challenge 8 (Amendment D 7.1.1). After ten failures in a row it takes its time."""
    memory = applet.memory
    if command.in_channel:
        raise Refused(sw.CONDITIONS)
    if len(command.data) != CHALLENGE_LENGTH:
        raise Refused(sw.WRONG_LENGTH)
    if command.p1 not in (0, memory.number(state.KEY_VERSION)):
        raise Refused(sw.NO_SUCH_DATA)
    if memory.number(state.SEQUENCE_COUNTER) == _SEQUENCE_END:
        raise Refused(sw.CONDITIONS)
    delay = authentication_delay(memory.number(state.AUTHENTICATION_FAILURES))
    if delay:
        return Work(applet.port, delay, lambda: _begin_handshake(applet, command.data))
    return _begin_handshake(applet, command.data)


def authentication_delay(failures: int) -> int:
    """Milliseconds that the next INITIALIZE UPDATE waits after that many failures in a row.

    None after up to ten, then 1 s, doubling up to 60 s: a flood that would exhaust the 2^24 sequence
    numbers takes decades.
    """
    if failures < _FREE_FAILURES:
        return 0
    return min(1000 << min(failures - _FREE_FAILURES, 6), _LONGEST_DELAY_MS)


def _begin_handshake(applet: "Applet", host_challenge: bytes) -> bytes:
    memory, port = applet.memory, applet.port
    memory.commit(
        {
            state.SEQUENCE_COUNTER: memory.number(state.SEQUENCE_COUNTER) + 1,
            state.AUTHENTICATION_FAILURES: memory.number(state.AUTHENTICATION_FAILURES) + 1,
        }
    )
    sequence = memory.get(state.SEQUENCE_COUNTER)
    key_enc = memory.get(state.KEY_ENC)
    challenge = card_challenge(port, key_enc, sequence, applet.aid)
    handshake = SecureChannel(port, key_enc, memory.get(state.KEY_MAC), host_challenge, challenge)
    applet.handshake = handshake
    information = memory.get(state.KEY_VERSION) + _SCP03
    return memory.get(state.SERIAL_NUMBER) + information + challenge + handshake.card_cryptogram + sequence


def external_authenticate(applet: "Applet", command: Command) -> bytes:
    """84 82 33 00, host cryptogram 8 ‖ C-MAC 8 (7.1.2); opens the channel. Its answer carries no R-MAC."""
    handshake = command.handshake
    if command.in_channel:
        raise Refused(sw.CONDITIONS)
    if handshake is None or not command.secure:
        raise Refused(sw.SECURITY_STATUS)
    if len(command.data) != 2 * MAC_LENGTH:
        raise Refused(sw.WRONG_LENGTH)
    try:
        handshake.authenticate(command.header, command.data)
    except SecurityError:
        raise Refused(sw.SECURITY_STATUS) from None
    applet.memory.commit({state.AUTHENTICATION_FAILURES: 0})
    applet.channel = handshake
    return b""


def put_key(applet: "Applet", command: Command) -> bytes:
    """80 D8 KVN 81: new KVN ‖ three key blocks. Replaces the whole key set or nothing; ends the channel."""
    memory, port = applet.memory, applet.port
    if command.p1 != memory.number(state.KEY_VERSION):
        raise Refused(sw.NO_SUCH_DATA)
    data = command.data
    if not data or not _FIRST_NEW_VERSION <= data[0] <= _LAST_NEW_VERSION:
        raise Refused(sw.WRONG_DATA)
    dek = memory.get(state.KEY_DEK)
    keys: "list[bytes]" = []
    answer = data[:1]
    at = 1
    while at < len(data):
        ciphertext, kcv, at = _key_block(data, at)
        key = cbc_decrypt(port, dek, ZERO_BLOCK, ciphertext)
        if not equal(kcv, key_check_value(port, key)):
            raise Refused(sw.WRONG_DATA)
        keys.append(key)
        answer += kcv
    if [len(key) for key in keys] not in ([16] * 3, [32] * 3):
        raise Refused(sw.WRONG_DATA)
    memory.commit(
        {state.KEY_VERSION: data[0], state.KEY_ENC: keys[0], state.KEY_MAC: keys[1], state.KEY_DEK: keys[2]}
    )
    applet.channel_ends = True
    return answer


def _key_block(data: bytes, at: int) -> "tuple[bytes, bytes, int]":
    """Ciphertext and KCV of the key block at `at`, and where the next begins.

    88 ‖ L ‖ [key length] ‖ ciphertext ‖ 03 ‖ KCV: with the key length as Amendment D 7.2 has it, without it
    as stock clients send it; L tells which.
    """
    block = data[at:]
    if len(block) < 2 or block[0] != _AES or block[1] not in (0x10, 0x11, 0x20, 0x21):
        raise Refused(sw.WRONG_DATA)
    end = 2 + block[1]
    after = end + 1 + _KCV_LENGTH
    if len(block) < after or block[end] != _KCV_LENGTH:
        raise Refused(sw.WRONG_DATA)
    ciphertext = block[2:end]
    if block[1] & 1:
        if ciphertext[0] != block[1] - 1:
            raise Refused(sw.WRONG_DATA)
        ciphertext = ciphertext[1:]
    return ciphertext, block[end + 1 : after], at + after
