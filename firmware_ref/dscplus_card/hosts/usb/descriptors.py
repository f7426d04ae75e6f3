"""What the card says about itself on USB: one composite full-speed device, CDC-ACM and HID.

Sections are those of USB 2.0 (chapter 9), the IAD engineering change notice, CDC 1.2 with PSTN 1.2, and HID
1.11. All integers are little-endian. Endpoint addresses carry 80 for IN (device to host).
"""

import struct

VENDOR_ID = 0x1209  # pid.codes
PRODUCT_ID = 0xD5C1  # not registered there yet: to be done before boards ship
DEVICE_RELEASE = 0x0100  # bcdDevice 1.00
MANUFACTURER = "DSC+ reference"
PRODUCT = "Digital Security Card+"

CONFIGURATION_VALUE = 1
CDC_CONTROL_INTERFACE = 0
CDC_DATA_INTERFACE = 1
HID_INTERFACE = 2
INTERFACES = (CDC_CONTROL_INTERFACE, CDC_DATA_INTERFACE, HID_INTERFACE)
INTERFACE_CLASSES = ((0x02, 0x02, 0x00), (0x0A, 0x00, 0x00), (0x03, 0x00, 0x00))
"""Class, subclass and protocol of each interface. CDC's protocol 00: no AT commands, this is no modem."""
DEVICE_CLASS = (0xEF, 0x02, 0x01)
"""Multi-interface function: an interface association tells which two interfaces are CDC."""

CONTROL_ENDPOINT = 0x00
CDC_NOTIFICATION_IN = 0x81
CDC_OUT = 0x02
CDC_IN = 0x82
HID_OUT = 0x03
HID_IN = 0x83
ENDPOINTS_OF = {
    CDC_CONTROL_INTERFACE: (CDC_NOTIFICATION_IN,),
    CDC_DATA_INTERFACE: (CDC_OUT, CDC_IN),
    HID_INTERFACE: (HID_IN, HID_OUT),
}

PACKET_LENGTH = 64  # bytes: the most that full speed allows for control, bulk and interrupt endpoints
REPORT_LENGTH = 64  # bytes of an input and of an output report; there is no report ID
NOTIFICATION_LENGTH = 16  # bytes; SERIAL_STATE has 10

DEVICE, CONFIGURATION, STRING, INTERFACE, ENDPOINT, ASSOCIATION = 0x01, 0x02, 0x03, 0x04, 0x05, 0x0B
HID, REPORT = 0x21, 0x22
CS_INTERFACE = 0x24

_BULK, _INTERRUPT = 0x02, 0x03
_HID_INTERVAL_MS = 1
_NOTIFICATION_INTERVAL_MS = 16
_BUS_POWERED = 0x80
_MAX_POWER_2MA = 50  # 100 mA
_ENGLISH_US = 0x0409
_MANUFACTURER_INDEX, _PRODUCT_INDEX, _SERIAL_NUMBER_INDEX = 1, 2, 3

REPORT_DESCRIPTOR = bytes.fromhex(
    "06 00FF"  # usage page FF00 (vendor)
    "09 01"  # usage 01
    "A1 01"  # collection (application)
    "09 20 15 00 26 FF00 75 08 95 40 81 02"  # input: 64 bytes, 00 to FF, data, variable, absolute
    "09 21 15 00 26 FF00 75 08 95 40 91 02"  # output: the same
    "C0"  # end collection
)


def device_descriptor() -> bytes:
    """Return the device descriptor, 18 bytes (USB 2.0, 9.6.1)."""
    return _descriptor(
        DEVICE,
        struct.pack(
            "<H3BBHHH4B",
            0x0200,
            *DEVICE_CLASS,
            PACKET_LENGTH,
            VENDOR_ID,
            PRODUCT_ID,
            DEVICE_RELEASE,
            _MANUFACTURER_INDEX,
            _PRODUCT_INDEX,
            _SERIAL_NUMBER_INDEX,
            1,  # bNumConfigurations
        ),
    )


def configuration_descriptor() -> bytes:
    """Return the configuration with all that belongs to it (USB 2.0, 9.6.3): CDC-ACM first, then HID."""
    parts = (
        _descriptor(ASSOCIATION, bytes((CDC_CONTROL_INTERFACE, 2, *INTERFACE_CLASSES[0], 0))),
        _interface(CDC_CONTROL_INTERFACE),
        _descriptor(CS_INTERFACE, b"\x00" + struct.pack("<H", 0x0120)),  # header: CDC 1.20 (5.2.3.1)
        # Call management: none (PSTN 5.3.1). ACM: line coding, line state (5.3.2). Union (CDC 5.2.3.2).
        _descriptor(CS_INTERFACE, bytes((0x01, 0x00, CDC_DATA_INTERFACE))),
        _descriptor(CS_INTERFACE, bytes((0x02, 0x02))),
        _descriptor(CS_INTERFACE, bytes((0x06, CDC_CONTROL_INTERFACE, CDC_DATA_INTERFACE))),
        _endpoint(CDC_NOTIFICATION_IN, _INTERRUPT, NOTIFICATION_LENGTH, _NOTIFICATION_INTERVAL_MS),
        _interface(CDC_DATA_INTERFACE),
        _endpoint(CDC_OUT, _BULK, PACKET_LENGTH, 0),
        _endpoint(CDC_IN, _BULK, PACKET_LENGTH, 0),
        _interface(HID_INTERFACE),
        hid_descriptor(),
        _endpoint(HID_IN, _INTERRUPT, REPORT_LENGTH, _HID_INTERVAL_MS),
        _endpoint(HID_OUT, _INTERRUPT, REPORT_LENGTH, _HID_INTERVAL_MS),
    )
    body = b"".join(parts)
    head = struct.pack(
        "<H5B", 9 + len(body), len(INTERFACES), CONFIGURATION_VALUE, 0, _BUS_POWERED, _MAX_POWER_2MA
    )
    return _descriptor(CONFIGURATION, head) + body


def hid_descriptor() -> bytes:
    """Return the HID descriptor, 9 bytes (HID 1.11, 6.2.1): one report descriptor, no country."""
    return _descriptor(HID, struct.pack("<HBBBH", 0x0111, 0, 1, REPORT, len(REPORT_DESCRIPTOR)))


def string_descriptor(index: int, serial_number: str) -> bytes | None:
    """Return string `index` (USB 2.0, 9.6.7), None if there is none; index 0 names the language."""
    if index == 0:
        return _descriptor(STRING, struct.pack("<H", _ENGLISH_US))
    texts = {
        _MANUFACTURER_INDEX: MANUFACTURER,
        _PRODUCT_INDEX: PRODUCT,
        _SERIAL_NUMBER_INDEX: serial_number,
    }
    text = texts.get(index)
    return None if text is None else _descriptor(STRING, text.encode("utf-16-le"))


def _descriptor(kind: int, body: bytes) -> bytes:
    return bytes((2 + len(body), kind)) + body


def _interface(number: int) -> bytes:
    return _descriptor(
        INTERFACE, bytes((number, 0, len(ENDPOINTS_OF[number]), *INTERFACE_CLASSES[number], 0))
    )


def _endpoint(address: int, kind: int, packet_length: int, interval_ms: int) -> bytes:
    return _descriptor(ENDPOINT, struct.pack("<BBHB", address, kind, packet_length, interval_ms))
