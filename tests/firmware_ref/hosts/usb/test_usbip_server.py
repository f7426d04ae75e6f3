"""The USB/IP server on its socket and in the emulator's loop, with a toy in place of the firmware."""

import json
import socket
import threading
import time

import pytest

from dscplus_card.hosts.directory import control_path
from dscplus_card.hosts.emulator import Body, run_until
from dscplus_card.hosts.faults import parse_faults
from dscplus_card.hosts.usb.server import MOST_GUESTS, UsbIpServer
from dscplus_card.hosts.virtual_card import VirtualCard

from ..toy_card import ToyCard, toy_flash
from .usbip_host import GONE, IN, OUT, STALL, UNLINKED, Refused, UsbIpHost, connect, list_devices

REPORT = bytes(range(64))
PATIENCE_S = 10.0
BUSY, NO_DEVICE = 2, 4


class Bench:
    """Toy cards behind one USB/IP server, served by a thread."""

    def __init__(self, directory, count=1, spec=""):
        self.server = UsbIpServer()
        self.bodies = []
        for number in range(count):
            card = VirtualCard(toy_flash(), ToyCard, time.monotonic)
            card.set_faults(parse_faults(spec))
            serial_number = f"000000{number:04d}"
            wire = self.server.add(card, serial_number)
            self.bodies.append(Body(serial_number, card, wire, control_path(directory, number)))
        self.stop, self.asked_to_stop = socket.socketpair()
        arguments = (self.asked_to_stop, self.bodies, self.server)
        self.thread = threading.Thread(target=run_until, args=arguments, daemon=True)

    def __enter__(self):
        for body in self.bodies:
            body.plug()
        self.urls = [body.url for body in self.bodies]
        self.thread.start()
        return self

    def __exit__(self, *exception):
        self.stop.send(b"x")
        self.thread.join(PATIENCE_S)
        assert not self.thread.is_alive()
        for end in (*self.bodies, self.server, self.stop, self.asked_to_stop):
            end.close()

    def host(self, card=0):
        """Import a card and set it up."""
        host = UsbIpHost(self.urls[card])
        host.enumerate()
        return host

    def ask(self, request, card=0):
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(PATIENCE_S)
            control.connect(str(self.bodies[card].control.path))
            control.sendall(json.dumps(request).encode() + b"\n")
            return json.loads(control.makefile("rb").readline())


@pytest.fixture
def bench(tmp_path):
    with Bench(tmp_path) as bench:
        yield bench


@pytest.fixture
def host(bench):
    with bench.host() as host:
        yield host


def test_every_card_is_listed_and_described(tmp_path):
    with Bench(tmp_path, count=3) as bench:
        devices = list_devices(bench.server.port)
        assert [device["bus_id"] for device in devices] == ["1-1", "1-2", "1-3"]
        assert len({device["device_number"] for device in devices}) == 3
        for device in devices:
            assert (device["vendor"], device["product"], device["release"]) == (0x1209, 0xD5C1, 0x0100)
            assert (device["device_class"], device["device_subclass"], device["device_protocol"]) == (
                0xEF,
                2,
                1,
            )
            assert device["classes"] == [(2, 2, 0), (10, 0, 0), (3, 0, 0)]
            assert (device["speed"], device["configuration"], device["configurations"]) == (2, 0, 1)


def test_each_bus_id_is_its_own_card(tmp_path):
    with Bench(tmp_path, count=3) as bench, bench.host(2) as third, bench.host(0) as first:
        assert third.enumerate()[0] == ["DSC+ reference", "Digital Security Card+", "0000000002"]
        assert first.enumerate()[0][2] == "0000000000"
        assert third.write_report(b"3" * 64) == 0
        assert first.write_report(b"1" * 64) == 0
        assert third.read_report() == (0, b"3" * 64)
        assert first.read_report() == (0, b"1" * 64)


def test_listens_on_loopback_only(bench):
    assert bench.urls == [f"usbip://127.0.0.1:{bench.server.port}/1-1"]
    assert bench.server._listener.getsockname()[0] == "127.0.0.1"


def test_poll_before_the_report_is_answered_when_it_comes(host):
    poll = host.submit(3, IN, 64)
    assert host.write_report(REPORT) == 0
    assert host.answer(poll) == (0, 64, REPORT)


def test_serial_bytes_go_to_the_card_and_back(host):
    host.open_port()
    polls = [host.submit(2, IN, 128) for _ in range(2)]
    assert host.answer(host.submit(2, OUT, data=b"\x00AAAA\x00")) == (0, 6, b"")
    assert host.answer(polls[0]) == (0, 6, b"\x00AAAA\x00")
    host.submit(2, OUT, data=b"B")
    assert host.answer(polls[1]) == (0, 1, b"B")


