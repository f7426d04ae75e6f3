"""The returns desk's pages in a real browser (R46): looked at, restocked, set aside, captured by two."""

import threading
import time
from contextlib import closing
from types import SimpleNamespace

import pytest
from playwright.sync_api import expect

from dscplus_driver import Pin, Seed
from dscplus_driver import Profile as CardProfile
from dscplus_driver.model import LifeCycle
from dscplus_station.desk import sheet as sheets
from dscplus_station.holds.service import hold_of, open_hold
from dscplus_station.operators.rules import Position
from dscplus_station.personalise import runner
from dscplus_station.personalise.journal import Journal
from dscplus_station.printing.service import jobs
from dscplus_station.scans.rules import Command, command_code
from dscplus_station.slots.map import slot_map
from dscplus_station.slots.rules import Phase
from dscplus_station.stock.service import get_card
from dscplus_station.web import labelling
from dscplus_station.web.desks import Desks
from dscplus_station.web.labelling import Labels
from dscplus_station.web.returns import drawing
from tests.provisioning.support import CARDS, order_values
from tests.web.conftest import SIZES
from tests.web.scanner import scan
from tests.web.served import PASSWORD, PIN, serving
from tests.web.slots_at_work import MASTER, PacedCard, SlotsAtWork

FIRST, SECOND = CARDS[:2]
OK = command_code(Command.OK)


class ReturnsSlots(SlotsAtWork):
    """Two slots for returns."""

    def __init__(self, world, folder):
        super().__init__(world, folder)
        self.map = slot_map(
            [
                {"number": n, "row": 1, "column": n, "port": str(folder / f"slot-{n}"), "use": "returns"}
                for n in (1, 2)
            ]
        )


@pytest.fixture
def slots(world, tmp_path):
    world.stock(len(CARDS))
    return ReturnsSlots(world, tmp_path / "slots")


@pytest.fixture
def kiosk(world, slots):
    with (
        closing(Labels(world.station, Desks())) as labels,
        slots.open(lambda _end: None) as bench,
        serving(world, bench=bench, labels=labels) as served,
    ):
        yield served


def sent(world, slots, serial, order, name="Alice Sample"):
    """A card that was made and shipped, with a deposit, to a holder."""
    assert not world.place(order_values(order, name=name)).refused
    journal = Journal(world.station, world.keystore, world.actor)
    with slots.cards[serial].connect() as card:
        run = journal.begin(card.serial_number, order)
        assert runner.personalise(card, journal, world.keystore, run).verdict is runner.Verdict.COMPLETED
    with world.writing() as session:
        open_hold(session, world.actor, world.station.now(), order, "U-1")
    world.ship(order)


def clone(world, slots, serial):
    """Take the card's place by one with the same number, its very keys, and another seed."""
    keys = world.keystore.issuer_master().keys_of(serial)
    card = slots.cards[serial] = PacedCard(serial)
    with card.connect() as driver:
        with driver.open_session(MASTER.keys_of(serial)) as session:
            session.put_key(keys)
        for _ in range(30):
            driver.open_session(keys).close()
        with driver.open_session(keys) as session:
            session.set_status(LifeCycle.INITIALIZED)
            session.store_data(Seed(b"\x55" * 32), profile=CardProfile.CARD_PIN, language="en")
            session.set_pin(Pin("2580"))
            session.set_status(LifeCycle.SECURED)


def card_state(world, serial=FIRST):
    with world.station.database.reading() as session:
        return get_card(session, serial).state.value


def deposit(world, order="O-1"):
    with world.station.database.reading() as session:
        hold = hold_of(session, order)
        return hold.state.value, hold.end_reason


def scan_card(tab, serial):
    """Scan a card at the desk: its page is there when this returns."""
    expect(tab.locator("#scan")).to_be_focused()
    with tab.expect_navigation(url=f"**/returns/{serial}*"):
        scan(tab, serial)


def recommended(tab, outcome):
    expect(tab.locator("#recommendation")).to_have_attribute("data-outcome", outcome)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", ["en", "es"])
def test_r46_received_inspected_and_restocked_by_scanner_alone(
    signed_in, world, slots, accessible, screenshot, language
):
    sent(world, slots, FIRST, "O-1")
    signed_in.goto("/returns")
    accessible(signed_in)
    scan_card(signed_in, FIRST)
    expect(signed_in.locator(".returns-word")).to_have_text({"en": "Plug it in", "es": "Conéctela"}[language])
    assert card_state(world) == "RETURNED"  # revoked by the scan alone
    accessible(signed_in)
    screenshot(signed_in, f"returns-plug-in-{language}")
    slots.plug(1, FIRST)
    recommended(signed_in, "restock")
    expect(signed_in.locator("#desk")).to_contain_text("Alice")
    assert "Sampleville" not in signed_in.content()
    accessible(signed_in)
    screenshot(signed_in, f"returns-recommended-{language}")
    scan(signed_in, OK)
    expect(signed_in.locator(".returns-word")).to_contain_text(
        {"en": "Back in stock", "es": "En existencias"}[language]
    )
    assert card_state(world) == "BLANK"
    assert deposit(world) == ("RELEASED", "RETURNED")
    accessible(signed_in)
    screenshot(signed_in, f"returns-restocked-{language}")
    signed_in.goto("/returns")
    screenshot(signed_in, f"returns-home-{language}")


