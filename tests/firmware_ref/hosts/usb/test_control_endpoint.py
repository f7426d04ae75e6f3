"""Endpoint 0, request by request (USB 2.0, 9.4; HID 1.11, 7.2; PSTN 1.2, 6.3), and the model around it."""

import struct

import pytest

from dscplus_card.hosts.usb import descriptors
from dscplus_card.hosts.usb.device import MOST_WAITING, TransferRefused, UsbDevice
from dscplus_card.hosts.usb.transfer import DONE, OVERFLOW, STALL, Transfer

LINE_CODING = struct.pack("<IBBB", 9600, 2, 1, 7)


class Links:
    """A card of which a test sees and sets everything."""

    def __init__(self):
        self.plugged, self.frozen = True, False
        self.received, self.reports = b"", []
        self.to_send, self.reports_to_send = b"", []

    def run(self):
        pass

    def feed(self, data):
        self.received += data

    def drain(self):
        sent, self.to_send = self.to_send, b""
        return sent

    def feed_report(self, report):
        self.reports.append(report)

    def drain_report(self):
        return self.reports_to_send.pop(0) if self.reports_to_send else b""


class Bench:
    def __init__(self, configured=True):
        self.card = Links()
        self.device = UsbDevice(self.card, "0000000018")
        self.tag = 0
        if configured:
            assert self.ask(0x00, 9, 1, 0) == (DONE, b"")

    def transfer(self, endpoint, length=64, data=b"", setup=bytes(8)):
        """Submit; return the completions that this brings."""
        self.tag += 1
        self.device.submit(Transfer(self.tag, endpoint, length, setup, data))
        return [(done.status, done.data) for done in self.device.run()]

    def ask(self, request_type, request, value, index, length_or_data=b""):
        """A control request; return (status, data)."""
        inward = request_type & 0x80
        length = length_or_data if inward else len(length_or_data)
        setup = struct.pack("<BBHHH", request_type, request, value, index, length)
        data = b"" if inward else length_or_data
        ((status, answer),) = self.transfer(inward, length, data, setup)
        return status, answer


@pytest.mark.parametrize(
    ("request_type", "request_", "value", "index", "length", "answer"),
    [
        (0x80, 0, 0, 0, 2, bytes(2)),  # GET_STATUS of the device: bus-powered, no remote wakeup
        (0x81, 0, 0, 2, 2, bytes(2)),
        (0x82, 0, 0, 0x83, 2, bytes(2)),
        (0x82, 0, 0, 0x00, 2, bytes(2)),
        (0x80, 6, 0x0100, 0, 18, descriptors.device_descriptor()),
        (0x80, 6, 0x0100, 0, 8, descriptors.device_descriptor()[:8]),
        (0x80, 6, 0x0200, 0, 9, descriptors.configuration_descriptor()[:9]),
        (0x80, 6, 0x0200, 0, 4096, descriptors.configuration_descriptor()),
        (0x81, 6, 0x2100, 2, 9, descriptors.hid_descriptor()),
        (0x81, 6, 0x2200, 2, 4096, descriptors.REPORT_DESCRIPTOR),
        (0x80, 8, 0, 0, 1, b"\x01"),
        (0x81, 10, 0, 1, 1, b"\x00"),
        (0xA1, 1, 0x0100, 2, 64, bytes(64)),  # GET_REPORT, input
        (0xA1, 2, 0, 2, 1, b"\x00"),  # GET_IDLE
    ],
)
def test_request_is_answered(request_type, request_, value, index, length, answer):
    assert Bench().ask(request_type, request_, value, index, length) == (DONE, answer)


