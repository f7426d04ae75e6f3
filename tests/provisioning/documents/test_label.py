"""Labels: one description, as PDF and as ZPL; every name, every length, no way to inject a command."""

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dscplus_station.documents.label import LABEL_MM, country_name, label
from dscplus_station.errors import BadInput
from dscplus_station.orders.rules import LIMITS
from dscplus_station.scans.rules import LabelScan, label_code, parse
from dscplus_station.typesetting.barcodes import Symbology
from dscplus_station.typesetting.plan import Box, Code, Plan, Words
from dscplus_station.typesetting.plan_pdf import plans_as_pdf
from dscplus_station.typesetting.plan_zpl import plan_as_zpl
from tests.provisioning.documents.printed import barcodes, ink_outside, pages, picture, printed_label
from tests.provisioning.documents.sample import CYRILLIC, JAPANESE, LABEL, LONGEST, NOW

kinds = pytest.mark.parametrize(
    "facts", [LABEL, JAPANESE, CYRILLIC, LONGEST], ids=["latin", "japanese", "cyrillic", "longest"]
)


def as_pdf(facts):
    return plans_as_pdf([label(facts)], "en", NOW)


@kinds
def test_the_pdf_has_one_page_of_the_labels_size_whose_barcode_is_the_label(facts):
    content = as_pdf(facts)
    assert len(pages(content)) == 1
    image = picture(content)
    assert [round(side * 25.4 / 300) for side in image.size] == list(LABEL_MM)
    (code,) = barcodes(image)
    assert parse(code) == LabelScan(facts.order, facts.serial_number, facts.copy)


@kinds
@pytest.mark.parametrize("dots_per_mm", [8, 12])
def test_the_printers_label_has_the_same_barcode(facts, dots_per_mm):
    image = printed_label(plan_as_zpl(label(facts), dots_per_mm), dots_per_mm=dots_per_mm)
    assert barcodes(image) == [label_code(facts.order, facts.serial_number, facts.copy)]


@kinds
def test_all_texts_are_on_the_pdf(facts):
    (text,) = pages(as_pdf(facts))
    squeezed = text.replace(" ", "")
    for part in (facts.name, facts.order, facts.serial_number, f"Label {facts.copy}", "SLOT 2"):
        assert part.replace(" ", "") in squeezed
    for part in facts.address.replace("\n", ",").split(","):
        assert part.replace(" ", "") in squeezed
    assert country_name(facts.country) in text


@kinds
def test_nothing_is_printed_beyond_the_margins(facts):
    margin_mm = 2
    plan = label(facts)
    paper = replace(plan, items=tuple(one for one in plan.items if not isinstance(one, Box)))
    assert ink_outside(picture(plans_as_pdf([paper], "en", NOW)), round(margin_mm * 300 / 25.4)) == 0
    assert ink_outside(printed_label(plan_as_zpl(paper, 8)), margin_mm * 8) == 0


@kinds
def test_words_never_run_into_the_barcode_or_each_other(facts):
    words = [one for one in label(facts).items if isinstance(one, Words)]
    for one, other in ((a, b) for a in words for b in words if a is not b and a.x == b.x):
        distance = abs(one.baseline - other.baseline)
        assert distance >= min(one.size_pt, other.size_pt) * 0.35 * 1.1
    (code,) = (one for one in label(facts).items if isinstance(one, Code))
    beside = code.symbology is Symbology.DATA_MATRIX
    end = code.y + (len(code.pattern.rows) * code.module if beside else code.height)
    assert end <= LABEL_MM[1] - 1
    for one in words:
        top = one.baseline - one.size_pt * 0.27
        right = code.x + code.pattern.columns * code.module
        assert one.baseline < code.y or top > end or (beside and one.x > right + 2 * code.module)


def test_ascii_is_printed_in_the_printers_font_other_letters_as_pictures():
    assert b"^A0N" in plan_as_zpl(label(LABEL), 8)
    assert b"^GF" not in plan_as_zpl(label(LABEL), 8)
    for facts in (JAPANESE, CYRILLIC, replace(LABEL, name="José Ejemplo")):
        zpl = plan_as_zpl(label(facts), 8)
        assert b"^GFA" in zpl
        assert b"^A0N" not in zpl


