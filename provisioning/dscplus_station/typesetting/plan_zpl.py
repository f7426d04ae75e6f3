"""Plans as ZPL II, for label printers.

A label whose texts are ASCII is printed in the printer's scalable font (^A0). Of other letters a printer has
more or fewer by its model: there, all texts go as pictures (^GF), set here in the fonts that the PDF uses.
Every character that could be a command is escaped (^FH), so a text stays a text whatever it holds.
"""

from dscplus_station.typesetting.barcodes import Symbology
from dscplus_station.typesetting.fonts import MM_PER_POINT, composed, runs, width_mm
from dscplus_station.typesetting.plan import Box, Code, Plan, Words

WIDE_HYPHEN_EM = 0.25
"""How much wider than ours a hyphen is in the printer's font, all of whose letters are narrower."""

_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 .,-/")


def plan_as_zpl(plan: Plan, dots_per_mm: int) -> bytes:
    """One label; ASCII."""
    dots = _Dots(dots_per_mm)
    words = [item for item in plan.items if isinstance(item, Words)]
    own_font = all(item.text.isascii() and _fits_in_printers_font(item, plan.width) for item in words)
    parts = [
        "^XA",
        "^LH0,0",
        f"^PW{dots.of(plan.width)}",
        f"^LL{dots.of(plan.height)}",
        *(_field(item, dots, own_font=own_font) for item in plan.items),
        "^XZ",
    ]
    return ("\n".join(parts) + "\n").encode("ascii")


class _Dots:
    def __init__(self, per_mm: int) -> None:
        self.per_mm = per_mm

    def of(self, millimetres: float) -> int:
        return round(millimetres * self.per_mm)


def _fits_in_printers_font(item: Words, width: float) -> bool:
    wider = item.text.count("-") * WIDE_HYPHEN_EM * item.size_pt * MM_PER_POINT
    return item.x + width_mm(item.text, item.size_pt, face=item.face) + wider <= width


def _field(item: Words | Code | Box, dots: _Dots, *, own_font: bool) -> str:
    match item:
        case Words():
            if own_font:
                size = dots.of(item.size_pt * MM_PER_POINT)
                return f"^FT{dots.of(item.x)},{dots.of(item.baseline)}^A0N,{size},{size}{_data(item.text)}"
            return _picture(item, dots)
        case Code():
            place, module = f"^FO{dots.of(item.x)},{dots.of(item.y)}", dots.of(item.module)
            if item.symbology is Symbology.CODE_128:
                height = dots.of(item.height)
                return f"{place}^BY{module},3,{height}^BCN,{height},N,N,N,A{_data(item.text)}"
            return f"{place}^BXN,{module},200,,,,${_data(item.text)}"
        case Box():
            width, height = (max(1, dots.of(side)) for side in (item.width, item.height))
            return f"^FO{dots.of(item.x)},{dots.of(item.y)}^GB{width},{height},{min(width, height)}^FS"


def _data(text: str) -> str:
    """A field's data: whatever is not plainly a letter or digit as hexadecimal bytes."""
    escaped = "".join(chr(byte) if byte in _PLAIN else f"_{byte:02X}" for byte in text.encode("ascii"))
    return f"^FH_^FD{escaped}^FS"


def _picture(item: Words, dots: _Dots) -> str:
    """A line of text as a picture of one bit a dot."""
    from PIL import Image, ImageDraw, ImageFont  # with the first picture, as fpdf2: see `paper`

    text = composed(item.text)
    size = item.size_pt * MM_PER_POINT
    ascent, height = dots.of(1.1 * size), dots.of(1.45 * size)
    width = dots.of(width_mm(text, item.size_pt, face=item.face) + 0.2 * size)
    image = Image.new("1", (width, height), 0)  # ones are black, in ZPL too
    canvas = ImageDraw.Draw(image)
    x = 0.0
    for run in runs(text, face=item.face):
        font = ImageFont.truetype(str(run.face.file), size * dots.per_mm)
        canvas.text((x, ascent), run.text, font=font, fill=1, anchor="ls")
        x += width_mm(run.text, item.size_pt, face=item.face) * dots.per_mm
    row = (width + 7) // 8
    packed = image.tobytes()
    top = max(0, dots.of(item.baseline) - ascent)
    return f"^FO{dots.of(item.x)},{top}^GFA,{len(packed)},{len(packed)},{row},{packed.hex().upper()}^FS"
