"""What the tests of pages share: a served kiosk, a real browser, axe, screenshots."""

import os
import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

from dscplus_station.keystore import file as keystore_file
from dscplus_station.operators import hashing, sessions
from tests.provisioning.support import World
from tests.web.scanner import scan
from tests.web.served import PIN, serving

SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"
SHELL, WHOLE = Path("/usr/bin/chromium-headless-shell"), Path("/usr/bin/chromium")
CHROMIUM = Path(os.environ.get("DSC_CHROMIUM", SHELL if SHELL.exists() else WHOLE))
"""Both are Debian's Chromium; without its windows and menus the same tests take far less processor time."""
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)
SIZES = {"1280x800": (1280, 800), "1920x1080": (1920, 1080)}
STEP_MS = 10_000
"""How long a step in the browser may take before the test fails."""


@pytest.fixture(scope="session", autouse=True)
def cheap_passphrases():
    """scrypt and Argon2id at their real cost would take most of the tests' time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keystore_file, "SCRYPT_COST", 2**4)
        patch.setattr(hashing, "PARAMETERS", hashing.Argon2id(passes=1, memory_kib=8, lanes=1))
        yield


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path, demo=True)
    yield world
    world.close()


@pytest.fixture
def kiosk(world):
    """A served kiosk; `kiosk.url`, `kiosk.add_operator()`, `kiosk.world`."""
    with serving(world) as served:
        yield served


@pytest.fixture(scope="session")
def browser():
    """Debian's Chromium. In CI a missing one fails; elsewhere its tests are skipped."""
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is missing: apt-get install chromium-headless-shell, or set DSC_CHROMIUM")
    expect.set_options(timeout=STEP_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(QUIET))
        yield browser
        browser.close()


@pytest.fixture
def size():
    """The screen; a test that wants another parametrizes it: `@pytest.mark.parametrize("size", SIZES)`."""
    return "1280x800"


@pytest.fixture
def language():
    """What the browser asks for; a test that wants another parametrizes it."""
    return "en"


@pytest.fixture
def tab(browser, kiosk, size, language, caplog):
    """A page of the browser at the kiosk, nobody signed in.

    What its console complains of fails the test, and so does a mistake that the kiosk logs.
    """
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height}, locale=language, base_url=kiosk.url
    )
    context.set_default_timeout(STEP_MS)
    page = context.new_page()
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: _note(message, complaints))
    yield page
    context.close()
    assert complaints == []
    logged = [record for phase in ("setup", "call") for record in caplog.get_records(phase)]
    assert [record.facts for record in logged if "a mistake of ours" in record.getMessage()] == []


def _note(message, complaints):
    """Errors and broken policies; not what is said of answers that a test asked for (403, none …)."""
    asked_for = (
        "Failed to load resource",
        "htmx:afterRequest",
        "htmx:sendError",
        "Response Status Error Code",
    )
    if message.type == "error" and not message.text.startswith(asked_for):
        complaints.append(message.text)


@pytest.fixture
def signed_in(tab, kiosk):
    """The same, with `olivia` signed in; she may do everything. It shows no page yet."""
    badge = kiosk.add_operator()
    station = kiosk.world.station
    token = sessions.sign_in(station, badge, PIN, station.settings.station)
    tab.context.add_cookies([{"name": kiosk.kiosk.addresses.cookie, "value": token, "url": kiosk.url}])
    return tab


def sign_in(tab, badge, pin=PIN):
    """Sign in by the page, as an operator does: scan the badge, type the PIN."""
    tab.goto("/sign-in")
    expect(tab.locator("#badge")).to_be_focused()  # a laden browser does that a moment after it has the page
    scan(tab, badge)
    expect(tab.locator("#pin")).to_be_focused()
    tab.keyboard.type(pin)
    with tab.expect_navigation():
        tab.keyboard.press("Enter")


@pytest.fixture
def accessible():
    """`accessible(tab)` fails with what axe finds."""

    def check(tab):
        found = Axe().run(tab).response["violations"]
        told = [
            f"{one['id']}: {node['target']} {node['failureSummary']}"
            for one in found
            for node in one["nodes"]
        ]
        assert told == [], "\n".join(told)

    return check


@pytest.fixture
def screenshot(request):
    """`screenshot(tab, "name")` keeps a picture in build/screenshots."""

    def take(tab, name):
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        size = tab.viewport_size
        plain = re.sub(r"[^a-z0-9-]+", "-", name.lower())
        tab.screenshot(
            path=SCREENSHOTS / f"{plain}-{size['width']}x{size['height']}.png", animations="disabled"
        )

    return take
