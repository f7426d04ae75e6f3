"""The bench's page in a real browser, by scanner and keyboard alone: R46's serial check is the slots'."""

import re
import threading
import time
from contextlib import closing, contextmanager
from dataclasses import replace

import pytest
from playwright.sync_api import expect

from dscplus_station.operators.rules import Position
from dscplus_station.parcels.rules import Situation
from dscplus_station.parcels.told import Told, Tone
from dscplus_station.printing.rules import JobState
from dscplus_station.printing.service import jobs
from dscplus_station.scans.rules import Command, command_code, label_code, order_code
from dscplus_station.web.desks import Desks
from dscplus_station.web.labelling import Labels
from dscplus_station.wording import words
from tests.provisioning.support import CARDS, order_values
from tests.web.conftest import SIZES, sign_in
from tests.web.scanner import scan
from tests.web.served import PIN, serving
from tests.web.slots_at_work import SlotsAtWork
from tests.web.wire import Wire

TRACKING = ["RR123456785US", "RR473124829US", "RR000000005US", "RR987654326US"]
OK, CANCEL = command_code(Command.OK), command_code(Command.CANCEL)
LIMIT_S = 10


@pytest.fixture
def slots(world, tmp_path):
    world.stock(len(CARDS))
    names = ["Alice Sample", "Bruno Muster", "Carla Ejemplo", "Dieter Beispiel", "Eva Sample"]
    for number, name in enumerate(names, 1):
        world.place(order_values(f"O-{number}", user=f"user-{number}", name=name, country="CH"))
    return SlotsAtWork(world, tmp_path / "slots")


@pytest.fixture
def wire():
    wire = Wire()
    yield wire
    wire.close()


@contextmanager
def bench_served(world, slots, wire):
    desks = Desks()
    with closing(Labels(world.station, desks)) as labels, slots.open(labels.passed) as bench:
        parts = {"bench": bench, "desks": desks, "labels": labels}
        with serving(world, wire=wire, **parts) as served:
            yield served


@pytest.fixture
def kiosk(world, slots, wire):
    with bench_served(world, slots, wire) as served:
        yield served


@pytest.fixture
def at_bench(signed_in):
    signed_in.goto("/bench")
    expect(signed_in.locator("#desk h1")).to_have_text(re.compile("Scan an order|Escanee un pedido"))
    return signed_in


def tile(tab, slot):
    return tab.locator(f"#slot-{slot}")


def desk(tab):
    return tab.locator("#desk")


def serve(tab, slots, order, slot, serial):
    """Scan an order, plug a card in for it."""
    scan(tab, order_code(order))
    expect(desk(tab)).to_contain_text(f"Plug a card in for order {order}")
    slots.plug(slot, serial)
    expect(tile(tab, slot)).to_contain_text(order)


def wait_for(true):
    deadline = time.monotonic() + LIMIT_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def wait_for_labels(world, count):
    """Wait until so many came out: they print in a thread of their own, and PASS may show before."""
    wait_for(lambda: len(printed(world)) >= count)


def printed(world):
    return {
        (job.copy, job.slot) for job in jobs(world.station, open_only=False) if job.state is JobState.SENT
    }


def passed(tab, slots, slot, labels=1):
    """Wait until the card in the slot passed, and as many labels as that makes were printed."""
    expect(tile(tab, slot)).to_contain_text("PASS")
    wait_for_labels(slots.world, labels)


