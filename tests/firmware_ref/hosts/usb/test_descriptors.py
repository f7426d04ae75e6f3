"""The descriptors against the rules of USB 2.0, CDC 1.2 and HID 1.11, read by a parser of their own."""

import struct

import pytest

from dscplus_card.hosts.usb import descriptors

SERIAL_NUMBER = "0000000018"
FIELDS = {  # type: (layout, names), after bLength and bDescriptorType
    1: (
        "<HBBBBHHHBBBB",
        "bcdUSB class_ subclass protocol packet vendor product release maker name serial configurations",
    ),
    2: ("<HBBBBB", "total interfaces value name attributes power"),
    4: ("<BBBBBBB", "number alternate endpoints class_ subclass protocol name"),
    5: ("<BBHB", "address attributes packet interval"),
    11: ("<BBBBBB", "first count class_ subclass protocol name"),
    0x21: ("<HBBBH", "bcdHID country descriptors type length"),
}


def parse(data):
    """Return (type, fields) of each descriptor; class-specific ones keep their bytes."""
    parsed = []
    while data:
        length, kind = data[0], data[1]
        assert 2 < length <= len(data)
        body = data[2:length]
        if kind == 0x24:
            parsed.append((kind, body))
        else:
            layout, names = FIELDS[kind]
            parsed.append((kind, dict(zip(names.split(), struct.unpack(layout, body), strict=True))))
        data = data[length:]
    return parsed


@pytest.fixture
def configuration():
    return parse(descriptors.configuration_descriptor())


def of_kind(parsed, kind):
    return [fields for found, fields in parsed if found == kind]


def test_device_is_a_composite_with_associations():
    ((kind, device),) = parse(descriptors.device_descriptor())
    assert kind == 1
    assert (device["class_"], device["subclass"], device["protocol"]) == (0xEF, 0x02, 0x01)
    assert (device["vendor"], device["product"], device["release"]) == (0x1209, 0xD5C1, 0x0100)
    assert device["bcdUSB"] == 0x0200
    assert device["packet"] == 64
    assert device["configurations"] == 1
    assert len({0, device["maker"], device["name"], device["serial"]}) == 4


def test_configuration_counts_itself_right(configuration):
    kind, head = configuration[0]
    assert kind == 2
    assert head["total"] == len(descriptors.configuration_descriptor())
    assert head["interfaces"] == len(of_kind(configuration, 4))
    assert head["value"] != 0, "SET_CONFIGURATION 0 means unconfigured"
    assert head["attributes"] & 0x9F == 0x80, "D7 is one, D4 to D0 are zero"
    assert head["power"] * 2 <= 100, "more than 100 mA a hub without power of its own does not give"


def test_interfaces_are_numbered_from_zero_and_have_the_endpoints_they_claim(configuration):
    interfaces = of_kind(configuration, 4)
    assert [interface["number"] for interface in interfaces] == [0, 1, 2]
    owned, owner = {}, None
    for kind, fields in configuration:
        if kind == 4:
            owner = fields["number"]
        if kind == 5:
            owned.setdefault(owner, []).append(fields["address"])
    assert owned == {0: [0x81], 1: [0x02, 0x82], 2: [0x83, 0x03]}
    for interface in interfaces:
        assert interface["endpoints"] == len(owned[interface["number"]])
        assert interface["alternate"] == 0


def test_endpoints_obey_full_speed(configuration):
    endpoints = of_kind(configuration, 5)
    addresses = [endpoint["address"] for endpoint in endpoints]
    assert len(set(addresses)) == len(addresses)
    for endpoint in endpoints:
        assert 1 <= endpoint["address"] & 0x0F <= 15
        assert endpoint["address"] & 0x70 == 0
        if endpoint["attributes"] == 2:  # bulk (5.8.3)
            assert endpoint["packet"] in (8, 16, 32, 64)
        else:  # interrupt (5.7.3)
            assert endpoint["attributes"] == 3
            assert 1 <= endpoint["packet"] <= 64
            assert 1 <= endpoint["interval"] <= 255


def test_association_groups_the_two_interfaces_of_cdc_before_them(configuration):
    kinds = [kind for kind, _fields in configuration]
    assert kinds.index(11) < kinds.index(4)
    (association,) = of_kind(configuration, 11)
    interfaces = of_kind(configuration, 4)
    grouped = range(association["first"], association["first"] + association["count"])
    assert [interfaces[number]["class_"] for number in grouped] == [0x02, 0x0A]
    assert (association["class_"], association["subclass"], association["protocol"]) == (2, 2, 0)


def test_cdc_functional_descriptors_name_the_interfaces(configuration):
    header, call_management, acm, union = of_kind(configuration, 0x24)
    assert header == bytes.fromhex("00 2001"), "the header comes first (CDC 1.2, 5.2.3)"
    assert call_management == bytes.fromhex("01 00 01")
    assert acm == bytes.fromhex("02 02")
    assert union == bytes.fromhex("06 00 01")
    kinds = [kind for kind, _fields in configuration]
    interfaces = [place for place, kind in enumerate(kinds) if kind == 4]
    assert all(interfaces[0] < place < interfaces[1] for place, kind in enumerate(kinds) if kind == 0x24)


def test_hid_interface_has_its_descriptor_before_the_endpoints(configuration):
    kinds = [kind for kind, _fields in configuration]
    last_interface = max(place for place, kind in enumerate(kinds) if kind == 4)
    assert configuration[last_interface][1]["class_"] == 3
    assert kinds[last_interface:] == [4, 0x21, 5, 5]
    (hid,) = of_kind(configuration, 0x21)
    assert (hid["bcdHID"], hid["descriptors"], hid["type"]) == (0x0111, 1, 0x22)
    assert hid["length"] == len(descriptors.REPORT_DESCRIPTOR)


def items(report):
    """Yield (tag and type, value) of the short items of a report descriptor (HID 1.11, 6.2.2.2)."""
    while report:
        size = (0, 1, 2, 4)[report[0] & 3]
        yield report[0] & 0xFC, int.from_bytes(report[1 : 1 + size], "little")
        report = report[1 + size :]


def test_reports_are_64_bytes_each_way_on_the_vendor_page_without_a_number():
    state, reports, depth = {}, {}, 0
    for tag, value in items(descriptors.REPORT_DESCRIPTOR):
        if tag in (0x80, 0x90):  # input, output
            reports[tag] = state[0x74] * state[0x94]
            assert value & 0x03 == 0x02, "data, variable"
            assert (state[0x14], state[0x24]) == (0, 255)
        elif tag in (0xA0, 0xC0):
            depth += 1 if tag == 0xA0 else -1
        else:
            state[tag] = value
            if depth == 0 and tag in (0x04, 0x08):
                assert value == {0x04: 0xFF00, 0x08: 0x01}[tag]
    assert reports == {0x80: 512, 0x90: 512}, "bits"
    assert depth == 0
    assert 0x84 not in state, "no report ID"


def test_strings_are_utf_16_and_the_serial_number_is_the_cards():
    language = descriptors.string_descriptor(0, SERIAL_NUMBER)
    assert language == bytes.fromhex("04 03 0904")
    texts = [descriptors.string_descriptor(index, SERIAL_NUMBER) for index in (1, 2, 3)]
    for text in texts:
        assert (text[0], text[1]) == (len(text), 3)
    assert [text[2:].decode("utf-16-le") for text in texts] == [
        "DSC+ reference",
        "Digital Security Card+",
        SERIAL_NUMBER,
    ]
    assert descriptors.string_descriptor(4, SERIAL_NUMBER) is None
