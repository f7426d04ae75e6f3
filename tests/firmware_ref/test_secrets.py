"""No secret in what a debugger, a log or a traceback would print of a card."""

import traceback

import pytest

from dscplus_card import state
from dscplus_card.device import manufacture
from dscplus_card.flash import MemoryFlash, PowerCut
from tests.firmware_ref.both import bench as b

SECRETS = (b.SEED, b.PIN, *b.ISSUER, *b.TRANSPORT)


def leaks(text: str) -> bool:
    return any(secret.hex() in text.lower() or repr(secret)[2:-1] in text for secret in SECRETS)


def objects_of_the_card(value, seen: set) -> list:
    """Every object of the card's own classes that can be reached from `value`."""
    if id(value) in seen or not type(value).__module__.startswith("dscplus_card"):
        return []
    seen.add(id(value))
    return [value] + [found for part in vars(value).values() for found in objects_of_the_card(part, seen)]


def test_repr_of_every_part_of_a_running_card_shows_no_secret():
    bench, _, channel = b.personalised()
    channel.command(0x80, 0xCA, 0xDF, 0x07)
    bench.type("press", "0042")
    parts = objects_of_the_card(bench.card, set())
    assert {"Device", "Applet", "Keypad", "SecureChannel", "State", "Store"} <= {
        type(part).__name__ for part in parts
    }
    for part in parts:
        assert not leaks(repr(part)) and not leaks(str(part))


def test_a_power_cut_in_the_middle_of_a_secret_tells_none_of_it():
    bench, _, channel = b.personalised(secured=False)
    bench.flash.cut_power_at(1, lambda n: b"\xff" * n)
    with pytest.raises(PowerCut) as caught:
        channel.store_data()
    assert not leaks("".join(traceback.format_exception(caught.value)))


@pytest.mark.parametrize(
    ("serial", "version", "keys"),
    [
        ("0000000019", 1, b.TRANSPORT),
        ("000000001", 1, b.TRANSPORT),
        ("00000000١8", 1, b.TRANSPORT),
        (b.SERIAL, 0x00, b.TRANSPORT),
        (b.SERIAL, 0x10, b.TRANSPORT),
        (b.SERIAL, 1, b.TRANSPORT[:2]),
        (b.SERIAL, 1, (*b.TRANSPORT[:2], b.ISSUER32[2])),
    ],
)
def test_manufacture_refuses_and_its_words_hold_no_key(serial, version, keys):
    flash = MemoryFlash(1024, 2)
    with pytest.raises(ValueError, match=r"wanted|are 01 to 0F") as caught:
        manufacture(flash, serial, version, keys)
    assert not leaks(str(caught.value)) and flash.image() == b"\xff" * 2048


def test_the_keys_typed_at_the_prompts_are_kept_nowhere_afterwards():
    bench, _, _ = b.personalised(2, b.SUITE_B)
    bench.type("press", "0042", "OK", "123456", "OK")
    for part in objects_of_the_card(bench.card, set()):
        for value in vars(part).values():
            assert value not in (b"0042", "0042", b"123456", "123456")
    assert b.PIN not in bench.flash.image()
    assert bench.memory().number(state.KEYPAD_RESPONSES) == 1
