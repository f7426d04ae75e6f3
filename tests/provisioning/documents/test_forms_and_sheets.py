"""Return forms, packing lists, command sheets, badges, tags: complete, decoded, on one page where meant."""

from dataclasses import replace
from datetime import date

import pytest

from dscplus_station import catalogue
from dscplus_station.documents.bench_sheets import (
    BADGE_MM,
    TAG_MM,
    TagFacts,
    badge,
    command_sheet,
    quarantine_tag,
)
from dscplus_station.documents.packing_list import ROWS_A_PAGE, PackingFacts, Parcel, packing_list
from dscplus_station.documents.return_form import return_form
from dscplus_station.errors import BadInput
from dscplus_station.operators.badges import draw_badge
from dscplus_station.quarantine.rules import CAUSE_TOLD
from dscplus_station.returns.addresses import parse as parse_addresses
from dscplus_station.returns.overview import Form
from dscplus_station.returns.rules import ReturnReason
from dscplus_station.returns.texts import REASONS, form_texts
from dscplus_station.scans.rules import Command, CommandScan, OperatorScan, parse
from dscplus_station.typesetting.fonts import FOLDER
from dscplus_station.typesetting.paper import LETTER_HEIGHT_MM
from dscplus_station.typesetting.plan_pdf import plans_as_pdf
from dscplus_station.typesetting.plan_zpl import plan_as_zpl
from tests.provisioning.documents.printed import (
    barcodes,
    ink_outside,
    pages,
    picture,
    printed_label,
    structure,
)
from tests.provisioning.documents.sample import NOW

FILE = FOLDER.parents[1] / "returns" / "return_addresses.toml"
REGIONS = parse_addresses("package", FILE.read_text("utf-8"))
CARD = "0000000018"

languages = pytest.mark.parametrize("language", sorted(catalogue.languages()))


def a_form(language="en", region="us-canada", reason=ReturnReason.DAMAGE, user="alice"):
    words = form_texts(reason, language)
    to = REGIONS[region]
    return Form(3, language, words.title, user, CARD, words.reason, to, words.steps)


def set_form(*args, **kwargs):
    return return_form(a_form(*args, **kwargs), "Sample Issuer", NOW)


@languages
@pytest.mark.parametrize("region", sorted(REGIONS))
def test_r41_the_form_has_the_regions_address_in_full_and_the_cards_barcode(language, region):
    content = set_form(language, region)
    (text,) = pages(content)
    to = REGIONS[region]
    for line in (*to.address, *to.local_address, *to.contacts):
        assert line in text
    assert "Attn: Token Return Department" in text
    assert barcodes(picture(content)) == [CARD]


def test_japans_address_stands_there_in_japanese():
    (text,) = pages(set_form("en", "japan"))
    assert "〒100-6025" in text
    assert "セキュリティデバイス部" in text


@languages
def test_r41_all_reasons_are_on_it_and_the_announced_one_is_ticked(language):
    translate = catalogue.translations(language).gettext
    for reason, named in REASONS.items():
        (text,) = pages(set_form(language, reason=reason))
        assert all(translate(one) in text for one in REASONS.values())
        assert text.count("X ") == 1
        assert f"X {translate(named)}" in text


def test_r41_r42_it_says_tracked_padded_liable_and_when_the_receipt_shows():
    (text,) = pages(set_form())
    for words in (
        "padded envelope",
        "tracked mail",
        "liable for the card until we have received it",
        "3 to 5 business days",
        "Date and signature",
        "Return 3",
        "alice",
    ):
        assert words in text


@languages
def test_the_longest_form_is_one_page_of_us_letter_too(language):
    content = set_form(language, "japan", user="u" * 64)
    assert len(pages(content)) == 1
    image = picture(content, dpi=72)
    below = image.crop((0, round((LETTER_HEIGHT_MM - 8) * 72 / 25.4), *image.size))
    assert below.getextrema() == (255, 255)
    assert ink_outside(image, round(14 * 72 / 25.4)) == 0