@pytest.mark.parametrize("size", SIZES)
def test_four_cards_at_a_time_each_into_its_own_envelope(at_bench, slots, accessible, screenshot, size):
    tab = at_bench
    accessible(tab)
    screenshot(tab, "bench-idle")
    for card in CARDS[:4]:
        slots.cards[card].hold_at = 8
    for number in range(1, 5):
        serve(tab, slots, f"O-{number}", number, CARDS[number - 1])
    for card in CARDS[:4]:
        assert slots.cards[card].held.wait(10)
    expect(tile(tab, 4).locator("progress")).to_be_visible()
    accessible(tab)
    screenshot(tab, "bench-four-at-work")
    for card in CARDS[:4]:
        slots.cards[card].go.set()
    for number in range(1, 5):
        expect(tile(tab, number)).to_contain_text("PASS")
    accessible(tab)
    screenshot(tab, "bench-four-passed")
    wait_for(lambda: len(jobs(slots.world.station, open_only=False)) == 4)
    wait_for(lambda: not jobs(slots.world.station, open_only=True))
    for number in (3, 1, 4, 2):
        slots.pull(number)
        expect(tile(tab, number)).to_contain_text("Empty")
        scan(tab, CARDS[number - 1])
        expect(desk(tab)).to_contain_text("Scan its label")
        scan(tab, label_code(f"O-{number}", CARDS[number - 1], 1))
        expect(desk(tab)).to_contain_text("scan its tracking number")
        if number == 1:
            accessible(tab)
            screenshot(tab, "bench-paired")
        scan(tab, TRACKING[number - 1])
        expect(desk(tab)).to_contain_text("Auto-activates Sun 6 Dec 2026")
    screenshot(tab, "bench-shipped")


def test_an_unplugged_card_is_told_and_goes_on_in_any_slot(at_bench, slots, accessible, screenshot):
    tab = at_bench
    slots.cards[CARDS[0]].set_faults("unplug=700")
    serve(tab, slots, "O-1", 1, CARDS[0])
    expect(tile(tab, 1)).to_contain_text(f"Card {CARDS[0]} was taken out before it was done.")
    slots.pull(1)
    expect(tab.locator("#unfinished")).to_contain_text(CARDS[0])
    accessible(tab)
    screenshot(tab, "bench-interrupted")
    slots.cards[CARDS[0]].set_faults("")
    slots.plug(3, CARDS[0])
    expect(tile(tab, 3)).to_contain_text("PASS")
    expect(tab.locator("#unfinished")).to_be_hidden()


def test_a_card_whose_power_was_cut_goes_on_when_it_is_back(at_bench, slots):
    slots.cards[CARDS[0]].set_faults("power-cut=4")
    serve(at_bench, slots, "O-1", 2, CARDS[0])
    expect(tile(at_bench, 2)).to_contain_text("Interrupted")
    slots.pull(2)
    slots.cards[CARDS[0]].set_faults("")
    slots.plug(2, CARDS[0])
    expect(tile(at_bench, 2)).to_contain_text("PASS")


def test_a_wrong_card_is_told_as_large_as_its_tile_and_goes_only_by_ok(
    at_bench, slots, accessible, screenshot
):
    tab = at_bench
    scan(tab, order_code("O-1"))
    scan(tab, CARDS[1])
    expect(desk(tab)).to_contain_text(f"Plug card {CARDS[1]} in for order O-1")
    slots.plug(1, CARDS[0])
    wrong = f"This is card {CARDS[0]}, but card {CARDS[1]} was scanned."
    expect(tile(tab, 1)).to_contain_text(wrong)
    accessible(tab)
    screenshot(tab, "bench-wrong-card")
    tab.keyboard.press("Escape")
    tab.keyboard.press("Enter")
    tab.keyboard.press("Space")
    slots.pull(1)
    scan(tab, CARDS[1])
    expect(tile(tab, 1)).to_contain_text(wrong)
    scan(tab, OK)
    expect(tile(tab, 1)).to_contain_text("Empty")
    slots.plug(1, CARDS[1])
    expect(tile(tab, 1)).to_contain_text("PASS")


