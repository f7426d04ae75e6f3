"""Badges: a drawn code on a barcode, ``OP-`` and 20 characters and a check character.

Whoever copies the code has the badge; so the station keeps its hash, and shows it once, to be printed.
"""

import secrets

PREFIX = "OP-"
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ*"
_DRAWN_FROM = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Without I, L, O and U, which are misread for others; five bits a character."""
_DRAWN = 20
"""Characters, 100 bits: nobody guesses a badge, and its hash needs no salt."""


def draw_badge() -> str:
    """A new badge's code, as it is printed."""
    while True:
        drawn = "".join(secrets.choice(_DRAWN_FROM) for _ in range(_DRAWN))
        if (check := check_character(drawn)) != "*":  # which a scanner's keyboard may spell otherwise
            return f"{PREFIX}{drawn}{check}"


def looks_like_badge(text: str) -> bool:
    """Whether it begins as a badge does, however it goes on."""
    return text.strip().upper().startswith(PREFIX)


def read_badge(text: str) -> str | None:
    """The code as it is printed, or None if a character was misread, swapped or lost."""
    code = text.strip().upper()
    drawn, check = code[len(PREFIX) : -1], code[-1:]
    if not code.startswith(PREFIX) or len(drawn) != _DRAWN or not set(drawn) <= set(_DRAWN_FROM):
        return None
    return code if check == check_character(drawn) else None


def check_character(text: str) -> str:
    """ISO 7064 MOD 37-2: another if a character is wrong, or two are swapped. One text in 37 gives ``*``."""
    value = 0
    for character in text:
        value = (value + _ALPHABET.index(character)) * 2 % 37
    return _ALPHABET[(1 - value) % 37]
