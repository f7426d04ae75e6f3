"""Discovery on the real kernel: every card once and in its slot, hot-plug, twins, swaps and impostors."""

import json
import os
import queue
import select
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from dscplus_driver import connect, errors
from dscplus_driver.discovery import (
    Appeared,
    Changed,
    ProblemKind,
    TransportKind,
    Vanished,
    discover,
    open_card,
    portable,
    watch,
)
from dscplus_driver.discovery.records import cards
from tests.kernel.guest import vhci
from tests.kernel.guest.uhid import CARD_REPORTS, KEYBOARD_REPORTS, UhidDevice
from tests.kernel.guest.usb_cards import TIMEOUT, settle

DSC = [sys.executable, "-c", "from dscplus_driver.cli import main; main()"]
CYCLES = 20


def dsc(*arguments):
    return subprocess.run(
        [*DSC, *arguments], capture_output=True, text=True, timeout=TIMEOUT * 2, check=False
    )


def told(event):
    return event and (type(event), event.card.serial_number, event.card.port_path)


def expect(events, kind, card):
    """Take the next event, which must be this, of a card that is in its place; return what it tells."""
    event = events.next_event(TIMEOUT)
    assert told(event) == (kind, card.serial_number, card.sysfs.name)
    return event.card


# --- Finding -----------------------------------------------------------------------------------


def test_a_card_is_found_once_with_every_way_in_and_its_slot(usb_card):
    (found,) = discover()
    bus, address = usb_card.bus_and_address
    assert (found.serial_number, found.port_path) == (usb_card.serial_number, usb_card.sysfs.name)
    assert (found.bus, found.address, found.problems) == (bus, address, ())
    assert found.id_path == "platform-vhci_hcd.0-usb-0:1"
    assert found.settled
    assert {way.kind.value: way.url for way in found.interfaces} == usb_card.urls
    assert [way.kind for way in found.interfaces] == list(TransportKind)
    assert found.url == usb_card.urls["hid"]


@pytest.mark.parametrize("kind", TransportKind)
def test_each_way_in_leads_to_the_card_that_was_found(usb_card, kind):
    (found,) = discover()
    (url,) = [way.url for way in found.interfaces if way.kind is kind]
    with connect(url) as card:
        assert card.serial_number == found.serial_number
    settle()  # libusb has given the HID interface back
    (again,) = discover()
    assert again.plugging == found.plugging and len(again.interfaces) == 3


def test_the_libraries_of_other_systems_show_the_same_card(usb_card, monkeypatch):
    import hidraw

    monkeypatch.setitem(sys.modules, "hid", hidraw)  # elsewhere hidapi's only module has the system's backend
    (joined,) = cards(portable.records())
    assert (joined.serial_number, joined.problems) == (usb_card.serial_number, ())
    assert {way.kind.value: way.url for way in joined.interfaces} == usb_card.urls
    assert joined.port_path == usb_card.sysfs.name


def test_eight_cards_at_once_are_each_in_their_slot(usb_cards):
    plugged = usb_cards(8)
    with watch() as events:
        seen = [events.next_event(TIMEOUT) for _ in plugged]
        assert events.next_event(0) is None
    slots = {card.serial_number: f"platform-vhci_hcd.0-usb-0:{card.port + 1}" for card in plugged}
    assert len(slots) == 8
    assert {event.card.serial_number: event.card.id_path for event in seen} == slots
    found = discover()
    assert {card.serial_number: card.id_path for card in found} == slots
    assert len({way.node for card in found for way in card.interfaces}) == 24
    for card in found:
        assert {way.kind.value: way.url for way in card.interfaces} == next(
            other.urls for other in plugged if other.serial_number == card.serial_number
        )
        with open_card(card) as opened:
            assert opened.serial_number == card.serial_number


def test_two_cards_with_one_serial_number_are_both_refused_by_name(usb_cards):
    (first,) = usb_cards(1, "--serial-from", "7")
    (second,) = usb_cards(1, "--serial-from", "7")
    assert first.serial_number == second.serial_number
    found = discover()
    assert [card.problems[0].kind for card in found] == [ProblemKind.SHARED_SERIAL_NUMBER] * 2
    for choice in (first.serial_number, *found):
        with pytest.raises(errors.SerialNumberShared, match=f"{first.serial_number}: 1-1, 1-2"):
            open_card(choice)
    listed = dsc("list", "--json")
    assert listed.returncode == 1
    assert [card["port"] for card in json.loads(listed.stdout)["cards"]] == [None, None]
    assert dsc("info", "--serial", first.serial_number).returncode == 1
    second.unplug()
    with open_card(first.serial_number) as card:
        assert card.serial_number == first.serial_number


