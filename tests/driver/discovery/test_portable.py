"""Where there is no sysfs: what hidapi, pyserial and pyusb list is joined by serial number."""

from types import SimpleNamespace

from dscplus_driver.discovery import ProblemKind, TransportKind, portable
from dscplus_driver.discovery.portable import Row, join
from dscplus_driver.discovery.records import cards

ONE, TWO = "0000000018", "0000000026"


def hid(number, node, usage=(0xFF00, 1)):
    return Row(TransportKind.HID, number, node=node, usage=usage)


def tty(number, node):
    return Row(TransportKind.SERIAL, number, node=node)


def usb(number, address):
    return Row(TransportKind.USB, number, bus=1, address=address, port_path=f"1-{address}")


def test_three_views_of_two_cards_are_two_cards():
    rows = [hid(TWO, "h2"), hid(ONE, "h1"), tty(ONE, "COM3"), tty(TWO, "COM4"), usb(ONE, 4), usb(TWO, 5)]
    one, two = cards(join(rows))
    assert (one.serial_number, one.port_path, [way.url for way in one.interfaces]) == (
        ONE,
        "1-4",
        ["hid:h1", "serial:COM3", "usb:1.4"],
    )
    assert (two.serial_number, two.url, two.port_path) == (TWO, "hid:h2", "1-5")


def test_one_number_twice_in_any_view_is_two_cards_and_both_are_refused():
    for rows in (
        [hid(ONE, "h1"), hid(ONE, "h2"), tty(ONE, "COM3")],
        [hid(ONE, "h1"), usb(ONE, 4), usb(ONE, 5)],
    ):
        found = cards(join(rows))
        assert [card.problems[0].kind for card in found] == [ProblemKind.SHARED_SERIAL_NUMBER] * 2


def test_a_usb_device_that_cannot_be_read_is_no_second_card():
    (card,) = cards(join([hid(ONE, "h1"), usb(None, 4)]))
    assert (card.serial_number, card.url) == (ONE, "hid:h1")


def test_a_usb_device_alone_that_cannot_be_read_is_a_card_without_permission():
    card, hidden = sorted(
        cards(join([hid(ONE, "h1"), usb(ONE, 4), usb(None, 5)])), key=lambda card: card.device
    )
    assert card.problems == () and hidden.port_path == "1-5"
    assert hidden.problems[0].kind is ProblemKind.NO_PERMISSION


def test_a_strange_hid_interface_is_no_card():
    (card,) = cards(join([hid(ONE, "h1", usage=(1, 6))]))
    assert card.problems[0].kind is ProblemKind.NOT_A_CARD


def test_a_device_without_a_number():
    (card,) = cards(join([hid(None, "h1")]))
    assert card.problems[0].kind is ProblemKind.BAD_SERIAL_NUMBER


def test_the_libraries_are_asked_for_our_ids_alone(monkeypatch):
    import hid as hidapi
    import libusb_package
    from serial.tools import list_ports

    asked = []

    def enumerate_hid(vendor, product):
        asked.append((vendor, product))
        return [{"serial_number": ONE, "path": b"h1", "usage_page": 0xFF00, "usage": 1}]

    def find(**wanted):
        asked.append((wanted["idVendor"], wanted["idProduct"]))
        return [SimpleNamespace(bus=1, address=4, port_numbers=(2, 3), serial_number=ONE)]

    ports = [
        SimpleNamespace(vid=0x1209, pid=0xD5C1, device="COM3", serial_number=ONE),
        SimpleNamespace(vid=0x1209, pid=0x0001, device="COM4", serial_number=TWO),
        SimpleNamespace(vid=None, pid=None, device="COM5", serial_number=None),
    ]
    monkeypatch.setattr(hidapi, "enumerate", enumerate_hid)
    monkeypatch.setattr(libusb_package, "find", find)
    monkeypatch.setattr(list_ports, "comports", lambda: ports)
    monkeypatch.setattr("usb.util.dispose_resources", lambda _device: None)
    (card,) = cards(portable.records())
    assert asked == [(0x1209, 0xD5C1)] * 2
    assert (card.serial_number, card.port_path) == (ONE, "1-2.3")
    assert [way.url for way in card.interfaces] == ["hid:h1", "serial:COM3", "usb:1.4"]


def test_a_usb_device_whose_strings_are_refused(monkeypatch):
    import usb.core

    class Closed:
        @property
        def serial_number(self):
            raise usb.core.USBError("Access denied", errno=13)

    monkeypatch.setattr("usb.util.dispose_resources", lambda _device: None)
    assert portable._usb_serial_number(Closed()) is None