def test_a_region_whose_address_cannot_be_printed_is_told():
    with pytest.raises(BadInput, match="return 3: 'א'"):
        return_form(replace(a_form(), to=replace(REGIONS["asia"], address=("א",))), "Sample Issuer", NOW)


def parcels(count):
    return tuple(Parcel(f"O-{n}", "US", f"RR{n:08d}5US") for n in range(1, count + 1))


def packing(*sent):
    return packing_list(
        PackingFacts("Sample Issuer", "bench-1", "Sample Post", date(2026, 11, 22), sent), NOW
    )


@pytest.mark.parametrize(
    ("count", "on_pages"), [(1, 1), (ROWS_A_PAGE, 1), (ROWS_A_PAGE + 1, 2), (3 * ROWS_A_PAGE, 3)]
)
def test_a_packing_list_has_every_parcel_once_with_its_barcode_and_the_count(count, on_pages):
    content = packing(*parcels(count))
    found = pages(content)
    assert len(found) == on_pages
    read = [text for page in range(on_pages) for text in barcodes(picture(content, page))]
    assert sorted(read) == sorted(one.tracking for one in parcels(count))
    for number, text in enumerate(found, 1):
        assert f"Page {number} of {on_pages}" in text
        assert "Packing list: Sample Post" in text
        assert "Sun 22 Nov 2026" in text
    assert [f"Handed over: {count}" in text for text in found] == [False] * (on_pages - 1) + [True]
    squeezed = " ".join(found)
    assert all(f" {one.order} US {one.tracking}" in squeezed for one in parcels(count))


def test_the_longest_tracking_number_and_order_stay_in_their_row():
    longest = Parcel("ORDER-2026-11-22-with-a-very-long-name-x", "JP", "TRACKING-" + "W" * 51)
    content = packing(longest, *parcels(3))
    assert longest.tracking in barcodes(picture(content))
    (text,) = pages(content)
    assert longest.order in text.replace(" ", "")
    assert ink_outside(picture(content, dpi=72), round(9 * 72 / 25.4)) == 0


def test_a_tracking_number_that_no_barcode_holds_is_there_as_text():
    content = packing(Parcel("O-1", "RU", "№ 12345"), *parcels(1))
    assert "№ 12345" in pages(content)[0]
    assert barcodes(picture(content)) == ["RR000000015US"]


def test_the_command_sheet_has_each_command_once():
    content = command_sheet("bench-1", NOW)
    assert len(pages(content)) == 1
    read = [parse(text) for text in barcodes(picture(content, dpi=150))]
    assert sorted(one.command for one in read) == sorted(Command)
    assert all(isinstance(one, CommandScan) for one in read)
    assert [kind for kind, _ in structure(content)].count("/Figure") == len(Command)


@pytest.mark.parametrize("operator", ["wendy", "w" * 32, "o.l-i_v.i4"])
def test_a_badge_has_the_code_in_its_barcode_and_nowhere_to_be_read(operator):
    code = draw_badge()
    content = badge("Sample Issuer " * 4, operator, code, NOW)
    image = picture(content)
    assert [round(side * 254 / 300) / 10 for side in image.size] == pytest.approx(list(BADGE_MM), abs=0.11)
    assert barcodes(image) == [code]
    assert parse(code) == OperatorScan(code)
    (text,) = pages(content)
    assert operator in text.replace(" ", "")
    assert code not in text
    assert code.encode() not in content


@pytest.mark.parametrize("cause", list(CAUSE_TOLD.values()))
def test_a_tag_says_card_cause_and_day_on_paper_and_on_a_label(cause):
    plan = quarantine_tag(TagFacts(CARD, cause, date(2026, 11, 22), "bench-1"))
    content = plans_as_pdf([plan], "en", NOW)
    (text,) = pages(content)
    assert "QUARANTINE" in text
    assert f"Card {CARD}" in text
    assert cause in text
    assert "Sun 22 Nov 2026, bench-1" in text
    printed = printed_label(plan_as_zpl(plan, 8))
    assert barcodes(printed) == barcodes(picture(content)) == [CARD]
    assert [round(side * 25.4 / 300) for side in picture(content).size] == list(TAG_MM)
