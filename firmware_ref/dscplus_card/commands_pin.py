"""RESET RETRY COUNTER and VERIFY (profile A, R5)."""

from dscplus_card import command as sw
from dscplus_card import holder, state
from dscplus_card.command import Command, Refused
from dscplus_card.octets import all_digits

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from dscplus_card.applet import Applet

_SET, _UNBLOCK = 0x02, 0x03


def reset_retry_counter(applet: "Applet", command: Command) -> bytes:
    """00 2C 02 81, new PIN: set it; 00 2C 03 81: unblock the one there. Both give all tries."""
    memory = applet.memory
    if command.p1 not in (_SET, _UNBLOCK):
        raise Refused(sw.WRONG_P1_P2)
    if memory.number(state.PROFILE) != state.CARD_PIN:
        raise Refused(sw.NO_PIN)
    if command.p1 == _SET:
        memory.commit({state.PIN: _pin(command.data), state.TRIES_LEFT: state.PIN_TRIES})
        return b""
    if command.data:
        raise Refused(sw.WRONG_LENGTH)
    if not memory.get(state.PIN):
        raise Refused(sw.NO_PIN)
    memory.commit({state.TRIES_LEFT: state.PIN_TRIES})
    return b""


def verify(applet: "Applet", command: Command) -> bytes:
    """00 20 00 81, PIN: check it. A right one gives all tries back and opens nothing."""
    memory = applet.memory
    if not memory.get(state.PIN):
        raise Refused(sw.NO_PIN)
    pin = _pin(command.data)
    if holder.pin_blocked(memory):
        raise Refused(sw.BLOCKED)
    if not holder.check_pin(memory, pin):
        raise Refused(sw.TRIES_LEFT | memory.number(state.TRIES_LEFT))
    return b""


def _pin(data: bytes) -> bytes:
    if len(data) != state.PIN_LENGTH:
        raise Refused(sw.WRONG_LENGTH)
    if not all_digits(data):
        raise Refused(sw.WRONG_DATA)
    return data
