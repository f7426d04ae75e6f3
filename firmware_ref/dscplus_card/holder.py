"""What keypad and wire both do with the holder's credentials: check the PIN, compute a response."""

from dscplus_card import ocra, state
from dscplus_card.octets import equal
from dscplus_card.port import Port
from dscplus_card.state import State


def pin_blocked(memory: State) -> bool:
    """Is a PIN kept, and are its tries used up (R5)?"""
    return memory.get(state.PIN) != b"" and memory.number(state.TRIES_LEFT) == 0


def check_pin(memory: State, pin: bytes) -> bool:
    """Check the PIN kept on the card (profile A); a right one gives all tries back.

    The try is taken in flash before the compare (R5): cutting the power at the right moment gains no guess.
    Must not be called with the PIN blocked or none kept.
    """
    memory.commit({state.TRIES_LEFT: memory.number(state.TRIES_LEFT) - 1})
    if equal(pin, memory.get(state.PIN)):
        memory.commit({state.TRIES_LEFT: state.PIN_TRIES})
        return True
    memory.commit({state.WRONG_PINS: memory.number(state.WRONG_PINS) + 1})
    return False


def respond(port: Port, memory: State, question: bytes, pin: bytes, changes: "dict[int, bytes | int]") -> str:
    """The response to `question`, after `changes` and the advanced OCRA counter are durable.

    There must be a seed. The first response of a suite with C is computed with counter 0.
    """
    suite = memory.suite()
    assert suite is not None  # noqa: S101 (callers look for the seed, and both are stored in one commit)
    counter = memory.number(state.OCRA_COUNTER)
    if suite.counter:
        changes[state.OCRA_COUNTER] = counter + 1
    memory.commit(changes)
    return ocra.response(port, suite, memory.get(state.SEED), question, counter, pin)
