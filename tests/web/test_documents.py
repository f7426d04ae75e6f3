"""The documents page, its PDFs, and labels that print by themselves."""

import io
import re
import time
from contextlib import closing, contextmanager, suppress

import httpx
import pytest
from playwright.sync_api import expect
from pypdf import PdfReader

from dscplus_station.operators.badges import draw_badge
from dscplus_station.operators.rules import Position
from dscplus_station.printing.configuration import read_printer
from dscplus_station.printing.printers import PrinterOut
from dscplus_station.printing.service import ask_again, jobs, reprint_label
from dscplus_station.quarantine.rules import Cause
from dscplus_station.quarantine.service import set_aside
from dscplus_station.returns.rules import ReturnReason
from dscplus_station.returns.service import announce
from dscplus_station.scans.rules import Command, command_code, label_code, order_code
from dscplus_station.web import labelling
from dscplus_station.web.desks import Desks
from dscplus_station.web.labelling import SCANNED, Labels
from tests.provisioning.printing.fake_printer import FakePrinter, status
from tests.provisioning.support import CARDS, order_values
from tests.web.conftest import SIZES, sign_in
from tests.web.scanner import scan
from tests.web.served import PIN, serving
from tests.web.slots_at_work import SlotsAtWork

OK, REPRINT = command_code(Command.OK), command_code(Command.REPRINT)
PATIENCE_S = 10


@pytest.fixture
def client(kiosk):
    with httpx.Client(base_url=kiosk.url, timeout=20) as client:
        yield client


def csrf(client, path="/sign-in"):
    return re.search(r'name="csrf" value="([0-9a-f]{64})"', client.get(path).text)[1]


def enter(client, kiosk, *positions):
    badge = kiosk.add_operator("wendy", positions) if positions else kiosk.add_operator("wendy")
    form = {"badge_or_name": badge, "secret": PIN, "csrf": csrf(client)}
    assert client.post("/sign-in", data=form, headers={"Origin": kiosk.url}).status_code == 303


def post(client, kiosk, path, **form):
    form["csrf"] = csrf(client, "/training")
    return client.post(path, data=form, headers={"Origin": kiosk.url})


@pytest.fixture
def shipped(world):
    world.stock(3)
    world.shipped("O-1", CARDS[0])
    world.returned = announce(world.station, world.actor, CARDS[0], ReturnReason.DAMAGE)
    return world


PDFS = {
    "/documents/letters.pdf?order=O-1": "letter-O-1.pdf",
    "/documents/letters.pdf?order=O-1&order=O-1": "letters.pdf",
    "/documents/return-form.pdf?number=1": "return-form-1.pdf",
    "/documents/packing-list.pdf?carrier=Sample+Post&on=2026-11-22": "packing-list-2026-11-22.pdf",
    "/documents/packing-list.pdf?carrier=Sample+Post": "packing-list-2026-11-22.pdf",
    "/documents/commands.pdf": "commands.pdf",
}


@pytest.mark.parametrize(("path", "name"), PDFS.items())
def test_each_pdf_is_shown_by_its_name_and_kept_by_no_cache(shipped, kiosk, client, path, name):
    assert client.get(path).status_code == 303
    enter(client, kiosk)
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"] == f'inline; filename="{name}"'
    assert answer.headers["cache-control"] == "no-store"
    assert PdfReader(io.BytesIO(answer.content)).metadata.title


def test_what_cannot_be_made_is_told_as_a_page(shipped, kiosk, client):
    enter(client, kiosk)
    for path, code, words in (
        ("/documents/letters.pdf?order=O-9", 404, "O-9"),
        ("/documents/return-form.pdf?number=9", 404, "return 9"),
        ("/documents/packing-list.pdf?carrier=Other", 404, "on that day: Sample Post"),
        (f"/documents/quarantine-tag.pdf?serial_number={CARDS[1]}", 404, "not in quarantine"),
    ):
        answer = client.get(path)
        assert answer.status_code == code
        assert words in answer.text
        assert answer.headers["content-type"].startswith("text/html")


def test_a_role_that_is_missing_is_told(shipped, kiosk, client):
    kiosk.add_operator("otto")
    enter(client, kiosk, Position.RETURNS)
    assert client.get("/documents/return-form.pdf?number=1").status_code == 200
    badge = post(client, kiosk, "/documents/badge.pdf", operator="wendy", code=draw_badge())
    assert badge.status_code == 403
    assert post(client, kiosk, "/documents/labels/print").status_code == 403


