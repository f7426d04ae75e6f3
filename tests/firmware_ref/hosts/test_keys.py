"""How the keys of a card are written."""

import pytest

from dscplus_card.hosts.keys import MOST_KEYS, KeysError, read_keys


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("", []),
        ("press 1234 ok", ["press", "1", "2", "3", "4", "OK"]),
        ("p 0 0 OK\n", ["press", "0", "0", "OK"]),
        ("PRESS\t007 o", ["press", "0", "0", "7", "OK"]),
    ],
)
def test_keys_are_read(text, keys):
    assert read_keys(text) == keys


@pytest.mark.parametrize("text", ["press 12a4", "1234 enter", "①", "٣"])
def test_unknown_key_is_refused_without_repeating_it(text):
    with pytest.raises(KeysError, match="its keys are press, 0 to 9 and OK") as refusal:
        read_keys(text)
    assert text.split()[-1] not in str(refusal.value)


def test_number_of_keys_is_bounded():
    assert len(read_keys("1" * MOST_KEYS)) == MOST_KEYS
    with pytest.raises(KeysError, match="too many"):
        read_keys("1" * (MOST_KEYS + 1))
