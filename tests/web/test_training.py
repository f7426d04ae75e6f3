"""The training page: a virtual card in a browser, by mouse and keyboard, guided and free, both languages."""

import re
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import TimeoutError as NotShown

from dscplus_station.training.rules import PIN, Situation
from dscplus_station.web.pages.training import TEXTS
from tests.web.conftest import SIZES, sign_in

DOCUMENT = Path(__file__).parents[2] / "docs" / "card.md"
SEEN_MS = 10_000
LASTS_MS = 4000
"""How long the card blinks or tests its display, at most."""
TRIES = 5
RESPONSE = re.compile("^[0-9]{8}$")


@pytest.fixture
def page(signed_in):
    signed_in.goto("/training")
    return signed_in


def display(page):
    return page.locator("#display-text")


def shows(page, text):
    """Wait until the display shows it; gives the text."""
    pattern = text if isinstance(text, re.Pattern) else re.compile(f"^{re.escape(text)}$")
    display(page).filter(has_text=pattern).wait_for(state="attached", timeout=SEEN_MS)
    return display(page).text_content()


def type_keys(page, keys):
    """Press keys by the keyboard: digits, p and Enter."""
    for key in keys:
        page.keyboard.press({"\n": "Enter"}.get(key, key))


def flashes(page, deed, text):
    """Let the card do something until its page shows the text, which stands half a second at a time."""
    for _ in range(TRIES):
        take(page, "As its holder gets it")
        page.get_by_role("button", name=deed).click()
        with suppress(NotShown):
            display(page).filter(has_text=text).wait_for(state="attached", timeout=LASTS_MS)
            return text
    raise AssertionError(f"the page never showed {text}")


def take(page, name):
    with page.expect_navigation():
        page.get_by_role("button", name=name, exact=True).click()


def test_guided_by_mouse_from_off_to_a_right_response(page, accessible, screenshot):
    """R1, R2: every step is told, and the response is judged as a login judges it."""
    guide = page.locator("#guide")
    shows(page, "off")
    keys = page.locator("#keys")
    assert "Hold “press”" in guide.inner_text()
    keys.get_by_role("button", name="press").click()
    shows(page, "PIN>")
    assert PIN in guide.inner_text()
    for digit in PIN:
        keys.get_by_role("button", name=digit).click()
    shows(page, "PIN>****")
    assert "The PIN is typed" in guide.inner_text()
    keys.get_by_role("button", name="OK").click()
    shows(page, "CHALLNG>")
    challenge = page.locator(".training-challenge strong").inner_text()
    assert challenge in guide.inner_text()
    for digit in challenge:
        keys.get_by_role("button", name=digit).click()
    shows(page, challenge)
    keys.get_by_role("button", name="OK").click()
    response = shows(page, RESPONSE)
    screenshot(page, "training-response")
    accessible(page)
    page.get_by_label("Response").fill(response)
    page.get_by_role("button", name="Log in").click()
    page.get_by_text("Right: logged in").wait_for()
    assert page.locator(".training-challenge strong").inner_text() != challenge, "a challenge is used once"
    page.get_by_label("Response").fill(response)
    page.get_by_role("button", name="Log in").click()
    page.get_by_text("Not right").wait_for()
    screenshot(page, "training-not-right")
    accessible(page)


def test_by_keyboard_alone_with_a_wrong_pin_until_blocked(page, screenshot):
    """R5: five tries; what is typed is never lost, however quickly."""
    type_keys(page, "p")
    for left in "4321":
        type_keys(page, "9876\n")
        shows(page, f"WRONG  {left}")
        assert "the PIN was wrong" in page.locator("#guide").inner_text()
    type_keys(page, "123\n")
    shows(page, "4 DIGITS")
    type_keys(page, "9876\n")
    shows(page, "BLOCKED")
    screenshot(page, "training-blocked")
    type_keys(page, "p")
    shows(page, "BLOCKED")


def test_every_text_of_the_display_is_reached_and_listed(page):
    """docs/card.md's table: the page lists its texts, and its cards show them."""
    table = DOCUMENT.read_text(encoding="utf-8").split("| display |")[1].split("\n\n")[0]
    documented = {
        text for row in table.splitlines()[2:] for text in re.findall("`([^`]+)`", row.split("|")[1])
    }
    listed = {text for _, text in TEXTS}
    assert documented <= listed, documented - listed
    reached = set()

    def reach(text):
        reached.add(
            re.sub("^[0-9]{8}$", "48213377", shows(page, text)) if text is RESPONSE else shows(page, text)
        )

    page.goto("/training?free=1")
    reach("off")
    type_keys(page, "p")
    reach("PIN>")
    type_keys(page, "123\n")
    reach("4 DIGITS")
    type_keys(page, "1234\n")
    reach("WRONG  4")
    type_keys(page, f"{PIN}\n")
    reach("CHALLNG>")
    type_keys(page, "12345\n")
    reach("6 DIGITS")
    type_keys(page, "735102\n")
    reach(RESPONSE)
    for name, text in (
        ("PIN blocked", "BLOCKED"),
        ("Not personalised", "NOT SET"),
        ("Locked by the issuer", "LOCKED"),
        ("Ended", "ENDED"),
    ):
        take(page, name)
        type_keys(page, "p")
        reach(text)
    take(page, "Worn-out memory")
    type_keys(page, f"p{PIN}\n")
    reach("FAULT")
    take(page, "Battery empty")
    type_keys(page, "p")
    shows(page, "off")
    reached.add(flashes(page, "Blink", "* WINK *"))
    reached.add(flashes(page, "Test its display", "88888888"))
    take(page, "As its holder gets it")
    page.get_by_role("button", name="Test its keys").click()
    reach("KEYS  12")
    type_keys(page, "p0123456789")
    shows(page, "KEYS   1")
    type_keys(page, "\n")
    shows(page, "off")
    assert listed - {""} <= reached, listed - reached


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("language", "title"), [("en", "Training card"), ("es", "Tarjeta de práctica")])
def test_both_sizes_and_languages_are_accessible(page, accessible, screenshot, title, language):
    assert page.locator("h1").inner_text() == title
    type_keys(page, "p47")
    shows(page, "PIN>**")
    screenshot(page, f"training-{language}")
    accessible(page)
    page.goto("/training?free=1")
    accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_card_that_the_server_checks_takes_any_pin_and_the_login_notices(page):
    """R5, profile B."""
    take(page, "The server checks the PIN")
    for pin, judged in (("2580", "Not right"), (PIN, "Right: logged in")):
        challenge = page.locator(".training-challenge strong").inner_text()
        type_keys(page, "p")
        shows(page, "PIN>")  # and no more what the first round left on the display
        type_keys(page, f"{pin}\n{challenge}\n")
        page.get_by_label("Response").fill(shows(page, RESPONSE))
        page.get_by_role("button", name="Log in").click()
        page.get_by_text(judged).wait_for()


def test_without_script_each_key_is_a_form(browser, kiosk):
    context = browser.new_context(base_url=kiosk.url, java_script_enabled=False)
    try:
        page = context.new_page()
        sign_in(page, kiosk.add_operator())
        page.goto("/training")
        page.locator("#keys").get_by_role("button", name="press").click()
        shows(page, "PIN>")
        assert page.get_by_role("button", name="press").count() == 1
    finally:
        context.close()


def test_the_emulator_ends_with_the_kiosk(page, kiosk):
    folder = Path(kiosk.kiosk.training.folder)
    assert folder.exists()
    kiosk.kiosk.training.close()
    assert not folder.exists()


def test_every_situation_has_a_button(page):
    assert page.locator("button[name=situation]").count() == len(Situation)
