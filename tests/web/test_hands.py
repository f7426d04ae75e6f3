"""A demo's page of hands: cards in and out of slots, days that pass; and that no real station has it."""

import httpx
import pytest

from dscplus_station.demo.hands import STRANGER, cards_folder
from dscplus_station.demo.virtual_cards import virtual_cards
from tests.provisioning.support import CARDS, World
from tests.web.conftest import SIZES, sign_in
from tests.web.served import serving


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path, demo=True)
    with virtual_cards(cards_folder(world.home), 3):
        pass
    world.stock(3)
    yield world
    world.close()


@pytest.fixture
def page(signed_in):
    signed_in.goto("/hands")
    return signed_in


def slot(page, number):
    return page.get_by_role("region", name=f"Slot {number}", exact=True)


def test_a_card_goes_into_a_slot_and_out_again(page, accessible, screenshot, kiosk):
    slot(page, 1).get_by_label("Card").select_option(CARDS[0])
    slot(page, 1).get_by_role("button", name="Put in").click()
    slot(page, 1).get_by_text("plugged in").wait_for()
    assert CARDS[0] not in slot(page, 2).inner_text(), "a card is in one place"
    slot(page, 2).get_by_label("Card").select_option(STRANGER)
    slot(page, 2).get_by_label("What is wrong with it").select_option("low-battery")
    slot(page, 2).get_by_role("button", name="Put in").click()
    slot(page, 2).get_by_role("button", name="Pull out").click()
    slot(page, 2).get_by_text("pulled out", exact=True).wait_for()
    slot(page, 1).get_by_role("button", name="Cut the power").click()
    slot(page, 1).get_by_text("no power").wait_for()
    slot(page, 1).get_by_role("button", name="Put in again").click()
    slot(page, 1).get_by_text("plugged in").wait_for()
    slot(page, 1).get_by_label("Keys its holder presses").fill("press")
    slot(page, 1).get_by_role("button", name="Press").click()
    page.get_by_text("its display shows NOT SET").wait_for()
    screenshot(page, "hands")
    accessible(page)
    slot(page, 1).get_by_role("button", name="Take away").click()
    slot(page, 1).get_by_role("button", name="Put in").wait_for()
    assert (cards_folder(kiosk.world.home) / f"{CARDS[0]}.flash").exists()


def test_days_pass(page):
    page.get_by_role("button", name="A day passes").click()
    page.get_by_text("A day has passed: 0 cards activated").wait_for()
    page.get_by_text("One day ahead of the machine.").wait_for()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("language", "title"), [("en", "Your hands"), ("es", "Sus manos")])
def test_both_sizes_and_languages_are_accessible(page, accessible, screenshot, title, language):
    assert page.locator("h1").inner_text() == title
    screenshot(page, f"hands-{language}")
    accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_real_station_has_no_such_page(tmp_path, browser):
    world = World(tmp_path, demo=False)
    with serving(world) as served:
        context = browser.new_context(base_url=served.url)
        page = context.new_page()
        sign_in(page, served.add_operator())
        assert page.get_by_role("link", name="Your hands").count() == 0
        assert page.goto("/hands").status == 404
        context.close()
        assert httpx.post(f"{served.url}/hands/clock", data={"days": 1}).status_code in (403, 404)
        assert served.kiosk.hands is None
    world.close()