def test_a_badge_is_made_by_a_form_and_its_code_is_in_no_address(shipped, kiosk, client):
    enter(client, kiosk)
    code = draw_badge()
    answer = post(client, kiosk, "/documents/badge.pdf", operator="wendy", code=code)
    assert answer.status_code == 200
    assert PdfReader(io.BytesIO(answer.content)).metadata.title == "Badge of wendy"
    assert client.get(f"/documents/badge.pdf?operator=wendy&code={code}").status_code == 405
    refused = post(client, kiosk, "/documents/badge.pdf", operator="wendy", code="OP-SECRET-LOOKING")
    assert refused.status_code == 422
    assert "SECRET" not in refused.text


def test_no_token_gets_into_an_address(shipped, kiosk, client):
    enter(client, kiosk)
    forms = re.findall(r'<form method="get".*?</form>', client.get("/documents").text, re.DOTALL)
    assert len(forms) == 4
    assert not any("csrf" in form for form in forms)


def test_a_tag_is_printed_as_a_label(shipped, kiosk, client):
    with shipped.writing() as session:
        set_aside(session, shipped.actor, shipped.moment, CARDS[1], Cause.FOREIGN_KEYS, {})
    enter(client, kiosk)
    with FakePrinter() as printer:
        set_printer(kiosk, printer)
        assert post(client, kiosk, "/documents/labels/tag", serial_number=CARDS[1]).status_code == 303
        assert b"QUARANTINE" in printer.labels[0]
    paper = client.get(f"/documents/quarantine-tag.pdf?serial_number={CARDS[1]}")
    assert "QUARANTINE" in PdfReader(io.BytesIO(paper.content)).pages[0].extract_text()


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("size", SIZES)
def test_the_page_is_accessible_and_does_the_printing(
    shipped, kiosk, signed_in, accessible, screenshot, size, language
):
    shipped.place(order_values("O-2", user="bea"))
    shipped.secure("O-2", CARDS[1])
    with FakePrinter() as printer:
        set_printer(kiosk, printer)
        printer.answers = [status(paper_out=1), status()]
        print_meanwhile(shipped, "O-2")
        wait_for(lambda: troubles(shipped))
        signed_in.goto("/documents")
        expect(signed_in.locator("#labels")).to_contain_text("out of labels: put a new roll in")
        accessible(signed_in)
        screenshot(signed_in, f"documents-{language}")
        signed_in.get_by_role("button", name=re.compile("Print what waits|Imprimir lo pendiente")).click()
        expect(signed_in.locator("#labels")).to_contain_text(re.compile("Nothing waits|No hay nada"))
        assert len(printer.labels) == 1


def test_a_label_is_printed_again_with_a_reason(shipped, kiosk, client):
    shipped.place(order_values("O-2", user="bea"))
    shipped.secure("O-2", CARDS[1])
    enter(client, kiosk)
    with FakePrinter() as printer:
        set_printer(kiosk, printer)
        answer = post(client, kiosk, "/documents/labels/reprint", order="O-2", because="torn")
        assert answer.status_code == 303
        assert b"^FDLB.O-2." in printer.labels[0]
        refused = post(client, kiosk, "/documents/labels/reprint", order="O-2", because=" ")
        assert refused.status_code == 422
    assert jobs(shipped.station, open_only=False)[0].because == "torn"
    out = post(client, kiosk, "/documents/labels/reprint", order="O-2", because="torn")
    assert out.status_code == 409
    assert "cannot be reached" in out.text


# --- Labels that print by themselves ---------------------------------------------------------------


def set_printer(kiosk, printer):
    kiosk.world.station.settings.printer.update({"host": printer.host, "port": printer.port})


def print_meanwhile(world, order):
    """As the bench does: a printer that is out is told elsewhere."""
    with suppress(PrinterOut):
        reprint_label(world.station, world.actor, read_printer(world.station), order, SCANNED)


def troubles(world):
    return [job.trouble for job in jobs(world.station, open_only=True) if job.trouble]


def wait_for(true):
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def slots(world, tmp_path):
    world.stock(len(CARDS))
    for number in range(1, 5):
        world.place(order_values(f"O-{number}", user=f"user-{number}"))
    return SlotsAtWork(world, tmp_path / "slots")


@pytest.fixture
def printer():
    with FakePrinter() as printer:
        yield printer


@contextmanager
def at_work(world, slots, printer):
    """A served kiosk whose slots print their labels, as the station's own do."""
    with serving(world) as served:
        labels = Labels(world.station, served.kiosk.desks)
        with slots.open(labels.passed) as bench:
            set_printer(served, printer)
            served.kiosk.bench, served.kiosk.labels = bench, labels
            yield served
        labels.close()


