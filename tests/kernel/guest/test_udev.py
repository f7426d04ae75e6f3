"""The shipped rules on a real udevd, installed by `dsc udev install`: who may open a card, and its names."""

import grp
import json
import pwd
import re
import stat
import subprocess
from pathlib import Path

import pytest

from tests.kernel.guest.dsc import DSC, dsc, modem_manager, type_this
from tests.kernel.guest.uhid import CARD_REPORTS, UhidDevice

SLOTS = "platform-vhci_hcd.0-usb-0"
"""ID_PATH of vhci's first hub; the port follows it."""


@pytest.fixture(scope="module")
def installed():
    """The rules are installed: once for all tests that need them, since it takes seconds in the guest."""
    dsc("udev", "install")
    yield
    dsc("udev", "uninstall")


def properties(node):
    """What udev knows of a node."""
    shown = subprocess.run(
        ["udevadm", "info", "--query=property", f"--name={node}"],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return dict(line.split("=", 1) for line in shown.stdout.splitlines())


def owner_and_mode(node):
    status = Path(node).stat()
    names = pwd.getpwuid(status.st_uid).pw_name, grp.getgrgid(status.st_gid).gr_name
    return (*names, stat.S_IMODE(status.st_mode))


def usb_node(card):
    return "/dev/bus/usb/{:03}/{:03}".format(*card.bus_and_address)


def nodes(card):
    return {"hid": card.hidraw, "tty": card.tty, "usb": usb_node(card)}


def state_of(card):
    """Permissions and properties of all nodes, but for what is new with every plugging."""
    states = {}
    for kind, node in nodes(card).items():
        known = properties(node)
        for changing in ("USEC_INITIALIZED", "DEVNAME", "DEVPATH", "DEVNUM", "MINOR"):
            known.pop(changing, None)
        for a_set in ("DEVLINKS", "TAGS", "CURRENT_TAGS"):  # udev keeps no order in them
            known[a_set] = sorted(re.split("[ :]", known.get(a_set, "")))
        states[kind] = owner_and_mode(node), known
    return states


def is_refused(user, card):
    """Whether the user's program fails as it should for want of permission."""
    document = dsc("info", "--serial", card.serial_number, user=user, expect=None)
    return document.get("error") == "PermissionRefused" and document["exit_code"] == 4


def the_refusal(user):
    document = dsc("doctor", user=user, expect=1)
    (refusal,) = next(c for c in document["checks"] if c["check"] == "permissions")["findings"]
    assert f"{user.name} may not open" in refusal["what"]
    return refusal


def test_from_a_refusal_by_what_the_doctor_says_to_an_open_card_and_back(user, usb_card):
    assert is_refused(user, usb_card)
    refusal = the_refusal(user)
    assert "the udev rules are not installed" in refusal["what"]
    type_this(refusal)
    at_once = state_of(usb_card)

    assert is_refused(user, usb_card), "the rules alone let nobody in who is not in the group"
    refusal = the_refusal(user)
    assert f"{user.name} is not in group dsc" in refusal["what"]
    type_this(refusal)

    before_joining = [f"--reuid={user.name}", f"--regid={user.name}", "--clear-groups"]
    command = ["setpriv", *before_joining, DSC, "doctor", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and f"{user.name} joined group dsc after this login" in done.stdout

    assert dsc("doctor", user=user)["healthy"]
    found = dsc("info", "--serial", usb_card.serial_number, user=user)
    assert found["serial_number"] == usb_card.serial_number

    usb_card.unplug()
    usb_card.plug()
    assert state_of(usb_card) == at_once, "plugged in before or after: the same"
    assert list(Path("/dev").glob("dsc/*"))

    dsc("udev", "uninstall")
    assert not list(Path("/etc/udev").glob("**/*dscplus*")) and not Path("/etc/udev/hwdb.bin").exists()
    assert not list(Path("/dev").glob("dsc/*"))
    usb_card.unplug()
    usb_card.plug()
    assert is_refused(user, usb_card)
    assert "the udev rules are not installed" in the_refusal(user)["what"]


def test_without_privileges_install_says_the_line_to_type(user):
    for command in ("install", "uninstall"):
        document = dsc("udev", command, user=user, expect=4)
        assert document["error"] == "PermissionRefused"
        assert document["message"].endswith(f"Type: sudo {DSC} udev {command}")


def test_nodes_are_open_to_root_group_and_seat_and_to_nobody_else(usb_card, installed):
    for kind, node in nodes(usb_card).items():
        assert owner_and_mode(node) == ("root", "dsc", 0o660), kind
        known = properties(node)
        # udevd makes the access list of what is tagged so, for whoever sits at the machine.
        assert ":uaccess:" in known["TAGS"] and ":uaccess:" in known["CURRENT_TAGS"]
    assert properties(usb_node(usb_card))["ID_MM_DEVICE_IGNORE"] == "1"
    assert properties(usb_card.tty)["ID_MM_PORT_IGNORE"] == "1"


def test_every_node_is_named_by_serial_number_and_by_slot(usb_cards, installed):
    cards = usb_cards(3)
    for card in cards:
        slot = f"{SLOTS}:{card.port + 1}"
        assert {properties(node)["DSC_SLOT"] for node in nodes(card).values()} == {slot}
        for kind, node in (("hid", card.hidraw), ("tty", card.tty)):
            for name in (f"{card.serial_number}-{kind}", f"by-slot/{slot}-{kind}"):
                assert str(Path("/dev/dsc", name).resolve()) == node
    listed = {card["serial_number"]: card["id_path"] for card in dsc("list", expect=None)["cards"]}
    assert listed == {card.serial_number: f"{SLOTS}:{card.port + 1}" for card in cards}
    for card in cards:
        card.unplug()
    assert not list(Path("/dev").glob("dsc/**/*-*"))


def test_listings_show_the_cards_name(usb_card, installed):
    known = properties(usb_node(usb_card))
    assert known["ID_VENDOR_FROM_DATABASE"] == "DSC+ reference"
    assert known["ID_MODEL_FROM_DATABASE"] == "Digital Security Card+"


def test_a_virtual_card_by_uhid_has_group_and_name_and_no_slot(installed):
    with UhidDevice("0000000018", CARD_REPORTS) as device:
        node = device.node
        assert owner_and_mode(node) == ("root", "dsc", 0o660)
        assert ":uaccess:" in properties(node)["TAGS"] and "DSC_SLOT" not in properties(node)
        assert str(Path("/dev/dsc/0000000018-hid").resolve()) == node


@pytest.mark.parametrize("serial", ["../../sda", "000000001", "00000000018", "DSC0000018", ""])
def test_what_is_no_serial_number_becomes_no_name(installed, serial):
    with UhidDevice(serial, CARD_REPORTS) as device:
        node = device.node
        assert owner_and_mode(node) == ("root", "dsc", 0o660)
        assert "DEVLINKS" not in properties(node)


@pytest.mark.parametrize("ids", [(0x1209, 0xD5C2), (0x1208, 0xD5C1), (0x1209, 0x0001)])
def test_other_devices_are_left_alone(installed, ids):
    with UhidDevice("0000000018", CARD_REPORTS, ids) as device:
        node = device.node
        assert owner_and_mode(node) == ("root", "root", 0o600)
        assert "TAGS" not in properties(node) and "DEVLINKS" not in properties(node)


def test_a_second_install_changes_nothing_and_an_edited_file_is_asked_about(usb_card, installed):
    rules = Path("/etc/udev/rules.d/70-dscplus.rules")
    before = rules.stat()
    steps = dsc("udev", "install")["steps"]
    assert not [step["what"] for step in steps if step["changed"] and step["what"].startswith("/")]
    assert (rules.stat().st_ino, rules.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    rules.write_text(rules.read_text() + "# mine\n")
    for command in ("install", "uninstall"):
        assert "terminal" in dsc("udev", command, expect=2)["message"]
        assert rules.read_text().endswith("# mine\n")
    dsc("udev", "install", "--yes")
    assert not rules.read_text().endswith("# mine\n")


def test_modem_manager_is_told_by_the_rules(usb_card, installed, tmp_path):
    with modem_manager(tmp_path):
        assert dsc("doctor")["healthy"]


def test_suggest_names_the_slot_of_the_only_card_and_its_rules_make_the_names(usb_card, installed):
    suggestion = dsc("udev", "suggest", "--name", "left-3")
    slot = f"{SLOTS}:{usb_card.port + 1}"
    assert (suggestion["id_path"], suggestion["mapping"]) == (slot, f'"left-3" = "{slot}"')
    rules = Path("/etc/udev/rules.d/71-dscplus-slots.rules")
    rules.write_text("".join(f"{rule}\n" for rule in suggestion["rules"]))
    try:
        dsc("udev", "install")
        usb_card.unplug()
        usb_card.plug()
        for link, node in zip(suggestion["links"], (usb_card.hidraw, usb_card.tty), strict=True):
            assert str(Path(link).resolve()) == node
    finally:
        rules.unlink()


def test_suggest_waits_for_the_card_that_is_plugged_in_next(usb_cards, installed):
    first, second, third = usb_cards(3, plugged=False)
    first.plug()
    second.plug()
    command = [DSC, "udev", "suggest", "--json", "--timeout", "120"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as suggest:
        assert suggest.stderr.readline().startswith("plug a card into slot 1")
        third.plug()
        out, _ = suggest.communicate(timeout=120)
    document = json.loads(out)
    assert (suggest.returncode, document["serial_number"]) == (0, third.serial_number)
    assert document["id_path"] == f"{SLOTS}:{third.port + 1}"
