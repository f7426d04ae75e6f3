"""Canaries: what must never show is not shown, however it is looked at."""

import copy
import logging
import pickle
import traceback

import pytest

from dscplus_driver import scp03
from dscplus_driver.apdu import Command, Response
from dscplus_driver.errors import UsageError
from dscplus_driver.link.events import Answered
from dscplus_driver.link.frames import Frame
from dscplus_driver.personalisation import Plan
from dscplus_driver.sensitive import KeySet, MasterKey, Pin, Seed, StaticKey

CANARY = b"CANARY-canary-CANARY-canary-1234"
PIN = "7391"
VALUES = {
    "pin": Pin(PIN),
    "seed": Seed(CANARY),
    "static key": StaticKey(CANARY),
    "master key": MasterKey(CANARY),
    "key set": KeySet(0x20, CANARY, CANARY, CANARY),
    "plan": Plan(
        (KeySet(1, CANARY, CANARY, CANARY),), KeySet(0x20, CANARY, CANARY, CANARY), Seed(CANARY), Pin(PIN)
    ),
    "command": Command(0x00, 0x20, 0x00, 0x81, PIN.encode() + CANARY),
    "response": Response(PIN.encode() + CANARY, 0x9000),
    "frame": Frame(1, 1, 3, PIN.encode() + CANARY),
    "event": Answered(PIN.encode() + CANARY),
    "channel": scp03.SecureChannel(0x33, CANARY, CANARY, CANARY, 1),
}
SENSITIVE = {name: VALUES[name] for name in ("pin", "seed", "static key", "master key", "key set")}
each = pytest.mark.parametrize("value", VALUES.values(), ids=VALUES.keys())
each_sensitive = pytest.mark.parametrize("value", SENSITIVE.values(), ids=SENSITIVE.keys())


def shows(text):
    return PIN in text or "CANARY" in text.upper() or CANARY.hex() in text.lower()


@each
def test_repr_str_and_format_show_nothing(value):
    for text in (repr(value), str(value), f"{value}", f"{value!r:>80}", repr([value]), repr({"x": value})):
        assert text and not shows(text)


@each_sensitive
def test_a_format_specification_does_not_get_around_it(value):
    assert not shows(format(value, ">80s"))


@each_sensitive
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_it_cannot_be_pickled(value, protocol):
    with pytest.raises(TypeError, match="pickled"):
        pickle.dumps(value, protocol)


@each_sensitive
def test_it_cannot_be_copied(value):
    for copier in (copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            copier(value)


@each
def test_logging_shows_nothing(value, caplog):
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("test").debug("value %s %r", value, [value])
    assert "value" in caplog.text and not shows(caplog.text)


@each
def test_a_traceback_with_its_locals_shows_nothing(value):
    try:
        held = value
        raise RuntimeError(f"failed with {held}")
    except RuntimeError as error:
        shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    # The name of the module level table is not among the locals, the value is.
    assert "held" in shown and not shows(shown)


@pytest.mark.parametrize("digits", ["739", "73912", "73a1", "７３９１", "-739", "", " 7391", "7391\n"])
def test_r8_a_pin_is_exactly_four_ascii_digits_and_the_refusal_does_not_repeat_them(digits):
    with pytest.raises(UsageError) as caught:
        Pin(digits)
    assert not digits or digits not in str(caught.value)


@pytest.mark.parametrize("length", [0, 19, 65, 100])
def test_seeds_of_other_lengths_are_refused(length):
    with pytest.raises(UsageError, match=str(length)):
        Seed(b"\xca" * length)


@pytest.mark.parametrize("length", [20, 32, 64])
def test_seeds_reveal_their_bytes(length):
    assert Seed(b"\xca" * length).reveal() == b"\xca" * length


@pytest.mark.parametrize(
    ("version", "lengths"),
    [(0, (16, 16, 16)), (0x80, (16, 16, 16)), (1, (16, 16, 32)), (1, (24, 24, 24)), (1, (0, 0, 0))],
)
def test_key_sets_that_the_card_cannot_hold_are_refused(version, lengths):
    with pytest.raises(UsageError):
        KeySet(version, *(bytes(length) for length in lengths))


def test_equality_is_by_kind_and_value():
    assert Pin("0042") == Pin("0042")
    assert Pin("0042") != Pin("0043")
    assert Seed(CANARY) != StaticKey(CANARY)
    assert Pin("0042") != b"0042"
    assert KeySet(1, CANARY, CANARY, CANARY) != KeySet(2, CANARY, CANARY, CANARY)


def test_they_are_no_dictionary_keys():
    with pytest.raises(TypeError):
        hash(Pin("0042"))


def test_r2_the_leading_zeros_of_a_pin_count():
    assert Pin("0042").reveal() == b"0042"
