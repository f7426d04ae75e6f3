"""The wire to /dev/uhid, with a socket that keeps message boundaries in place of the kernel's device."""

import errno
import os
import socket
import struct
from pathlib import Path

import pytest
from click.testing import CliRunner

from dscplus_card.hosts.emulate import main
from dscplus_card.hosts.faults import parse_faults
from dscplus_card.hosts.usb.uhid import UhidWire
from dscplus_card.hosts.virtual_card import VirtualCard

from ..toy_card import ToyCard, VirtualClock, toy_flash

REPORT = bytes(range(64))
OPEN, CLOSE, OUTPUT, GET_REPORT, SET_REPORT = 4, 5, 6, 9, 13


class Bench:
    def __init__(self, monkeypatch, spec=""):
        self.kernel, device = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.kernel.setblocking(False)
        os.set_blocking(device.fileno(), False)
        monkeypatch.setattr(os, "open", lambda _path, _flags: device.detach())
        self.clock = VirtualClock()
        self.card = VirtualCard(toy_flash(), ToyCard, self.clock)
        self.card.set_faults(parse_faults(spec))
        self.card.plug()
        self.wire = UhidWire("0000000018", Path("/dev/uhid"))
        self.url = self.wire.plug()

    def event(self):
        return self.kernel.recv(5000)

    def say(self, kind, body=b""):
        self.kernel.send((struct.pack("=I", kind) + body).ljust(4376, b"\0"))
        self.wire.carry(self.card, readable=True)

    def output(self, report):
        """What the kernel makes of a write to the hidraw node: the report number stays in front."""
        data = b"\0" + report
        self.say(OUTPUT, struct.pack("=4096sHB", data, len(data), 1))

    def input(self):
        kind, size = struct.unpack_from("=IH", event := self.event())
        assert kind == 12
        assert len(event) == 6 + size
        return event[6:]

    def silent(self):
        try:
            self.kernel.recv(5000)
        except BlockingIOError:
            return True
        return False


@pytest.fixture
def bench(monkeypatch):
    bench = Bench(monkeypatch)
    kind, name, phys, uniq, size, bus, vendor, product, release, country, descriptor = struct.unpack(
        "=I128s64s64sHHIIII4096s", bench.event()
    )
    assert kind == 11
    assert name.rstrip(b"\0") == b"DSC+ reference Digital Security Card+"
    assert (phys.rstrip(b"\0"), uniq.rstrip(b"\0")) == (b"dsc-emulate/0000000018", b"0000000018")
    assert (bus, vendor, product, release, country) == (3, 0x1209, 0xD5C1, 0x0100, 0)
    assert descriptor[:size].startswith(bytes.fromhex("0600FF0901A101"))
    assert descriptor[:size].endswith(b"\xc0")
    assert bench.url == "uhid:0000000018"
    yield bench
    bench.wire.unplug()
    bench.kernel.close()


def test_reports_go_both_ways_without_their_number(bench):
    bench.say(OPEN)
    bench.output(REPORT)
    assert bench.input() == REPORT
    assert bench.silent()


def test_reports_wait_until_somebody_opens_the_node(bench):
    bench.output(REPORT)
    assert bench.silent()
    bench.say(OPEN)
    assert bench.input() == REPORT
    bench.say(CLOSE)
    bench.output(REPORT)
    assert bench.silent()


def test_set_report_of_an_output_report_is_taken_others_are_refused(bench):
    bench.say(OPEN)
    data = b"\0" + REPORT
    bench.say(SET_REPORT, struct.pack("=IBBH4096s", 77, 0, 1, len(data), data))
    replies = {struct.unpack_from("=I", event)[0]: event for event in (bench.event(), bench.event())}
    assert replies[14] == struct.pack("=IIH", 14, 77, 0)
    assert replies[12][6:] == REPORT
    bench.say(SET_REPORT, struct.pack("=IBBH4096s", 78, 0, 0, len(data), data))
    assert bench.event() == struct.pack("=IIH", 14, 78, errno.EIO)
    bench.say(GET_REPORT, struct.pack("=IBB", 79, 0, 2))
    assert bench.event() == struct.pack("=IIHH", 10, 79, errno.EIO, 0)
    assert bench.silent()


def test_unplug_destroys_the_device(bench):
    bench.wire.unplug()
    assert bench.event() == struct.pack("=I", 1)
    assert bench.event() == b"", "closed"
    assert bench.wire.filenos() == []
    bench.wire.unplug()


def test_report_that_pulls_the_card_out_is_the_last_one_taken(monkeypatch):
    bench = Bench(monkeypatch, "unplug=in:64")
    bench.say(OPEN)
    bench.output(REPORT)
    assert not bench.card.plugged
    bench.output(REPORT)
    assert bench.card.bytes_in == 64
    bench.wire.unplug()
    bench.kernel.close()


def test_frozen_card_answers_when_it_thaws(bench):
    bench.say(OPEN)
    bench.card.freeze(3.0)
    bench.output(REPORT)
    assert bench.card.next_due() == pytest.approx(bench.clock.now + 3.0)
    bench.clock.advance(2.9)
    bench.wire.carry(bench.card, readable=False)
    assert bench.silent()
    bench.clock.advance(0.2)
    bench.wire.carry(bench.card, readable=False)
    assert bench.input() == REPORT


@pytest.mark.parametrize(
    ("there", "code", "advice"), [(False, 3, "modprobe uhid"), (True, 4, "run dsc-emulate --uhid as root")]
)
def test_machine_without_uhid_or_right_says_what_to_do(tmp_path, monkeypatch, there, code, advice):
    monkeypatch.setattr("dscplus_card.hosts.run.UHID", tmp_path / "uhid")
    monkeypatch.setattr(os, "access", lambda *_arguments: False)
    if there:
        (tmp_path / "uhid").touch()
    refused = CliRunner().invoke(main, ["--dir", str(tmp_path / "cards"), "--uhid"])
    assert (refused.exit_code, refused.stdout) == (code, "")
    assert advice in refused.stderr
