"""R18: the printed sheet: one page, every value readable beside its index, in the user's language."""

import io
import itertools
from datetime import UTC, date, datetime

import pytest
from pypdf import PdfReader

from dscplus_station import catalogue
from dscplus_station.codes.rules import INDEXES, CodeTable
from dscplus_station.errors import BadInput
from dscplus_station.interim.online_card import OnlineCard
from dscplus_station.interim.sheet import online_card_sheet
from dscplus_station.notices.contacts import set_contact
from tests.provisioning.interim_access import give_passcode, make_card
from tests.provisioning.support import order_values

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
A4_MM = (210, 297)
LETTER_HEIGHT_MM = 279.4


def sheet(table, language="en", issuer="Sample Issuer", user="alice"):
    card = OnlineCard("OSC-12345678", user, table, language, NOW)
    return online_card_sheet(card, issuer, date(2026, 12, 4), NOW)


def page_of(content):
    reader = PdfReader(io.BytesIO(content))
    assert len(reader.pages) == 1
    return reader.pages[0]


@pytest.fixture(scope="module")
def table():
    return CodeTable.new()


@pytest.mark.parametrize("language", sorted(catalogue.languages()))
def test_r18_all_224_values_stand_beside_their_indexes_on_one_page(table, language):
    pieces = page_of(sheet(table, language)).extract_text().split()
    found = {}
    for index, value in itertools.pairwise(pieces):
        if index.isdigit() and 1 <= int(index) <= INDEXES and value == table.value(int(index)):
            found[int(index)] = value
    assert found == {index: table.value(index) for index in range(1, INDEXES + 1)}


def test_r18_the_indexes_run_down_the_columns_each_left_of_its_value(table):
    placed = []

    def visit(text, _cm, matrix, _font, size):
        if text.strip():
            placed.append((text.strip(), round(matrix[4]), round(matrix[5]), size))

    page_of(sheet(table)).extract_text(visitor_text=visit)
    where = {}
    for (index, x, y, _), (value, at, line, size) in itertools.pairwise(placed):
        if index.isdigit() and int(index) <= INDEXES and value == table.value(int(index)):
            assert abs(y - line) <= 2
            assert size == 10
            assert 0 < at - x < 20
            where[int(index)] = (x, y)
    assert len(where) == INDEXES
    order = sorted(where, key=lambda index: (round(where[index][0] / 36), -where[index][1]))  # 13 mm a column
    assert order == list(range(1, INDEXES + 1))


def test_r18_the_page_is_a4_and_what_is_on_it_fits_us_letter(table):
    page = page_of(sheet(table, "es", issuer="I" * 64, user="u" * 64))
    assert [round(float(side) * 25.4 / 72) for side in page.mediabox[2:]] == list(A4_MM)
    lowest = []
    page.extract_text(
        visitor_text=lambda text, _cm, matrix, *_: lowest.append(matrix[5]) if text.strip() else None
    )
    from_the_top = A4_MM[1] - min(lowest) * 25.4 / 72
    assert from_the_top < LETTER_HEIGHT_MM - 10


def test_r18_the_sheet_says_whose_it_is_and_what_to_do_with_it(table):
    english = " ".join(page_of(sheet(table)).extract_text().split())
    assert "Card OSC-12345678 for alice" in english
    assert "by Fri 4 Dec 2026" in english
    assert "21 days more" in english
    spanish = " ".join(page_of(sheet(table, "es")).extract_text().split())
    assert "Tarjeta de códigos de seguridad en línea" in spanish
    assert "vie 4 dic 2026" in spanish


def test_no_value_is_in_what_the_file_says_of_itself(table):
    reader = PdfReader(io.BytesIO(sheet(table)))
    assert reader.metadata.title == "Online Security Code Card"
    assert set(reader.metadata) <= {"/Title", "/Producer", "/CreationDate"}


def test_a_name_that_the_fonts_lack_is_told(table):
    with pytest.raises(BadInput, match=r"OSC-12345678.*HEBREW LETTER ALEF"):
        sheet(table, issuer="א")


def test_r18_it_is_written_in_the_users_language(world):
    world.place(order_values())
    give_passcode(world)
    assert make_card(world).language == "en"
    world.at(minutes=1)
    world.place(order_values("O-2", language="es"))  # nothing was chosen: the last order's counts
    assert make_card(world).language == "es"
    set_contact(world.station, world.actor, "alice", language="en")
    assert make_card(world).language == "en"
