"""The facts are the machine's: drivers by sysfs, holders by /proc, rules by file, libraries by import."""

import fcntl
import grp
import os
import subprocess
import sys
import types
from pathlib import Path

import pytest

from dscplus_driver.discovery import TransportKind
from dscplus_driver.discovery.records import cards
from dscplus_driver.doctor import NodeFacts, Process, collect
from dscplus_driver.udev.files import Condition, marked
from dscplus_driver.udev.install import RULES
from dscplus_driver.udev.system import System
from tests.harness.fake_sysfs import FakeSysfs

SERIAL = "0000000018"
OPENS = """
import sys
file = open(sys.argv[1])
if sys.argv[2] == "lock":
    import fcntl
    fcntl.flock(file, fcntl.LOCK_EX)
print("open", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def usb(tmp_path):
    return FakeSysfs(tmp_path / "sys")


@pytest.fixture
def another_program():
    """Start programs that hold a file open, or lock it."""
    started = []

    def start(path, how="open"):
        process = subprocess.Popen(
            [sys.executable, "-c", OPENS, path, how], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        started.append(process)
        assert process.stdout.readline() == b"open\n"
        return process.pid

    yield start
    for process in started:
        process.communicate(timeout=10)


def the_card(usb, tmp_path):
    facts = collect.collect(System(tmp_path, "/opt/dsc"), cards(usb.records()))
    (card,) = facts.cards
    return card


def test_a_cards_interfaces_are_its_hid_and_its_serial_one_with_their_drivers(usb, tmp_path):
    plugged = usb.plug("1-2", SERIAL)
    card = the_card(usb, tmp_path)
    assert (card.where, card.serial_number) == (f"1-2, card {SERIAL}", SERIAL)
    assert [(way.name, way.wanted, way.driver, way.loaded) for way in card.interfaces] == [
        ("1-2:1.0", "cdc_acm", "cdc_acm", True),
        ("1-2:1.2", "usbhid", "usbhid", True),
    ]
    assert [way.node.path for way in card.interfaces] == [plugged.tty, plugged.hidraw]
    assert card.node.path == plugged.usb
    # None of them is in this machine's /dev, as in a container.
    assert not any(node.exists for node in card.nodes)


def test_an_interface_that_libusb_left_has_no_driver_and_no_node(usb, tmp_path):
    usb.plug("1-2", SERIAL)
    usb.unbind_hid("1-2")
    (hid,) = [way for way in the_card(usb, tmp_path).interfaces if way.wanted == "usbhid"]
    assert (hid.driver, hid.loaded, hid.node) == (None, True, None)


def test_a_driver_that_is_not_in_the_kernel_is_not_loaded(usb, tmp_path):
    usb.plug("1-2", SERIAL, bound=False)
    assert {way.wanted: way.loaded for way in the_card(usb, tmp_path).interfaces} == {
        "cdc_acm": False,
        "usbhid": False,
    }


def test_a_virtual_card_by_uhid_has_one_interface_on_the_hid_bus_and_no_usb_node(usb, tmp_path):
    usb.plug_uhid(SERIAL)
    card = the_card(usb, tmp_path)
    (hid,) = card.interfaces
    assert (hid.bus, hid.wanted, hid.driver, card.node) == ("hid", "hid-generic", "hid-generic", None)


def test_problems_with_identity_come_along_and_those_with_access_are_found_afresh(usb, tmp_path):
    usb.plug("1-2", SERIAL)
    usb.plug("1-3", SERIAL)
    usb.deny(*usb.access)
    facts = collect.collect(System(tmp_path, "/opt/dsc"), cards(usb.records()))
    for card in facts.cards:
        ((what, advice),) = card.problems
        assert "several cards give" in what and "keep them aside" in advice


def test_a_node_is_told_with_owner_group_mode_and_who_has_it_open(tmp_path, another_program):
    node = tmp_path / "ttyACM0"
    node.touch(0o640)
    pid = another_program(node)
    running = collect.processes(Path("/proc"))
    opened = collect.openers([str(node), "/dev/other"], Path("/proc"), running)
    assert opened == {str(node): [Process(pid, running[pid])], "/dev/other": []}
    facts = collect.node_facts(TransportKind.SERIAL, str(node), opened[str(node)], running)
    group = grp.getgrgid(node.stat().st_gid).gr_name
    assert (facts.exists, facts.mode, facts.group) == (True, 0o640, group)
    assert [process.pid for process in facts.holders] == [pid]


def test_a_holder_of_the_cards_lock_is_found_by_the_lock_and_told_once(tmp_path, another_program):
    node = tmp_path / "007"
    node.touch()
    pid = another_program(node, "lock")
    running = {pid: "dsc-station"}
    for opened_by in ([], [Process(pid, "dsc-station")]):
        facts = collect.node_facts(TransportKind.USB, str(node), opened_by, running)
        assert facts.holders == (Process(pid, "dsc-station"),)


def test_a_process_cannot_write_to_the_terminal_by_its_name(tmp_path):
    folder = tmp_path / "4711"
    folder.mkdir()
    (folder / "comm").write_bytes(b"\x1b[2Jfriend\xff\n")
    assert collect.processes(tmp_path) == {4711: "?[2Jfriend?"}


def test_this_program_is_no_other_program(tmp_path):
    node = tmp_path / "007"
    with node.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert collect.openers([str(node)], Path("/proc"), {os.getpid(): "dsc"}) == {str(node): []}
        assert collect.node_facts(TransportKind.USB, str(node), [], {}).holders == ()


def test_a_node_that_is_not_in_dev_is_told_so():
    facts = collect.node_facts(TransportKind.HID, "/nowhere/hidraw0", [], {})
    assert facts == NodeFacts("/nowhere/hidraw0", exists=False, can_open=False)


def test_opening_tells_what_mode_and_owner_do_not(tmp_path, monkeypatch):
    node = tmp_path / "007"
    node.touch()
    assert collect.may_open(TransportKind.USB, str(node))

    def refuse(*_arguments):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "open", refuse)
    assert not collect.may_open(TransportKind.USB, str(node))
    assert collect.may_open(TransportKind.HID, str(node)), "a HID node is not opened to see"
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert not collect.may_open(TransportKind.HID, str(node))


@pytest.mark.parametrize("folder", collect.RULES_FOLDERS)
def test_rules_are_found_wherever_udev_looks(tmp_path, folder):
    assert collect.rules_condition(tmp_path) is Condition.ABSENT
    file = tmp_path / folder / RULES
    file.parent.mkdir(parents=True)
    shipped = (Path(__file__).parents[3] / "udev" / RULES).read_text()
    for text, condition in (
        (shipped, Condition.CURRENT),
        (marked(shipped), Condition.CURRENT),
        (marked("# other\n"), Condition.OLDER),
        (marked(shipped) + "# mine\n", Condition.EDITED),
    ):
        file.write_text(text)
        assert collect.rules_condition(tmp_path) is condition


def test_rules_of_an_administrator_hide_those_of_the_distribution(tmp_path):
    for folder, text in (("etc/udev/rules.d", "# edited\n"), ("usr/lib/udev/rules.d", marked("# old\n"))):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / RULES).write_text(text)
    assert collect.rules_condition(tmp_path) is Condition.EDITED


@pytest.mark.parametrize(
    ("listed", "primary", "session", "told"),
    [
        ([], 100, [100], (False, False)),
        (["ada"], 100, [100], (True, False)),
        (["ada"], 100, [100, 777], (True, True)),
        ([], 777, [777], (True, True)),
    ],
)
def test_membership_is_of_the_list_and_of_this_login(monkeypatch, listed, primary, session, told):
    monkeypatch.setattr(grp, "getgrnam", lambda _: types.SimpleNamespace(gr_mem=listed, gr_gid=777))
    monkeypatch.setattr(collect.pwd, "getpwnam", lambda _: types.SimpleNamespace(pw_gid=primary))
    monkeypatch.setattr(os, "getgroups", lambda: session)
    monkeypatch.setattr(os, "getegid", lambda: 100)
    assert collect.membership("ada") == told


def test_no_group_no_membership(monkeypatch):
    def unknown(name):
        raise KeyError(name)

    monkeypatch.setattr(grp, "getgrnam", unknown)
    assert collect.membership("ada") == (False, False)


def test_the_libraries_of_this_environment_are_all_there():
    assert set(collect.libraries().values()) == {None}


@pytest.mark.parametrize(
    ("module", "package", "words"),
    [
        ("hidraw", "hidapi", "its module hid is there, and would take the card"),
        ("serial", "pyserial", "pyserial"),
        ("usb.core", "pyusb", "pyusb"),
        ("libusb_package", "libusb-package", "libusb-package"),
        ("pyudev", "pyudev", "pyudev"),
    ],
)
def test_a_library_that_cannot_be_imported_is_named(monkeypatch, module, package, words):
    monkeypatch.setitem(sys.modules, module, None)
    wrong = {name: what for name, what in collect.libraries().items() if what}
    assert set(wrong) == {package} and words in wrong[package]


def test_libraries_that_load_and_are_not_what_they_should_be_are_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "hidraw", types.ModuleType("hidraw"))
    monkeypatch.setattr("libusb_package.get_libusb1_backend", lambda: None)

    def no_library():
        raise ImportError("No udev")

    monkeypatch.setattr("pyudev.Context", no_library)
    wrong = {name: what for name, what in collect.libraries().items() if what}
    assert wrong == {
        "hidapi": "the module hidraw that is installed is not hidapi's",
        "libusb-package": "libusb itself cannot be loaded",
        "libudev": "the system's libudev, by which hot-plug is seen, cannot be loaded (No udev)",
    }


def test_modem_manager_is_seen_where_it_runs_and_asked_about_only_then(usb, tmp_path, monkeypatch):
    usb.plug("1-2", SERIAL)
    asked = []
    monkeypatch.setattr(collect, "modem_manager_ignores", lambda node: bool(asked.append(node)))
    assert all(way.modem_manager_ignores for way in the_card(usb, tmp_path).interfaces) and not asked
    (tmp_path / "proc/600").mkdir(parents=True)
    (tmp_path / "proc/600/comm").write_text("ModemManager\n")
    ignored = {way.wanted: way.modem_manager_ignores for way in the_card(usb, tmp_path).interfaces}
    assert ignored == {"cdc_acm": False, "usbhid": True} and len(asked) == 1
