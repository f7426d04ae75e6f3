"""An 8-character display of fourteen segments a character, drawn as the lines of an SVG."""

from dataclasses import dataclass

WIDTH, HEIGHT = 30, 44
"""Of one character with the gap to the next, in units of the drawing."""

# a top, b c right, d bottom, e f left, g h middle, i j k upper spokes, l m n lower ones, from the left
_LINES = {
    "a": (4, 3, 20, 3),
    "b": (22, 5, 22, 20),
    "c": (22, 24, 22, 39),
    "d": (4, 41, 20, 41),
    "e": (2, 24, 2, 39),
    "f": (2, 5, 2, 20),
    "g": (4, 22, 10, 22),
    "h": (14, 22, 20, 22),
    "i": (5, 7, 10, 18),
    "j": (12, 6, 12, 19),
    "k": (19, 7, 14, 18),
    "l": (5, 37, 10, 26),
    "m": (12, 25, 12, 38),
    "n": (19, 37, 14, 26),
}

_LIT = {
    " ": "",
    "0": "abcdef",
    "1": "bc",
    "2": "abdegh",
    "3": "abcdh",
    "4": "bcfgh",
    "5": "acdfgh",
    "6": "acdefgh",
    "7": "abc",
    "8": "abcdefgh",
    "9": "abcdfgh",
    ">": "il",
    "*": "ghijklmn",
    "A": "abcefgh",
    "B": "abcdhjm",
    "C": "adef",
    "D": "abcdjm",
    "E": "adefgh",
    "F": "aefg",
    "G": "acdefh",
    "H": "bcefgh",
    "I": "adjm",
    "K": "efgkn",
    "L": "def",
    "N": "bcefin",
    "O": "abcdef",
    "P": "abefgh",
    "R": "abefghn",
    "S": "acdfgh",
    "T": "ajm",
    "U": "bcdef",
    "W": "bcefln",
    "Y": "ikm",
}
"""The segments that are lit for each character that a card shows."""


@dataclass(frozen=True)
class Line:
    """One segment: from where to where, and whether it is lit."""

    x1: int
    y1: int
    x2: int
    y2: int
    lit: bool


def drawn(text: str) -> list[Line]:
    """The segments of a text, character by character from the left; an unknown character lights them all."""
    lines = []
    for place, character in enumerate(text):
        lit = _LIT.get(character, "".join(_LINES))
        for segment, (x1, y1, x2, y2) in _LINES.items():
            left = place * WIDTH
            lines.append(Line(x1 + left, y1, x2 + left, y2, segment in lit))
    return lines
