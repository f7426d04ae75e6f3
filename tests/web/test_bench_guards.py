"""Who sees and moves the slots: a stream ends with its session, an alarm is taken away by who works there."""

import re
import threading
from dataclasses import replace

import httpx
import pytest

from dscplus_station.operators.rules import Position
from dscplus_station.scans.rules import Command, command_code
from dscplus_station.slots.map import slot_map
from dscplus_station.slots.rules import Outcome, Phase
from dscplus_station.slots.state import Snapshot, empty
from dscplus_station.slots.stream import Hub
from tests.provisioning.support import CARDS
from tests.web.served import PIN, serving

LIMIT = 10


class ShownBench:
    """Two slots that only show what they are told; what is asked of them is noted."""

    def __init__(self, tmp_path):
        tables = [{"number": 1, "row": 1, "column": 1, "port": str(tmp_path / "1")}]
        tables += [{"number": 2, "row": 1, "column": 2, "port": str(tmp_path / "2"), "use": "returns"}]
        self.hub = Hub(empty(slot) for slot in slot_map(tables))
        self.asked = []
        alarm = Outcome("REFUSED", "", "", {"told": "sample"})
        for number in (1, 2):
            state = replace(self.hub.state(number), phase=Phase.ENDED, serial_number=CARDS[0], alarm=alarm)
            self.hub.publish(state)

    def snapshot(self):
        return Snapshot(*self.hub.whole(), ())

    def subscribe(self, on_ready):
        return self.hub.subscribe(on_ready)

    def state(self, number):
        return self.hub.state(number)

    def acknowledge(self, number, _alarm=None):
        self.asked.append(("acknowledge", number))

    def work_in(self, number, work):
        self.asked.append((work.name, number))


@pytest.fixture
def bench(tmp_path):
    return ShownBench(tmp_path)


@pytest.fixture
def kiosk(world, bench):
    with serving(world, bench=bench) as served:
        yield served


@pytest.fixture
def client(kiosk):
    with httpx.Client(base_url=kiosk.url, timeout=LIMIT, headers={"Origin": kiosk.url}) as client:
        yield client


def enter(client, kiosk, *positions):
    kiosk.add_operator("olivia")
    badge = kiosk.add_operator("wendy", positions)
    form = {"badge_or_name": badge, "secret": PIN, "csrf": csrf(client)}
    assert client.post("/sign-in", data=form).status_code == 303


def csrf(client):
    return re.search(r'name="csrf" value="([0-9a-f]{64})"', client.get("/sign-in").text)[1]


@pytest.mark.parametrize("way", ["/sign-out", "/lock"])
def test_a_stream_ends_with_its_session_also_while_there_is_always_something_new(kiosk, client, bench, way):
    enter(client, kiosk, Position.WAREHOUSE)
    token, enough = csrf(client), threading.Event()

    def keep_busy():
        while not enough.wait(0.02):
            bench.hub.publish(bench.hub.state(1))

    busy = threading.Thread(target=keep_busy, daemon=True)
    with client.stream("GET", "/bench/events") as told:
        parts = told.iter_text()
        assert "event: fragment" in next(parts)
        busy.start()
        gives_up = threading.Timer(LIMIT, bench.hub.close)  # a stream that does not end ends so, unsaid
        gives_up.start()
        try:
            assert client.post(way, data={"csrf": token}).status_code == 303
            assert "event: goodbye" in "".join(parts)
        finally:
            gives_up.cancel()
            enough.set()
            busy.join(LIMIT)


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/bench/scan", {"code": command_code(Command.OK)}),
        ("/bench/slots/1/ok", {"alarm": "0"}),
        (f"/returns/{CARDS[0]}/inspect", {}),
        (f"/returns/{CARDS[0]}/inspect", {"first": "true"}),
    ],
)
def test_who_does_not_work_there_takes_no_alarm_away_and_asks_nothing_of_a_slot(
    kiosk, client, bench, path, form
):
    enter(client, kiosk, Position.AUDITOR)
    answer = client.post(path, data=form | {"csrf": csrf(client)})
    assert (answer.status_code, bench.asked) == (403, [])
    assert "wendy may not" in answer.text


def test_who_sees_no_cards_gets_no_tag_of_one(kiosk, client):
    enter(client, kiosk, Position.COMPLIANCE)
    answer = client.get("/documents/quarantine-tag.pdf", params={"serial_number": CARDS[0]})
    assert answer.status_code == 403 and "wendy may not" in answer.text


def test_who_works_there_does(kiosk, client, bench):
    enter(client, kiosk, Position.WAREHOUSE, Position.RETURNS)
    token = csrf(client)
    client.post("/bench/scan", data={"code": command_code(Command.OK), "csrf": token})
    client.post(f"/returns/{CARDS[0]}/inspect", data={"csrf": token})
    assert bench.asked == [("acknowledge", 1), ("acknowledge", 2), ("inspection", 2)]
