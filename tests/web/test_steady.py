"""Orders of events that a page does not choose: each race is made certain here, and nothing is lost by it."""

import re
import socket
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from playwright.sync_api import expect

from dscplus_station.errors import NotFound, StateConflict
from dscplus_station.operators import sessions
from dscplus_station.parcels.rules import Situation
from dscplus_station.parcels.told import Told, Tone
from dscplus_station.quarantine.rules import Cause
from dscplus_station.quarantine.service import set_aside
from dscplus_station.scans.rules import Command, command_code, order_code
from dscplus_station.slots.map import Slot
from dscplus_station.slots.rules import Code, Phase, SlotUse, Verdict, outcome
from dscplus_station.slots.state import empty
from dscplus_station.web.bench import scanning, stream
from dscplus_station.web.bench.tiles import Tongue, tile_of
from dscplus_station.web.pages import hands, returns
from dscplus_station.wording import words
from tests.provisioning.support import CARDS, order_values
from tests.web.conftest import sign_in
from tests.web.scanner import scan
from tests.web.served import PIN, serving
from tests.web.slots_at_work import SlotsAtWork
from tests.web.test_bench import desk, tile, wait_for
from tests.web.test_returns import FIRST, ReturnsSlots, recommended, scan_card, sent

LIMIT = 10
WHILE_S = 3
"""Three ticks of the clock by which a page locks."""


@pytest.fixture
def slots(world, tmp_path):
    world.stock(len(CARDS))
    for number in (1, 2):
        world.place(order_values(f"O-{number}", user=f"user-{number}"))
    return SlotsAtWork(world, tmp_path / "slots")


@pytest.fixture
def kiosk(world, slots):
    with slots.open(lambda _end: None) as bench, serving(world, bench=bench) as served:
        yield served


@pytest.fixture
def at_bench(signed_in):
    signed_in.goto("/bench")
    expect(signed_in.locator("#desk h1")).to_have_text("Scan an order.")
    return signed_in


@pytest.fixture
def at_returns(browser, world, tmp_path):
    """The returns desk's page beside two slots, with a card that comes back; `plug(slot)` puts it in."""
    slots = ReturnsSlots(world, tmp_path / "returns")
    world.stock(len(CARDS))
    sent(world, slots, FIRST, "O-1")
    with slots.open(lambda _end: None) as bench, serving(world, bench=bench) as served:
        tab = browser.new_page(base_url=served.url)
        tab.set_default_timeout(LIMIT * 1000)
        sign_in(tab, served.add_operator())
        tab.goto("/returns")
        tab.plug = lambda serial=FIRST: slots.plug(1, serial)
        yield tab
        tab.close()


def stands(what):
    """Something that is told until it is acknowledged."""
    return Told(Tone.REFUSED, words(what), words("then"), Situation())


# --- a finger, and what changes meanwhile ------------------------------------------------------------


@pytest.mark.parametrize("way", ["mouse", "keyboard"])
def test_a_press_of_a_slots_ok_is_heard_though_its_tile_changes_under_the_finger(at_bench, kiosk, slots, way):
    tab, bench = at_bench, kiosk.kiosk.bench
    scan(tab, order_code("O-1"))
    scan(tab, CARDS[1])
    expect(desk(tab)).to_contain_text(f"Plug card {CARDS[1]} in")
    slots.plug(1, CARDS[0])
    ok = tab.locator("#slot-1-ok")
    ok.focus()
    ok.hover()
    slots.pull(1)
    wait_for(lambda: bench.state(1).phase is Phase.EMPTY)
    tab.keyboard.down(" ") if way == "keyboard" else tab.mouse.down()
    slots.plug(1, CARDS[1])
    wait_for(lambda: bench.state(1).phase is Phase.ON_HOLD)
    slots.plug(2, CARDS[2])  # told after the other, and shown at once
    expect(tile(tab, 2)).to_contain_text("This is card")
    expect(tile(tab, 1)).not_to_contain_text("it waits for your OK")
    tab.keyboard.up(" ") if way == "keyboard" else tab.mouse.up()
    expect(tile(tab, 1)).to_contain_text("PASS")


def test_what_waited_for_a_finger_is_shown_when_it_is_lifted_beside_everything(at_bench, kiosk):
    scan(at_bench, "nonsense")
    at_bench.locator("#desk-ok").hover()
    at_bench.mouse.down()
    with at_bench.expect_response("**/bench/scan"):
        scan(at_bench, command_code(Command.OK))
    assert at_bench.locator("#desk-ok").is_visible()
    at_bench.mouse.move(1, 1)
    at_bench.mouse.up()
    expect(at_bench.locator("#desk h1")).to_have_text("Scan an order.")


