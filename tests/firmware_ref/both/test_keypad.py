"""The keypad and the display (R1, R2, R5)."""

from dscplus_card import state
from dscplus_card.flash import PowerCut
from dscplus_card.ocra import Suite, response
from dscplus_card.state import State
from tests.firmware_ref.both import bench as b

OFF = "        "
SUITE_C = b"OCRA-1:HOTP-SHA256-6:C-QN08-PSHA1"


def expected(bench, question, suite=b.SUITE_A, counter=0, pin=b""):
    return response(bench.port, Suite(suite.decode()), b.SEED, question, counter, pin)


def test_r2_press_pin_challenge_response():
    bench, _, _ = b.personalised()
    assert bench.card.display() == OFF
    assert bench.type("press") == "PIN>    "
    assert [bench.type(key) for key in "0042"] == ["PIN>*   ", "PIN>**  ", "PIN>*** ", "PIN>****"]
    assert bench.type("OK") == "CHALLNG>"
    assert bench.type("12") == "12      "
    assert bench.type("3456") == "123456  "
    assert bench.type("OK") == expected(bench, b"123456")
    assert bench.memory().number(state.KEYPAD_RESPONSES) == 1


def test_r2_leading_zeros_count_in_pin_and_challenge():
    bench, _, _ = b.personalised(pin=b"0000")
    assert bench.type("press", "0000", "OK") == "CHALLNG>"
    assert bench.type("000000", "OK") == expected(bench, b"000000")
    assert bench.type("press", "0000", "OK", "000123", "OK") == expected(bench, b"000123")
    assert bench.type("press", "0000", "OK", "123", "OK") == "6 DIGITS"
    assert bench.type("press", "000", "OK") == "4 DIGITS"


def test_r5_wrong_pin_tells_the_tries_left_and_then_blocks():
    bench, _, _ = b.personalised()
    for left in "4321":
        assert bench.type("press", "9999", "OK") == "WRONG  " + left
    assert bench.type("9999", "OK") == "BLOCKED "
    assert bench.type("OK", "0", "OK") == "BLOCKED "
    assert bench.type("press") == "BLOCKED "
    bench.reboot()
    assert bench.type("press", "0042", "OK") == "BLOCKED "
    assert bench.memory().number(state.WRONG_PINS) == 5


def test_r5_after_a_wrong_pin_the_next_digit_begins_the_next_try():
    bench, _, _ = b.personalised()
    bench.type("press", "9999", "OK")
    assert bench.type("0") == "PIN>*   "
    assert bench.type("042", "OK") == "CHALLNG>"
    assert bench.memory().number(state.TRIES_LEFT) == 5
    bench.type("press", "9999", "OK")
    assert bench.type("OK") == "PIN>    "


def test_r5_keypad_and_verify_share_the_tries():
    bench, _, channel = b.personalised()
    bench.type("press", "9999", "OK", "9999", "OK")
    assert channel.command(0, 0x20, 0, 0x81, b"9999") == (b"", 0x63C2)
    assert bench.type("9999", "OK") == "WRONG  1"
    assert channel.command(0, 0x20, 0, 0x81, b"9999") == (b"", 0x63C0)
    assert bench.type("0042", "OK") == "BLOCKED "


def test_r5_the_attempt_is_in_flash_before_the_compare():
    for pin in ("0042", "9999"):
        bench, _, _ = b.personalised()
        bench.type("press", pin)
        bench.flash.cut_power_at(2, lambda n: b"\x00" * n)  # 1 takes the try, 2 would tell right from wrong
        assert b.raises(PowerCut, lambda: bench.type("OK"))
        bench.reboot()
        assert bench.memory().number(state.TRIES_LEFT) == 4
        assert bench.card.display() == OFF


def test_a_pin_of_wrong_length_costs_no_try():
    bench, _, _ = b.personalised()
    before = bench.flash.operations
    for typed in ("0", "004", "00420", "0042" * 5):
        assert bench.type("press", typed, "OK") == "4 DIGITS"
    assert bench.type("press", "00420") == "PIN>****"
    assert bench.flash.operations == before