def test_two_cards_at_once_are_both_stopped(at_bench, kiosk, slots, screenshot):
    tab, bench = at_bench, kiosk.kiosk.bench
    slots.settle = lambda: wait_for(lambda: any(bench.state(slot).alarm for slot in (1, 2)))
    scan(tab, order_code("O-1"))
    expect(desk(tab)).to_contain_text("Plug a card in")
    slots.plug(1, CARDS[0])
    slots.plug(2, CARDS[1])
    for slot in (1, 2):
        expect(tile(tab, slot)).to_contain_text("Two cards were plugged in for order O-1")
    slots.settle = lambda: None
    screenshot(tab, "bench-two-cards")
    slots.pull(1)
    slots.pull(2)
    scan(tab, OK)
    expect(tile(tab, 1)).to_contain_text("Empty")
    scan(tab, OK)
    expect(tile(tab, 2)).to_contain_text("Empty")
    expect(desk(tab)).to_contain_text("Take both cards out")
    scan(tab, OK)
    expect(desk(tab)).to_contain_text("Plug a card in for order O-1")
    slots.plug(4, CARDS[1])
    expect(tile(tab, 4)).to_contain_text("PASS")


def test_a_scan_out_of_place_stays_until_ok_and_no_other_scan_gets_round_it(at_bench, accessible, screenshot):
    tab = at_bench
    scan(tab, TRACKING[0])
    expect(desk(tab)).to_contain_text("That is the tracking number RR123456785US.")
    expect(desk(tab)).to_contain_text("Expected: an order, or a finished card.")
    accessible(tab)
    screenshot(tab, "bench-out-of-place")
    for key in ("Escape", "Enter", "Space", "a", "Backspace"):
        tab.keyboard.press(key)
    with tab.expect_response("**/bench/scan"):
        scan(tab, order_code("O-1"))
    expect(desk(tab)).to_contain_text("That is the tracking number")
    tab.reload()
    expect(desk(tab)).to_contain_text("That is the tracking number")
    scan(tab, OK)
    expect(tab.locator("#desk h1")).to_have_text("Scan an order.")
    scan(tab, order_code("O-1"))
    expect(desk(tab)).to_contain_text("Plug a card in for order O-1")
    scan(tab, CANCEL)
    expect(desk(tab)).to_contain_text("Scan an order.")


def test_the_scanner_is_caught_wherever_the_focus_is(at_bench):
    tab = at_bench
    scan(tab, TRACKING[0])
    ok = tab.get_by_role("button", name="OK")
    ok.focus()
    scan(tab, order_code("O-1"))
    expect(ok).to_be_visible()
    ok.click()
    expect(tab.locator("#code")).to_be_focused()
    tab.mouse.click(600, 100)
    scan(tab, order_code("O-1"))
    expect(desk(tab)).to_contain_text("Plug a card in for order O-1")
    tab.get_by_role("button", name="Sign out").focus()
    scan(tab, CANCEL)
    expect(desk(tab)).to_contain_text("Scan an order.")
    assert tab.url.endswith("/bench")


def test_a_finger_on_ok_is_heard_though_a_scan_is_refused_in_the_same_moment(at_bench):
    tab = at_bench
    scan(tab, TRACKING[0])
    tab.locator("#desk-ok").hover()
    tab.mouse.down()
    told = desk(tab).get_attribute("data-key")
    with tab.expect_response("**/bench/scan"):
        scan(tab, order_code("O-1"))
    expect(desk(tab)).not_to_have_attribute("data-key", told)
    tab.mouse.up()
    expect(tab.locator("#desk h1")).to_have_text("Scan an order.")
    expect(tab.locator("#code")).to_be_focused()


def test_a_scan_on_top_of_what_somebody_had_typed_is_the_scan_alone(at_bench):
    at_bench.keyboard.type("12", delay=120)
    at_bench.wait_for_timeout(400)  # a person's pause
    scan(at_bench, order_code("O-2"))
    expect(desk(at_bench)).to_contain_text("Plug a card in for order O-2")
    at_bench.keyboard.type("cancel", delay=90)
    at_bench.keyboard.press("Enter")
    expect(desk(at_bench)).to_contain_text("Scan an order.")