def stop(tab, slots, slot):
    """A wrong card in this slot: it waits for its OK."""
    scan(tab, order_code("O-1"))
    scan(tab, CARDS[1])
    expect(desk(tab)).to_contain_text(f"Plug card {CARDS[1]} in")
    slots.plug(slot, CARDS[0])
    expect(tile(tab, slot)).to_contain_text(f"This is card {CARDS[0]}")


def test_a_palm_that_rests_on_a_tile_hides_no_stop(at_bench, slots):
    tab = at_bench
    tile(tab, 1).locator(".slot-word").hover()
    tab.mouse.down()
    assert not tab.evaluate("steady.holds(document.getElementById('slot-1'))")
    stop(tab, slots, 1)


def test_a_finger_that_is_never_lifted_hides_what_comes_for_a_moment_only(at_bench, kiosk, slots):
    tab = at_bench
    stop(tab, slots, 1)
    tab.locator("#slot-1-ok").hover()
    tab.mouse.down()
    kiosk.kiosk.bench.acknowledge(1)  # as somebody does at another screen
    slots.pull(1)
    expect(tile(tab, 1)).to_contain_text("Empty")


def test_fingers_that_drum_hide_what_comes_for_a_moment_only(at_bench, kiosk, slots):
    tab = at_bench
    stop(tab, slots, 1)
    drum = (
        "document.getElementById('slot-1-ok').dispatchEvent(new PointerEvent('pointerdown', {bubbles: true}))"
    )
    tab.evaluate(
        f"() => {{ {drum}; setInterval(() => document.getElementById('slot-1-ok') && {drum}, 200) }}"
    )
    kiosk.kiosk.bench.acknowledge(1)
    slots.pull(1)
    expect(tile(tab, 1)).to_contain_text("Empty")


def test_a_finger_that_is_never_lifted_does_not_stop_what_is_polled(at_returns):
    tab = at_returns
    scan_card(tab, FIRST)
    tab.locator("#dead").hover()
    tab.mouse.down()
    tab.plug()
    recommended(tab, "restock")


def test_the_whole_that_comes_while_a_tile_waits_is_not_overtaken_by_it(at_bench, kiosk, slots, monkeypatch):
    tab, bench, later = at_bench, kiosk.kiosk.bench, stream._Page.slots
    stop(tab, slots, 1)
    tab.clock.install()
    tab.clock.pause_at(datetime.now(UTC) + timedelta(seconds=5))  # nothing ends by itself meanwhile
    tab.evaluate(BEATS)
    tab.locator("#slot-1-ok").focus()
    tab.keyboard.down(" ")
    slots.pull(1)
    bench.acknowledge(1)
    slots.plug(1, CARDS[1])
    wait_for(lambda: bench.state(1).verdict is Verdict.PASS)
    slots.plug(2, CARDS[2])
    expect(tile(tab, 2)).to_contain_text("No order")  # told after what waits for the finger
    monkeypatch.setattr(stream._Page, "slots", lambda page, told: later(page, told) and [])
    slots.pull(1)
    wait_for(lambda: bench.state(1).phase is Phase.EMPTY)
    tab.get_by_role("button", name="Sign out").hover()
    tab.mouse.down()
    tab.evaluate(
        "document.body.dispatchEvent(new CustomEvent('htmx:sendError', { detail: { elt: document.body } }))"
    )
    expect(tab.locator("html[data-beat]")).to_be_attached()  # the whole has come
    tab.mouse.move(1, 1)
    tab.mouse.up()
    tab.clock.run_for(1000)
    expect(tile(tab, 1)).to_contain_text("Empty")


BEATS = """() => {
    window.EventSource = class extends EventSource {
        constructor(from) {
            super(from);
            this.addEventListener("beat", () => { document.documentElement.dataset.beat = ""; });
        }
    };
}"""
"""Shows the tests when a stream that is opened from now on has told the whole."""


def test_a_press_is_heard_though_what_is_polled_differs_under_the_finger(at_returns):
    tab = at_returns
    scan_card(tab, FIRST)
    tab.locator("#dead").hover()
    tab.mouse.down()
    tab.plug()
    with tab.expect_response(lambda answer: "/desk" in answer.url and "is in slot" in answer.text()):
        pass
    tab.mouse.up()
    recommended(tab, "quarantine")