def test_a_challenge_of_wrong_length_gives_no_response():
    bench, _, _ = b.personalised()
    bench.type("press", "0042", "OK")
    for typed in ("1", "12345", "1234567", "123456789", "1" * 30):
        assert bench.type(typed, "OK") == "6 DIGITS"
    assert bench.type("1" * 30) == "11111111"
    assert bench.type("OK", "123456", "OK") == expected(bench, b"123456")


def test_ok_with_nothing_typed_changes_nothing():
    bench, _, _ = b.personalised()
    assert bench.type("OK") == OFF
    assert bench.type("press", "OK", "OK") == "PIN>    "
    assert bench.type("0042", "OK", "OK", "OK") == "CHALLNG>"
    assert bench.memory().number(state.KEYPAD_RESPONSES) == 0


def test_keys_in_a_wrong_order():
    bench, _, _ = b.personalised()
    assert bench.type("0042", "OK", "123456", "OK") == OFF
    assert bench.type("press", "0042", "press") == "PIN>    "
    assert bench.type("0042", "OK", "123", "press") == "PIN>    "
    shown = bench.type("0042", "OK", "123456", "OK")
    assert bench.type("1", "OK", "9") == shown
    assert bench.type("press") == "PIN>    "
    assert bench.memory().number(state.KEYPAD_RESPONSES) == 1
    for key in ("", "A", "ok", "12", "*"):
        assert b.raises(ValueError, lambda: bench.card.press(key))


def test_the_display_turns_itself_off():
    for keys, ms in (
        (("press",), 30000),
        (("press", "00"), 30000),
        (("press", "0042", "OK"), 30000),
        (("press", "9999", "OK"), 30000),
        (("press", "0042", "OK", "123456", "OK"), 60000),
    ):
        bench, _, _ = b.personalised()
        bench.wait(5000)
        shown = bench.type(*keys)
        assert bench.card.next_tick_ms() == ms
        bench.wait(ms - 1)
        assert bench.card.display() == shown != OFF
        bench.wait(1)
        assert bench.card.display() == OFF and bench.card.next_tick_ms() is None


def test_every_key_puts_the_auto_off_off():
    bench, _, _ = b.personalised()
    bench.type("press")
    for key in "0042":
        bench.wait(29999)
        bench.type(key)
    assert bench.card.display() == "PIN>****"


def test_a_key_after_the_time_is_up_meets_a_card_that_is_off_even_without_a_tick():
    bench, _, _ = b.personalised()
    bench.type("press", "0042", "OK", "12345")
    bench.port.clock += 30000
    assert bench.type("6", "OK") == OFF


def test_profile_b_takes_any_four_digits_into_the_response():
    bench, _, _ = b.personalised(2, b.SUITE_B)
    for pin in ("0000", "0042", "9999"):
        got = bench.type("press", pin, "OK", "123456", "OK")
        assert got == expected(bench, b"123456", b.SUITE_B, 0, pin.encode())
    assert bench.type("press", "004", "OK") == "4 DIGITS"
    assert bench.memory().get(state.PIN) == b""
    assert b.PIN not in bench.flash.image()


def test_profile_b_forgets_the_pin_with_the_display():
    bench, _, _ = b.personalised(2, b.SUITE_B)
    bench.type("press", "0042", "OK")
    bench.wait(30000)
    assert bench.type("123456", "OK") == OFF


def test_what_was_typed_is_not_kept_in_memory():
    def held():
        return [value for value in bench.card._keypad.__dict__.values() if value in (b"0042", "123456")]

    bench, _, _ = b.personalised(2, b.SUITE_B)
    bench.type("press", "0042", "OK", "123456")
    assert len(held()) == 2
    bench.type("OK")
    assert held() == []
    bench.type("press", "0042", "OK", "123456")
    bench.wait(30000)
    assert held() == []


def test_a_ninth_digit_is_not_taken_for_eight():
    bench, _, _ = b.personalised(2, SUITE_C)
    assert bench.type("press", "0042", "OK", "123456789", "OK") == "8 DIGITS"
    assert bench.memory().number(state.KEYPAD_RESPONSES) == 0