def test_unlinked_poll_is_not_answered_and_takes_no_report_along(host):
    poll = host.submit(3, IN, 64)
    assert host.unlink(poll) == UNLINKED
    assert host.write_report(REPORT) == 0
    assert host.read_report() == (0, REPORT)
    with pytest.raises(KeyError):
        host._answers[poll]


def test_unlink_of_what_was_answered_says_so(host):
    poll = host.submit(3, IN, 64)
    host.write_report(REPORT)
    assert host.answer(poll) == (0, 64, REPORT)
    assert host.unlink(poll) == 0


def test_stalled_endpoint_answers_stall_until_the_host_clears_it(bench, host):
    poll = host.submit(3, IN, 64)
    assert bench.ask({"do": "stall", "endpoint": "hid-in"}) == {"ok": True}
    assert host.answer(poll)[0] == STALL
    assert host.read_report()[0] == STALL
    assert host.control_in(0x82, 0, 0, 0x83, 2) == (0, b"\x01\x00")
    assert host.write_report(REPORT) == 0
    assert host.control_out(0x02, 1, 0, 0x83) == 0
    assert host.control_in(0x82, 0, 0, 0x83, 2) == (0, b"\x00\x00")
    assert host.read_report() == (0, REPORT)


@pytest.mark.parametrize(
    ("name", "endpoint", "direction"), [("hid-out", 3, OUT), ("cdc-in", 2, IN), ("cdc-out", 2, OUT)]
)
def test_every_endpoint_can_stall(bench, host, name, endpoint, direction):
    bench.ask({"do": "stall", "endpoint": name})
    data = b"x" if direction == OUT else b""
    assert host.answer(host.submit(endpoint, direction, 64, data))[0] == STALL
    address = endpoint | direction << 7
    assert host.control_out(0x02, 1, 0, address) == 0
    host.open_port()
    number = host.submit(endpoint, direction, 64, data)
    assert host.answer(host.submit(2, OUT, data=b"y"))[0] == 0
    assert host.answer(number)[0] == 0


def test_zero_length_report_is_one_empty_packet(bench, host):
    poll = host.submit(3, IN, 64)
    assert bench.ask({"do": "zero-length-report"}) == {"ok": True}
    assert host.answer(poll) == (0, 0, b"")
    host.write_report(REPORT)
    assert host.read_report() == (0, REPORT)


def test_frozen_card_answers_nothing_and_then_everything(bench, host):
    assert bench.ask({"do": "freeze", "milliseconds": 600_000}) == {"ok": True}
    poll = host.submit(3, IN, 64)
    sent = host.submit(3, OUT, data=REPORT)
    asked = host.submit(0, IN, 2, setup=bytes.fromhex("80 00 0000 0000 0200"))
    # The control socket is served after the wire: by its answer the loop has seen all three.
    assert bench.ask({"do": "info"})["bytes_in"] == 0
    assert bench.ask({"do": "info"})["bytes_in"] == 0
    assert bench.ask({"do": "freeze", "milliseconds": 0}) == {"ok": True}
    assert host.answer(asked) == (0, 2, b"\x00\x00")
    assert host.answer(sent)[0] == 0
    assert host.answer(poll) == (0, 64, REPORT)


def test_freeze_ends_by_itself(bench, host):
    bench.ask({"do": "freeze", "milliseconds": 30})
    assert host.write_report(REPORT) == 0
    assert host.read_report() == (0, REPORT)


def test_unplug_closes_the_connection_and_plug_lets_import_again(bench, host):
    host.submit(3, IN, 64)
    assert bench.ask({"do": "unplug"}) == {"ok": True}
    with pytest.raises(GONE):
        host.read_report()
    assert list_devices(bench.server.port) == []
    with pytest.raises(Refused, match=str(NO_DEVICE)):
        UsbIpHost(bench.urls[0])
    assert bench.ask({"do": "plug"})["url"] == bench.urls[0]
    with bench.host() as again:
        again.write_report(REPORT)
        assert again.read_report() == (0, REPORT)


def test_scripted_unplug_counts_reports_by_their_bytes(tmp_path):
    with Bench(tmp_path, spec="unplug=in:150") as bench, bench.host() as host:
        assert host.write_report(REPORT) == 0
        assert host.write_report(REPORT) == 0
        with pytest.raises(GONE):
            host.write_report(REPORT)
        assert bench.ask({"do": "info"})["bytes_in"] == 128, "the third report was cut: none of it arrives"


def test_card_imported_by_one_host_is_refused_to_another_until_that_one_leaves(bench):
    with bench.host(), pytest.raises(Refused, match=str(BUSY)):
        UsbIpHost(bench.urls[0])
    with bench.host() as next_host:
        next_host.write_report(REPORT)
        assert next_host.read_report() == (0, REPORT)


