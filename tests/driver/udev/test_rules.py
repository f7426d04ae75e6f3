"""The shipped rules, read as text: our ids only, nothing world-writable, no name in a device's own words."""

import re
from pathlib import Path

import pytest

from dscplus_driver import udev
from dscplus_driver.udev import install

ROOT = Path(__file__).parents[3]
RULES = ROOT / "udev" / install.RULES
TEN_DIGITS = "[0-9]" * 10
TOKEN = re.compile(r'([A-Z]+(?:\{[^}]+\})?)\s*(==|!=|=|\+=|-=|:=)\s*"((?:[^"\\]|\\.)*)"')
FRAME = [
    [("ACTION", "==", "remove"), ("GOTO", "=", "dscplus_end")],
    [("LABEL", "=", "dscplus_end")],
]


def parsed(text):
    """Return the rules as lists of (key, operator, value); a line that is none is an error."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert not any(line.endswith("\\") for line in lines), "continued lines hide what a rule matches"
    rules = [TOKEN.findall(line) for line in lines]
    for line, rule in zip(lines, rules, strict=True):
        assert TOKEN.sub("", line).strip(", ") == "", f"not understood: {line}"
        assert rule
    return rules


RULE_LIST = parsed(RULES.read_text())
OURS = [rule for rule in RULE_LIST if rule not in FRAME]


def is_ours_alone(rule):
    """Whether a rule can match nothing but a device with our ids."""
    said = set(rule)
    usb = any(
        {(f"{key}{{idVendor}}", "==", "1209"), (f"{key}{{idProduct}}", "==", "d5c1")} <= said
        for key in ("ATTR", "ATTRS")
    )
    hid = any((key, "==", "0003:1209:D5C1.*") in said for key in ("KERNEL", "KERNELS"))
    return usb or hid


def subsystem(rule):
    return next(value for key, operator, value in rule if (key, operator) == ("SUBSYSTEM", "=="))


def values(rule, key):
    return [value for found, _, value in rule if found == key]


def test_the_rules_stand_between_a_goto_and_its_label():
    assert [RULE_LIST[0], RULE_LIST[-1]] == FRAME
    assert len(OURS) > 8


@pytest.mark.parametrize("rule", OURS, ids=lambda rule: ",".join(f"{k}{o}{v}" for k, o, v in rule)[-60:])
def test_every_rule_matches_our_ids_only(rule):
    assert is_ours_alone(rule)
    assert subsystem(rule) in {"usb", "hid", "hidraw", "tty"}


def test_no_node_is_open_to_the_world_and_each_kind_of_node_goes_to_the_group_and_the_seat():
    given = {}
    for rule in OURS:
        assert set(values(rule, "MODE")) <= {"0660"}
        assert set(values(rule, "GROUP")) <= {udev.GROUP}
        if values(rule, "GROUP"):
            assert ("MODE", "=", "0660") in rule and ("TAG", "+=", "uaccess") in rule
            given[subsystem(rule)] = rule
    assert set(given) == {"usb", "hidraw", "tty"}
    assert ("ENV{DEVTYPE}", "==", "usb_device") in given["usb"]


def test_the_rules_come_before_the_seat_gets_its_access_list():
    assert RULES.name < "73-seat-late.rules"


def test_the_rules_run_no_program():
    used = {key for rule in OURS for key, _, _ in rule}
    assert not {key for key in used if key.startswith(("RUN", "PROGRAM", "IMPORT{program}", "OWNER"))}


@pytest.mark.parametrize("kind", ["hid", "tty"])
def test_each_interface_has_a_name_by_serial_number_and_one_by_slot(kind):
    names = {name for rule in OURS for name in values(rule, "SYMLINK") if name.endswith(f"-{kind}")}
    serial = {"hid": "$env{HID_UNIQ}", "tty": "$attr{serial}"}[kind]
    assert names == {f"dsc/{serial}-{kind}", f"dsc/by-slot/$env{{{udev.SLOT_PROPERTY}}}-{kind}"}


def test_a_serial_number_becomes_part_of_a_name_only_if_it_is_ten_digits():
    for rule in OURS:
        for name in values(rule, "SYMLINK"):
            for source, key in (("$env{HID_UNIQ}", "ENV{HID_UNIQ}"), ("$attr{serial}", "ATTRS{serial}")):
                if source in name:
                    assert (key, "==", TEN_DIGITS) in rule
            assert set(re.findall(r"[$%][^-/]*", name)) <= {
                "$env{HID_UNIQ}",
                "$attr{serial}",
                f"$env{{{udev.SLOT_PROPERTY}}}",
            }


def test_modem_manager_leaves_card_and_serial_interface_alone():
    ignoring = {subsystem(rule) for rule in OURS if ("ENV{ID_MM_DEVICE_IGNORE}", "=", "1") in rule}
    assert ignoring == {"usb", "tty"}
    assert {subsystem(rule) for rule in OURS if ("ENV{ID_MM_PORT_IGNORE}", "=", "1") in rule} == {"tty"}


def test_the_hardware_names_are_for_our_ids_only():
    text = (ROOT / "udev" / install.HARDWARE_NAMES).read_text()
    matches = [line for line in text.splitlines() if line and not line.startswith(("#", " "))]
    assert matches == ["usb:v1209pD5C1*"]
    properties = [line for line in text.splitlines() if line.startswith(" ")]
    assert properties == [
        " ID_VENDOR_FROM_DATABASE=DSC+ reference",
        " ID_MODEL_FROM_DATABASE=Digital Security Card+",
    ]
