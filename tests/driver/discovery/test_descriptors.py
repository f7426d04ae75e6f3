"""Descriptors are read as USB and HID write them, and survive being anything else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dscplus_driver.discovery.descriptors import interface_classes, usage
from tests.harness import fake_sysfs


def test_the_classes_of_all_interfaces():
    assert interface_classes(fake_sysfs.descriptors((2, 10, 3))) == {2, 3, 10}
    assert interface_classes(b"") == set()


@pytest.mark.parametrize("cut", range(1, 10))
def test_a_descriptor_that_is_cut_tells_nothing(cut):
    assert interface_classes(fake_sysfs.descriptors((3,))[: -7 - cut]) == set()


def test_a_descriptor_without_length_ends_the_list():
    assert interface_classes(b"\x00\x04" + fake_sysfs.descriptors((3,))) == set()


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


@given(st.binary(max_size=200))
def test_any_bytes_are_survived(data):
    assert all(0 <= kind <= 255 for kind in interface_classes(data))
    told = usage(data)
    assert told is None or all(number >= 0 for number in told)
