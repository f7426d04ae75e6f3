"""Section 10 of docs/protocol.md: what the display is said to show, seen on a card."""

import re

from dscplus_card import keypad, state, work
from dscplus_card.state import State
from tests.firmware_ref.both import bench as b
from tests.golden import document

SECTION = document.PATH.read_text("utf-8").split("\n## 10 Keypad and display\n")[1].split("\n## ")[0]
WORDS = " ".join(SECTION.split())


def in_life_cycle(life_cycle: int) -> str:
    flash = b.blank_flash()
    State(flash).commit({state.LIFE_CYCLE: life_cycle})
    return b.Bench(flash).type("press")


def at_work(cmd: int, *wrap: int) -> str:
    bench, host, channel = b.personalised()
    host.start(cmd, channel.wrap(*wrap) if wrap else b"")
    return bench.card.display()


def without_flash() -> str:
    bench, _, _ = b.personalised()
    bench.flash.program = lambda _sector, _offset, _data: None
    return bench.type("press", "0042", "OK")


def shown() -> set[str]:
    """Every text that a card with the usual suite can be brought to show, without the trailing blanks."""
    card = b.personalised()[0]
    texts = [card.type("press"), card.type("00", "OK"), card.type("0042", "OK"), card.type("1", "OK")]
    card = b.personalised()[0]
    texts += [card.type("press", "9999", "OK"), card.type("9999", "OK")]
    card.type("9999", "OK", "9999", "OK")
    texts += [card.type("9999", "OK")]
    texts += [in_life_cycle(one) for one in (state.OP_READY, state.CARD_LOCKED, state.TERMINATED)]
    texts += [without_flash(), at_work(b.WINK), at_work(b.MSG, 0x80, 0x32, 4, 0)]
    return {text.rstrip() for text in texts}


def test_r2_the_displays_of_the_table_are_those_of_the_card():
    table = re.findall(r"^\| (`.+?`) \|", SECTION, re.MULTILINE)
    documented = {text for cell in table for text in re.findall("`(.+?)`", cell)}
    assert documented == shown() - {"WRONG  4"}  # the table shows one wrong PIN for all
    assert "WRONG  3" in documented


def test_r2_stars_stand_for_digits():
    assert "each digit typed adds a star: `PIN>**`" in WORDS
    assert b.personalised()[0].type("press", "00") == "PIN>**  "


def test_initialized_shows_what_op_ready_shows():
    assert '| `NOT SET` | "press" on a card that is OP_READY or INITIALIZED |' in SECTION
    assert in_life_cycle(state.INITIALIZED) == in_life_cycle(state.OP_READY) == "NOT SET "


def test_times():
    off, response = keypad.AUTO_OFF_MS // 1000, keypad.RESPONSE_MS // 1000
    assert f"Off by itself {off} s after the last key, {response} s after a response." in WORDS
    text = " ".join(document.PATH.read_text("utf-8").split())
    assert f"once the card has blinked for {work.WINK_MS // 1000} s" in text
    assert f"The pattern lasts {work.PATTERN_MS // 1000} s, the keypad test" in text
    assert f"was pressed once, {work.KEYPAD_TEST_MS // 1000} s at most" in text


def test_a_pin_set_over_the_wire_turns_the_display_off_and_an_unblocking_does_not():
    assert "(STORE DATA, a PIN set, SET STATUS): then the display goes off" in WORDS
    for parameters, after in (((2, 0x81, b.PIN), "        "), ((3, 0x81), "PIN>    ")):
        bench, _, channel = b.personalised()
        bench.type("press")
        assert channel.command(0, 0x2C, *parameters) == (b"", 0x9000)
        assert bench.card.display() == after
