"""PDF pages: texts at places in mm, tagged for screen readers, in fonts that are embedded when needed.

fpdf2 is loaded by the first document, not with this module: it takes a fifth of a second and 30 MiB, which no
page and no command should pay that makes none.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from typing import Literal, Self

from dscplus_station.typesetting.barcodes import Bars, Symbology
from dscplus_station.typesetting.fitting import line_height, wrap
from dscplus_station.typesetting.fonts import Face, composed, runs, width_mm

A4_MM = (210.0, 297.0)
LETTER_HEIGHT_MM = 279.4
"""US Letter is shorter than A4 and wider: what ends above this, less a margin, prints on both."""

BLACK = 0
GREY = 90
"""For what is less important; its contrast on white is 7 to 1."""


class Tag(StrEnum):
    """What a part of a page is to a screen reader (ISO 32000-1, 14.8.4)."""

    TITLE = "/H1"
    HEADING = "/H2"
    PARAGRAPH = "/P"
    FIGURE = "/Figure"


class Align(StrEnum):
    """Where a line stands within its width."""

    LEFT = "left"
    CENTRE = "centre"
    RIGHT = "right"


class Paper:
    """A document of pages of one size, within `with`. Its texts are printable: see `require_printable`.

    Args:
        language: ISO 639-1, for whoever reads it aloud.
        size_mm: width and height.
    """

    def __init__(
        self, title: str, language: str, made_at: datetime, size_mm: tuple[float, float] = A4_MM
    ) -> None:
        from fpdf import FPDF, ViewerPreferences

        self._pdf = FPDF(format=size_mm)
        self._pdf.set_title(title)
        self._pdf.set_lang(language)
        self._pdf.set_creation_date(made_at)
        self._pdf.set_auto_page_break(False)
        self._pdf.set_margin(0)
        self._pdf.viewer_preferences = ViewerPreferences(display_doc_title=True)
        self._tagging = False
        self._marks: dict[int, int] = {}
        """How many elements each page has."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        from fpdf.fonts import TTFFont

        for font in self._pdf.fonts.values():
            if isinstance(font, TTFFont):
                font.ttfont.close()  # fpdf2 keeps the files open

    def add_page(self) -> None:
        """Begin a page; what follows is set there."""
        self._pdf.add_page()

    @contextmanager
    def tagged(self, tag: Tag, alternative: str | None = None) -> Iterator[None]:
        """What is set meanwhile is one element of the structure; inside another it belongs to that.

        Args:
            alternative: what a figure shows, in words.
        """
        if self._tagging:
            yield
            return
        # fpdf2 itself tags figures and outlines only, in this way; it counts by looking through all pages.
        pdf = self._pdf
        number = self._marks.get(pdf.page, 0)
        self._marks[pdf.page] = number + 1
        pdf._add_marked_content(struct_type=tag.value, mcid=number, alt_text=alternative)
        pdf._out(f"{tag.value} <</MCID {number}>> BDC")
        self._tagging = True
        yield
        self._tagging = False
        pdf._out("EMC")

    def line(
        self,
        x: float,
        baseline: float,
        text: str,
        size_pt: float,
        *,
        face: Face = Face.REGULAR,
        width: float = 0,
        align: Align = Align.LEFT,
        grey: int = BLACK,
        tag: Tag = Tag.PARAGRAPH,
    ) -> None:
        """Set one line. `width` is what it is aligned in."""
        text = composed(text)
        if align is not Align.LEFT:
            free = width - width_mm(text, size_pt, face=face)
            x += free / 2 if align is Align.CENTRE else free
        self._pdf.set_text_color(grey)
        with self.tagged(tag):
            for run in runs(text, face=face):
                self._use(run.face, size_pt)
                self._pdf.text(x, baseline, run.text)
                x += width_mm(run.text, size_pt, face=face)

    def paragraph(
        self,
        x: float,
        top: float,
        width: float,
        text: str,
        size_pt: float,
        *,
        face: Face = Face.REGULAR,
        align: Align = Align.LEFT,
        grey: int = BLACK,
        tag: Tag = Tag.PARAGRAPH,
    ) -> float:
        """Set a text in as many lines as it takes; gives where it ends: the top of what comes below."""
        lines = wrap(text, width, size_pt, face=face)
        height = line_height(size_pt)
        with self.tagged(tag):
            for number, line in enumerate(lines):
                self.line(
                    x,
                    top + number * height + height * 0.78,
                    line,
                    size_pt,
                    face=face,
                    width=width,
                    align=align,
                    grey=grey,
                )
        return top + len(lines) * height

    def block(
        self, x: float, top: float, lines: Sequence[str], size_pt: float, *, face: Face = Face.REGULAR
    ) -> float:
        """Set lines as they are, as of an address; gives where they end."""
        with self.tagged(Tag.PARAGRAPH):
            for line in lines:
                top = self.paragraph(x, top, 1000, line, size_pt, face=face)
        return top

    def bars(self, x: float, y: float, bars: Bars, module: float, height: float, told: str) -> None:
        """Draw a barcode's dark modules, without quiet zones. `height` counts for Code 128 only."""
        row_height = height if bars.symbology is Symbology.CODE_128 else module
        with self.tagged(Tag.FIGURE, told):
            self.set_fill_color(BLACK)
            self.fill(
                (x + column * module, y + row * module, columns * module, row_height)
                for row, column, columns in bars.dark()
            )

    def fill(self, boxes: Iterable[tuple[float, float, float, float]]) -> None:
        """Fill many rectangles (x, y, width, height) as one shape, which is much quicker than one by one."""
        k, page_height = self._pdf.k, self._pdf.h
        shapes = (
            f"{x * k:.2f} {(page_height - y) * k:.2f} {width * k:.2f} {-height * k:.2f} re"
            for x, y, width, height in boxes
        )
        self._pdf._out(f"{' '.join(shapes)} f")

    def set_fill_color(self, grey: int) -> None:
        """What areas are filled with from here on."""
        self._pdf.set_fill_color(grey)

    def set_draw_color(self, grey: int) -> None:
        """What outlines are drawn in from here on."""
        self._pdf.set_draw_color(grey)

    def set_line_width(self, width: float) -> None:
        """How wide outlines are from here on."""
        self._pdf.set_line_width(width)

    def rect(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        *,
        style: Literal["D", "F", "DF"] = "D",
        corner_radius: float = 0,
    ) -> None:
        """Draw a rectangle: its outline (D), its area (F) or both; a radius makes its corners round."""
        self._pdf.rect(
            x, y, width, height, style=style, round_corners=corner_radius > 0, corner_radius=corner_radius
        )

    def rule(self, x: float, y: float, width: float, grey: int = BLACK, thickness: float = 0.2) -> None:
        """Draw a horizontal line."""
        self.set_fill_color(grey)
        self.rect(x, y, width, thickness, style="F")

    def content(self) -> bytes:
        """The finished document."""
        return bytes(self._pdf.output())

    def _use(self, face: Face, size_pt: float) -> None:
        family = face.value.lower()
        if family not in self._pdf.fonts:
            self._pdf.add_font(face.value, fname=face.file)
        self._pdf.set_font(face.value, size=size_pt)
