"""Another label, asked for by its button or by a scan of REPRINT: on record together with its printing."""

import re
from contextlib import closing

import httpx
import pytest
from sqlalchemy import event, text

from dscplus_station.printing.printers import PrinterOut
from dscplus_station.printing.rules import JobState
from dscplus_station.printing.service import jobs, print_label, send_waiting
from dscplus_station.scans.rules import Command, command_code
from dscplus_station.shipping.labels import copies
from dscplus_station.web.labelling import ASKED, SCANNED, Labels
from tests.provisioning.support import CARDS, order_values
from tests.web.served import PIN

WITHOUT_PRINTING = text(
    "SELECT count(*) FROM label LEFT JOIN print_job USING (order_id, serial_number, copy) "
    "WHERE print_job.id IS NULL"
)
NO_FONT_HAS_IT = "שרה Sample"


class _Stopped(Labels):
    """A station that is killed before it speaks to the printer."""

    def _do(self, actor, order, print_it):
        pass


class _Broken:
    """A printer whose power goes while it prints."""

    def send(self, _printout):
        raise PrinterOut("it broke off", reached=True)


class _Paper:
    def __init__(self):
        self.names = []

    def send(self, printout):
        self.names.append(printout.name)


@pytest.fixture
def bench(kiosk):
    """An operator at the bench of a station that is killed before it prints."""
    world = kiosk.world
    world.stock(1)
    with httpx.Client(base_url=kiosk.url, timeout=10) as client, closing(_labels(kiosk)):
        form = {"badge_or_name": kiosk.add_operator(), "secret": PIN, "csrf": _csrf(client.get("/sign-in"))}
        assert _post(client, "/sign-in", form).status_code == 303
        yield client


def _labels(kiosk):
    kiosk.kiosk.labels = _Stopped(kiosk.world.station, kiosk.kiosk.desks)
    return kiosk.kiosk.labels


def _csrf(page):
    return re.search(r'name="csrf" value="([0-9a-f]{64})"', page.text)[1]


def _post(client, path, form):
    return client.post(path, data=form, headers={"Origin": str(client.base_url).rstrip("/")})


def press(client):
    page = client.get("/bench")
    last = re.search(r'name="copy" value="(\d+)"', page.text)
    form = {"order": "O-1", "copy": last[1] if last else "0", "csrf": _csrf(page)}
    return _post(client, "/bench/labels/again", form)


def scan(client):
    token = _csrf(client.get("/bench"))
    for code in (CARDS[0], command_code(Command.REPRINT)):
        answer = _post(client, "/bench/scan", {"code": code, "csrf": token})
    return answer


WAYS = pytest.mark.parametrize(("ask", "because"), [(press, ASKED), (scan, SCANNED)])


@WAYS
def test_no_commit_leaves_a_label_without_its_printing(bench, world, ask, because):
    world.place(order_values("O-1"))
    world.secure("O-1")
    with pytest.raises(PrinterOut):
        print_label(world.station, world.actor, _Broken(), "O-1", "2")
    found = []

    def look(connection):
        found.append(connection.scalar(WITHOUT_PRINTING))

    event.listen(world.station.database.engine, "commit", look)
    assert ask(bench).status_code == 303
    event.remove(world.station.database.engine, "commit", look)
    assert found
    assert set(found) == {0}
    waiting = jobs(world.station, open_only=False)[0]
    assert (waiting.copy, waiting.slot, waiting.state) == (2, "2", JobState.WAITING)
    assert (waiting.because, waiting.operator) == (because, "olivia")
    paper = _Paper()
    send_waiting(world.station, world.actor, paper)  # as somebody does after the restart
    assert paper.names == [f"label-O-1-{CARDS[0]}-2"]


@WAYS
def test_a_label_that_cannot_be_printed_is_not_issued(bench, world, ask, because):
    world.place(order_values("O-1", name=NO_FONT_HAS_IT))
    world.secure("O-1")
    ask(bench)
    assert "Nothing was printed" in (press(bench) if ask is press else bench.get("/bench")).text
    with world.station.database.reading() as session:
        assert copies(session, "O-1", CARDS[0]) == 0
    assert jobs(world.station, open_only=False) == [], because
