"""A card's report descriptor: usage page FF00, usage 01, 64-byte reports both ways, no report ID."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dscplus_driver.report_descriptor import is_card, usage
from tests.driver.transport import descriptors
from tests.harness import fake_sysfs


@pytest.mark.parametrize("name", ["CARD", "PAGE_IN_USAGE", "NESTED", "LONG_ITEM"])
def test_a_card(name):
    assert is_card(getattr(descriptors, name))


@pytest.mark.parametrize(
    "name", ["FIDO_KEY", "OTHER_USAGE", "SHORT_REPORTS", "NO_OUTPUT", "WITH_REPORT_ID", "KEYBOARD"]
)
def test_another_device(name):
    assert not is_card(getattr(descriptors, name))


@pytest.mark.parametrize(
    ("reports", "told"),
    [
        (fake_sysfs.CARD_REPORTS, (0xFF00, 1)),
        (fake_sysfs.KEYBOARD_REPORTS, (1, 6)),
        (bytes.fromhex("0b0100d0f1a101c0"), (0xF1D0, 1)),  # a usage of four bytes has its page in it
        (bytes.fromhex("fe02aabbcc0600ff0901a101"), (0xFF00, 1)),  # a long item is stepped over
        (bytes.fromhex("0600ff0901"), None),
        (bytes.fromhex("0600"), None),
        (b"", None),
    ],
)
def test_the_usage_of_the_first_collection(reports, told):
    assert usage(reports) == told


@given(st.binary(max_size=80))
def test_any_bytes_are_survived(data):
    assert not is_card(data)
    told = usage(data)
    assert told is None or all(number >= 0 for number in told)


@given(st.integers(0, len(descriptors.CARD) - 4))
def test_a_cut_descriptor_is_no_cards(length):
    assert not is_card(descriptors.CARD[:length])
