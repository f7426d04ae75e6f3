"""What is in a slot: USB through the driver's watch, ports by name by looking, ports that stay by asking."""

import threading

import pytest

from dscplus_driver import errors
from dscplus_driver.discovery import Watch
from dscplus_station.slots.map import slot_map
from dscplus_station.slots.presence import Watcher, at_port
from dscplus_station.slots.rules import Code, Phase, Verdict
from tests.harness.fake_sysfs import FakeSysfs
from tests.provisioning.slots.slot_bench import FIRST, SECOND, SlotBench

ID_PATH = "platform-vhci_hcd.0-usb-0:"


class Played:
    """A source of hints that plays a script while the watcher waits, then stops it; time passes only here."""

    def __init__(self, usb):
        self.usb = usb
        self.now = 0.0
        self.script = []
        self.watcher = None
        self.opened = 0

    def open(self):
        self.opened += 1
        return Watch(self, self.usb.records, lambda: self.now)

    def wait(self, timeout):
        self.now += max(0.01, timeout)
        if self.script:
            self.script.pop(0)()
        else:
            self.watcher.stop()

    def wake(self):
        pass

    def close(self):
        pass


@pytest.fixture
def usb(tmp_path):
    return FakeSysfs(tmp_path)


def watched(usb, *script, slots=("1", "2.3")):
    """What is told of the slots at these ports, while the script is played."""
    tables = [
        {"number": n, "row": 1, "column": n, "id_path": ID_PATH + port} for n, port in enumerate(slots, 1)
    ]
    told, played = [], Played(usb)
    played.script = list(script)
    watcher = Watcher(slot_map(tables), lambda slot, plugged: told.append((slot, plugged)), played.open)
    played.watcher = watcher
    watcher.run()
    return told


def test_a_card_on_usb_is_told_by_its_id_path_and_gone_when_it_is(usb):
    nodes = []
    told = watched(
        usb,
        lambda: nodes.append(usb.plug("1-2.3", FIRST)),
        lambda: usb.plug("1-7", SECOND),  # a port in no slot
        lambda: usb.unplug("1-2.3"),
    )
    (slot, plugged), gone = told
    assert (slot, plugged.url, plugged.problem) == (2, f"hid:{nodes[0].hidraw}", None)
    assert gone == (2, None)


def test_a_card_that_was_there_before_is_told_and_a_replug_is_another_plugging(usb):
    usb.plug("1-1", FIRST)
    told = watched(usb, lambda: usb.unplug("1-1"), lambda: usb.plug("1-1", FIRST))
    pluggings = [plugged and plugged.plugging for slot, plugged in told]
    assert [slot for slot, _ in told] == [1, 1, 1]
    assert pluggings[1] is None and pluggings[0] != pluggings[2]


def test_a_card_that_may_not_be_opened_comes_with_its_problem(usb):
    def denied():
        nodes = usb.plug("1-1", FIRST)
        usb.deny(nodes.hidraw, nodes.tty, nodes.usb)

    ((slot, plugged),) = watched(usb, denied, *[lambda: None] * 40)
    assert slot == 1 and isinstance(plugged.problem, errors.PermissionRefused)


def test_a_watch_that_fails_is_opened_anew(usb, monkeypatch):
    usb.plug("1-1", FIRST)
    played = Played(usb)
    told = []
    slots = slot_map([{"number": 1, "row": 1, "column": 1, "id_path": ID_PATH + "1"}])

    def opened():
        if not told and played.opened == 0:
            played.opened += 1
            raise OSError("netlink is gone")
        return played.open()

    watcher = Watcher(slots, lambda slot, plugged: told.append((slot, plugged)), opened)
    played.watcher = watcher
    monkeypatch.setattr(watcher._stopped, "wait", lambda _seconds: False)
    watcher.run()
    assert [slot for slot, _ in told] == [1] and played.opened == 2


def test_ports_by_name_are_seen_while_usb_cannot_be_watched(tmp_path, monkeypatch):
    port = tmp_path / "card-0"
    port.touch()
    slots = slot_map(
        [
            {"number": 1, "row": 1, "column": 1, "id_path": ID_PATH + "1"},
            {"number": 2, "row": 1, "column": 2, "port": str(port)},
        ]
    )
    told = []

    def no_netlink():
        raise OSError("no netlink here")

    watcher = Watcher(slots, lambda slot, plugged: told.append((slot, plugged.url)), no_netlink)
    monkeypatch.setattr(watcher._stopped, "wait", lambda _seconds: watcher.stop())
    watcher.run()
    assert told == [(2, str(port))]


def test_a_port_by_name_is_there_when_its_link_leads_somewhere(tmp_path):
    told = []
    port = tmp_path / "card-0"
    slots = slot_map([{"number": 4, "row": 1, "column": 1, "port": f"serial:{port}"}])
    watcher = Watcher(slots, lambda slot, plugged: told.append((slot, plugged)))
    watcher.look()
    port.symlink_to(tmp_path / "nowhere")
    watcher.look()
    assert told == []
    (tmp_path / "pty").touch()
    port.unlink()
    port.symlink_to(tmp_path / "pty")
    watcher.look()
    watcher.look()
    ((slot, plugged),) = told
    assert (slot, plugged.url, plugged.lasting) == (4, f"serial:{port}", False)
    fresh = tmp_path / "new"
    fresh.symlink_to(tmp_path / "pty")
    fresh.replace(port)  # unplugged and plugged in between two looks
    watcher.look()
    assert told[1][1].plugging != plugged.plugging
    port.unlink()
    watcher.look()
    assert told[2:] == [(4, None)]