@pytest.mark.parametrize(
    ("request_type", "request_", "value", "index", "rest"),
    [
        (0x80, 6, 0x0600, 0, 10),  # DEVICE_QUALIFIER: full speed is all there is
        (0x80, 6, 0x0201, 0, 9),  # a second configuration
        (0x80, 6, 0x0304, 0, 255),  # a string that is not there
        (0x80, 6, 0x0F00, 0, 5),  # BOS
        (0x81, 6, 0x2200, 0, 34),  # a report descriptor of CDC
        (0x81, 0, 0, 3, 2),
        (0x82, 0, 0, 0x84, 2),
        (0x00, 9, 2, 0, b""),  # SET_CONFIGURATION 2
        (0x01, 11, 1, 2, b""),  # SET_INTERFACE, another alternate setting
        (0x01, 11, 0, 3, b""),
        (0x00, 1, 1, 0, b""),  # CLEAR_FEATURE, remote wakeup
        (0x02, 1, 1, 0x83, b""),
        (0x02, 3, 0, 0x0F, b""),
        (0x00, 7, 0x0100, 0, bytes(18)),  # SET_DESCRIPTOR
        (0xA1, 1, 0x0200, 2, 64),  # GET_REPORT, output
        (0xA1, 1, 0x0100, 0, 64),
        (0x21, 9, 0x0300, 2, bytes(64)),  # SET_REPORT, feature
        (0x21, 9, 0x0201, 2, bytes(64)),  # report ID 1
        (0x21, 10, 0x0100, 2, b""),  # SET_IDLE 4 ms
        (0x21, 10, 0, 0, b""),
        (0x21, 11, 0, 2, b""),  # SET_PROTOCOL: no boot device
        (0x21, 0x20, 0, 0, bytes(6)),
        (0x21, 0x20, 0, 2, bytes(7)),
        (0x21, 0x22, 1, 1, b""),
        (0x21, 0x23, 100, 0, b""),  # SEND_BREAK: not among the capabilities
        (0xC0, 0x33, 0, 0, 2),  # vendor
    ],
)
def test_request_stalls_and_the_next_one_is_served(request_type, request_, value, index, rest):
    bench = Bench()
    assert bench.ask(request_type, request_, value, index, rest) == (STALL, b"")
    assert bench.ask(0x80, 8, 0, 0, 1) == (DONE, b"\x01")


def test_without_configuration_only_endpoint_0_works():
    bench = Bench(configured=False)
    assert bench.ask(0x80, 8, 0, 0, 1) == (DONE, b"\x00")
    assert bench.ask(0x80, 6, 0x0100, 0, 18)[0] == DONE
    assert bench.ask(0x21, 0x22, 1, 0) == (STALL, b"")
    assert bench.ask(0x82, 0, 0, 0x83, 2) == (STALL, b"")
    assert bench.transfer(0x83) == [(STALL, b"")]
    assert bench.transfer(0x03, data=bytes(64)) == [(STALL, b"")]
    assert bench.card.reports == []


def test_line_coding_is_kept_until_the_next_configuration():
    bench = Bench()
    assert bench.ask(0xA1, 0x21, 0, 0, 7) == (DONE, struct.pack("<IBBB", 115200, 0, 0, 8))
    assert bench.ask(0x21, 0x20, 0, 0, LINE_CODING) == (DONE, b"")
    assert bench.ask(0xA1, 0x21, 0, 0, 7) == (DONE, LINE_CODING)
    bench.ask(0x00, 9, 1, 0)
    assert bench.ask(0xA1, 0x21, 0, 0, 7)[1] != LINE_CODING


def test_report_may_come_by_set_report():
    bench = Bench()
    assert bench.ask(0x21, 9, 0x0200, 2, bytes(range(64))) == (DONE, b"")
    assert bench.card.reports == [bytes(range(64))]


@pytest.mark.parametrize("clear", [(0x02, 1, 0, 0x83), (0x01, 11, 0, 2), (0x00, 9, 1, 0)])
def test_halt_ends_by_clear_feature_set_interface_and_set_configuration(clear):
    bench = Bench()
    assert bench.ask(0x02, 3, 0, 0x83) == (DONE, b"")
    assert bench.ask(0x82, 0, 0, 0x83, 2) == (DONE, b"\x01\x00")
    bench.card.reports_to_send = [b"r" * 64]
    assert bench.transfer(0x83) == [(STALL, b"")]
    assert bench.ask(*clear) == (DONE, b"")
    assert bench.transfer(0x83) == [(DONE, b"r" * 64)], "a halt loses no report"