def test_what_is_typed_stays_though_the_part_is_asked_for_again(at_returns, world):
    with world.writing() as session:
        set_aside(session, world.actor, world.moment, CARDS[1], Cause.FOREIGN_KEYS, {})
    at_returns.goto(f"/returns/{CARDS[1]}")
    at_returns.locator("#note").fill("two seeds")
    at_returns.locator("h1").click()
    for _ in range(2):
        with at_returns.expect_response("**/desk*"):
            pass
    expect(at_returns.locator("#note")).to_have_value("two seeds")


def anew(route):
    """Answer a poll with something that is another text than before, and looks the same."""
    answer = route.fetch()
    route.fulfill(response=answer, body=answer.text() + "<!-- anew -->")


def test_a_field_that_nothing_was_typed_into_yet_holds_nothing_up(at_returns, world):
    with world.writing() as session:
        set_aside(session, world.actor, world.moment, CARDS[1], Cause.FOREIGN_KEYS, {})
    at_returns.goto(f"/returns/{CARDS[1]}")
    at_returns.locator("#note").focus()
    at_returns.evaluate("document.getElementById('note').dataset.before = ''")
    at_returns.route("**/desk*", anew)
    expect(at_returns.locator("#note:not([data-before])")).to_be_focused()
    at_returns.unroute("**/desk*")
    at_returns.plug(CARDS[1])
    expect(at_returns.locator(".returns-checks .badge").first).to_be_visible()


# --- two presses ---------------------------------------------------------------------------------------


def test_of_two_quick_presses_the_second_counts(at_returns):
    tab = at_returns
    scan_card(tab, FIRST)
    tab.plug()
    recommended(tab, "restock")
    held = []
    tab.route("**/condition", lambda route: held.append(route) if not held else route.continue_())
    tab.locator("#seen-damaged").click()
    tab.locator("#seen-damaged-on-purpose").click()
    held[0].continue_()
    expect(tab.locator("#seen-damaged-on-purpose")).to_have_attribute("aria-pressed", "true")


def test_ok_pressed_twice_leaves_the_refusal_that_nobody_has_seen(kiosk):
    desks, badge = kiosk.kiosk.desks, kiosk.add_operator()
    first, second = stands("first"), stands("second")
    desks.tell("olivia", first)
    desks.tell("olivia", second)
    with httpx.Client(base_url=kiosk.url, timeout=LIMIT, headers={"Origin": kiosk.url}) as client:
        token = field(client.get("/sign-in").text, "csrf")
        client.post("/sign-in", data={"badge_or_name": badge, "secret": PIN, "csrf": token})
        shown = client.get("/bench").text
        form = {"since": field(shown, "since"), "csrf": field(shown, "csrf")}
        desks.insist("olivia")
        for _ in range(2):
            assert client.post("/bench/ok", data=form).status_code == 303
    assert desks.shown("olivia").told == second


def test_a_slots_ok_pressed_twice_leaves_the_alarm_that_nobody_has_seen(kiosk, slots):
    bench, badge = kiosk.kiosk.bench, kiosk.add_operator()
    with httpx.Client(base_url=kiosk.url, timeout=LIMIT, headers={"Origin": kiosk.url}) as client:
        token = field(client.get("/sign-in").text, "csrf")
        client.post("/sign-in", data={"badge_or_name": badge, "secret": PIN, "csrf": token})
        token = field(client.get("/bench").text, "csrf")
        for code in (order_code("O-1"), CARDS[1]):
            client.post("/bench/scan", data={"code": code, "csrf": token})
        slots.plug(1, CARDS[0])
        wait_for(lambda: bench.state(1).alarm)
        form = {"alarm": field(client.get("/bench").text, "alarm"), "csrf": token}
        slots.pull(1)
        wait_for(lambda: bench.state(1).phase is Phase.EMPTY)
        slots.plug(1, CARDS[2])
        wait_for(lambda: bench.state(1).phase is Phase.ON_HOLD)
        client.post("/bench/slots/1/ok", data=form)
        wait_for(lambda: bench.state(1).alarm)
        assert client.post("/bench/slots/1/ok", data=form).status_code == 303
    assert CARDS[2] in bench.state(1).alarm.what


