"""The pages of lists, cards and orders in a browser: scanner, filters, pages, deeds, languages, sizes."""

import csv
import io
from pathlib import Path

import pytest

from benchmarks.bulk_cards import serial_of
from benchmarks.bulk_records import fill
from dscplus_station.lists.service import LISTINGS
from dscplus_station.operators.rules import Position
from dscplus_station.scans.rules import order_code
from dscplus_station.web.lists.states import COLOURS, WORDS
from dscplus_station.web.pages.lists_lists import FILTERS, SEARCHES, SHEETS
from tests.provisioning.support import CARDS, World, listed, order_values
from tests.web.conftest import SIZES, sign_in
from tests.web.scanner import scan
from tests.web.served import PIN

MANY = 400


@pytest.fixture
def world(tmp_path, request):
    """A few hundred cards in bulk; for tests of `real` cards, three of them, one out with its holder."""
    world = World(tmp_path, demo=True)
    if "real" in request.fixturenames:
        world.stock(3)
        world.shipped("O-1", CARDS[0])
        world.place(order_values("O-2", user="bob"))
    else:
        fill(Path(world.home.database_url.removeprefix("sqlite:///")), MANY)
    yield world
    world.close()


@pytest.fixture
def real(signed_in):
    """A signed-in browser at a station whose cards went the real way."""
    return signed_in


def rows(tab):
    return tab.locator("table.list-table tbody tr")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("path", ["/cards", "/orders", "/shipments", "/quarantine", "/notices"])
def test_lists_are_readable_by_everybody_at_both_sizes(
    signed_in, accessible, screenshot, path, size, language
):
    signed_in.goto(path)
    assert rows(signed_in).count() > 0
    assert signed_in.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    accessible(signed_in)
    screenshot(signed_in, f"list {path} {language}")


def test_a_scan_opens_the_card_wherever_the_focus_is(signed_in):
    signed_in.goto("/shipments")
    signed_in.evaluate("document.activeElement.blur()")
    with signed_in.expect_navigation():
        scan(signed_in, serial_of(7))
    assert signed_in.url.endswith(f"/cards/{serial_of(7)}")
    with signed_in.expect_navigation():
        scan(signed_in, serial_of(8))
    assert signed_in.url.endswith(f"/cards/{serial_of(8)}")
    order = listed_order(signed_in)
    with signed_in.expect_navigation():
        scan(signed_in, order_code(order))
    assert signed_in.url.endswith(f"/orders/{order}")


def listed_order(tab):
    tab.goto("/orders")
    return rows(tab).first.locator("a").first.inner_text()


def test_pages_turn_without_loading_and_the_address_shows_the_same_again(signed_in):
    signed_in.goto("/cards?sort=serial&rows=20")
    first = rows(signed_in).all_inner_texts()
    signed_in.get_by_role("link", name="Next").click()
    signed_in.wait_for_url("**after=**")
    second = rows(signed_in).all_inner_texts()
    assert not set(first) & set(second)
    address = signed_in.url
    signed_in.goto(address)
    assert rows(signed_in).all_inner_texts() == second
    signed_in.get_by_role("link", name="Previous").click()
    signed_in.wait_for_url("**before=**")
    assert rows(signed_in).all_inner_texts() == first


def test_it_works_without_scripts(browser, kiosk):
    context = browser.new_context(base_url=kiosk.url, java_script_enabled=False)
    tab = context.new_page()
    tab.goto("/sign-in")
    badge = kiosk.add_operator()
    tab.locator("#badge").fill(badge)
    tab.locator("#pin").fill(PIN)
    with tab.expect_navigation():
        tab.get_by_role("button", name="Sign in", exact=True).click()
    tab.goto("/cards")
    tab.locator("#filter-state").select_option("LOST")
    with tab.expect_navigation():
        tab.get_by_role("button", name="Show").click()
    assert "state=LOST" in tab.url
    assert set(tab.locator("tbody td:nth-child(2)").all_inner_texts()) == {"lost"}
    context.close()


def test_what_cannot_be_asked_is_one_message_and_the_form_keeps_it(signed_in, accessible):
    answer = signed_in.goto("/orders?kind=new&sort=placed")
    assert answer.status == 422
    assert "cannot be filtered by kind" in signed_in.locator(".banner-fail").inner_text()
    assert signed_in.locator("#filter-kind").input_value() == "new"
    accessible(signed_in)


