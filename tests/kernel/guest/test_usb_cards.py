"""What the fixtures give: cards on the guest's own USB stack."""

from pathlib import Path

from tests.kernel.guest import vhci


def test_a_card_has_its_nodes_under_the_kernels_own_drivers(usb_card):
    assert (usb_card.sysfs / "serial").read_text().strip() == usb_card.serial_number
    drivers = {
        path.name.partition(":1.")[2]: (path / "driver").resolve().name for path in usb_card.sysfs.glob("*:*")
    }
    assert drivers == {"0": "cdc_acm", "1": "cdc_acm", "2": "usbhid"}
    assert Path(usb_card.hidraw).is_char_device() and Path(usb_card.tty).is_char_device()


def test_unplugged_its_nodes_are_gone_and_plugged_in_they_are_back(usb_card):
    nodes = usb_card.hidraw, usb_card.tty
    for _ in range(2):
        usb_card.unplug()
        assert not any(Path(node).exists() for node in nodes)
        assert not usb_card.sysfs.exists() and vhci.used_ports() == []
        usb_card.plug()
        assert (usb_card.sysfs / "serial").read_text().strip() == usb_card.serial_number


def test_several_cards_each_in_its_port(usb_cards):
    cards = usb_cards(3)
    serials = [(card.sysfs / "serial").read_text().strip() for card in cards]
    assert serials == [card.serial_number for card in cards] and len(set(serials)) == 3
    assert len({card.hidraw for card in cards} | {card.tty for card in cards}) == 6


def test_a_killed_emulator_takes_its_card_off_the_bus(usb_card):
    usb_card.gone_after(usb_card.emulator.kill)
    assert not usb_card.sysfs.exists()


def test_a_user_is_nobody_special(user, usb_card):
    assert user.run("id", "-Gn").stdout.split() == ["visitor"]
    denied = user.run("cat", usb_card.hidraw)
    assert denied.returncode != 0 and "Permission denied" in denied.stderr
