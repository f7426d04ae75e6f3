"""What the doctor concludes from facts: every situation, its finding and what to type."""

import re
from dataclasses import replace

import pytest

from dscplus_driver.doctor import CHECKS, CardFacts, Facts, InterfaceFacts, NodeFacts, Process, examine
from dscplus_driver.udev.files import Condition

HID = InterfaceFacts("1-2:1.2", "usbhid", "usbhid", node=NodeFacts("/dev/hidraw0"))
TTY = InterfaceFacts("1-2:1.0", "cdc_acm", "cdc_acm", node=NodeFacts("/dev/ttyACM0"))
CARD = CardFacts(
    "1-2, card 0000000018", "0000000018", NodeFacts("/dev/bus/usb/001/007"), interfaces=(TTY, HID)
)
HEALTHY = Facts(cards=(CARD,), program="/opt/dsc", user="ada", python="/opt/python")
INSTALL = "sudo /opt/dsc udev install"


def with_card(facts=HEALTHY, **changes):
    return replace(facts, cards=(replace(facts.cards[0], **changes),))


def with_nodes(facts=HEALTHY, **changes):
    """The same change to every node of the card."""
    card = facts.cards[0]
    return with_card(
        facts,
        node=replace(card.node, **changes),
        interfaces=tuple(replace(way, node=replace(way.node, **changes)) for way in card.interfaces),
    )


def findings(facts):
    return [(v.check.name, finding) for v in examine(facts) for finding in v.findings]


def the_finding(facts, check):
    (found,) = findings(facts)
    assert found[0] == check
    return found[1]


def test_a_healthy_bench_passes_every_check():
    assert [verdict.check for verdict in examine(HEALTHY)] == list(CHECKS)
    assert findings(HEALTHY) == []


def test_no_card_is_told_once_and_nothing_is_claimed_about_cards():
    facts = replace(HEALTHY, cards=())
    finding = the_finding(facts, "bus")
    assert "no card on USB" in finding.what and finding.type_this == "sudo dmesg --follow"
    told = [verdict.check.name for verdict in examine(facts)]
    assert told == ["libraries", "rules", "bus"]


def test_a_system_without_usb_is_told_from_one_without_a_card():
    finding = the_finding(replace(HEALTHY, cards=(), has_usb=False), "bus")
    assert "no USB at all" in finding.what and "container" in finding.do


@pytest.mark.parametrize(
    ("package", "type_this"),
    [
        ("hidapi", "/opt/python -m pip install --force-reinstall hidapi"),
        ("libusb-package", "/opt/python -m pip install --force-reinstall libusb-package"),
        ("libudev", "sudo apt-get install libudev1"),
    ],
)
def test_a_missing_library_is_named_with_the_command_that_brings_it(package, type_this):
    facts = replace(HEALTHY, libraries={"pyserial": None, package: "it cannot be loaded"})
    finding = the_finding(facts, "libraries")
    assert (finding.what, finding.type_this) == ("it cannot be loaded", type_this)


@pytest.mark.parametrize(
    ("condition", "words"), [(Condition.ABSENT, "not installed"), (Condition.OLDER, "another version")]
)
def test_rules_that_are_missing_or_old_are_to_be_installed(condition, words):
    finding = the_finding(replace(HEALTHY, rules=condition), "rules")
    assert words in finding.what and finding.type_this == INSTALL


def test_rules_that_a_person_edited_are_that_persons_affair():
    assert findings(replace(HEALTHY, rules=Condition.EDITED)) == []


def test_where_udev_does_not_run_nothing_is_said_of_its_rules():
    verdicts = examine(replace(HEALTHY, udev_runs=False, rules=Condition.ABSENT))
    assert "rules" not in [verdict.check.name for verdict in verdicts]


def test_discoverys_problems_with_a_cards_identity_are_passed_on_with_their_advice():
    facts = with_card(
        problems=(("several cards give the serial number 0000000018: 1-2, 1-3", "Unplug them."),)
    )
    finding = the_finding(facts, "identity")
    assert finding.what.startswith("1-2, card 0000000018: several cards") and finding.do == "Unplug them."


def one_interface(facts=HEALTHY, **changes):
    return with_card(facts, interfaces=(TTY, replace(HID, **changes)))


def test_a_driver_that_is_not_loaded():
    finding = the_finding(one_interface(driver=None, loaded=False, node=None), "drivers")
    assert "usbhid is not loaded" in finding.what and finding.type_this == "sudo modprobe usbhid"


def test_an_interface_that_libusb_never_gave_back():
    finding = the_finding(one_interface(driver=None, node=None), "drivers")
    assert "no driver serves interface 1-2:1.2" in finding.what
    assert finding.type_this == "echo 1-2:1.2 | sudo tee /sys/bus/usb/drivers/usbhid/bind"


def test_an_interface_that_another_driver_took():
    finding = the_finding(one_interface(driver="usbserial", node=None), "drivers")
    assert finding.type_this == (
        "echo 1-2:1.2 | sudo tee /sys/bus/usb/drivers/usbserial/unbind"
        " && echo 1-2:1.2 | sudo tee /sys/bus/usb/drivers/usbhid/bind"
    )