def test_the_counter_is_in_flash_before_the_response_shows():
    bench, _, _ = b.personalised(2, SUITE_C)
    for counter in (0, 1, 2):
        got = bench.type("press", "0042", "OK", "12345678", "OK")
        assert got == expected(bench, b"12345678", SUITE_C, counter, b"0042") + "  "
        assert bench.memory().number(state.OCRA_COUNTER) == counter + 1
    bench.type("press", "0042", "OK", "12345678")
    bench.flash.cut_power_at(1, lambda n: b"\x00" * n)
    assert b.raises(PowerCut, lambda: bench.type("OK"))
    bench.reboot()
    assert bench.card.display() == OFF and bench.memory().number(state.OCRA_COUNTER) == 3


def test_cards_that_are_not_in_use_say_so():
    for life_cycle, text in (
        (state.OP_READY, "NOT SET "),
        (state.INITIALIZED, "NOT SET "),
        (state.CARD_LOCKED, "LOCKED  "),
        (state.TERMINATED, "ENDED   "),
    ):
        flash = b.blank_flash()
        State(flash).commit({state.LIFE_CYCLE: life_cycle})
        bench = b.Bench(flash)
        assert bench.type("press") == text
        assert bench.type("0042", "OK", "123456", "OK") == text
        bench.wait(30000)
        assert bench.card.display() == OFF


def test_keys_while_the_card_answers_the_wire():
    bench, host, channel = b.personalised()
    keys = ["press", "0", "0", "4", "2", "OK", "1", "2", "3", "4", "5", "6", "OK"]
    for key in keys:
        assert channel.command(0x80, 0xCA, 0xDF, 0x01) == (b"\x0f", 0x9000)
        shown = bench.type(key)
    assert shown == expected(bench, b"123456")
    # a delay on the wire leaves the keypad in use
    State(bench.flash).commit({state.AUTHENTICATION_FAILURES: 20})
    bench.reboot()
    host = b.Host(bench)
    assert host.start(b.MSG, b"\x80\x50\x00\x00\x08hostchal") == []
    assert bench.type(*keys) == expected(bench, b"123456")
    bench.wait(60000)
    assert [got[2] for got in host.heard()] == [b.KEEPALIVE, b.MSG]  # unread keepalives do not pile up


def test_wink_hides_the_entry_and_hears_no_keys():
    bench, host, _ = b.personalised()
    bench.type("press", "00")
    host.start(b.WINK, b"")
    assert bench.type("9999", "OK") == "* WINK *"
    bench.wait(3000)
    assert bench.card.display() == "PIN>**  "
    assert bench.type("42", "OK") == "CHALLNG>"


def test_a_change_over_the_wire_ends_what_was_typed():
    changes = (
        lambda channel: channel.set_status(state.CARD_LOCKED),
        lambda channel: channel.set_status(state.OP_READY),
        lambda channel: channel.set_status(state.TERMINATED),
        lambda channel: channel.command(0, 0x2C, 2, 0x81, b"7391"),
    )
    for change in changes:
        for keys in (("press", "00"), ("press", "0042", "OK"), ("press", "0042", "OK", "12345")):
            bench, _, channel = b.personalised()
            bench.type(*keys)
            change(channel)
            assert bench.card.display() == OFF
            assert bench.type("6", "OK") == OFF


def test_a_pin_entered_before_re_personalisation_opens_nothing():
    bench, _, channel = b.personalised()
    bench.type("press", "0042", "OK", "12345")
    channel.set_status(state.OP_READY)
    channel.set_status(state.INITIALIZED)
    channel.store_data(seed=b"t" * 32)
    channel.command(0, 0x2C, 2, 0x81, b"7391")
    assert channel.set_status(state.SECURED) == 0x9000
    assert bench.type("6", "OK") == OFF


def test_flash_that_fails_shows_as_fault_and_gives_no_response():
    bench, _, channel = b.personalised()
    bench.type("press", "0042", "OK", "123456")
    bench.flash.program = lambda sector, offset, data: None
    assert bench.type("OK") == "FAULT   "
    assert channel.command(0, 0x2C, 2, 0x81, b"7391") == (b"", 0x6581)
    assert bench.type("press", "0042", "OK") == "FAULT   "
