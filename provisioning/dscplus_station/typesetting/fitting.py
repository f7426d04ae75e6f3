"""Texts that are made to fit: broken into lines, set smaller, or refused."""

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from dscplus_station.typesetting.fonts import MM_PER_POINT, Face, composed, width_mm

LEADING = 1.28
"""From one baseline to the next, in ems."""

_IDEOGRAPH = r"\u3000-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0002fa1f"
_NEVER_FIRST = r"\u3001\u3002\uff0c\uff0e\u30fb\u30fc\uff09\u300d\u300f"  # 、。，．・ー）」』
_ATOM = re.compile(rf" +|[{_IDEOGRAPH}][{_NEVER_FIRST}]*|[^ {_IDEOGRAPH}]+")
"""What a line break never divides: a word, or a Japanese character with what may not begin a line."""


@dataclass(frozen=True)
class Fitted:
    """Lines of one size that fit where they are to stand."""

    size_pt: float
    lines: tuple[str, ...]


@functools.lru_cache(maxsize=1024)  # of a thousand letters, most texts are the same
def wrap(text: str, within_mm: float, size_pt: float, *, face: Face = Face.REGULAR) -> tuple[str, ...]:
    """Break a text into lines; at its own line breaks in any case. A word that is too long is cut.

    Args:
        within_mm: the lines' width; at least one character's.
    """
    lines = []
    for paragraph in composed(text).split("\n"):
        line = ""
        for atom in _ATOM.findall(paragraph.strip()):
            if width_mm((line + atom).rstrip(), size_pt, face=face) <= within_mm:
                line += atom
                continue
            if line.strip():
                lines.append(line.rstrip())
            line = atom.lstrip()
            while (fitting := _fitting(line, within_mm, size_pt, face)) < len(line):
                lines.append(line[:fitting])
                line = line[fitting:]
        lines.append(line.rstrip())
    return tuple(lines)


def _fitting(text: str, within_mm: float, size_pt: float, face: Face) -> int:
    """How many of the first characters fit; one, if none does."""
    if width_mm(text, size_pt, face=face) <= within_mm:
        return len(text)
    count = 1
    while width_mm(text[: count + 1], size_pt, face=face) <= within_mm:
        count += 1
    return count


def line_height(size_pt: float) -> float:
    """From one baseline to the next, in mm."""
    return size_pt * MM_PER_POINT * LEADING


def fit(
    text: str, width: float, height: float, sizes: Sequence[float], *, face: Face = Face.REGULAR
) -> Fitted | None:
    """The text in the first of the sizes (largest first) in which it fits a box of width × height mm."""
    for size in sizes:
        lines = wrap(text, width, size, face=face)
        if len(lines) * line_height(size) <= height:
            return Fitted(size, lines)
    return None