def test_ports_that_stay_are_known_as_such(tmp_path):
    adapter = tmp_path / "ttyUSB0"
    adapter.touch()
    (tmp_path / "by-id").symlink_to(adapter)
    assert at_port("tcp://127.0.0.1:9").lasting
    assert at_port(str(adapter)).lasting and at_port(str(tmp_path / "by-id")).lasting
    (tmp_path / "ttyACM0").touch()
    assert not at_port(str(tmp_path / "ttyACM0")).lasting
    assert at_port(str(tmp_path / "ttyACM1")) is None


class Adapter:
    """A port that stays, whatever is behind it."""

    def __init__(self, bench):
        self.bench = bench
        self.card = None

    def put(self, serial):
        self.card = self.bench.cards[serial] if serial else None
        if self.card and not self.card.virtual.plugged:
            self.card.replug()

    def connect(self):
        if self.card is None:
            raise errors.CardTimeout("no answer", where="/slot-1")
        return self.card.connect()


@pytest.fixture
def bench(tmp_path):
    bench = SlotBench(tmp_path)
    bench.station_bench.place("A")
    bench.station_bench.place("B")
    yield bench
    bench.close()


def probed(bench, adapter=None, serial=None):
    """Let the slot ask what is behind its port, until nothing changes."""
    if adapter is not None:
        adapter.put(serial)
    bench.work(1)
    return bench.slots.state(1)


def test_behind_a_port_that_stays_cards_come_and_go_by_asking(bench):
    adapter = Adapter(bench)
    bench.plug(1, adapter, lasting=True)
    assert probed(bench).phase is Phase.EMPTY, "nothing answers: no card, and no alarm"
    bench.claims[1] = "A"
    state = probed(bench, adapter, FIRST)
    assert (state.verdict, state.plugging) == (Verdict.PASS, 1)
    assert probed(bench).plugging == 1, "the same card, asked again"
    assert probed(bench, adapter).phase is Phase.EMPTY
    bench.claims[1] = "B"
    state = probed(bench, adapter, SECOND)
    assert (state.verdict, state.order, state.plugging) == (Verdict.PASS, "B", 2)


def test_behind_a_port_that_stays_a_card_in_place_of_another_is_a_new_plugging(bench):
    adapter = Adapter(bench)
    bench.plug(1, adapter, lasting=True)
    bench.claims[1] = "A"
    probed(bench, adapter, FIRST)
    bench.claims[1] = "B"
    state = probed(bench, adapter, SECOND)
    assert (state.serial_number, state.order, state.plugging) == (SECOND, "B", 2)


def test_behind_a_port_that_stays_an_interrupted_run_goes_on_when_the_card_is_back(bench):
    adapter = Adapter(bench)
    bench.plug(1, adapter, lasting=True)
    bench.claims[1] = "A"
    bench.cards[FIRST].set_faults("unplug=700")
    state = probed(bench, adapter, FIRST)
    assert (state.phase, state.verdict) == (Phase.EMPTY, Verdict.INTERRUPTED)
    assert state.outcome.code == Code.REMOVED
    assert probed(bench, adapter, FIRST).verdict is Verdict.PASS


def test_behind_a_port_that_stays_an_alarm_holds_up_the_next_card(bench):
    adapter = Adapter(bench)
    bench.plug(1, adapter, lasting=True)
    bench.claims[1] = "Z"
    assert probed(bench, adapter, FIRST).alarm.code == Code.NO_SUCH_ORDER
    probed(bench, adapter)
    bench.claims[1] = "A"
    assert probed(bench, adapter, FIRST).phase is Phase.ON_HOLD
    assert probed(bench).phase is Phase.ON_HOLD
    bench.slots.acknowledge(1)
    assert probed(bench).verdict is Verdict.PASS


def test_behind_a_port_that_stays_what_is_no_card_is_told_once_until_it_is_gone(bench):
    bench.plug(1, errors.ProtocolError("garbage", where="/slot-1"), lasting=True)
    state = probed(bench)
    assert (state.phase, state.alarm.code, state.plugging) == (Phase.ENDED, Code.NOT_A_CARD, 1)
    assert probed(bench) == state
    bench.slots.acknowledge(1)
    assert (probed(bench).plugging, probed(bench).alarm) == (1, None)
    bench.in_slot["/slot-1"] = errors.CardTimeout("no answer", where="/slot-1")
    assert probed(bench).phase is Phase.EMPTY
    bench.claims[1] = "A"
    bench.in_slot["/slot-1"] = bench.cards[FIRST]
    assert probed(bench).verdict is Verdict.PASS


def test_a_port_that_another_program_has_is_no_empty_slot(bench):
    adapter = Adapter(bench)
    bench.plug(1, adapter, lasting=True)
    bench.claims[1] = "A"
    probed(bench, adapter, FIRST)
    bench.in_slot["/slot-1"] = errors.CardBusy("in use", where="/slot-1")
    assert probed(bench).verdict is Verdict.PASS


def test_the_thread_of_a_slot_sleeps_while_nothing_is_due(bench):
    bench.plug(1, FIRST)
    stopped = threading.Event()
    worker = bench.slots.workers[1]
    worker._stopping = stopped.is_set
    steps = []
    step = worker.step

    def counted():
        steps.append(1)
        return step()

    worker.step = counted
    thread = threading.Thread(target=worker.run)
    with bench.slots.subscribe() as stream:
        stream.take()
        thread.start()
        while bench.slots.state(1).phase is not Phase.WAITING:
            assert stream.wait(20)
            stream.take()
        stopped.set()
        worker.wake()
        thread.join(20)
    assert not thread.is_alive() and len(steps) <= 3
