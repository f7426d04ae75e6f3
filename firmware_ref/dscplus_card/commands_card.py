"""SELECT, GET DATA, SET STATUS, DIAGNOSE."""

from dscplus_card import command as sw
from dscplus_card import selftest, state
from dscplus_card.command import Command, Refused
from dscplus_card.commands_seed import seed_check_value
from dscplus_card.work import KEYPAD_TEST_MS, PATTERN_MS, DisplayPattern, KeypadTest, Work

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from collections.abc import Callable

    from dscplus_card.applet import Applet

_KEY_FIELDS = ((1, state.KEY_ENC), (2, state.KEY_MAC), (3, state.KEY_DEK))
_AES = 0x88
_STATISTICS = (state.BOOTS, state.KEYPAD_RESPONSES, state.WIRE_RESPONSES, state.WRONG_PINS, state.WIPES)

_LIFE_CYCLES = (state.OP_READY, state.INITIALIZED, state.SECURED, state.CARD_LOCKED, state.TERMINATED)

# The transitions besides any → TERMINATED; to OP_READY is the wipe.
_TRANSITIONS = (
    (state.OP_READY, state.INITIALIZED),
    (state.INITIALIZED, state.SECURED),
    (state.SECURED, state.CARD_LOCKED),
    (state.CARD_LOCKED, state.SECURED),
    (state.INITIALIZED, state.OP_READY),
    (state.SECURED, state.OP_READY),
    (state.CARD_LOCKED, state.OP_READY),
)
_WIPED = (
    state.PROFILE,
    state.SUITE,
    state.SEED,
    state.PIN,
    state.TRIES_LEFT,
    state.LANGUAGE,
    state.TEXT,
    state.OCRA_COUNTER,
)

_SELF_TEST, _BATTERY, _DISPLAY_PATTERN, _KEYPAD_TEST = 1, 2, 3, 4


def select(applet: "Applet", command: Command) -> bytes:
    """00 A4 04 00, AID. There is one application, selected from power-up."""
    if command.data != applet.aid:
        raise Refused(sw.NOT_FOUND)
    return b""


def get_data(applet: "Applet", command: Command) -> bytes:
    """80 CA tag: the bare value; an empty one is no error."""
    entry = _TAGS.get(command.tag())
    if entry is None:
        raise Refused(sw.NO_SUCH_DATA)
    value, in_channel_only = entry
    if in_channel_only and not command.in_channel:
        raise Refused(sw.SECURITY_STATUS)
    if command.data:
        raise Refused(sw.WRONG_LENGTH)
    return value(applet)


def _key_information(applet: "Applet") -> bytes:
    memory = applet.memory
    out = b""
    for key_id, field in _KEY_FIELDS:
        length = len(memory.get(field))
        if length:
            out += bytes([0xC0, 4, key_id, memory.number(state.KEY_VERSION), _AES, length])
    return out


def _tries(applet: "Applet") -> bytes:
    if not applet.memory.get(state.PIN):
        return b"\xff\xff"
    return bytes([applet.memory.number(state.TRIES_LEFT), state.PIN_TRIES])


def _battery(applet: "Applet") -> bytes:
    idle, loaded = applet.port.battery_mv()
    return idle.to_bytes(2, "big") + loaded.to_bytes(2, "big")


def _statistics(applet: "Applet") -> bytes:
    return b"".join([applet.memory.number(field).to_bytes(4, "big") for field in _STATISTICS])


def _check_value(applet: "Applet") -> bytes:
    seed = applet.memory.get(state.SEED)
    return seed_check_value(applet.port, seed) if seed else b""


def _ocra_counter(applet: "Applet") -> bytes:
    suite = applet.memory.suite()
    if suite is None or not suite.counter:
        return b""
    return applet.memory.number(state.OCRA_COUNTER).to_bytes(8, "big")


# Tag: (value, only in the channel)
_TAGS: "dict[int, tuple[Callable[[Applet], bytes], bool]]" = {
    0x0045: (lambda applet: applet.memory.get(state.SERIAL_NUMBER), False),
    0x00E0: (_key_information, False),
    0x00C1: (lambda applet: applet.memory.number(state.SEQUENCE_COUNTER).to_bytes(3, "big"), False),
    0xDF01: (lambda applet: applet.memory.get(state.LIFE_CYCLE), False),
    0xDF02: (lambda applet: applet.memory.get(state.PROFILE) + applet.memory.get(state.SUITE), False),
    0xDF03: (_tries, False),
    0xDF04: (lambda applet: applet.firmware_version, False),
    0xDF05: (_battery, False),
    0xDF06: (_statistics, False),
    0xDF07: (_check_value, True),
    0xDF08: (lambda applet: applet.memory.number(state.QUOTA).to_bytes(2, "big"), False),
    0xDF09: (lambda applet: applet.boot_id, False),
    0xDF0A: (lambda applet: applet.memory.get(state.LANGUAGE), False),
    0xDF0B: (lambda applet: applet.memory.get(state.TEXT), False),
    0xDF0C: (_ocra_counter, True),
}


def set_status(applet: "Applet", command: Command) -> bytes:
    """80 F0 80 state: the one way from one life-cycle state to another."""
    memory = applet.memory
    old, new = memory.number(state.LIFE_CYCLE), command.p2
    if new not in _LIFE_CYCLES:
        raise Refused(sw.WRONG_P1_P2)
    if command.data:
        raise Refused(sw.WRONG_LENGTH)
    if new != state.TERMINATED and (old, new) not in _TRANSITIONS:
        raise Refused(sw.CONDITIONS)
    changes: "dict[int, bytes | int]" = {state.LIFE_CYCLE: new}
    if new == state.INITIALIZED and not memory.issuer_keys():
        raise Refused(sw.CONDITIONS)
    if old == state.INITIALIZED and new == state.SECURED and not _personalised(applet):
        raise Refused(sw.CONDITIONS)
    if new == state.OP_READY:
        changes[state.WIPES] = memory.number(state.WIPES) + 1
        changes[state.QUOTA] = state.QUOTA_LIMIT
        for field in _WIPED:
            changes[field] = b""
    memory.commit(changes)
    if new == state.TERMINATED:
        applet.channel_ends = True  # the secrets go once the answer is out, or at the next boot: see Device
    return b""


def _personalised(applet: "Applet") -> bool:
    memory = applet.memory
    if not memory.get(state.SEED):
        return False
    return memory.number(state.PROFILE) == state.SERVER_PIN or memory.get(state.PIN) != b""


def diagnose(applet: "Applet", command: Command) -> "bytes | Work":
    """80 32 what 00: self-test, battery; in the channel the display pattern and the keypad test."""
    if command.p1 not in (_SELF_TEST, _BATTERY, _DISPLAY_PATTERN, _KEYPAD_TEST):
        raise Refused(sw.WRONG_P1_P2)
    if command.p1 in (_DISPLAY_PATTERN, _KEYPAD_TEST) and not command.in_channel:
        raise Refused(sw.SECURITY_STATUS)
    if command.data:
        raise Refused(sw.WRONG_LENGTH)
    if command.p1 == _SELF_TEST:
        return bytes([selftest.failures(applet.port, applet.memory)])
    if command.p1 == _BATTERY:
        return _battery(applet)
    if command.p1 == _DISPLAY_PATTERN:
        return DisplayPattern(applet.port, PATTERN_MS, lambda: b"")
    if applet.keypad.in_use():  # the keys of a PIN half typed must not become test results
        raise Refused(sw.CONDITIONS)
    return KeypadTest(applet.port, KEYPAD_TEST_MS)