def test_a_picture_of_a_name_looks_as_the_name_in_the_pdf():
    plan = Plan(100, 70, "sample", (Words(5, 20, "佐藤 花子 Жуков", 20),))
    drawn, printed = picture(plans_as_pdf([plan], "en", NOW), dpi=203.2), printed_label(plan_as_zpl(plan, 8))
    places = [image.point(lambda level: 255 * (level < 128)).getbbox() for image in (drawn, printed)]
    assert all(abs(one - other) <= 3 for one, other in zip(*places, strict=True))
    dark = [image.resize((100, 70)).point(lambda level: 255 * (level < 200)) for image in (drawn, printed)]
    differing = sum(a != b for a, b in zip(*(image.tobytes() for image in dark), strict=True))
    assert differing < 40


SHAPE = re.compile(
    r"\^XA\n\^LH0,0\n\^PW800\n\^LL560\n"
    r"(?:\^(?:FT\d+,\d+\^A0N,\d+,\d+\^FH_\^FD[^\^~\n]*"
    r"|FO\d+,\d+\^GFA,\d+,\d+,\d+,[0-9A-F]*"
    r"|FO\d+,\d+\^GB\d+,\d+,\d+"
    r"|FO\d+,\d+\^BY\d+,3,\d+\^BCN,\d+,N,N,N,A\^FH_\^FD[^\^~\n]*"
    r"|FO\d+,\d+\^BXN,\d+,200,,,,\$\^FH_\^FD[^\^~\n]*)\^FS\n)*"
    r"\^XZ\n"
)
"""All that a label may consist of; nowhere in it is room for a command of somebody else's."""

hostile = st.text(st.sampled_from("^~_\\$>,:;ABXZFDS 0\n'\"<é花Ж"), max_size=60) | st.sampled_from(
    ["^XZ^XA^FO0,0^FDforged^FS^XZ", "~JR", "_5EXZ", "^FS^PQ9", "~DGR:X.GRF,1,1,FF", "\\&", ">:", "^CC/"]
)


@settings(deadline=None, max_examples=150)
@given(name=hostile.filter(str.strip), address=hostile)
def test_no_name_or_address_becomes_a_command(name, address):
    facts = replace(LABEL, name=name.replace("\n", " "), address=address)
    zpl = plan_as_zpl(label(facts), 8).decode("ascii")
    assert SHAPE.fullmatch(zpl)


@settings(deadline=None, max_examples=40)
@given(text=st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=40))
def test_what_was_escaped_is_printed_as_it_was(text):
    zpl = plan_as_zpl(Plan(400, 70, "sample", (Words(5, 20, text, 8),)), 8).decode("ascii")
    (data,) = re.findall(r"\^FH_\^FD([^^~]*)\^FS", zpl)
    assert re.sub("_([0-9A-F]{2})", lambda found: chr(int(found[1], 16)), data) == text


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Noa שרה Sample", r"'ש' \(U\+05E9, HEBREW LETTER SHIN\) is written from right to left"),
        ("محمد", r"ARABIC LETTER MEEM\) is written from right to left"),
        ("Kim 김", r"'김' \(U\+AE40, .*\) is in none of the fonts"),
        ("Ann 😀", "GRINNING FACE"),
    ],
)
def test_a_name_that_cannot_be_printed_is_told_with_order_and_character(name, told):
    with pytest.raises(BadInput, match=f"order O-1042: .*{told}.*Nothing was printed"):
        label(replace(LABEL, name=name))


def test_an_address_that_is_too_long_is_told():
    with pytest.raises(BadInput, match=r"order O-1042: .*too long for a label.*Nothing was printed"):
        label(replace(LABEL, address="W" * 400))


def test_accents_are_composed_before_they_are_looked_for():
    (text,) = pages(as_pdf(replace(LABEL, name="Jose\N{COMBINING ACUTE ACCENT} Ejemplo")))
    assert "José Ejemplo" in text


@settings(deadline=None, max_examples=60)
@given(
    name=st.text(st.sampled_from("abcdeWiéЖ花 -"), min_size=1, max_size=LIMITS["name"]).filter(str.strip),
    address=st.text(st.sampled_from("abcdefghij 0123,\n"), max_size=LIMITS["address"]),
)
def test_every_usual_name_and_address_fits(name, address):
    assert label(replace(LABEL, name=name, address=address)).items


def test_without_a_slot_there_is_no_slot_on_it():
    (text,) = pages(as_pdf(replace(LABEL, slot=None)))
    assert "SLOT" not in text


def test_countries_are_written_as_posts_read_them():
    assert [country_name(code) for code in ("US", "CH", "JP")] == ["UNITED STATES", "SWITZERLAND", "JAPAN"]
