"""Every card once, by serial number, with the way to it and what is wrong with it: from a sysfs of files."""

import pytest

from dscplus_driver import errors
from dscplus_driver.discovery import Access, ProblemKind, TransportKind
from dscplus_driver.discovery.records import cards
from tests.harness.fake_sysfs import CDC_CLASS, HID_CLASS, KEYBOARD_REPORTS, STORAGE_CLASS

ONE, TWO, THREE = "0000000018", "0000000026", "0000000034"


def kinds(card):
    return [problem.kind for problem in card.problems]


def only(usb):
    (card,) = cards(usb.records())
    return card


def test_a_card_is_there_once_with_all_its_interfaces(usb):
    plugged = usb.plug("1-2.3", ONE)
    card = only(usb)
    assert (card.serial_number, card.port_path, card.id_path) == (
        ONE,
        "1-2.3",
        "platform-vhci_hcd.0-usb-0:2.3",
    )
    assert [(way.kind, way.node, way.url) for way in card.interfaces] == [
        (TransportKind.HID, plugged.hidraw, f"hid:{plugged.hidraw}"),
        (TransportKind.SERIAL, plugged.tty, f"serial:{plugged.tty}"),
        (TransportKind.USB, plugged.usb, f"usb:1.{card.address}"),
    ]
    assert card.problems == () and card.settled
    assert card.where == f"1-2.3, card {ONE}"


def test_other_devices_are_no_cards(usb):
    usb.plug("1-1", ONE, ids=(0x1209, 0xD5C2))
    usb.plug("1-2", TWO, ids=(0x1050, 0xD5C1))
    usb.plug_uhid(THREE, product=0xD5C2)
    assert cards(usb.records()) == []


def test_the_preferred_port_is_one_that_this_user_may_open(usb):
    plugged = usb.plug("1-1", ONE)
    assert only(usb).url == f"hid:{plugged.hidraw}"
    usb.deny(plugged.hidraw)
    assert only(usb).url == f"serial:{plugged.tty}"
    usb.deny(plugged.tty)
    card = only(usb)
    assert card.url == f"usb:1.{card.address}" and card.problems == ()
    assert not card.settled


def test_a_card_that_may_not_be_opened_at_all_says_which_nodes(usb):
    plugged = usb.plug("1-1", ONE)
    usb.deny(plugged.hidraw, plugged.tty, plugged.usb)
    card = only(usb)
    assert kinds(card) == [ProblemKind.NO_PERMISSION] and card.url is None
    assert isinstance(card.error(), errors.PermissionRefused)
    assert all(node in str(card.error()) for node in (plugged.hidraw, plugged.tty, plugged.usb, ONE))


def test_an_interface_without_a_driver_is_named_and_not_chosen(usb):
    plugged = usb.plug("1-1", ONE, bound=False)
    tty = usb.bind_tty("1-1")
    card = only(usb)
    assert [(way.kind, way.access) for way in card.interfaces] == [
        (TransportKind.HID, Access.NO_NODE),
        (TransportKind.SERIAL, Access.READY),
        (TransportKind.USB, Access.READY),
    ]
    assert card.url == f"serial:{tty}" and not card.settled
    usb.deny(tty)
    assert only(usb).url == f"usb:1.{card.address}"
    del usb.access[tty], usb.access[plugged.usb]
    card = only(usb)
    assert kinds(card) == [ProblemKind.NO_NODE] and isinstance(card.error(), errors.PortNotFound)
    assert {way.url for way in card.interfaces if way.kind is not TransportKind.SERIAL} == {None}


def test_a_serial_only_card_has_no_libusb_way(usb):
    plugged = usb.plug("1-1", ONE, classes=(CDC_CLASS, 10))
    assert [(way.kind, way.node) for way in only(usb).interfaces] == [(TransportKind.SERIAL, plugged.tty)]


def test_cards_with_one_serial_number_are_all_refused_by_name(usb):
    usb.plug("1-1", ONE)
    usb.plug("1-2", TWO)
    usb.plug("1-3", ONE)
    twin, other, good = cards(usb.records())
    for card in (twin, other):
        assert kinds(card) == [ProblemKind.SHARED_SERIAL_NUMBER] and card.url is None
        assert isinstance(card.error(), errors.SerialNumberShared)
        assert ONE in str(card.error()) and "1-1, 1-3" in str(card.error())
    assert (good.serial_number, good.problems) == (TWO, ())
    usb.unplug("1-3")
    assert [card.problems for card in cards(usb.records())] == [(), ()]


def test_two_devices_without_a_number_share_none(usb):
    usb.plug("1-1", None)
    usb.plug("1-2", None)
    assert [kinds(card) for card in cards(usb.records())] == [[ProblemKind.BAD_SERIAL_NUMBER]] * 2


@pytest.mark.parametrize("text", ["0000000019", "000000018", "00000000018", "000000001a", "", "٠٠٠٠٠٠٠٠١٨"])
def test_a_serial_number_is_ten_digits_with_a_luhn_digit(usb, text):
    usb.plug("1-1", text)
    card = only(usb)
    assert card.serial_number is None and kinds(card) == [ProblemKind.BAD_SERIAL_NUMBER]
    assert isinstance(card.error(), errors.ProtocolError)


