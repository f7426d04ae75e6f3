"""The kiosk's bench page in a real browser: from a slot's event to its pixels; how many scans it takes."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from dscplus_station.scans.rules import Command, command_code, order_code
from tests.provisioning.support import CARDS, World, order_values
from tests.web.conftest import CHROMIUM, QUIET, sign_in
from tests.web.served import serving
from tests.web.slots_at_work import SlotsAtWork

from .records import Row, Section

ROUNDS = 5
SLOTS = 4
PACE_S = 0.05
"""Seconds a card takes for an answer: a personalisation takes about as long as at 115,200 baud."""
SCANS = 60
TIMEOUT_MS = 60_000

PAINTED = """
document.painted = [];
const now = () => (performance.timeOrigin + performance.now()) / 1000;
document.addEventListener("stream:put", (event) => {
  const version = Number(event.detail.part.dataset.version);
  if (version) requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => document.painted.push([version, now()]);
    channel.port2.postMessage(null);
  });
});
"""
"""Notes each tile's version, and when its frame went to the screen: the task after the animation frame."""

ANSWERED = """
let answers = 0;
document.body.addEventListener("htmx:afterRequest", () => { document.body.dataset.answers = ++answers; });
"""


def measure() -> Section:
    """Rounds of four cards at once, and of scans without a pause."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(QUIET))
        delays = [_four_cards(browser) for _ in range(ROUNDS)]
        typed = [_scans_a_minute(browser, key_ms=10) for _ in range(ROUNDS)]
        at_once = [_scans_a_minute(browser, key_ms=0) for _ in range(ROUNDS)]
        browser.close()
    return Section("The bench's page", (*_distribution(delays), *_scan_rows(typed, at_once)))


def _distribution(rounds: list[list[float]]) -> Iterator[Row]:
    everything = sum(len(one) for one in rounds)
    parts: dict[str, Callable[[list[float]], float]] = {
        "median": statistics.median,
        "90 of 100": lambda one: statistics.quantiles(one, n=10)[-1],
        "slowest": max,
    }
    for name, part in parts.items():
        values = tuple(part(one) * 1000 for one in rounds)
        yield Row(f"event to pixel, four slots, {name} of a round ({everything} events)", values, "ms")


def _scan_rows(typed: list[float], at_once: list[float]) -> Iterator[Row]:
    yield Row("scans answered, scanner at 10 ms a key", tuple(typed), "/min")
    yield Row("scans answered, typed without delay", tuple(at_once), "/min")


def _four_cards(browser: Browser) -> list[float]:
    """Seconds from each published change of a slot to the frame that shows it."""
    published: dict[int, float] = {}
    with _at_bench(browser) as (page, slots, bench):
        publish = bench._hub.publish

        def timed(state):  # type: ignore[no-untyped-def]
            now = time.time()
            state = publish(state)
            published[state.version] = now
            return state

        bench._hub.publish = timed
        page.evaluate(PAINTED)
        for number in range(1, SLOTS + 1):
            card = CARDS[number - 1]
            slots.cards[card].pace = PACE_S
            _scan(page, order_code(f"O-{number}"))
            expect(page.locator("#desk h1")).to_contain_text(f"O-{number}")
            slots.plug(number, card)
            expect(page.locator(f"#slot-{number}")).to_contain_text(f"O-{number}")
        expect(page.locator(".slot-pass")).to_have_count(SLOTS, timeout=TIMEOUT_MS)
        page.wait_for_timeout(200)
        painted = page.evaluate("document.painted")
    return [at - published[version] for version, at in painted if version in published]


def _scans_a_minute(browser: Browser, key_ms: float) -> float:
    """An order taken and given back, over and over: each scan reads and writes the records."""
    codes = (order_code("O-1"), command_code(Command.CANCEL))
    with _at_bench(browser) as (page, _slots, _bench):
        page.evaluate(ANSWERED)
        began = time.perf_counter()
        for number in range(SCANS):
            _scan(page, codes[number % 2], key_ms)
        expect(page.locator("body")).to_have_attribute("data-answers", str(SCANS), timeout=TIMEOUT_MS)
        return SCANS / (time.perf_counter() - began) * 60


def _scan(page: Page, code: str, key_ms: float = 0) -> None:
    page.keyboard.type(code, delay=key_ms)
    page.keyboard.press("Enter")


@contextmanager
def _at_bench(browser: Browser):  # type: ignore[no-untyped-def]
    """A station of its own with four slots, and its page with an operator signed in."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=".bench-")))
        world = World(folder)
        stack.callback(world.close)
        world.stock(SLOTS)
        for number in range(1, SLOTS + 1):
            world.place(order_values(f"O-{number}", user=f"user-{number}"))
        slots = SlotsAtWork(world, folder / "slots")
        bench = stack.enter_context(slots.open(lambda _end: None))
        served = stack.enter_context(serving(world, bench=bench))
        context = browser.new_context(base_url=served.url, viewport={"width": 1920, "height": 1080})
        stack.callback(context.close)
        page = context.new_page()
        sign_in(page, served.add_operator())
        page.goto("/bench")
        yield page, slots, bench