def test_a_scan_that_stalls_in_the_middle_is_one_scan(at_bench):
    """A laden machine, a radio that drops out: longer than the pause that tells a scan from typed keys."""
    code = order_code("O-2")
    at_bench.keyboard.type(code[0])
    at_bench.wait_for_timeout(400)
    scan(at_bench, code[1:])
    expect(desk(at_bench)).to_contain_text("Plug a card in for order O-2")


def test_scans_that_come_faster_than_their_answers_are_taken_in_order(at_bench, slots):
    slots.cards[CARDS[0]].hold_at = None
    serve(at_bench, slots, "O-1", 1, CARDS[0])
    passed(at_bench, slots, 1)
    slots.pull(1)
    for code in (CARDS[0], label_code("O-1", CARDS[0], 1), TRACKING[0], order_code("O-2")):
        scan(at_bench, code)
    expect(desk(at_bench)).to_contain_text("Plug a card in for order O-2")


def test_a_pass_stays_until_the_card_is_out_and_is_heard_once(at_bench, slots):
    tab = at_bench
    tab.evaluate(
        "document.tones = []; document.addEventListener('bench:tone', e => document.tones.push(e.detail))"
    )
    serve(tab, slots, "O-1", 1, CARDS[0])
    expect(tile(tab, 1)).to_contain_text("PASS")
    expect(tab.locator("[data-say-calmly]")).to_contain_text("Slot 1: PASS.")
    scan(tab, order_code("O-2"))
    expect(desk(tab)).to_contain_text("Plug a card in for order O-2")
    expect(tile(tab, 1)).to_contain_text("PASS")
    assert tab.evaluate("document.tones") == ["done", "pass", "done"]


def test_a_page_that_comes_back_shows_all_and_sounds_nothing(at_bench, slots):
    slots.cards[CARDS[0]].hold_at = 8
    serve(at_bench, slots, "O-1", 1, CARDS[0])
    assert slots.cards[CARDS[0]].held.wait(10)
    at_bench.reload()
    expect(tile(at_bench, 1)).to_contain_text(re.compile("Step [23] of 6"))
    expect(tile(at_bench, 1)).to_contain_text("O-1")
    slots.cards[CARDS[0]].go.set()
    expect(tile(at_bench, 1)).to_contain_text("PASS")


def test_a_lost_stream_is_seen_and_made_good(at_bench, slots, wire, screenshot):
    tab = at_bench
    serve(tab, slots, "O-1", 1, CARDS[0])
    expect(tile(tab, 1)).to_contain_text("PASS")
    wire.cut()
    slots.pull(1)
    sign = tab.get_by_text("The station does not answer.")
    expect(sign).to_be_visible()
    expect(tab.locator("body")).to_have_class(re.compile("stream-lost"))
    screenshot(tab, "bench-stream-lost")
    scan(tab, order_code("O-2"))
    expect(tab.get_by_text("The station did not answer to this scan.")).to_be_visible()
    expect(tile(tab, 1)).to_contain_text("PASS")
    wire.mend()
    expect(sign).to_be_hidden()
    expect(tile(tab, 1)).to_contain_text("Empty")
    scan(tab, order_code("O-2"))
    expect(desk(tab)).to_contain_text("Plug a card in for order O-2")
    expect(tab.get_by_text("The station did not answer to this scan.")).to_be_hidden()


def test_it_works_with_200_ms_of_latency(at_bench, slots):
    session = at_bench.context.new_cdp_session(at_bench)
    session.send("Network.enable")
    conditions = {"offline": False, "latency": 200, "downloadThroughput": -1, "uploadThroughput": -1}
    session.send("Network.emulateNetworkConditions", conditions)
    at_bench.goto("/bench")
    serve(at_bench, slots, "O-1", 1, CARDS[0])
    passed(at_bench, slots, 1)
    slots.pull(1)
    for code in (CARDS[0], label_code("O-1", CARDS[0], 1), TRACKING[0]):
        scan(at_bench, code)
    expect(desk(at_bench)).to_contain_text("Order O-1 is shipped")


