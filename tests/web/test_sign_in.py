"""Who may see the pages: by scanner and keyboard alone, locked when idle, signed out for good."""

import pytest
from playwright.sync_api import expect

from tests.web.conftest import SIZES, sign_in
from tests.web.scanner import scan
from tests.web.served import PASSWORD, PIN


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", ["en", "es"])
def test_a_badge_and_a_pin_sign_in_without_a_mouse(tab, kiosk, accessible, screenshot, language):
    badge = kiosk.add_operator()
    tab.goto("/")
    expect(tab.locator("h1")).to_have_text({"en": "Sign in", "es": "Entrar"}[language])
    accessible(tab)
    screenshot(tab, f"sign-in-{language}")
    expect(tab.locator("#badge")).to_be_focused()
    scan(tab, badge)
    expect(tab.locator("#pin")).to_be_focused()
    tab.keyboard.type(PIN)
    tab.keyboard.press("Enter")
    expect(tab.locator(".top-operator")).to_have_text("olivia")
    accessible(tab)


def test_a_name_and_a_password_sign_in(tab, kiosk):
    kiosk.add_operator()
    tab.goto("/sign-in")
    tab.get_by_text("Without a badge").click()
    tab.locator("#name").fill("olivia")
    tab.locator("#password").fill(PASSWORD)
    tab.keyboard.press("Enter")
    expect(tab.locator(".top-operator")).to_have_text("olivia")


def test_a_wrong_pin_is_told_and_never_shown(tab, kiosk, accessible):
    sign_in(tab, kiosk.add_operator(), "951413")
    expect(tab.get_by_role("alert").filter(has_text="wrong")).to_contain_text("4 tries left")
    assert "951413" not in tab.content() and "951413" not in tab.url
    accessible(tab)


def test_an_idle_page_locks_by_itself_and_goes_on_where_it_was(tab, kiosk, accessible, screenshot):
    sign_in(tab, kiosk.add_operator())
    tab.clock.install()
    tab.goto("/?at=here")
    tab.clock.fast_forward(5 * 60 * 1000 + 2000)
    expect(tab.locator("h1")).to_have_text("Locked")
    accessible(tab)
    screenshot(tab, "locked")
    tab.goto("/")
    expect(tab.locator("h1")).to_have_text("Locked")
    expect(tab.locator("#secret")).to_be_focused()
    tab.keyboard.type(PIN)
    tab.keyboard.press("Enter")
    expect(tab.locator(".top-operator")).to_have_text("olivia")


def test_the_station_locks_a_page_that_would_not(signed_in, kiosk):
    kiosk.world.at(minutes=6)
    signed_in.goto("/")
    expect(signed_in.locator("h1")).to_have_text("Locked")


def test_signed_out_is_signed_out(signed_in):
    signed_in.goto("/")
    before = signed_in.context.cookies()
    signed_in.get_by_role("button", name="Sign out").click()
    expect(signed_in.locator("h1")).to_have_text("Sign in")
    signed_in.context.add_cookies(before)
    signed_in.goto("/")
    expect(signed_in.locator("h1")).to_have_text("Sign in")


def test_the_language_is_switched_by_a_button_and_kept(tab):
    tab.goto("/sign-in")
    tab.get_by_role("button", name="Español").click()
    expect(tab.locator("h1")).to_have_text("Entrar")
    assert tab.locator("html").get_attribute("lang") == "es"
    tab.goto("/sign-in")
    expect(tab.locator("h1")).to_have_text("Entrar")


@pytest.mark.parametrize("language", ["en", "es"])
def test_all_places_stand_in_one_line(signed_in):
    """Also for an operator with every position, at the narrowest of our screens."""
    signed_in.goto("/")
    lines = signed_in.evaluate(
        "[...new Set([...document.querySelectorAll('.top-places a')].map(one => one.offsetTop))].length"
    )
    overflow = signed_in.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert (lines, overflow) == (1, 0)
    assert signed_in.locator(".top-places a").count() >= 9