def test_halt_of_endpoint_0_is_not_taken():
    bench = Bench()
    bench.ask(0x02, 3, 0, 0x00)
    assert bench.ask(0x82, 0, 0, 0x00, 2) == (DONE, b"\x00\x00")


def test_long_interrupt_transfer_is_a_report_a_packet():
    bench = Bench()
    data = bytes(range(150))
    assert bench.transfer(0x03, 150, data) == [(DONE, b"")]
    assert bench.card.reports == [data[:64], data[64:128], data[128:]]
    bench.transfer(0x03, 0, b"")
    assert bench.card.reports[3:] == [b""]


def test_report_that_does_not_fit_is_an_overflow():
    bench = Bench()
    bench.card.reports_to_send = [bytes(64)]
    assert bench.transfer(0x83, 63) == [(OVERFLOW, b"")]


def test_one_report_a_poll_and_none_without():
    bench = Bench()
    bench.card.reports_to_send = [b"a" * 64, b"b" * 64]
    assert bench.transfer(0x83) == [(DONE, b"a" * 64)]
    assert bench.card.reports_to_send == [b"b" * 64], "nobody polled for it"
    assert bench.transfer(0x83) == [(DONE, b"b" * 64)]
    assert bench.transfer(0x83) == []
    bench.card.reports_to_send = [b"c" * 64]
    assert [done.data for done in bench.device.run()] == [b"c" * 64]


def test_notifications_never_come():
    assert Bench().transfer(0x81) == []


def test_serial_bytes_are_split_over_polls():
    bench = Bench()
    bench.ask(0x21, 0x22, 1, 0)
    bench.card.to_send = bytes(range(100))
    assert bench.transfer(0x82, 64) == [(DONE, bytes(range(64)))]
    assert bench.transfer(0x82, 64) == [(DONE, bytes(range(64, 100)))]


def test_data_stage_goes_the_way_of_the_transfer():
    """A setup packet that asks for data in an OUT transfer must not bring bytes that no host expects."""
    bench = Bench()
    setup = struct.pack("<BBHHH", 0x80, 6, 0x0100, 0, 18)
    assert bench.transfer(0x00, 0, b"", setup) == [(DONE, b"")]
    assert bench.transfer(0x80, 4, b"", setup) == [(DONE, descriptors.device_descriptor()[:4])]


def test_frozen_or_unplugged_card_serves_nothing():
    bench = Bench()
    bench.card.reports_to_send = [bytes(64)]
    bench.card.frozen = True
    assert bench.transfer(0x83) == []
    bench.card.frozen, bench.card.plugged = False, False
    assert bench.device.run() == []
    bench.card.plugged = True
    assert len(bench.device.run()) == 1


def test_transfer_that_pulls_the_card_out_is_not_acknowledged():
    bench = Bench()
    bench.card.feed = lambda _data: setattr(bench.card, "plugged", False)
    assert bench.transfer(0x02, data=b"x") == []


def test_reset_forgets_everything():
    bench = Bench()
    bench.transfer(0x83)
    bench.device.send_empty_report()
    bench.device.stall(0x83)
    bench.device.reset()
    assert bench.device.configuration == 0
    assert bench.ask(0x00, 9, 1, 0) == (DONE, b"")
    assert bench.transfer(0x83) == [], "neither the halt nor the empty report nor the old poll is left"
    assert bench.device.unlink(bench.tag)


def test_transfers_under_way_are_told_apart_and_bounded():
    bench = Bench()
    bench.transfer(0x83)
    with pytest.raises(TransferRefused):
        bench.device.submit(Transfer(bench.tag, 0x83, 64))
    with pytest.raises(TransferRefused):
        for tag in range(MOST_WAITING + 1):
            bench.device.submit(Transfer(1000 + tag, 0x83, 64))