def test_it_is_right_after_the_station_restarted_in_mid_run(world, slots, wire, browser):
    context = browser.new_context(base_url=f"http://127.0.0.1:{wire.port}")
    tab = context.new_page()
    half_done = slots.cards[CARDS[0]]
    half_done.hold_at = 8
    with bench_served(world, slots, wire) as first:
        sign_in(tab, first.add_operator())
        tab.goto("/bench")
        serve(tab, slots, "O-1", 1, CARDS[0])
        serve(tab, slots, "O-2", 2, CARDS[1])
        expect(tile(tab, 2)).to_contain_text("PASS")
        scan(tab, order_code("O-3"))
        expect(desk(tab)).to_contain_text("Plug a card in for order O-3")
        assert half_done.held.wait(10)
        stopping = first.kiosk.bench._stopping
        threading.Thread(target=lambda: stopping.wait(20) and half_done.go.set(), daemon=True).start()
    sign = tab.get_by_text("The station does not answer.")
    expect(sign).to_be_visible()
    with bench_served(world, slots, wire):
        expect(sign).to_be_hidden()
        expect(tile(tab, 1)).to_contain_text("PASS")
        expect(tile(tab, 2)).to_contain_text("PASS")
        expect(desk(tab)).to_contain_text("Plug a card in for order O-3")
        slots.plug(3, CARDS[2])
        expect(tile(tab, 3)).to_contain_text("PASS")
        context.close()


@pytest.mark.parametrize("language", ["es"])
def test_all_of_it_in_spanish(at_bench, slots, accessible, screenshot, language):
    tab = at_bench
    scan(tab, order_code("O-1"))
    scan(tab, CARDS[1])
    expect(desk(tab)).to_contain_text(CARDS[1])
    slots.plug(1, CARDS[0])
    expect(tile(tab, 1)).to_contain_text(f"Esta es la tarjeta {CARDS[0]}, pero se escaneó la {CARDS[1]}.")
    scan(tab, OK)
    slots.pull(1)
    expect(tile(tab, 1)).to_contain_text("Vacía")
    slots.plug(1, CARDS[1])
    expect(tile(tab, 1)).to_contain_text("APTA")
    scan(tab, TRACKING[0])
    expect(desk(tab)).to_contain_text("Se esperaba")
    accessible(tab)
    screenshot(tab, "bench-spanish")


def test_a_locked_page_shows_nothing_more(signed_in, kiosk, slots):
    signed_in.goto("/bench")
    kiosk.world.at(minutes=6)
    expect(signed_in.locator("h1")).to_have_text("Locked")
    assert "/locked?next=%2Fbench" in signed_in.url


def test_a_shipment_is_taken_back_by_a_supervisor_alone(tab, kiosk, slots, accessible, screenshot):
    sign_in(tab, kiosk.add_operator("wanda", {Position.WAREHOUSE, Position.SECURITY_OFFICER}))
    supervisor = kiosk.add_operator("sue", {Position.SUPERVISOR})
    tab.goto("/bench")
    serve(tab, slots, "O-1", 1, CARDS[0])
    passed(tab, slots, 1)
    slots.pull(1)
    for code in (CARDS[0], label_code("O-1", CARDS[0], 1), TRACKING[0]):
        scan(tab, code)
    expect(desk(tab)).to_contain_text("Order O-1 is shipped")
    scan(tab, command_code(Command.SUPERVISOR))
    expect(tab.locator("h1")).to_have_text("A supervisor is needed here")
    accessible(tab)
    screenshot(tab, "bench-supervisor")
    wanda = kiosk.add_operator("wilma", {Position.WAREHOUSE})
    for badge, said in ((wanda, "needs the role supervisor"), (supervisor, None)):
        tab.get_by_label(re.compile("O-1")).check()
        tab.get_by_label("Why").fill("wrong envelope")
        tab.keyboard.press("Enter")
        scan(tab, badge)
        expect(tab.locator("#secret")).to_be_focused()
        tab.keyboard.type(PIN)
        with tab.expect_navigation():
            tab.keyboard.press("Enter")
        if said:
            expect(tab.get_by_role("alert").filter(has_text=said)).to_be_visible()
    expect(desk(tab)).to_contain_text("Scan an order")
    scan(tab, CARDS[0])
    expect(desk(tab)).to_contain_text("Scan its label")