def test_unknown_bus_id_is_refused(bench):
    for bus_id in ("1-2", "", "x" * 32, "\x7f"):
        with pytest.raises(Refused, match=str(NO_DEVICE)):
            UsbIpHost(f"usbip://127.0.0.1:{bench.server.port}/{bus_id}")


@pytest.mark.parametrize(
    "words",
    [
        bytes.fromhex("0110 8005 00000000"),  # another version
        bytes.fromhex("0111 8004 00000000"),  # no operation
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
def test_who_speaks_something_else_is_turned_away(bench, words):
    with connect(bench.server.port) as stranger:
        stranger.sendall(words)
        with pytest.raises(GONE):
            while True:
                if not stranger.recv(100):
                    raise EOFError
    with bench.host():
        pass


@pytest.mark.parametrize(
    "words",
    [
        bytes.fromhex("00000009") + bytes(44),  # no command
        bytes.fromhex("00000001 00000063 00010002 00000002 00000003") + bytes(28),  # no direction
        bytes.fromhex("00000001 00000063 00010002 00000000 00000013") + bytes(28),  # no endpoint
        bytes.fromhex("00000001 00000063 00010002 00000000 00000003 00000000 FFFFFFFF")
        + bytes(20),  # -1 bytes
        bytes.fromhex("00000001 00000063 00010002 00000000 00000003 00000000 7FFFFFFF") + bytes(20),  # 2 GiB
        2 * (bytes.fromhex("00000001 00000063 00010002 00000001 00000003 00000000 00000040") + bytes(20)),
    ],
)
def test_host_that_breaks_the_protocol_loses_the_device(bench, host, words):
    host.connection.sendall(words)
    with pytest.raises(GONE):
        host.read_report()
    with bench.host():
        pass


def test_transfers_may_come_in_pieces(host):
    poll = host.submit(3, IN, 64)
    whole = (
        bytes.fromhex("00000001 00000063 00010002 00000000 00000003 00000000 00000040") + bytes(20) + REPORT
    )
    host._directions[0x63] = OUT
    for at in range(len(whole)):
        host.connection.sendall(whole[at : at + 1])
    assert host.answer(0x63) == (0, 64, b"")
    assert host.answer(poll) == (0, 64, REPORT)


def test_number_of_transfers_under_way_is_bounded(bench, host):
    with pytest.raises(GONE):
        for _ in range(10_000):
            host.submit(3, IN, 64)
        host.answer(1)
    with bench.host():
        pass


def test_silent_connections_do_not_pile_up(bench):
    strangers = [connect(bench.server.port) for _ in range(MOST_GUESTS + 5)]
    with bench.host():
        assert strangers[0].recv(1) == b"", "the oldest had to go"
    for stranger in strangers:
        stranger.close()


def test_host_that_does_not_read_loses_the_device(bench, host):
    setup = bytes.fromhex("80 06 0002 0000 6B00")
    with pytest.raises(OSError):
        for _ in range(1_000_000):
            host.submit(0, IN, 107, setup=setup)
    with bench.host():
        pass


def test_what_nobody_reads_of_the_serial_link_is_bounded(bench, host):
    host.open_port()
    for _ in range(100):
        assert host.answer(host.submit(2, OUT, data=bytes(1000)))[0] == 0
    received = 0
    while True:
        poll = host.submit(2, IN, 4096)
        bench.ask({"do": "info"})
        if host.unlink(poll) == UNLINKED:
            break
        received += host.answer(poll)[1]
    assert 0 < received <= 4096


def test_serial_link_is_silent_while_no_host_has_the_port_open(bench, host):
    host.open_port()
    host.answer(host.submit(2, OUT, data=b"late"))
    assert host.control_out(0x21, 0x22, 0, 0) == 0
    host.open_port()
    poll = host.submit(2, IN, 64)
    host.submit(2, OUT, data=b"A")
    assert host.answer(poll) == (0, 1, b"A")


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        ({"do": "stall"}, "endpoint is missing"),
        ({"do": "stall", "endpoint": "ep0"}, "known are hid-in, hid-out, cdc-in, cdc-out"),
        ({"do": "freeze"}, "milliseconds is missing"),
        ({"do": "freeze", "milliseconds": -1}, "no whole number"),
        ({"do": "freeze", "milliseconds": True}, "no whole number"),
        ({"do": "freeze", "milliseconds": 10**9}, "no whole number"),
    ],
)
def test_bad_fault_request_is_refused(bench, request_, error):
    refused = bench.ask(request_)
    assert not refused["ok"]
    assert error in refused["error"]