def test_an_export_is_a_file_of_the_view_on_record_and_for_few(signed_in, kiosk):
    signed_in.goto("/cards?state=LOST")
    with signed_in.expect_download() as download:
        signed_in.get_by_role("button", name="All as CSV").click()
    found = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text("utf-8"))))
    shown = listed(kiosk.world.station, "cards", state="LOST")
    assert [one["serial_number"] for one in found] == [one["serial_number"] for one in shown]
    (deed,) = listed(kiosk.world.station, "audit", action="lists.export")
    assert (deed["operator"], deed["subject"], deed["details"]) == ("olivia", "cards", '{"state":"LOST"}')


def test_who_may_not_export_finds_no_button(tab, kiosk):
    kiosk.add_operator()
    sign_in(tab, kiosk.add_operator("walter", {Position.WAREHOUSE}))
    tab.goto("/cards")
    assert tab.get_by_role("button", name="All as CSV").count() == 0
    assert tab.goto("/audit").status == 403


# One card, one order


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", ["en", "es"])
def test_a_card_and_an_order_show_their_whole_life(real, accessible, screenshot, language):
    """R16: its dates; who did it, and where; R13: when it activates by itself."""
    real.goto(f"/cards/{CARDS[0]}")
    text = real.locator("main").inner_text()
    assert "alice" in text and "O-1" in text and "olivia" in text and "bench-1" in text
    told = rows(real).all_inner_texts()
    assert len(told) >= 6
    if language == "en":
        for words in ("Received into stock, from batch B1", "Handed to a carrier", "Activates by itself on"):
            assert any(words in line for line in told), told
    accessible(real)
    screenshot(real, f"card {language}")
    real.goto("/orders/O-1")
    assert rows(real).count() >= 4
    assert "Sample Road" not in real.locator("body").inner_text()
    accessible(real)
    screenshot(real, f"order {language}")


def test_a_card_is_reported_after_a_question(real, accessible, kiosk):
    real.goto(f"/cards/{CARDS[0]}")
    with real.expect_navigation():
        real.get_by_role("link", name="Report lost").click()
    accessible(real)
    with real.expect_navigation():
        real.get_by_role("link", name="No, go back").click()
    assert listed(kiosk.world.station, "cards", state="SHIPPED")
    real.get_by_role("link", name="Report lost").click()
    real.get_by_label("What happened").select_option("stolen")
    with real.expect_navigation():
        real.get_by_role("button", name="Report lost").click()
    assert "The card is reported." in real.locator(".banner-pass").inner_text()
    assert listed(kiosk.world.station, "cards", state="LOST")[0]["serial_number"] == CARDS[0]
    accessible(real)


def test_an_order_is_cancelled_by_those_who_may(real, kiosk):
    real.goto("/orders/O-2/cancel")
    with real.expect_navigation():
        real.get_by_role("button", name="Cancel the order").click()
    assert "The order is cancelled." in real.locator(".banner-pass").inner_text()
    assert real.get_by_role("link", name="Cancel the order").count() == 0
    real.goto("/sign-out")
    sign_in(real, kiosk.add_operator("sid", {Position.RETURNS}))
    assert real.goto("/orders/O-1/undo-shipment").status == 403


def test_an_unknown_card_is_told_in_one_line(real):
    answer = real.goto("/cards/0000000075")
    assert answer.status == 404
    assert "0000000075" in real.locator("main").inner_text()


def test_every_state_has_its_word_and_every_part_its_name():
    for name, listing in LISTINGS.items():
        known = {column.field for column in SHEETS[name].columns}
        assert known <= set(listing.columns)
        assert {column.sort for column in SHEETS[name].columns if column.sort} <= set(listing.sorts)
        assert set(listing.values) <= set(FILTERS)
        assert set(listing.searches) <= set(SEARCHES)
        for values in listing.values.values():
            assert set(values or ()) <= set(WORDS)
    assert set(COLOURS) <= set(WORDS)


@pytest.mark.parametrize(
    "address",
    [
        "/cards?after=AAAA",
        "/cards?after=%00",
        "/cards?rows=999999999999999999999",
        "/orders?q=%00",
        "/orders?from=%FF",
        "/shipments?carrier=a%0Ab",
        f"/cards?q={'x' * 3000}",
        "/audit?nothing=1",
        "/orders?state=%25",
        "/cards?by=user&q=a&before=W10",
    ],
)
def test_silly_addresses_get_one_message(signed_in, address):
    answer = signed_in.goto(address)
    assert answer.status == 422
    assert signed_in.locator(".banner-fail").inner_text().count("\n") == 0
