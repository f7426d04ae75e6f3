"""A card's report descriptor: usage page FF00, usage 01, 64-byte reports both ways, no report ID."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dscplus_driver.transport.report_descriptor import is_card
from tests.driver.transport import descriptors


@pytest.mark.parametrize("name", ["CARD", "PAGE_IN_USAGE", "NESTED", "LONG_ITEM"])
def test_a_card(name):
    assert is_card(getattr(descriptors, name))


@pytest.mark.parametrize(
    "name", ["FIDO_KEY", "OTHER_USAGE", "SHORT_REPORTS", "NO_OUTPUT", "WITH_REPORT_ID", "KEYBOARD"]
)
def test_another_device(name):
    assert not is_card(getattr(descriptors, name))


@given(st.binary(max_size=80))
def test_any_bytes_are_survived(data):
    assert not is_card(data)


@given(st.integers(0, len(descriptors.CARD) - 4))
def test_a_cut_descriptor_is_no_cards(length):
    assert not is_card(descriptors.CARD[:length])
