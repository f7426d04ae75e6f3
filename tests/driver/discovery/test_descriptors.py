"""Descriptors are read as USB writes them, and survive being anything else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dscplus_driver.discovery.descriptors import interface_classes
from tests.harness import fake_sysfs


def test_the_classes_of_all_interfaces():
    assert interface_classes(fake_sysfs.descriptors((2, 10, 3))) == {2, 3, 10}
    assert interface_classes(b"") == set()


@pytest.mark.parametrize("cut", range(1, 10))
def test_a_descriptor_that_is_cut_tells_nothing(cut):
    assert interface_classes(fake_sysfs.descriptors((3,))[: -7 - cut]) == set()


def test_a_descriptor_without_length_ends_the_list():
    assert interface_classes(b"\x00\x04" + fake_sysfs.descriptors((3,))) == set()


@given(st.binary(max_size=200))
def test_any_bytes_are_survived(data):
    assert all(0 <= kind <= 255 for kind in interface_classes(data))