def test_a_virtual_card_by_uhid_is_bound_on_the_hid_bus():
    hid = InterfaceFacts("0003:1209:D5C1.0001", "hid-generic", None, bus="hid")
    finding = the_finding(with_card(node=None, interfaces=(hid,)), "drivers")
    assert finding.type_this == "echo 0003:1209:D5C1.0001 | sudo tee /sys/bus/hid/drivers/hid-generic/bind"


def test_an_interface_in_use_by_libusb_is_told_by_its_program_and_else_by_a_way_to_find_it():
    used = one_interface(driver="usbfs", node=None)
    finding = the_finding(used, "drivers")
    assert "taken interface 1-2:1.2 by libusb" in finding.what
    assert finding.type_this == "sudo fuser -v /dev/bus/usb/001/007"
    node = replace(CARD.node, holders=(Process(4711, "python3"),))
    finding = the_finding(with_card(used, node=node), "holders")
    assert "process 4711 (python3) uses /dev/bus/usb/001/007" in finding.what


@pytest.mark.parametrize(("way", "module"), [(HID, "hid_generic"), (TTY, "cdc_acm")])
def test_a_bound_driver_without_a_node(way, module):
    finding = the_finding(with_card(interfaces=(replace(way, node=None),)), "drivers")
    assert f"{way.wanted} serves interface {way.name}" in finding.what
    assert finding.type_this == f"sudo modprobe {module}"


def test_nodes_that_dev_does_not_have_are_a_containers():
    finding = the_finding(with_nodes(exists=False, can_open=False), "nodes")
    assert "/dev/ttyACM0, /dev/hidraw0 and /dev/bus/usb/001/007" in finding.what
    assert "--device=/dev/ttyACM0 --device=/dev/hidraw0 --device=/dev/bus/usb/001/007" in finding.do


CLOSED = with_nodes(can_open=False)
CLOSED_TO_ROOT = with_nodes(can_open=False, group="root", mode=0o600)


@pytest.mark.parametrize(
    ("facts", "cause", "type_this"),
    [
        (
            replace(CLOSED_TO_ROOT, udev_runs=False),
            "udev, which applies the rules, does not run here",
            "sudo systemctl start systemd-udevd",
        ),
        (CLOSED_TO_ROOT, "were not applied to it", INSTALL),
        (with_nodes(can_open=False, group="dialout"), "were not applied to it", INSTALL),
        (with_nodes(can_open=False, mode=0o640), "were not applied to it", INSTALL),
        (
            replace(CLOSED, in_group=False, session_in_group=False),
            "ada is not in group dsc",
            "sudo usermod -aG dsc ada",
        ),
        (replace(CLOSED, session_in_group=False), "ada joined group dsc after this login", "newgrp dsc"),
        (CLOSED, "SELinux or AppArmor do not", "sudo dmesg | grep -i denied"),
    ],
)
def test_each_cause_of_a_refusal_has_its_own_way_out(facts, cause, type_this):
    finding = the_finding(facts, "permissions")
    assert cause in finding.what and finding.type_this == type_this
    assert "ada may not open /dev/ttyACM0 (root:" in finding.what


def test_without_rules_a_refusal_names_them_as_the_cause():
    rules, refusal = findings(replace(CLOSED_TO_ROOT, rules=Condition.ABSENT))
    assert rules[0] == "rules" and refusal[0] == "permissions"
    assert "the udev rules are not installed" in refusal[1].what
    assert rules[1].type_this == refusal[1].type_this == INSTALL


def test_only_the_nodes_that_are_closed_are_named():
    facts = with_card(node=replace(CARD.node, can_open=False))
    what = the_finding(facts, "permissions").what
    assert "/dev/bus/usb/001/007 (root:dsc 0660)" in what and "hidraw0" not in what


def test_a_program_that_holds_several_nodes_is_told_once_and_two_are_told_apart():
    facts = with_nodes(holders=(Process(4711, "dsc-station"),))
    finding = the_finding(facts, "holders")
    assert (
        "process 4711 (dsc-station) uses /dev/ttyACM0, /dev/hidraw0 and /dev/bus/usb/001/007" in finding.what
    )
    assert finding.type_this == "ps -fp 4711"
    two = with_nodes(holders=(Process(4711, "dsc-station"), Process(4712, "minicom")))
    assert ["4711" in f.what or "4712" in f.what for _, f in findings(two)] == [True, True]


def test_modem_manager_matters_only_where_it_runs_and_is_not_told_off():
    told_off = replace(HEALTHY, modem_manager_runs=True)
    assert findings(told_off) == []
    probed = with_card(interfaces=(replace(TTY, modem_manager_ignores=False), HID))
    assert findings(probed) == []
    finding = the_finding(replace(probed, modem_manager_runs=True), "modem-manager")
    assert "/dev/ttyACM0" in finding.what and finding.type_this == INSTALL


def test_every_finding_is_a_clause_and_says_what_to_do():
    cases = [
        replace(HEALTHY, cards=()),
        CLOSED,
        CLOSED_TO_ROOT,
        one_interface(driver=None),
        with_nodes(exists=False),
        with_nodes(holders=(Process(1, "init"),)),
        replace(HEALTHY, rules=Condition.ABSENT),
    ]
    for facts in cases:
        assert findings(facts)
        for _, finding in findings(facts):
            assert not finding.what.endswith(".") and re.search(r"[.:]$", finding.do)
            assert finding.type_this or not finding.do.endswith(":")
