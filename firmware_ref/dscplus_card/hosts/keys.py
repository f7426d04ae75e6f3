"""How people and programs write the keys of a card: ``press 1234 ok``."""

PRESS = "press"
OK = "OK"
MOST_KEYS = 1000  # of one request

_NAMES = {"press": PRESS, "p": PRESS, "ok": OK, "o": OK}


class KeysError(ValueError):
    """Keys that a card does not have. The message never repeats what was typed: it may be a PIN."""


def read_keys(text: str) -> list[str]:
    """Return the keys that `text` names, in the device's spelling: ``press``, ``0`` … ``9``, ``OK``.

    Words are separated by white space, in any case. ``p`` is short for ``press``, ``o`` for ``OK``; digits
    may stand together. Raises KeysError.
    """
    keys: list[str] = []
    for position, word in enumerate(text.split(), start=1):
        if word.isascii() and word.isdigit():
            keys.extend(word)
        elif word.lower() in _NAMES:
            keys.append(_NAMES[word.lower()])
        else:
            raise KeysError(f"word {position} is no key of the card; its keys are press, 0 to 9 and OK")
    if len(keys) > MOST_KEYS:
        raise KeysError(f"{len(keys)} keys are too many for one request; send at most {MOST_KEYS}")
    return keys