def test_a_serial_number_string_cannot_command_the_terminal(usb):
    usb.plug("1-1", "\x1b[2J\x07" + "x" * 100)
    message = str(only(usb).error())
    assert message.isprintable() and "x" * 30 not in message


def test_a_device_without_a_serial_number_string(usb):
    usb.plug("1-1", None)
    assert "no serial number that could be read" in str(only(usb).error())


@pytest.mark.parametrize(
    "device", [{"reports": KEYBOARD_REPORTS}, {"classes": (STORAGE_CLASS,)}, {"classes": ()}]
)
def test_a_device_with_our_ids_that_is_no_card(usb, device):
    usb.plug("1-1", ONE, **device)
    card = only(usb)
    assert kinds(card)[0] is ProblemKind.NOT_A_CARD and card.url is None
    assert "This is no DSC+" in str(card.error())


def test_a_second_hid_interface_does_no_harm(usb):
    usb.plug("1-1", ONE, classes=(HID_CLASS,))
    usb.bind_hid("1-1", KEYBOARD_REPORTS)
    card = only(usb)
    assert card.problems == () and len(card.interfaces) == 2


def test_a_hid_device_without_a_usb_device(usb):
    node = usb.plug_uhid(ONE)
    card = only(usb)
    assert (card.serial_number, card.url, card.port_path) == (ONE, f"hid:{node}", None)
    assert card.settled and card.place == node


def test_the_id_path_comes_from_the_tty_where_udev_has_none_for_the_device(usb):
    usb.plug("1-2.3", ONE)
    del usb.id_paths[usb.controller / "1-2.3"]
    assert only(usb).id_path == "platform-vhci_hcd.0-usb-0:2.3"
    usb.id_paths.clear()
    assert only(usb).id_path is None


def test_a_card_is_not_settled_before_udev_is_done_with_it(usb):
    usb.plug("1-1", ONE)
    device = usb.controller / "1-1"
    (tty,) = device.glob("*/tty/*")
    for unfinished in (device, tty):
        usb.unfinished = {unfinished}
        assert not only(usb).settled
    usb.unfinished = set()
    assert only(usb).settled


@pytest.mark.parametrize(
    "file",
    ["uevent", "idVendor", "devnum", "descriptors", "1-1:1.2/*/report_descriptor", "1-1:1.0/tty/*/uevent"],
)
def test_a_device_that_goes_while_it_is_read_is_no_crash(usb, file):
    usb.plug("1-1", ONE)
    usb.plug("1-2", TWO)
    (path,) = (usb.controller / "1-1").glob(file)
    path.unlink()
    found = cards(usb.records())
    assert found[-1].serial_number == TWO
    assert len(found) == 1 if "/" not in file else found[0].url is not None


def test_a_card_swapped_while_it_is_read_has_one_identity(usb, monkeypatch):
    from dscplus_driver.discovery import sysfs

    usb.plug("1-1", ONE)
    read, swaps = sysfs._text_or_none, [TWO]

    def swap_then_read(file):
        number = read(file)
        if swaps:
            usb.unplug("1-1")
            usb.plug("1-1", swaps.pop())
        return number

    monkeypatch.setattr(sysfs, "_text_or_none", swap_then_read)
    first = only(usb)
    assert (first.serial_number, first.plugging) == (TWO, only(usb).plugging)


def test_ports_whose_names_begin_alike_are_not_confused(usb):
    usb.plug("1-1", ONE, bound=False)
    usb.plug("1-10", TWO)
    one, two = cards(usb.records())
    assert [(card.port_path, card.url and card.url[:4]) for card in (one, two)] == [
        ("1-1", "usb:"),
        ("1-10", "hid:"),
    ]


def test_each_plugging_is_another(usb):
    usb.plug("1-1", ONE)
    before = only(usb)
    usb.unplug("1-1")
    usb.plug("1-1", ONE)
    after = only(usb)
    assert before.plugging != after.plugging and before.id_path == after.id_path


def test_eight_cards_at_once_keep_their_slots(usb):
    numbers = [f"{n}{luhn}" for n, luhn in zip(range(100000000, 100000008), luhn_digits(), strict=True)]
    for slot, number in enumerate(numbers, 1):
        usb.plug(f"1-1.{slot}", number)
    found = {card.id_path: card.serial_number for card in cards(usb.records())}
    assert found == {f"platform-vhci_hcd.0-usb-0:1.{slot}": number for slot, number in enumerate(numbers, 1)}
    nodes = [way.node for card in cards(usb.records()) for way in card.interfaces]
    assert len(set(nodes)) == 24


def luhn_digits():
    from dscplus_driver.model import luhn_valid

    for number in range(100000000, 100000008):
        yield next(digit for digit in range(10) if luhn_valid(f"{number}{digit}"))