def test_r46_a_copy_goes_onto_the_shelf_and_is_scrapped_by_two(
    signed_in, kiosk, world, slots, accessible, screenshot
):
    kiosk.add_operator("susan", frozenset({Position.SUPERVISOR}))
    sent(world, slots, FIRST, "O-1")
    clone(world, slots, FIRST)
    signed_in.goto("/returns")
    scan_card(signed_in, FIRST)
    slots.plug(1, FIRST)
    recommended(signed_in, "quarantine")
    expect(signed_in.locator("#recommendation")).to_contain_text("Its seed is not the one that it left with")
    expect(signed_in.locator(".returns-other")).to_have_count(0)
    accessible(signed_in)
    screenshot(signed_in, "returns-copy")
    signed_in.locator("#act").click()
    expect(signed_in.locator(".returns-word")).to_have_text("In quarantine")
    assert (card_state(world), deposit(world)) == ("QUARANTINED", ("HELD", None))
    accessible(signed_in)
    screenshot(signed_in, "returns-quarantined")
    tag = signed_in.request.get(f"/returns/{FIRST}/tag.pdf")
    assert tag.ok and tag.body().startswith(b"%PDF")
    assert [(one.kind.value, one.serial_number) for one in jobs(world.station, open_only=False)] == [
        ("tag", FIRST)
    ]

    signed_in.goto("/returns/shelf")
    expect(signed_in.locator("#serials")).to_be_focused()
    scan(signed_in, SECOND)
    signed_in.get_by_role("button", name="Compare").click()
    expect(signed_in.locator("#count")).to_contain_text(
        f"{FIRST}: in quarantine by the records, and not there"
    )
    expect(signed_in.locator("#count")).to_contain_text(f"{SECOND}: there, and BLANK by the records")
    accessible(signed_in)
    screenshot(signed_in, "returns-shelf")

    signed_in.goto(f"/returns/{FIRST}")
    signed_in.locator("#note").fill("two seeds")
    signed_in.locator("#scrap-who").fill("olivia")
    signed_in.locator("#scrap-secret").fill(PASSWORD)
    signed_in.get_by_role("button", name="Scrap").click()
    expect(signed_in.locator("main")).to_contain_text("another person")
    assert card_state(world) == "QUARANTINED"
    signed_in.goto(f"/returns/{FIRST}")
    signed_in.locator("#note").fill("two seeds")
    signed_in.locator("#scrap-who").fill("susan")
    signed_in.locator("#scrap-secret").fill(PASSWORD)
    signed_in.get_by_role("button", name="Scrap").click()
    expect(signed_in.locator(".returns-word")).to_contain_text("Scrapped")
    assert card_state(world) == "SCRAPPED"


def test_r12_damaged_on_purpose_is_captured_by_two_people(
    signed_in, kiosk, world, slots, accessible, screenshot
):
    badge = kiosk.add_operator("susan", frozenset({Position.SUPERVISOR}))
    sent(world, slots, FIRST, "O-1")
    signed_in.goto("/returns")
    scan_card(signed_in, FIRST)
    slots.plug(1, FIRST)
    recommended(signed_in, "restock")
    signed_in.locator("#seen-damaged-on-purpose").press("Enter")
    recommended(signed_in, "scrap")
    signed_in.locator("#act").click()
    expect(signed_in.locator(".returns-word")).to_contain_text("Scrapped")
    assert (card_state(world), deposit(world)) == ("SCRAPPED", ("HELD", None))
    accessible(signed_in)
    screenshot(signed_in, "returns-capture")
    signed_in.locator("#capture-who").focus()
    scan(signed_in, badge)
    expect(signed_in.locator("#capture-secret")).to_be_focused()
    signed_in.keyboard.type(PIN)
    signed_in.keyboard.press("Enter")
    expect(signed_in.locator("#capture-title")).to_have_count(0)
    assert deposit(world) == ("CAPTURED", "INTENTIONALLY_DAMAGED")
    assert badge not in signed_in.content()


