"""Barcodes: which symbology a text takes, and its pattern of dark modules (by zxing-cpp)."""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Symbology(StrEnum):
    """What our barcodes are printed as."""

    CODE_128 = "CODE_128"
    """ISO/IEC 15417: what every scanner reads."""
    DATA_MATRIX = "DATA_MATRIX"
    """ISO/IEC 16022: for texts that are too long for one row."""


MODULE_MM: dict[Symbology, float] = {Symbology.CODE_128: 0.25, Symbology.DATA_MATRIX: 0.375}
"""The narrowest line; two and three dots of a printer with 8 dots a mm."""

QUIET_MODULES: dict[Symbology, int] = {Symbology.CODE_128: 10, Symbology.DATA_MATRIX: 2}
"""What stays white on each side."""


@dataclass(frozen=True)
class Bars:
    """A barcode's pattern: rows of modules, dark ones True. Code 128 has one row, as high as it is drawn."""

    symbology: Symbology
    rows: tuple[tuple[bool, ...], ...]

    @property
    def columns(self) -> int:
        """Modules across, without the quiet zones."""
        return len(self.rows[0])

    def dark(self) -> Iterator[tuple[int, int, int]]:
        """Dark runs as (row, first column, columns)."""
        for number, row in enumerate(self.rows):
            start = None
            for column, dark in enumerate((*row, False)):
                if dark and start is None:
                    start = column
                elif not dark and start is not None:
                    yield number, start, column - start
                    start = None


@functools.lru_cache(maxsize=256)
def bars(text: str, symbology: Symbology) -> Bars:
    """The pattern of a text: printable ASCII."""
    if not (text.isascii() and text.isprintable() and text):
        raise ValueError("a barcode holds printable ASCII")

    import zxingcpp  # with the first barcode, as fpdf2 with the first document: see `paper`

    formats = {
        Symbology.CODE_128: zxingcpp.BarcodeFormat.Code128,
        Symbology.DATA_MATRIX: zxingcpp.BarcodeFormat.DataMatrix,
    }
    # Square ones only: the oblong symbols (DMRE) are younger than many scanners.
    drawn = zxingcpp.create_barcode(text, formats[symbology], force_square=True)
    image = drawn.to_image(scale=1, add_quiet_zones=False)
    pixels: Any = memoryview(image).tolist()  # type: ignore[arg-type]  # a buffer, which its stubs do not say
    lines = pixels[:1] if symbology is Symbology.CODE_128 else pixels
    return Bars(symbology, tuple(tuple(pixel == 0 for pixel in line) for line in lines))


def symbology_for(text: str, width_mm: float) -> Symbology:
    """Code 128 where it fits with its quiet zones, else a Data Matrix."""
    modules = bars(text, Symbology.CODE_128).columns + 2 * QUIET_MODULES[Symbology.CODE_128]
    return (
        Symbology.CODE_128 if modules * MODULE_MM[Symbology.CODE_128] <= width_mm else Symbology.DATA_MATRIX
    )
