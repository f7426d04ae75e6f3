"""A drawing of the card: its keys, those to be pressed dark, and what its display shows (R2)."""

from collections.abc import Collection

from dscplus_station.typesetting.fonts import Face
from dscplus_station.typesetting.paper import Align, Paper, Tag

WIDTH, HEIGHT = 85.6, 54.0
"""The card's own measures (ISO/IEC 7810 ID-1), in mm; it is drawn to any scale."""

PRESS, OK = "press", "OK"
DIGITS = tuple("0123456789")

_OUTLINE, _BODY, _GLASS, _DOT = 70, 238, 214, 25
_DISPLAY = (7.0, 9.0, 46.0, 11.5)
_KEYPAD = (59.5, 8.0, 7.4, 9.9)
"""Left, top, from key to key across and down."""
_KEY = (6.2, 6.8)
_WIDE_KEY = (20.0, 8.0)
_CELLS = 8

# Rows of five dots, from the top; the card's display has 5 × 7 dots a character.
_DOTS = {
    "0": "01110 10001 10011 10101 11001 10001 01110",
    "1": "00100 01100 00100 00100 00100 00100 01110",
    "2": "01110 10001 00001 00010 00100 01000 11111",
    "3": "11111 00010 00100 00010 00001 10001 01110",
    "4": "00010 00110 01010 10010 11111 00010 00010",
    "5": "11111 10000 11110 00001 00001 10001 01110",
    "6": "00110 01000 10000 11110 10001 10001 01110",
    "7": "11111 00001 00010 00100 01000 01000 01000",
    "8": "01110 10001 10001 01110 10001 10001 01110",
    "9": "01110 10001 10001 01111 00001 00010 01100",
    "A": "01110 10001 10001 11111 10001 10001 10001",
    "C": "01110 10001 10000 10000 10000 10001 01110",
    "G": "01110 10001 10000 10111 10001 10001 01111",
    "H": "10001 10001 10001 11111 10001 10001 10001",
    "I": "01110 00100 00100 00100 00100 00100 01110",
    "L": "10000 10000 10000 10000 10000 10000 11111",
    "N": "10001 11001 10101 10011 10001 10001 10001",
    "P": "11110 10001 10001 11110 10000 10000 10000",
    ">": "01000 00100 00010 00001 00010 00100 01000",
    "*": "00000 00100 10101 01110 10101 00100 00000",
}


def draw_card(
    paper: Paper, x: float, y: float, width: float, display: str, pressed: Collection[str], told: str
) -> float:
    """Draw a card whose display shows a text of at most eight characters; gives where it ends.

    Args:
        pressed: keys that are dark: `PRESS`, `OK`, `DIGITS`.
        told: what the picture shows, for screen readers.
    """
    scale = width / WIDTH
    with paper.tagged(Tag.FIGURE, told):
        paper.set_line_width(0.25)
        paper.set_draw_color(_OUTLINE)
        paper.set_fill_color(_BODY)
        _rounded(paper, x, y, WIDTH * scale, HEIGHT * scale, 3.2 * scale)
        _display(paper, x, y, scale, display)
        left, top, across, down = _KEYPAD
        for number, key in enumerate((*DIGITS[1:], "", "0")):
            if key:
                at = (left + number % 3 * across, top + number // 3 * down)
                _key(paper, x, y, scale, *at, *_KEY, key, dark=key in pressed)
        _key(paper, x, y, scale, 7.0, 36.0, *_WIDE_KEY, PRESS, dark=PRESS in pressed)
        _key(paper, x, y, scale, 33.0, 36.0, *_WIDE_KEY, OK, dark=OK in pressed)
    return y + HEIGHT * scale


def _display(paper: Paper, x: float, y: float, scale: float, text: str) -> None:
    left, top, width, height = _DISPLAY
    paper.set_fill_color(_GLASS)
    _rounded(paper, x + left * scale, y + top * scale, width * scale, height * scale, 1.0 * scale)
    paper.set_fill_color(_DOT)
    cell = (width - 2.0) / _CELLS
    pitch = cell / 6
    above = top + (height - 7 * pitch) / 2
    side = pitch * 0.92 * scale
    paper.fill(
        (
            x + (left + 1.0 + number * cell + (column + 0.5) * pitch) * scale,
            y + (above + row * pitch) * scale,
            side,
            side,
        )
        for number, character in enumerate(text[:_CELLS])
        for row, dots in enumerate(_DOTS[character].split())
        for column, dot in enumerate(dots)
        if dot == "1"
    )


def _key(
    paper: Paper,
    x: float,
    y: float,
    scale: float,
    left: float,
    top: float,
    width: float,
    height: float,
    label: str,
    *,
    dark: bool,
) -> None:
    paper.set_fill_color(_OUTLINE if dark else 255)
    _rounded(paper, x + left * scale, y + top * scale, width * scale, height * scale, 1.2 * scale)
    size = 12.0 * scale
    paper.line(
        x + left * scale,
        y + (top + height / 2 + 1.5) * scale,
        label,
        size,
        face=Face.BOLD,
        width=width * scale,
        align=Align.CENTRE,
        grey=255 if dark else _OUTLINE,
    )


def _rounded(paper: Paper, x: float, y: float, width: float, height: float, radius: float) -> None:
    paper.rect(x, y, width, height, style="DF", corner_radius=radius)