def test_labels_print_by_themselves_and_name_the_slot(at_bench, slots, world):
    serve(at_bench, slots, "O-1", 3, CARDS[0])
    passed(at_bench, slots, 3)
    slots.pull(3)
    scan(at_bench, CARDS[0])
    scan(at_bench, label_code("O-1", CARDS[0], 1))
    expect(desk(at_bench)).to_contain_text("one pair")
    scan(at_bench, command_code(Command.REPRINT))
    expect(desk(at_bench)).to_contain_text("Label 2 of order O-1 is printed; earlier ones are void.")
    scan(at_bench, label_code("O-1", CARDS[0], 1))
    expect(desk(at_bench)).to_contain_text("Destroy this one and scan the other")
    scan(at_bench, OK)
    scan(at_bench, label_code("O-1", CARDS[0], 2))
    expect(desk(at_bench)).to_contain_text("one pair")
    wait_for_labels(world, 2)
    assert printed(world) == {(1, "3"), (2, "3")}


def test_a_printer_that_is_out_is_told_until_ok(at_bench, slots, world, accessible, screenshot):
    tab, labels = at_bench, world.home.path / "labels"
    labels.write_text("a file where the folder of the labels should be")
    serve(tab, slots, "O-1", 1, CARDS[0])
    expect(tile(tab, 1)).to_contain_text("PASS")
    expect(desk(tab)).to_contain_text("The label of order O-1 was not printed")
    accessible(tab)
    screenshot(tab, "bench-printer-out")
    labels.unlink()
    scan(tab, OK)
    expect(desk(tab)).to_contain_text("Scan an order.")
    slots.pull(1)
    scan(tab, CARDS[0])
    scan(tab, command_code(Command.REPRINT))
    expect(desk(tab)).to_contain_text("Label 2 of order O-1 is printed")


def test_refusals_stand_one_below_the_other_until_each_is_acknowledged():
    desks, here = Desks(), Situation()
    first = Told(Tone.REFUSED, words("first"), words("then"), here)
    second = replace(first, what=words("second"))
    assert not desks.acknowledge("olivia") and not desks.insist("olivia")
    desks.tell("olivia", first)
    before = desks.shown("olivia").number
    assert desks.insist("olivia") and desks.shown("olivia").number > before
    desks.tell("olivia", second)
    desks.tell("olivia", replace(first, tone=Tone.DONE))
    assert desks.shown("olivia").told == first and not desks.shown("petra").refused
    assert desks.acknowledge("olivia") and desks.shown("olivia").told == second
    assert desks.acknowledge("olivia") and not desks.shown("olivia").refused


def test_an_answer_that_was_overtaken_by_the_stream_is_not_shown(at_bench):
    def delayed(route):
        answer = route.fetch()
        older = re.sub(r'data-drawn="\d+"', 'data-drawn="0"', answer.text()).replace("<h1>", "<h1>OVERTAKEN ")
        route.fulfill(response=answer, body=older)

    at_bench.route("**/bench/scan", delayed)
    scan(at_bench, order_code("O-1"))
    expect(desk(at_bench)).to_contain_text("Plug a card in for order O-1")
    assert "OVERTAKEN" not in desk(at_bench).inner_text()


def test_a_station_without_slots_says_so_and_waits_for_no_stream(world, browser):
    with serving(world) as served:
        tab = browser.new_page(base_url=served.url)
        sign_in(tab, served.add_operator())
        tab.goto("/bench")
        expect(tab.get_by_text("This station has no slots yet.")).to_be_visible()
        assert tab.locator("[data-stream]").count() == 0
        tab.close()