def test_a_node_that_vanishes_between_finding_and_opening(usb_card):
    (found,) = discover()
    usb_card.unplug()
    with pytest.raises(errors.PortNotFound, match="Plug the card in"):
        open_card(found)
    with pytest.raises(errors.CardNotFound, match="no card on USB"):
        open_card(found.serial_number)


def test_a_swap_between_finding_and_opening_is_caught(usb_cards):
    inside, outside = usb_cards(2, plugged=False)
    inside.plug()
    (found,) = discover()
    inside.unplug()
    outside.port, outside.sysfs = inside.port, inside.sysfs
    outside.plug()
    (now,) = discover()
    assert now.url == found.url, "this test needs the kernel to give the node's name out again"
    with pytest.raises(errors.CardSwapped) as caught:
        open_card(found)
    assert (caught.value.expected, caught.value.found) == (inside.serial_number, outside.serial_number)
    with open_card(now) as card:
        assert card.serial_number == outside.serial_number
    with pytest.raises(errors.CardNotFound):
        open_card(inside.serial_number)


def test_a_hid_device_with_a_cards_ids_that_is_no_card(usb_card):
    with UhidDevice("0000000042", KEYBOARD_REPORTS) as keyboard:
        found = {card.serial_number: card for card in discover()}
        assert found[usb_card.serial_number].problems == ()
        impostor = found["0000000042"]
        assert impostor.problems[0].kind is ProblemKind.NOT_A_CARD and impostor.url is None
        with pytest.raises(errors.ProtocolError, match="This is no DSC"):
            open_card("0000000042")
        assert keyboard.opened == 0, "it was opened"


def test_a_device_that_looks_like_a_card_and_never_answers():
    with UhidDevice("0000000042", CARD_REPORTS) as silent:
        (found,) = discover()
        assert (found.url, found.port_path) == (f"hid:{silent.node}", None)
        with pytest.raises(errors.CardTimeout):
            open_card(found)


# --- Watching ----------------------------------------------------------------------------------


def test_twenty_cycles_are_twenty_pairs_of_events(usb_card):
    with watch() as events:
        addresses = {expect(events, Appeared, usb_card).address}
        for _ in range(CYCLES):
            usb_card.unplug()
            expect(events, Vanished, usb_card)
            usb_card.plug()
            card = expect(events, Appeared, usb_card)
            assert (card.url, card.problems) == (usb_card.urls["hid"], ())
            assert card.id_path == "platform-vhci_hcd.0-usb-0:1"
            addresses.add(card.address)
        assert events.next_event(1.0) is None
    assert len(addresses) == CYCLES + 1


def test_two_cards_in_turn_while_another_thread_listens(usb_cards):
    one, two = usb_cards(2)
    heard = queue.Queue()
    with watch() as events:
        listener = threading.Thread(target=lambda: [heard.put(told(event)) for event in events])
        listener.start()
        try:
            assert both(heard) == {(Appeared, card.serial_number, card.sysfs.name) for card in (one, two)}
            for _ in range(3):
                one.unplug()
                two.unplug()
                assert both(heard) == {(Vanished, card.serial_number, card.sysfs.name) for card in (one, two)}
                two.plug()
                one.plug()
                assert both(heard) == {(Appeared, card.serial_number, card.sysfs.name) for card in (one, two)}
        finally:
            events.stop()
            listener.join(TIMEOUT)
        assert not listener.is_alive() and heard.empty()


def both(heard):
    return {heard.get(timeout=TIMEOUT), heard.get(timeout=TIMEOUT)}


def test_replugs_that_nobody_listened_to_are_told_as_they_ended(usb_card):
    with watch() as events:
        before = expect(events, Appeared, usb_card)
        for _ in range(3):
            usb_card.unplug()
            usb_card.plug()
        assert expect(events, Vanished, usb_card) == before
        assert expect(events, Appeared, usb_card).address == usb_card.bus_and_address[1]
        assert events.next_event(1.0) is None