@pytest.fixture
def printing_bench(world, slots, printer, browser):
    with at_work(world, slots, printer) as served:
        context = browser.new_context(base_url=served.url, viewport={"width": 1280, "height": 800})
        context.set_default_timeout(PATIENCE_S * 1000)
        page = context.new_page()
        sign_in(page, served.add_operator())
        page.goto("/bench")
        yield page
        context.close()


def desk(page):
    return page.locator("#desk")


def serve(page, slots, order, slot, serial):
    scan(page, order_code(order))
    expect(desk(page)).to_contain_text(f"Plug a card in for order {order}")
    slots.plug(slot, serial)
    expect(page.locator(f"#slot-{slot}")).to_contain_text("PASS")


def test_a_card_that_passes_prints_its_label_that_names_the_slot(printing_bench, slots, printer, world):
    serve(printing_bench, slots, "O-1", 3, CARDS[0])
    wait_for(lambda: printer.labels)
    (job,) = jobs(world.station, open_only=False)
    assert (job.order, job.slot, job.copy, job.operator) == ("O-1", "3", 1, "olivia")
    wait_for(lambda: not jobs(world.station, open_only=True))
    assert b"SLOT 3" in printer.labels[0]
    scan(printing_bench, CARDS[0])
    scan(printing_bench, label_code("O-1", CARDS[0], 1))
    expect(desk(printing_bench)).to_contain_text("one pair")


def test_reprint_prints_the_next_label(printing_bench, slots, printer, world):
    serve(printing_bench, slots, "O-1", 1, CARDS[0])
    wait_for(lambda: len(printer.labels) == 1)
    scan(printing_bench, CARDS[0])
    scan(printing_bench, REPRINT)
    wait_for(lambda: len(printer.labels) == 2)
    latest = jobs(world.station, open_only=False)[0]
    assert (latest.copy, latest.slot, latest.because) == (2, "1", "REPRINT was scanned")


def test_a_printer_that_is_out_is_told_large_until_it_is_acknowledged(
    printing_bench, slots, printer, world, screenshot, accessible
):
    printer.answers = [status(paper_out=1)]
    serve(printing_bench, slots, "O-1", 1, CARDS[0])
    expect(desk(printing_bench).locator("h1")).to_contain_text("out of labels: put a new roll in")
    screenshot(printing_bench, "bench-printer-out")
    accessible(printing_bench)
    scan(printing_bench, order_code("O-2"))
    expect(desk(printing_bench).locator("h1")).to_contain_text("The label of order O-1 was not printed")
    scan(printing_bench, OK)
    expect(desk(printing_bench).locator("h1")).to_have_text(re.compile("Scan an order"))
    printer.answers = [status()]
    serve(printing_bench, slots, "O-2", 2, CARDS[1])
    wait_for(lambda: len(printer.labels) == 2)
    wait_for(lambda: not jobs(world.station, open_only=True))


def test_a_label_that_waited_before_the_station_stopped_is_printed_when_its_card_is_found_made(
    world, slots, printer
):
    world.secure("O-1", CARDS[0])
    printer.answers = [status(paper_out=1)]
    with serving(world) as served:
        set_printer(served, printer)
        labels = Labels(world.station, served.kiosk.desks)
        with slots.open(labels.passed):
            slots.plug(1, CARDS[0])
            wait_for(lambda: troubles(world))
        printer.answers = [status()]
        with slots.open(labels.passed):
            wait_for(lambda: len(printer.labels) == 1)
        labels.close()


class PrinterWithoutLabelsFor:
    """Prints every label but those of one order."""

    def __init__(self, order):
        self.order = order

    def send(self, printout):
        if self.order in printout.name:
            raise PrinterOut("it is out of labels", reached=False)


def test_a_label_that_waits_on_is_never_told_as_that_of_the_order_that_was_printed(world, slots, monkeypatch):
    world.secure("O-1", CARDS[0])
    world.secure("O-2", CARDS[1])
    printer, desks = PrinterWithoutLabelsFor("O-2"), Desks()
    monkeypatch.setattr(labelling, "read_printer", lambda _station: printer)
    with suppress(PrinterOut):
        reprint_label(world.station, world.actor, printer, "O-2", SCANNED)
    with closing(Labels(world.station, desks)) as labels:
        labels.again(world.actor, "O-1", ask_again(world.station, world.actor, "O-1", SCANNED))
    (waiting,) = jobs(world.station, open_only=True)
    assert waiting.order == "O-2"
    what = str(desks.shown(world.actor.operator).told.what)
    assert "A label that waited was not printed" in what and "Label 1 of order O-2 waits" in what
    assert "O-1" not in what
