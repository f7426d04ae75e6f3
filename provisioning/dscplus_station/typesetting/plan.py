"""What stands where on a small piece of paper, in mm from its top left corner: for PDF and ZPL alike."""

from dataclasses import dataclass

from dscplus_station.typesetting.barcodes import (
    MODULE_MM,
    QUIET_MODULES,
    Bars,
    Symbology,
    bars,
    symbology_for,
)
from dscplus_station.typesetting.fonts import Face


@dataclass(frozen=True)
class Words:
    """One line of text, from `x` on its baseline. It fits: who made the plan has measured it."""

    x: float
    baseline: float
    text: str
    size_pt: float
    face: Face = Face.REGULAR


@dataclass(frozen=True)
class Code:
    """A barcode; `x`, `y` is the top left corner of its dark modules. `height` counts for Code 128 only."""

    x: float
    y: float
    text: str
    symbology: Symbology
    height: float
    told: str
    """What it is, for screen readers."""

    @property
    def pattern(self) -> Bars:
        """Its modules."""
        return bars(self.text, self.symbology)

    @property
    def module(self) -> float:
        """The narrowest line, in mm."""
        return MODULE_MM[self.symbology]


@dataclass(frozen=True)
class Box:
    """A filled rectangle; thin ones are lines."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Plan:
    """A piece of paper of width × height mm and what stands on it."""

    width: float
    height: float
    title: str
    items: tuple[Words | Code | Box, ...]


def frame(x: float, y: float, width: float, height: float, thickness: float = 0.5) -> tuple[Box, ...]:
    """The four sides of a rectangle."""
    return (
        Box(x, y, width, thickness),
        Box(x, y + height - thickness, width, thickness),
        Box(x, y, thickness, height),
        Box(x + width - thickness, y, thickness, height),
    )


def code_within(text: str, x: float, y: float, width: float, height: float, told: str) -> Code:
    """A barcode in the left of a box of width × height mm, its quiet zone inside."""
    symbology = symbology_for(text, width)
    quiet = QUIET_MODULES[symbology] * MODULE_MM[symbology]
    return Code(x + quiet, y, text, symbology, height, told)
