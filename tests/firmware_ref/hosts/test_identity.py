"""Serial numbers and transport keys of virtual cards."""

import pytest

from dscplus_card.flash import MemoryFlash
from dscplus_card.hosts.identity import (
    IdentityError,
    card_keys,
    luhn_digit,
    read_batch_key,
    read_first_number,
    read_key_version,
    serial_number,
)
from dscplus_card.hosts.port_cpython import CPythonPort
from dscplus_driver import KeySet, MasterKey


@pytest.mark.parametrize(("digits", "check"), [("7992739871", "3"), ("000000000", "0"), ("000000001", "8")])
def test_luhn_digit(digits, check):
    assert luhn_digit(digits) == check


@pytest.mark.parametrize(
    ("number", "serial"), [(1, "0000000018"), (2, "0000000026"), (999_999_999, "9999999999")]
)
def test_serial_numbers_have_ten_digits(number, serial):
    assert serial_number(number) == serial
    assert read_first_number(serial) == number


@pytest.mark.parametrize("number", [-1, 1_000_000_000])
def test_serial_numbers_end(number):
    with pytest.raises(IdentityError):
        serial_number(number)


@pytest.mark.parametrize("text", ["", "x", "-1", "0000000019", "00000000180", "²"])
def test_first_number_is_checked(text):
    with pytest.raises(IdentityError):
        read_first_number(text)


@pytest.mark.parametrize(("text", "version"), [("01", 1), ("0F", 15), ("a", 10)])
def test_maker_key_versions(text, version):
    assert read_key_version(text) == version


@pytest.mark.parametrize("text", ["00", "10", "", "xx", "-1"])
def test_other_key_versions_are_refused(text):
    with pytest.raises(IdentityError, match="01 to 0F"):
        read_key_version(text)


@pytest.mark.parametrize("length", [16, 32])
def test_card_keys_are_kdf3_as_the_host_derives_them(length):
    """GlobalPlatformPro's KDF3, by two implementations, each checked against published vectors elsewhere."""
    master = bytes(range(0x40, 0x40 + length))
    derived = card_keys(CPythonPort(MemoryFlash()), master, "0000000018")
    expected = KeySet.diversify(MasterKey(master), 1, "0000000018")
    assert derived == (expected.enc.reveal(), expected.mac.reveal(), expected.dek.reveal())
    assert len(set(derived)) == 3


@pytest.mark.parametrize("content", ["", "00" * 15, "00" * 24, "zz" * 16, "schlüssel"])
def test_batch_key_file_is_checked(tmp_path, content):
    path = tmp_path / "batch.key"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(IdentityError, match=r"batch\.key is no batch key"):
        read_batch_key(path)
