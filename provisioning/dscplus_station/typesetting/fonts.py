"""The fonts that the package carries, what each can print, and how wide it is."""

import functools
import importlib.resources
import itertools
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from dscplus_station.errors import BadInput
from dscplus_station.wording import N_, words

FOLDER = Path(str(importlib.resources.files(__package__))) / "fonts"
MM_PER_POINT = 25.4 / 72


class Face(StrEnum):
    """A font; its value is the file's name without `.ttf`."""

    REGULAR = "NotoSans-Regular"
    BOLD = "NotoSans-Bold"
    MONO = "NotoSansMono-Bold"
    """ASCII, in one width."""
    JAPANESE = "BIZUDPGothic-Regular"
    """It steps in where another face has no such character."""

    @property
    def file(self) -> Path:
        """Where it is."""
        return FOLDER / f"{self.value}.ttf"


@dataclass(frozen=True)
class Run:
    """Characters of a text that one face prints."""

    face: Face
    text: str


def composed(text: str) -> str:
    """One character where Unicode has one for a letter with its accents (NFC): that is what fonts have."""
    return unicodedata.normalize("NFC", text)


@functools.lru_cache(maxsize=4096)
def runs(text: str, *, face: Face = Face.REGULAR) -> tuple[Run, ...]:
    """A composed text that can be printed, piece by piece. Japanese has no bold face."""
    pieces = []
    for found, characters in itertools.groupby(text, lambda character: _face_for(character, face)):
        if found is None:
            raise ValueError("a text is checked by `require_printable` before it is set")
        pieces.append(Run(found, "".join(characters)))
    return tuple(pieces)


def width_mm(text: str, size_pt: float, *, face: Face = Face.REGULAR) -> float:
    """How wide a composed text that can be printed becomes."""
    return _ems(text, face) * size_pt * MM_PER_POINT


def require_printable(what: str, *texts: str) -> None:
    """Refuse texts that the fonts cannot set right; to be called before anything is printed.

    Raises:
        BadInput: it names `what`, for example ``order O-1``, and the first character that is missing.
    """
    for character in "".join(composed(text) for text in texts):
        if character == "\n" or _face_for(character, Face.REGULAR) is not None:
            continue
        name = unicodedata.name(character, "a character without a name")
        why = (
            N_("is written from right to left, which these documents cannot set")
            if unicodedata.bidirectional(character) in {"R", "AL"}
            else N_("is in none of the fonts (Latin, Greek, Cyrillic, Japanese)")
        )
        raise BadInput(
            "{what}: {character} (U+{code}, {name}) {why}. Nothing was printed: give name and address "
            "in Latin letters",
            what=what,
            character=repr(character),
            code=f"{ord(character):04X}",
            name=name,
            why=words(why),
        )


def _face_for(character: str, wanted: Face) -> Face | None:
    for face in (wanted, Face.JAPANESE):
        if ord(character) in _advances(face):
            return face
    return None


@functools.lru_cache(maxsize=4096)
def _ems(text: str, face: Face) -> float:
    return sum(_advances(run.face)[ord(character)] for run in runs(text, face=face) for character in run.text)


@functools.cache
def _advances(face: Face) -> Mapping[int, float]:
    """Widths by code point, in ems."""
    from fontTools.ttLib import TTFont  # with the first text, as fpdf2 with the first document: see `paper`

    with TTFont(face.file, lazy=True) as font:
        widths, units = font["hmtx"].metrics, font["head"].unitsPerEm
        return {code: widths[glyph][0] / units for code, glyph in font.getBestCmap().items()}
