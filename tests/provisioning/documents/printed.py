"""What came out of the printer: texts, barcodes and structure of PDFs, labels out of ZPL."""

import io
import re
import zlib

import pypdfium2
import zplkit
import zxingcpp
from PIL import Image
from pypdf import PdfReader

POINTS_PER_MM = 72 / 25.4
DPI = 300


def pages(content):
    """The pages' texts, white space made single."""
    return [" ".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(content)).pages]


def picture(content, page=0, dpi=DPI):
    """A page as it would be printed."""
    return pypdfium2.PdfDocument(content)[page].render(scale=dpi / 72).to_pil().convert("L")


def barcodes(image):
    """What a scanner reads in a picture, sorted."""
    return sorted(found.text for found in zxingcpp.read_barcodes(image))


def printed_label(zpl, width_mm=100, height_mm=70, dots_per_mm=8):
    """The label that a printer makes of ZPL."""
    dpi = {8: 203, 12: 300}[dots_per_mm]
    options = zplkit.Options(dpi=dpi, width=width_mm * dots_per_mm, height=height_mm * dots_per_mm)
    (label,) = zplkit.render(zpl, options).labels
    return Image.open(io.BytesIO(label.png())).convert("L")


def ink_outside(image, margin):
    """Dark pixels within `margin` of the edges."""
    inner = image.copy()
    inner.paste(255, (margin, margin, image.width - margin, image.height - margin))
    return sum(count for level, count in enumerate(inner.histogram()) if level < 128)


def everything(content):
    """All bytes of a PDF, its streams decompressed beside them."""
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", content, re.DOTALL)
    opened = []
    for stream in streams:
        try:
            opened.append(zlib.decompress(stream))
        except zlib.error:
            opened.append(stream)
    return b"\n".join([content, *opened, *(text.encode() for text in pages(content))])


def structure(content):
    """The structure's elements in reading order: (kind, alternative text)."""
    root = PdfReader(io.BytesIO(content)).trailer["/Root"]
    found = []

    def walk(element):
        element = element.get_object()
        if "/S" in element and element["/S"] != "/Document":
            found.append((str(element["/S"]), element.get("/Alt")))
        kids = element.get("/K", [])
        for kid in kids if isinstance(kids, list) else [kids]:
            if not isinstance(kid, int):
                walk(kid)

    walk(root["/StructTreeRoot"])
    return found
