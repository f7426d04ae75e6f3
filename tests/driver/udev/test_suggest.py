"""`dsc udev suggest`: which card is meant, and the lines that name its slot."""

import json
import re
import tomllib

import pytest

from dscplus_driver import errors
from dscplus_driver.cli import run as cli
from dscplus_driver.discovery import Watch
from dscplus_driver.discovery.records import cards
from dscplus_driver.udev.suggest import SLOT_RULES, card_to_name, suggest
from tests.driver.udev.test_rules import TOKEN
from tests.harness.fake_sysfs import FakeSysfs

ID_PATH = "platform-vhci_hcd.0-usb-0:2.3"


class Sockets:
    """A source of hot-plug hints: at every wait the next card is plugged in, or time passes."""

    def __init__(self, usb, coming):
        self.usb, self.coming, self.now = usb, list(coming), 0.0

    def wait(self, timeout):
        if self.coming:
            self.usb.plug(*self.coming.pop(0))
        else:
            self.now += timeout

    def wake(self):
        pass

    def close(self):
        pass


@pytest.fixture
def usb(tmp_path):
    return FakeSysfs(tmp_path)


def choose(usb, *coming):
    waits = []
    sockets = Sockets(usb, coming)
    card = card_to_name(
        cards(usb.records()),
        lambda: Watch(sockets, usb.records, lambda: sockets.now),
        30.0,
        lambda: waits.append(True),
        lambda: sockets.now,
    )
    return card, bool(waits)


def test_the_only_card_is_the_one_that_is_meant(usb):
    usb.plug("1-2.3", "0000000018")
    card, waited = choose(usb)
    assert (card.id_path, waited) == (ID_PATH, False)


@pytest.mark.parametrize("present", [[], [("1-1", "0000000026"), ("1-4", "0000000034")]])
def test_with_none_or_several_the_next_one_that_comes_is_meant(usb, present):
    for port, serial in present:
        usb.plug(port, serial)
    card, waited = choose(usb, ("1-2.3", "0000000018"))
    assert (card.serial_number, card.id_path, waited) == ("0000000018", ID_PATH, True)


def test_if_none_comes_that_is_exit_code_3(usb):
    with pytest.raises(errors.CardNotFound, match="within 30 s") as missing:
        choose(usb)
    assert errors.exit_code(missing.value) == 3


def test_the_lines_are_toml_and_rules_for_this_slot_alone(usb):
    usb.plug("1-2.3", "0000000018")
    suggestion = suggest("left-3", choose(usb)[0])
    assert tomllib.loads(suggestion.mapping) == {"left-3": ID_PATH}
    assert [TOKEN.findall(rule) for rule in suggestion.rules] == [
        [
            ("SUBSYSTEM", "==", kind),
            ("ENV{DSC_SLOT}", "==", ID_PATH),
            ("SYMLINK", "+=", f"dsc/slot-left-3-{end}"),
        ]
        for kind, end in (("hidraw", "hid"), ("tty", "tty"))
    ]
    assert suggestion.links == ("/dev/dsc/slot-left-3-hid", "/dev/dsc/slot-left-3-tty")


def test_a_benchs_own_rules_come_after_ours_and_before_the_seat():
    assert "70-dscplus.rules" < SLOT_RULES.rpartition("/")[2] < "73-seat-late.rules"


@pytest.mark.parametrize("name", ["", "-3", "a b", "../x", 'x"', "x" * 33, "ü", "3\n"])
def test_a_name_that_cannot_be_part_of_a_file_name_is_wrong_usage(usb, name):
    usb.plug("1-2.3", "0000000018")
    with pytest.raises(errors.UsageError, match="cannot name a slot"):
        suggest(name, choose(usb)[0])


def test_a_card_without_a_lasting_place_has_no_slot(usb):
    usb.plug_uhid("0000000018")
    with pytest.raises(errors.CardUnfit, match="no ID_PATH"):
        suggest("3", choose(usb)[0])


def test_the_command_prints_lines_to_copy_and_explains_apart(usb, monkeypatch, capsys):
    usb.plug("1-2.3", "0000000018")
    monkeypatch.setattr("dscplus_driver.discovery.discover", lambda: cards(usb.records()))
    assert cli.run(["udev", "suggest", "--name", "3"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[0] == f'"3" = "{ID_PATH}"' and len(out.splitlines()) == 3
    assert "card 0000000018" in err and SLOT_RULES in err and "/dev/dsc/slot-3-hid" in err
    assert re.search(r"^  sudo /.* udev install$", err, re.MULTILINE)
    assert cli.run(["udev", "suggest", "--name", "3", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["format"] == "dsc.udev.suggest/1"
    assert (document["name"], document["id_path"], document["serial_number"]) == ("3", ID_PATH, "0000000018")
    assert len(document["rules"]) == len(document["links"]) == 2


def test_a_name_that_is_none_is_refused_before_a_card_is_waited_for(monkeypatch, capsys):
    monkeypatch.setattr("dscplus_driver.discovery.watch", lambda: pytest.fail("waited for a card"))
    monkeypatch.setattr("dscplus_driver.discovery.discover", list)
    assert cli.run(["udev", "suggest", "--name", "../x"]) == 2
    assert "cannot name a slot" in capsys.readouterr().err
