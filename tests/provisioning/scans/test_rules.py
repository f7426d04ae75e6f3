"""What a barcode can be: each kind read back, a misread one never taken for another."""

import itertools

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dscplus_card.hosts.identity import serial_number
from dscplus_station.scans import rules
from dscplus_station.scans.rules import (
    CardScan,
    Command,
    CommandScan,
    LabelScan,
    OperatorScan,
    OrderScan,
    Origin,
    TrackingScan,
    Unreadable,
    card_code,
    command_code,
    label_code,
    order_code,
    parse,
)
from dscplus_station.users.rules import NAME

ORDERS = st.from_regex(NAME, fullmatch=True).filter(lambda order: len(order) <= 40)
SERIALS = st.integers(1, 99_999_999).map(serial_number)
COPIES = st.integers(1, 9999)
OURS = st.one_of(
    ORDERS.map(order_code),
    st.builds(label_code, ORDERS, SERIALS, COPIES),
    st.sampled_from(Command).map(command_code),
)
TYPEABLE = "".join(map(chr, range(0x20, 0x7F)))


def swapped(text, first, second):
    """`text` with the characters at two places exchanged."""
    characters = list(text)
    characters[first], characters[second] = characters[second], characters[first]
    return "".join(characters)


def misread(text):
    """Every text with one other character, and every one with two exchanged."""
    for place, character in itertools.product(range(len(text)), TYPEABLE):
        yield text[:place] + character + text[place + 1 :]
    for first, second in itertools.combinations(range(len(text)), 2):
        yield swapped(text, first, second)


# --- Each kind, as printed ---


@settings(deadline=None, max_examples=40)
@given(ORDERS)
def test_an_orders_barcode_reads_back(order):
    assert parse(order_code(order)) == OrderScan(order)


@settings(deadline=None, max_examples=40)
@given(ORDERS, SERIALS, COPIES)
def test_a_labels_barcode_reads_back(order, serial, copy):
    assert parse(label_code(order, serial, copy)) == LabelScan(order, serial, copy)


@settings(deadline=None, max_examples=40)
@given(SERIALS)
def test_a_card_reads_back_with_and_without_a_prefix(serial):
    for text in (card_code(serial), f"SN.{serial}", f"SN:{serial}", f"sn.{serial}"):
        assert parse(text) == CardScan(serial)


@pytest.mark.parametrize("command", Command)
def test_a_command_reads_back_as_barcode_and_as_a_word(command):
    for text in (command_code(command), command.value, command.value.lower()):
        assert parse(text) == CommandScan(command)


def test_a_badge_is_an_operators_and_never_shows_itself():
    scan = parse("OP-7QX2-44T1")
    assert scan == OperatorScan("OP-7QX2-44T1")
    assert "7QX2" not in repr(scan)


@pytest.mark.parametrize(
    ("text", "number", "origin"),
    [
        ("RR123456785US", "RR123456785US", Origin.S10),
        ("rr 123 456 785 us", "RR123456785US", Origin.S10),
        ("EE876543216GB", "EE876543216GB", Origin.S10),
        ("RB123456785GB", "RB123456785GB", Origin.S10),
        ("1Z999AA10123456784", "1Z999AA10123456784", Origin.FREE),
        ("9400110200881234567890", "9400110200881234567890", Origin.FREE),
        ("TRK.1234567890", "1234567890", Origin.TYPED),
        ("trk.dhl 12/3", "DHL 12/3", Origin.TYPED),
    ],
)
def test_tracking_numbers(text, number, origin):
    assert parse(text) == TrackingScan(number, origin)


def test_the_published_check_digits_of_s10():
    """The UPU's own example is RR 473124829 GB; 0 stands for a remainder of 10, 5 for 11."""
    assert rules.s10_valid("RR473124829GB")
    assert rules.s10_valid("AA000000005AA")
    assert not any(rules.s10_valid(f"RR47312482{digit}GB") for digit in "012345678")


def test_the_check_digits_are_those_of_iso_7064():
    """MOD 97-10: the standard's example 794 has the check digits 44."""
    assert rules._remainder("79444") == 1


# --- Misread ---


@settings(deadline=None, max_examples=40)
@given(OURS)
def test_one_wrong_or_two_swapped_characters_are_never_another_valid_scan(text):
    meant = parse(text)
    for read in misread(text):
        assert parse(read) == meant if read == text else isinstance(parse(read), Unreadable), read


