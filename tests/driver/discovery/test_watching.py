"""The watch around the rules: first look, waiting, timeouts, stopping; and what it waits on."""

import threading

import pytest

from dscplus_driver.discovery import Appeared, Vanished, Watch, hotplug, sysfs, watch

ONE, TWO = "0000000018", "0000000026"


class Script:
    """A source of hints that plays what happens while somebody waits; time passes only in here."""

    def __init__(self):
        self.now = 0.0
        self.happenings = []
        self.waits = []
        self.closed = False
        self.woken = False

    def wait(self, timeout):
        assert not self.woken, "waited although woken"
        self.waits.append(timeout)
        if self.happenings:
            self.happenings.pop(0)()
        else:
            self.now += max(0.0, timeout)

    def wake(self):
        self.woken = True

    def close(self):
        self.closed = True


@pytest.fixture
def script():
    return Script()


@pytest.fixture
def events(usb, script):
    return Watch(script, usb.records, lambda: script.now)


def told(event):
    return event and (type(event), event.card.serial_number)


def test_it_begins_with_what_is_there_without_waiting(usb, script, events):
    usb.plug("1-1", ONE)
    usb.plug("1-2", TWO)
    assert [told(events.next_event(0)), told(events.next_event(0))] == [(Appeared, ONE), (Appeared, TWO)]
    assert script.waits == []


def test_what_happens_between_subscribing_and_the_first_look_is_told_once(usb, script, events):
    script.happenings.append(lambda: None)  # the hint of the same plugging, heard after the look
    usb.plug("1-1", ONE)
    assert told(events.next_event(1)) == (Appeared, ONE)
    assert events.next_event(1) is None


def test_twenty_replugs_are_twenty_pairs(usb, script, events):
    for _ in range(20):
        script.happenings.append(lambda: usb.plug("1-1", ONE))
        script.happenings.append(lambda: usb.unplug("1-1"))
    heard = [told(events.next_event()) for _ in range(40)]
    assert heard == [(Appeared, ONE), (Vanished, ONE)] * 20
    assert events.next_event(5) is None


def test_the_timeout_is_kept_and_the_timer_of_a_settling_card_is_served(usb, script, events):
    plugged = usb.plug("1-1", ONE)
    usb.deny(plugged.hidraw)
    assert events.next_event(1.0) is None and script.now == 1.0
    assert told(events.next_event()) == (Appeared, ONE) and script.now == 2.0
    assert max(script.waits) <= 0.11


def test_without_a_timeout_waits_are_bounded_all_the_same(usb, script, events):
    script.happenings += [lambda: None] * 3 + [lambda: usb.plug("1-1", ONE)]
    assert told(events.next_event()) == (Appeared, ONE)
    assert script.waits == [hotplug.LOOK_ANYWAY] * 4


def test_iterating_ends_when_stopped_even_with_events_left(usb, script, events):
    usb.plug("1-1", ONE)
    usb.plug("1-2", TWO)
    heard = []
    for event in events:
        heard.append(told(event))
        events.stop()
    assert heard == [(Appeared, ONE)] and script.woken
    assert events.next_event(0) is None


def test_leaving_closes_the_source(script, events):
    with events:
        assert events.next_event(0) is None
    assert script.closed and script.woken


@pytest.fixture(params=["polling", "netlink"])
def source(request):
    source = hotplug.Polling() if request.param == "polling" else hotplug.Netlink()
    yield source
    source.close()


def test_a_wait_that_was_woken_before_it_began_ends(source, monkeypatch):
    """There is no moment between looking and waiting in which a stop could be lost."""
    monkeypatch.setattr(hotplug, "LOOK_ANYWAY", 1e6)
    monkeypatch.setattr(hotplug, "POLL_INTERVAL", 1e6)
    source.wake()
    thread = threading.Thread(target=source.wait, args=(1e6,), daemon=True)
    thread.start()
    thread.join(timeout=60)
    assert not thread.is_alive()


def test_a_watch_is_stopped_from_another_thread(source, usb):
    events = Watch(source, usb.records)
    heard = []
    thread = threading.Thread(target=lambda: heard.extend(events), daemon=True)
    thread.start()
    events.stop()
    thread.join(timeout=60)
    assert not thread.is_alive() and heard == []


def test_stopping_after_closing_is_harmless(source, usb):
    events = Watch(source, usb.records)
    events.close()
    events.stop()
    events.close()
    assert events.next_event() is None


def test_all_events_that_are_there_are_taken_at_once(monkeypatch):
    """A pyudev device counts its properties when it is asked whether it is true."""
    source = hotplug.Netlink()

    waiting = [{}, {"ACTION": "add"}, {}]

    class Monitor:
        def poll(self, _timeout):
            return waiting.pop() if waiting else None

    monkeypatch.setattr(source, "_monitor", Monitor())
    source.wait(0)
    source.close()
    assert waiting == []


def test_a_flood_of_events_that_the_socket_could_not_hold_is_a_hint_like_any(monkeypatch):
    import errno

    source = hotplug.Netlink()

    class Flooded:
        def poll(self, _timeout):
            raise OSError(errno.ENOBUFS, "No buffer space available")

    monkeypatch.setattr(source, "_monitor", Flooded())
    source.wait(0)
    source.close()


@pytest.mark.parametrize(("running", "kind"), [(True, hotplug.Netlink), (False, hotplug.Polling)])
def test_udev_is_listened_to_where_it_runs(monkeypatch, tmp_path, running, kind):
    monkeypatch.setattr(hotplug, "UDEV_CONTROL", tmp_path if running else tmp_path / "none")
    source = hotplug.subscribe()
    assert type(source) is kind
    source.close()


@pytest.mark.parametrize("lack", [ImportError("no library named udev"), OSError("no netlink")])
def test_without_libudev_or_netlink_it_polls(monkeypatch, tmp_path, lack):
    def fail():
        raise lack

    monkeypatch.setattr(hotplug, "UDEV_CONTROL", tmp_path)
    monkeypatch.setattr("pyudev.Context", fail)
    assert type(hotplug.subscribe()) is hotplug.Polling


def test_watch_listens_before_it_looks(monkeypatch, usb, script):
    order = []
    monkeypatch.setattr(hotplug, "subscribe", lambda: order.append("listen") or script)
    monkeypatch.setattr("dscplus_driver.discovery.present.records", lambda: order.append("look") or [])
    with watch() as events:
        events.next_event(0)
    assert order == ["listen", "look"]


def test_without_libudev_there_is_no_id_path_and_nothing_is_waited_for(monkeypatch, tmp_path):
    monkeypatch.setattr(sysfs, "_context", lambda: None)
    assert sysfs.udev_view(tmp_path) == (None, True)
