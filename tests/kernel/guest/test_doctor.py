"""`dsc doctor` on a real kernel: a situation is made, named, and mended by what the doctor says to type."""

import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.kernel.guest.dsc import dsc, modem_manager, type_this
from tests.kernel.guest.usb_cards import Udev

HOLDS = """
import sys
from dscplus_driver import connect
with connect(sys.argv[1]) as card:
    print(card.serial_number, flush=True)
    sys.stdin.read()
"""


def findings(check, *, user=None):
    """What the doctor finds by one check."""
    document = dsc("doctor", user=user, expect=None)
    return next(c for c in document["checks"] if c["check"] == check)["findings"]


def the_finding(check, *, user=None):
    (finding,) = findings(check, user=user)
    return finding


@contextmanager
def another_program(url):
    """A program that has the card open, and its process id."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert len(process.stdout.readline().strip()) == 10
        yield process.pid
    finally:
        process.communicate(timeout=60)


def test_without_a_card_the_doctor_says_so_with_exit_code_3():
    document = dsc("doctor", expect=3)
    assert document["cards"] == []
    assert "there is no card on USB" in the_finding("bus")["what"]


def test_root_may_open_a_card_that_nothing_is_wrong_with(usb_card):
    document = dsc("doctor", expect=1)
    wrong = {check["check"] for check in document["checks"] if not check["ok"]}
    assert wrong == {"rules"}, document
    assert document["cards"][0]["serial_number"] == usb_card.serial_number


@pytest.mark.parametrize("way", ["hid", "usb", "serial"])
def test_another_programs_hold_is_told_by_process_and_name(usb_card, way):
    with another_program(usb_card.urls[way]) as pid:
        finding = the_finding("holders")
        command = Path(f"/proc/{pid}/comm").read_text().strip()
        assert f"process {pid} ({command}) uses" in finding["what"]
        assert usb_card.serial_number in finding["what"]
        type_this(finding)
        assert findings("drivers") == [], "one cause is told once"
    assert findings("holders") == []


def test_a_user_hears_who_holds_a_card_by_its_lock(usb_card, user):
    with another_program(usb_card.urls["hid"]) as pid:
        assert f"process {pid} (" in the_finding("holders", user=user)["what"]


@pytest.mark.parametrize(("interface", "driver"), [(2, "usbhid"), (0, "cdc_acm")])
def test_an_interface_without_its_driver_is_given_back_by_what_to_type(usb_card, interface, driver):
    name = f"{usb_card.sysfs.name}:1.{interface}"
    Path(f"/sys/bus/usb/drivers/{driver}/unbind").write_text(name)
    finding = the_finding("drivers")
    assert f"no driver serves interface {name}" in finding["what"]
    with Udev() as udev:
        type_this(finding)
        while udev.event(f"{driver} bound").subsystem not in ("hidraw", "tty"):
            pass
    assert findings("drivers") == []


def test_a_driver_that_is_not_in_the_kernel_is_loaded_by_what_to_type(usb_card):
    subprocess.run(["rmmod", "cdc_acm"], check=True, timeout=60)
    finding = the_finding("drivers")
    assert "cdc_acm is not loaded" in finding["what"]
    with Udev() as udev:
        type_this(finding)
        while udev.event("cdc_acm bound").subsystem != "tty":
            pass
    assert findings("drivers") == []


def test_a_node_that_dev_does_not_have_is_named(usb_card):
    node = Path(usb_card.hidraw)
    node.unlink()
    finding = the_finding("nodes")
    assert str(node) in finding["what"] and f"--device={node}" in finding["do"]
    usb_card.unplug()
    usb_card.plug()
    assert findings("nodes") == []


def test_two_cards_with_one_serial_number_are_both_named(usb_cards):
    first, second = (usb_cards(1, "--serial-from", "42")[0] for _ in range(2))
    assert first.serial_number == second.serial_number
    found = findings("identity")
    assert len(found) == 2
    for finding in found:
        assert first.sysfs.name in finding["what"] and second.sysfs.name in finding["what"]


def test_modem_manager_is_seen_where_nobody_told_it_to_leave_cards_alone(usb_card, tmp_path):
    assert findings("modem-manager") == []
    with modem_manager(tmp_path):
        finding = the_finding("modem-manager")
    assert usb_card.tty in finding["what"] and finding["type"].endswith("udev install")