@settings(deadline=None, max_examples=40)
@given(SERIALS)
def test_a_misread_serial_number_is_nothing_else(serial):
    """Luhn misses some swaps: such a scan is another card's number, and never another kind of thing."""
    for read in misread(serial):
        assert isinstance(parse(read), (Unreadable, CardScan)), read
    for place, digit in itertools.product(range(10), "0123456789"):
        read = serial[:place] + digit + serial[place + 1 :]
        assert read == serial or isinstance(parse(read), Unreadable)


@settings(deadline=None, max_examples=40)
@given(SERIALS)
def test_a_misread_serial_number_with_its_prefix_is_nothing_else(serial):
    for read in misread(f"SN.{serial}"):
        assert isinstance(parse(read), (Unreadable, CardScan)), read


@settings(deadline=None, max_examples=40)
@given(st.text("ABCDEFGHJKLMNPQRSTUVWXYZ0123456789-", min_size=1, max_size=40))
def test_a_misread_badge_is_never_taken_for_a_tracking_number(rest):
    """Else it would be kept, and shown, as one."""
    badge = f"OP-{rest}"
    for read in misread(badge):
        assert not isinstance(parse(read), TrackingScan), read


@pytest.mark.parametrize("command", Command)
def test_a_mistyped_command_is_no_other(command):
    for read in misread(command.value):
        assert read.strip().upper() == command.value or isinstance(parse(read), Unreadable), read


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 99_999_999))
def test_a_misread_s10_number_is_no_other_one(number):
    """Except where the standard's own check digit 5 stands for two remainders."""
    digits = f"{number:08d}"
    (valid,) = (text for check in range(10) if rules.s10_valid(text := f"RR{digits}{check}US"))
    assume(valid[10] != "5")
    for place, digit in itertools.product(range(2, 11), "0123456789"):
        read = valid[:place] + digit + valid[place + 1 :]
        assert read == valid or isinstance(parse(read), Unreadable)


# --- The scanner and the keyboard ---


@settings(deadline=None, max_examples=40)
@given(OURS)
def test_enter_spaces_and_symbology_around_a_scan_do_not_matter(text):
    for read in (f"{text}\r", f"{text}\n", f"  {text} \r\n", f"]C0{text}"):
        assert parse(read) == parse(text)


@settings(deadline=None, max_examples=40)
@given(st.from_regex(r"[A-Z0-9][A-Z0-9.-]{0,39}", fullmatch=True), SERIALS, COPIES)
def test_what_was_printed_in_capitals_may_be_typed_without(order, serial, copy):
    for text in (order_code(order), label_code(order, serial, copy)):
        assert parse(text.lower()) == parse(text)


@settings(deadline=None, max_examples=40)
@given(OURS)
def test_caps_lock_does_not_matter(text):
    assume(any(character.islower() for character in text))
    assume(any(character.isupper() for character in text[3:]))
    assert parse(text.swapcase()) == parse(text)


@settings(deadline=None, max_examples=40)
@given(st.one_of(OURS, SERIALS), st.one_of(OURS, SERIALS))
def test_two_scans_that_ran_together_are_never_one(first, second):
    assert isinstance(parse(first + second), Unreadable)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", rules.NOTHING),
        (" \r\n", rules.NOTHING),
        ("OR.O-1.00", rules.MISREAD),
        ("OR.O-1", rules.MISREAD),
        ("ORßO-1ß37", rules.STRANGE),
        ("OR.O\x07-1.37", rules.STRANGE),
        ("OR.O-1.3７", rules.STRANGE),
        ("0000000019", rules.NO_SERIAL),
        ("RR123456789US", rules.NO_S10),
        ("RR123456785USRR123456785US", rules.RAN_TOGETHER),
        ("0000000018RR123456785US", rules.RAN_TOGETHER),
        (order_code("O-1") + "\r" + order_code("O-1"), rules.RAN_TOGETHER),
        ("0000000018" + order_code("O-1"), rules.RAN_TOGETHER),
        ("9" * 81, rules.RAN_TOGETHER),
        ("123456789", rules.TRACKING_BY_HAND),
        ("hello", rules.TRACKING_BY_HAND),
        ("TRK.", rules.MISREAD),
        ("OP-", rules.MISREAD),
    ],
)
def test_what_cannot_be_relied_on_says_why(text, why):
    assert parse(text) == Unreadable(why)


@settings(deadline=None, max_examples=40)
@given(st.text(max_size=100))
def test_whatever_is_typed_is_answered(text):
    assert parse(text) is not None


@settings(deadline=None, max_examples=40)
@given(st.text("OP-ABCX234", min_size=1, max_size=30))
def test_a_refusal_never_repeats_what_was_read(text):
    found = parse(f"#{text}")
    assert isinstance(found, Unreadable)
    assert found.why in {rules.TRACKING_BY_HAND, rules.RAN_TOGETHER}