def test_a_key_that_is_held_on_ok_takes_one_refusal_away(at_bench, kiosk):
    tab, desks = at_bench, kiosk.kiosk.desks
    for what in ("first", "second"):
        desks.tell("olivia", stands(what))
    scan(tab, "nonsense")
    expect(tab.locator("#desk h1")).to_have_text("first")
    tab.locator("#desk-ok").focus()
    tab.keyboard.down("Enter")
    expect(tab.locator("#desk h1")).to_have_text("second")
    expect(tab.locator("#desk-ok")).to_be_focused()
    tab.keyboard.down("Enter")
    with tab.expect_response("**/bench/scan"):
        scan(tab, "nonsense")
    assert desks.shown("olivia").told.what == "second"


def test_of_two_searches_one_after_the_other_the_second_counts(signed_in, world):
    world.stock(len(CARDS))
    signed_in.goto("/cards")
    signed_in.evaluate(
        """serials => {
            const field = document.getElementById("q");
            for (const serial of serials) {
                field.value = serial;
                field.form.querySelector("button").click();
            }
        }""",
        CARDS[:2],
    )
    expect(signed_in.locator("h1")).to_contain_text(CARDS[1])


def test_an_alarm_is_heard_though_one_of_its_kind_stood_there_before():
    told = outcome(Code.NOT_IN_STOCK, serial_number=CARDS[0])
    first = replace(
        empty(Slot(1, "1", 1, 1, SlotUse.PROVISIONING)), phase=Phase.ON_HOLD, plugging=2, alarm=told, alarms=1
    )
    second = replace(first, phase=Phase.ENDED, alarms=2)
    one, another = (tile_of(state, Tongue(str, str, lambda _: [])) for state in (first, second))
    assert one.key != another.key


def field(page, name):
    return re.search(rf'name="{name}" value="([0-9a-f]+)"', page)[1]


class Slow:
    """Stands for a part of the station, and takes a while for its first call, until a second comes."""

    def __init__(self, does):
        self.does = does
        self.calls = 0
        self.called_again = threading.Event()

    def __call__(self, *arguments):
        self.calls += 1
        if self.calls > 1:
            self.called_again.set()
        self.called_again.wait(WHILE_S)
        return self.does(*arguments)


def test_a_form_that_is_pressed_twice_is_sent_once(signed_in, monkeypatch):
    slow = Slow(hands.pass_days)
    monkeypatch.setattr(hands, "pass_days", slow)
    signed_in.goto("/hands")
    day = signed_in.get_by_role("button", name="A day passes")
    day.evaluate("day => { day.click(); setTimeout(() => day.click(), 300); }")
    expect(signed_in.get_by_text("One day ahead of the machine.")).to_be_visible()
    assert slow.calls == 1


def test_a_page_that_locks_asks_once_however_long_the_station_takes(tab, kiosk, monkeypatch):
    slow = Slow(sessions.lock)
    monkeypatch.setattr(sessions, "lock", slow)
    sign_in(tab, kiosk.add_operator())
    tab.clock.install()
    tab.goto("/training")
    tab.clock.fast_forward(5 * 60 * 1000 + 2000)
    expect(tab.locator("h1")).to_have_text("Locked")
    assert slow.calls == 1


HEARS = (
    "document.addEventListener('stream:put', e => document.documentElement.dataset.heard = e.detail.part.id)"
)
"""Shows the tests which part came last by the stream."""


def test_the_whole_that_an_answer_has_overtaken_takes_nothing_back(kiosk, tab, monkeypatch):
    records, goes_on = stream._Page.records, threading.Event()
    looks = set()

    def late(page):
        """The whole, looked at before the scan and sent after it; and then nothing more."""
        if page in looks:
            return []
        looks.add(page)
        found = records(page)
        assert goes_on.wait(LIMIT)
        return found

    monkeypatch.setattr(stream._Page, "records", late)
    sign_in(tab, kiosk.add_operator())
    tab.add_init_script(HEARS)
    tab.goto("/bench")
    wait_for(lambda: looks)
    scan(tab, "nonsense")
    expect(tab.locator("#desk-ok")).to_be_visible()
    goes_on.set()
    expect(tab.locator("html[data-heard=unfinished]")).to_be_attached()
    expect(tab.locator("#desk-ok")).to_be_visible()


# --- answers that fail, or never come ------------------------------------------------------------------