def records_read_while_works_end(monkeypatch, kiosk):
    """Let every page read the records while a work is under way, and show them when it has ended."""

    busy = (Phase.WORKING, Phase.IDENTIFYING)

    def slow(station, serial_number):
        read = sheets.sheet(station, serial_number)
        until = time.monotonic() + 5
        while any(one.phase in busy for one in kiosk.kiosk.bench.snapshot().slots):
            assert time.monotonic() < until
            time.sleep(0.01)
        return read

    parts = SimpleNamespace(sheet=slow, last_inspection=sheets.last_inspection)
    monkeypatch.setattr(drawing, "sheets", parts)


def test_a_restock_that_was_interrupted_goes_on(signed_in, kiosk, world, slots, monkeypatch):
    sent(world, slots, FIRST, "O-1")
    signed_in.goto("/returns")
    scan_card(signed_in, FIRST)
    slots.plug(1, FIRST)
    recommended(signed_in, "restock")
    card = slots.cards[FIRST]
    card.hold_at = card.answers + 12  # in the midst of it
    signed_in.locator("#act").click()
    assert card.held.wait(20)
    slots.pull(1)
    card.go.set()
    expect(signed_in.locator("#desk")).to_contain_text("Plug the card in first.")
    slots.plug(2, FIRST)
    expect(signed_in.locator("#act")).to_be_enabled()
    records_read_while_works_end(monkeypatch, kiosk)
    signed_in.locator("#act").click()
    expect(signed_in.locator(".returns-word")).to_contain_text("Back in stock")
    assert card_state(world) == "BLANK"


def test_nothing_vanishes_under_a_finger_when_nothing_has_changed(signed_in, world, slots):
    sent(world, slots, FIRST, "O-1")
    signed_in.goto("/returns")
    with signed_in.expect_response("**/desk*"):
        scan_card(signed_in, FIRST)
    dead = signed_in.locator("#dead")
    dead.hover()
    signed_in.mouse.down()
    for _ in range(2):
        with signed_in.expect_response("**/desk*"):
            pass
    signed_in.mouse.up()
    recommended(signed_in, "quarantine")


class SlowPrinter:
    """Prints when it is let."""

    def __init__(self):
        self.goes_on = threading.Event()
        self.printed = threading.Event()

    def send(self, _printout):
        assert self.goes_on.wait(20)
        self.printed.set()


def test_nobody_waits_for_the_printer_of_tags(signed_in, world, slots, monkeypatch):
    printer = SlowPrinter()
    monkeypatch.setattr(labelling, "read_printer", lambda _station: printer)
    sent(world, slots, FIRST, "O-1")
    signed_in.goto("/returns")
    scan_card(signed_in, FIRST)
    signed_in.locator("#dead").click()
    recommended(signed_in, "quarantine")
    signed_in.locator("#act").click()
    expect(signed_in.locator(".returns-word")).to_have_text("In quarantine")
    assert [one.kind.value for one in jobs(world.station, open_only=True)] == ["tag"]
    printer.goes_on.set()
    assert printer.printed.wait(20)


def test_r46_the_wrong_card_in_the_slot_is_not_the_one_that_was_scanned(signed_in, world, slots):
    sent(world, slots, FIRST, "O-1")
    sent(world, slots, SECOND, "O-2")
    signed_in.goto("/returns")
    scan_card(signed_in, FIRST)
    slots.plug(1, SECOND)
    expect(signed_in.locator(".returns-word")).to_have_text("Plug it in")
    signed_in.goto("/returns")
    signed_in.locator("#open-1").click()
    recommended(signed_in, "restock")
    assert (card_state(world, FIRST), card_state(world, SECOND)) == ("RETURNED", "INSPECTED")


def test_a_scan_in_the_wrong_place_says_what_was_expected(signed_in):
    signed_in.goto("/returns")
    expect(signed_in.locator("#scan")).to_be_focused()
    scan(signed_in, OK)
    expect(signed_in.locator("#refusal")).to_contain_text("That was no card")
    expect(signed_in.locator("#scan")).to_be_focused()


def test_a_dead_card_and_a_deviation_that_asks_why(signed_in, world, slots):
    sent(world, slots, FIRST, "O-1")
    sent(world, slots, SECOND, "O-2")
    signed_in.goto("/returns")
    scan_card(signed_in, SECOND)
    signed_in.locator("#dead").click()
    recommended(signed_in, "quarantine")
    signed_in.goto("/returns")
    scan_card(signed_in, FIRST)
    slots.plug(1, FIRST)
    recommended(signed_in, "restock")
    signed_in.get_by_text("Scrap all the same").click()
    signed_in.locator("#because-scrap").fill("scratched")
    signed_in.keyboard.press("Enter")
    expect(signed_in.locator(".returns-word")).to_contain_text("Scrapped")
    assert card_state(world) == "SCRAPPED"
