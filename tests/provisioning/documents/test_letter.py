"""The letter: R2 step by step, when the card becomes active, what to do when it is lost; one page."""

import hashlib
from dataclasses import replace

import pytest

from dscplus_station import catalogue
from dscplus_station.documents import texts
from dscplus_station.documents.letter import SAMPLE_RESPONSE, letters
from dscplus_station.errors import BadInput
from dscplus_station.orders.rules import OrderKind
from dscplus_station.returns.addresses import parse
from dscplus_station.typesetting.fonts import FOLDER
from dscplus_station.typesetting.paper import LETTER_HEIGHT_MM
from tests.provisioning.documents.printed import ink_outside, pages, picture, structure
from tests.provisioning.documents.sample import LETTER, LONGEST, NOW

REGIONS = parse("package", (FOLDER.parents[1] / "returns" / "return_addresses.toml").read_text("utf-8"))
LONG = replace(
    LETTER,
    issuer="I" * 64,
    name=LONGEST.name,
    address=LONGEST.address,
    contacts=max((one.contacts for one in REGIONS.values()), key=lambda lines: sum(map(len, lines))),
)


def of(facts):
    (text,) = pages(letters([facts], NOW))
    return text


@pytest.mark.parametrize("language", sorted(catalogue.languages()))
def test_r2_each_step_is_said_and_drawn(language):
    content = letters([replace(LETTER, language=language)], NOW)
    (text,) = pages(content)
    for wanted in ("PIN>", "CHALLNG>", "press", "OK"):
        assert wanted in text
    figures = [told for kind, told in structure(content) if kind == "/Figure"]
    assert [told.rpartition(" ")[2] for told in figures] == ["PIN>", "PIN>****", "CHALLNG>", SAMPLE_RESPONSE]
    assert len(SAMPLE_RESPONSE) == 8


def test_r13_a_replacement_says_when_it_activates_by_itself_and_what_ends_then():
    text = of(LETTER)
    assert "by itself on Sun 13 Dec 2026, counted from its posting on Sun 22 Nov 2026" in text
    assert "device that it replaces" in text


def test_r14_a_first_card_replaces_nothing():
    assert "device that it replaces" not in of(replace(LETTER, kind=OrderKind.NEW))


def test_r15_it_says_how_to_activate_it_earlier_with_the_number_on_the_back():
    text = of(LETTER)
    assert "enter the number on its back, and answer one challenge" in text
    assert "number 0000000018" in text


def test_r12_it_says_what_a_lost_card_costs_and_whom_to_call():
    text = of(LETTER)
    assert "20 USD is kept if the card is lost, stolen or damaged on purpose" in text
    assert "US 1 (877) 442-2757" in text


def test_in_spanish_the_card_has_its_spanish_name():
    text = of(replace(LETTER, language="es"))
    assert "Tarjeta de seguridad digital+ (TSD+)" in text
    assert "dom 13 dic 2026" in text


@pytest.mark.parametrize("language", sorted(catalogue.languages()))
def test_the_longest_letter_is_one_page_and_prints_on_us_letter_too(language):
    content = letters([replace(LONG, language=language)], NOW)
    assert len(pages(content)) == 1
    image = picture(content, dpi=72)
    below = image.crop((0, round((LETTER_HEIGHT_MM - 8) * 72 / 25.4), *image.size))
    assert below.getextrema() == (255, 255)
    assert ink_outside(image, round(15 * 72 / 25.4)) == 0


def test_many_letters_are_a_page_each_in_their_order():
    names = ["Ann Sample", "佐藤 花子", "Жанна Примерова"]
    found = pages(letters([replace(LETTER, name=name) for name in names], NOW))
    assert [name in page for name, page in zip(names, found, strict=True)] == [True] * 3


def test_one_name_that_cannot_be_printed_stops_all_before_there_is_a_file():
    with pytest.raises(BadInput, match="order O-7: 'ש'"):
        letters([LETTER, replace(LETTER, order="O-7", name="שרה")], NOW)


def test_an_address_that_is_too_long_is_told():
    with pytest.raises(BadInput, match="order O-1042: its address is too long"):
        letters([replace(LETTER, address="‱" * 400, name="‱" * 120)], NOW)


def test_it_says_to_readers_what_it_is():
    content = letters([LETTER], NOW)
    kinds = [kind for kind, _ in structure(content)]
    assert kinds.count("/H1") == 1
    assert kinds.count("/H2") == 4
    assert kinds.count("/Figure") == 4


def test_another_language_is_one_file(tmp_path, monkeypatch):
    """A made-up language in a folder of its own: no code changes."""
    folder = tmp_path / "eo" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    lines = ['msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\nLanguage: eo\\n"\n']
    lines += [f'msgid "{text}"\nmsgstr "«{text}»"\n' for text in texts.TEXTS]
    (folder / "holder.po").write_text("\n".join(lines), "utf-8")
    monkeypatch.setattr(catalogue, "_FOLDER", tmp_path)
    for cached in (catalogue.languages, catalogue.translations):
        cached.cache_clear()
    try:
        assert catalogue.languages() == {"en", "eo"}
        text = of(replace(LETTER, language="eo"))
        assert "«Your Digital Security Card+»" in text
        assert "«Hold the press key until PIN> shows.»" in text
    finally:
        for cached in (catalogue.languages, catalogue.translations):
            cached.cache_clear()


def test_the_fonts_are_the_ones_that_were_looked_at():
    sums = dict(reversed(line.split()) for line in (FOLDER / "SHA256SUMS").read_text().splitlines())
    assert set(sums) == {path.name for path in FOLDER.glob("*.ttf")}
    for name, digest in sums.items():
        assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == digest
    assert "SIL OPEN FONT LICENSE" in (FOLDER / "OFL.txt").read_text()