def test_quick_replugs_without_waiting_for_udev_end_in_the_truth(usb_card):
    with watch() as events:
        expect(events, Appeared, usb_card)
        for _ in range(10):
            vhci.detach(usb_card.port)
            vhci.attach(usb_card.url, usb_card.port)
        here = [True]
        while (event := events.next_event(5.0)) is not None:
            match event:
                case Appeared(card):
                    assert not here[-1] and card.problems == ()
                    here.append(True)
                case Vanished(_):
                    assert here[-1]
                    here.append(False)
        assert here[-1] is True
        (found,) = discover()
        assert found.settled and found.problems == ()


def test_libusb_at_work_is_no_appearance(usb_card):
    with watch() as events:
        expect(events, Appeared, usb_card)
        with connect(usb_card.urls["usb"]) as card:
            assert card.serial_number == usb_card.serial_number
            changed = expect(events, Changed, usb_card)
            assert changed.url == f"serial:{usb_card.tty}"
        assert expect(events, Changed, usb_card).url == f"hid:{usb_card.hidraw}"
        assert events.next_event(1.0) is None


# --- As an unprivileged user, and as processes -------------------------------------------------


class WatchProcess:
    """`dsc watch --json`, read line by line with a limit."""

    def __init__(self, *prefix):
        self.process = subprocess.Popen(
            [*prefix, *DSC, "watch", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/"
        )
        self._received = b""

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.process.kill()
        self.process.communicate(timeout=TIMEOUT)

    def line(self):
        while b"\n" not in self._received:
            output = self.process.stdout
            assert select.select([output], [], [], TIMEOUT)[0], "dsc watch is silent"
            data = os.read(output.fileno(), 65536)
            assert data, self.process.stderr.read()
            self._received += data
        line, _, self._received = self._received.partition(b"\n")
        return json.loads(line)


def as_user(user):
    return "setpriv", f"--reuid={user.name}", f"--regid={user.name}", "--init-groups"


def test_watch_waits_for_the_permission_that_udev_gives(usb_card, user):
    """With the shipped rule each card must appear ready to be opened, and never with a problem first."""
    assert dsc("udev", "install", "--yes").returncode == 0
    user.join("dsc")
    settle()
    with WatchProcess(*as_user(user)) as watching:
        assert watching.line()["event"] == "appeared"
        for _ in range(5):
            usb_card.unplug()
            assert watching.line()["event"] == "vanished"
            usb_card.plug()
            line = watching.line()
            assert (line["event"], line["problem"]) == ("appeared", None)
            assert {way["access"] for way in line["interfaces"]} == {"ready"}
            assert line["port"] == usb_card.urls["hid"]
    assert dsc("udev", "uninstall", "--yes").returncode == 0


def test_watch_tells_of_a_card_that_this_user_may_not_open_and_when_he_may(usb_card, user):
    for node in (usb_card.hidraw, usb_card.tty):
        Path(node).chmod(0o600)
    with WatchProcess(*as_user(user)) as watching:
        line = watching.line()
        assert (line["event"], line["serial_number"], line["port"]) == (
            "appeared",
            usb_card.serial_number,
            None,
        )
        assert "may not open" in line["problem"]
        Path(usb_card.tty).chmod(0o666)
        line = watching.line()
        assert (line["event"], line["problem"], line["port"]) == ("changed", None, usb_card.urls["serial"])
    refused = user.run(*DSC, "info", "--port", usb_card.urls["hid"])
    assert refused.returncode == 4


def test_list_and_info_as_processes(usb_cards):
    plugged = usb_cards(2)
    listed = dsc("list", "--json")
    assert listed.returncode == 0, listed.stderr
    document = json.loads(listed.stdout)
    assert document["format"] == "dsc.list/2"
    assert {(card["serial_number"], card["port_path"], card["life_cycle"]) for card in document["cards"]} == {
        (card.serial_number, card.sysfs.name, "OP_READY") for card in plugged
    }
    for card in plugged:
        told_by_card = dsc("info", "--serial", card.serial_number, "--json")
        assert told_by_card.returncode == 0, told_by_card.stderr
        assert json.loads(told_by_card.stdout)["serial_number"] == card.serial_number
    ambiguous = dsc("info")
    assert ambiguous.returncode == 2 and plugged[0].serial_number in ambiguous.stderr
    plugged[1].unplug()
    assert json.loads(dsc("info", "--json").stdout)["serial_number"] == plugged[0].serial_number
    assert dsc("info", "--serial", plugged[1].serial_number).returncode == 3
