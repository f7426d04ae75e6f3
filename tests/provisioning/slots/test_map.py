"""The slot map: what station.toml may say, what is refused by name, what is suggested for an empty one."""

import subprocess
import sys
import tomllib
from dataclasses import replace

import pytest

from dscplus_driver.discovery import Access, FoundCard, Interface, TransportKind
from dscplus_station import locks
from dscplus_station.desk.working import on_the_desk
from dscplus_station.errors import BadInput, HeldByAnother
from dscplus_station.slots.map import Slot, slot_map
from dscplus_station.slots.ports import lock_name, port_locks, slot_at
from dscplus_station.slots.rules import SlotUse
from dscplus_station.slots.suggest import as_toml, suggest
from tests.provisioning.slots.slot_bench import FIRST, SlotBench

HUB = "pci-0000:00:14.0-usb-0:1."


def table(n=1, **changed):
    given = {"number": n, "row": 1, "column": n, "id_path": f"{HUB}{n}"} | changed
    return {key: value for key, value in given.items() if value is not None}


def card(id_path, node="/dev/hidraw0", serial="0000000018"):
    ways = (
        Interface(TransportKind.HID, Access.READY, node, f"hid:{node}"),
        Interface(TransportKind.SERIAL, Access.READY, "/dev/ttyACM0", "serial:/dev/ttyACM0"),
    )
    return FoundCard(f"/sys/{node}", serial, "1-1", id_path, 1, 4, ways)


def test_slots_are_read_in_the_order_of_their_numbers_with_what_is_left_out():
    slots = slot_map([table(2, use="returns", label="R"), table(1, id_path=None, port="/cards/card-0")])
    assert slots == (
        Slot(1, "1", 1, 1, SlotUse.PROVISIONING, None, "/cards/card-0"),
        Slot(2, "R", 1, 2, SlotUse.RETURNS, f"{HUB}2", None),
    )
    assert slot_map([]) == ()


@pytest.mark.parametrize(
    ("tables", "told"),
    [
        ([table(), table(2, number=1)], "slots 1 and 1 have the same number"),
        ([table(), table(2, label="1")], "slots 1 and 2 have the same label"),
        ([table(), table(2, column=1)], "slots 1 and 2 have the same row and column"),
        ([table(), table(2, id_path=f"{HUB}1")], "slots 1 and 2 have the same port"),
        (
            [table(1, id_path=None, port="/c"), table(2, id_path=None, port="serial:/c")],
            "slots 1 and 2 have the same port",
        ),
        ([table(colour="red")], "table 1: unknown key 'colour'"),
        ([table(number=0)], "table 1: number is a number from 1 to 99"),
        ([table(number=True)], "number is a number"),
        ([table(number=None)], "number is a number"),
        ([table(row=21)], "slot 1: row is a number from 1 to 20"),
        ([table(use="washing")], "slot 1: use is one of provisioning, returns"),
        ([table(label="")], "slot 1: label is a text"),
        ([table(label="x" * 17)], "slot 1: label is a text"),
        ([table(port="/c")], "slot 1: give either id_path"),
        ([table(id_path=None)], "slot 1: give either id_path"),
        ([table(id_path=7)], "slot 1: id_path is a text"),
        ([table(id_path=None, port="usb:1.4")], "usb:1.4 is another one after each plugging"),
        (["slot"], "slots are tables of their own"),
    ],
)
def test_what_cannot_be_meant_is_one_clear_message(tables, told):
    with pytest.raises(BadInput) as refused:
        slot_map(tables)
    assert told in str(refused.value) and str(refused.value).startswith("station.toml: ")


def test_a_suggested_map_is_one_that_can_be_read():
    found = [card(f"{HUB}10"), card(f"{HUB}9"), card(None), card(f"{HUB}2")]
    known = slot_map([table(2)])
    odd = '/cards/é"\\'
    new = suggest(known, found, ["/cards/card-0", "serial:/cards/card-0", odd])
    assert [slot.where for slot in new.slots] == [f"{HUB}9", f"{HUB}10", "/cards/card-0", odd]
    assert [slot.number for slot in new.slots] == [3, 4, 5, 6]
    assert len(new.without) == 1 and "no ID_PATH" in new.without[0]
    text = "".join(as_toml(slot) for slot in (*known, *new.slots))
    assert slot_map(tomllib.loads(text)["slots"]) == (*known, *new.slots)


def test_a_slot_is_found_by_every_name_of_its_port(tmp_path):
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "card-0")
    slots = slot_map([table(1), table(2, id_path=None, port=f"serial:{tmp_path}/card-0")])
    found = [card(f"{HUB}1"), card(f"{HUB}7", "/dev/hidraw7")]
    for port in ("hid:/dev/hidraw0", "serial:/dev/ttyACM0", "/dev/ttyACM0", "usb:1.4"):
        assert slot_at(port, slots, found[:1]) == slots[0], port
    assert slot_at(str(link), slots, ()) == slots[1]
    assert slot_at("hid:/dev/hidraw7", slots, found[1:]) is None
    lock_of = port_locks(slots, lambda: found)
    assert lock_of(str(link)) == lock_name(slots[1]) == "slot 2"
    assert lock_of("/dev/ttyS9") == "slot /dev/ttyS9"


HOLDER = """
import sys, pathlib
from dscplus_station import locks
with locks.hold(pathlib.Path(sys.argv[1]), "slot 2", "serve"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_slots_on_the_command_line_list_who_holds_them_and_provision_hears_it_too(bench, tmp_path):
    port = tmp_path / "card-0"
    settings = bench.world.home.settings_file
    listed = bench.run("slots", "list")
    assert "no [[slots]]" in listed.stderr
    suggested = bench.run("slots", "suggest", "--port", "/cards/none", "--port", port).stdout
    settings.write_text(settings.read_text() + suggested)
    folder = bench.world.home.locks
    assert [slot["held_by"] for slot in bench.json("slots", "list")["slots"]] == [None, None]
    arguments = [sys.executable, "-c", HOLDER, str(folder)]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        told = f"serve, pid {holder.pid}"
        assert [slot["held_by"] for slot in bench.json("slots", "list")["slots"]] == [None, told]
        assert f"{port}  {told}" in bench.run("slots", "list").stdout
        refused = bench.run("provision", "--port", port, code=5)
        assert f"slot 2 is held by {told}" in refused.stderr
        holder.stdin.close()
        assert holder.wait(20) == 0
    assert locks.holder(folder, "slot 2") is None
    bench.run("slots", "suggest", "--port", port)
    settings.write_text(settings.read_text() + "[[slots]]\nnumber = 1\n")
    assert "slot 1: " in bench.run("slots", "list", code=1).stderr


def test_the_returns_desk_at_a_port_hears_who_has_its_slot(tmp_path):
    bench = SlotBench(tmp_path)
    tables = [table(7, id_path=None, port="/slot-7")]
    station = replace(bench.station, settings=replace(bench.station.settings, slots=tables))
    desk = on_the_desk(station, FIRST, "serial:/slot-7", lambda _url: bench.cards[FIRST].connect())
    with locks.hold(station.home.locks, "slot 7", "serve"), pytest.raises(HeldByAnother) as refused, desk:
        pytest.fail("the desk had the slot, too")
    assert str(refused.value).startswith("slot 7 is held by serve, pid")
    bench.close()