def test_each_failure_is_told_and_goes_with_the_next_success(at_bench, monkeypatch):
    take, failing = scanning.take, ["first", "second"]

    def fails(kiosk, actor, text):
        if failing:
            raise NotFound(failing.pop(0))
        return take(kiosk, actor, text)

    monkeypatch.setattr(scanning, "take", fails)
    for said in ("first", "second"):
        scan(at_bench, order_code("O-1"))
        expect(at_bench.locator("#notice")).to_contain_text(said)
    scan(at_bench, order_code("O-1"))
    expect(desk(at_bench)).to_contain_text("Plug a card in for order O-1")
    expect(at_bench.locator("#notice")).to_be_empty()


def test_a_failure_leaves_the_place_for_the_next_though_the_desk_changed_meanwhile(
    at_bench, kiosk, monkeypatch
):
    desks, changed, failing = kiosk.kiosk.desks, threading.Event(), ["first", "second"]

    def fails(_kiosk, actor, _text):
        if not changed.is_set():
            desks.tell(actor.operator, stands("the printer is out"))
            assert changed.wait(LIMIT)
        raise NotFound(failing.pop(0))

    monkeypatch.setattr(scanning, "take", fails)
    scan(at_bench, "nonsense")
    expect(desk(at_bench)).to_contain_text("the printer is out")
    changed.set()
    expect(at_bench.locator("#notice[role=alert]")).to_contain_text("first")
    scan(at_bench, "nonsense")
    expect(at_bench.locator("#notice[role=alert]")).to_contain_text("second")


def test_a_poll_that_fails_is_told_once_and_no_longer_than_it_fails(at_returns, monkeypatch):
    tab = at_returns
    scan_card(tab, FIRST)
    tab.evaluate("""() => { window.told = 0;
        new MutationObserver(() => { window.told += 1; })
            .observe(document.getElementById("notice"), {childList: true}) }""")
    facts, fails = returns.desk_facts, [True]

    def failing(*arguments):
        if fails:
            raise StateConflict("the records are busy")
        return facts(*arguments)

    monkeypatch.setattr(returns, "desk_facts", failing)
    expect(tab.locator("#notice")).to_contain_text("the records are busy")
    for _ in range(3):
        with tab.expect_response("**/desk*"):
            pass
    assert tab.evaluate("window.told") == 1
    fails.clear()
    expect(tab.locator("#notice")).to_be_empty()


def test_a_refusal_whose_ok_was_taken_but_not_answered_does_not_stay(kiosk, tab, monkeypatch):
    records = stream._Page.records
    looks = set()

    def once(page):
        """What the page shows at first: meanwhile, it was taken away again."""
        if page in looks:
            return []
        looks.add(page)
        return records(page)

    monkeypatch.setattr(stream._Page, "records", once)
    sign_in(tab, kiosk.add_operator())
    tab.add_init_script(HEARS)
    tab.goto("/bench")
    expect(tab.locator("html[data-heard=unfinished]")).to_be_attached()  # what comes last of the whole
    scan(tab, "nonsense")
    expect(tab.locator("#desk-ok")).to_be_visible()

    def lost(route):
        route.fetch()
        route.abort()

    tab.route("**/bench/ok", lost)
    tab.locator("#desk-ok").click()
    expect(tab.locator("#desk h1")).to_have_text("Scan an order.")


def test_a_poll_that_is_not_answered_is_no_scan_that_was_not_answered(at_returns):
    scan_card(at_returns, FIRST)
    at_returns.route("**/desk*", lambda route: route.abort())
    for _ in range(2):
        with at_returns.expect_event("requestfailed"):
            pass
    assert at_returns.locator("[data-unsent-sign]").inner_text() == ""


def test_a_browser_that_leaves_in_the_midst_of_a_form_is_no_mistake_of_ours(kiosk, caplog):
    port = kiosk.kiosk.addresses.port
    form = f"POST /sign-out HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: {kiosk.url}\r\n"
    form += "Content-Length: 500\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\ncsrf=1"
    asked, done = threading.Event(), threading.Event()
    app = kiosk.app.build_middleware_stack()

    async def watched(scope, receive, send):
        async def heard():
            message = await receive()
            asked.set()
            return message

        await app(scope, heard, send)
        done.set()

    kiosk.app.middleware_stack = watched
    with socket.create_connection(("127.0.0.1", port)) as browser:
        browser.sendall(form.encode())
        assert asked.wait(LIMIT)
    assert done.wait(LIMIT)
    assert caplog.records == []
