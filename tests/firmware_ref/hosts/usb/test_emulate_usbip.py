"""`dsc-emulate --usbip` from outside: the card itself, both links, through a USB host that enumerates it."""

import os
import signal
import struct

import pytest

from dscplus_driver import Card, personalise
from dscplus_driver.emulator import VirtualCardControl
from dscplus_driver.errors import CardRemoved, OutcomeUnknown, UsageError
from dscplus_driver.link.interface import LinkKind
from tests.harness import sample

from ..emulate_process import Emulator, run
from .usbip_host import GONE, IN, OUT, UNLINKED, UsbIpHost, list_devices

BROADCAST = bytes.fromhex("FFFFFFFF")
INIT, MSG, KEEPALIVE = 0x86, 0x83, 0xBB
SELECT = bytes.fromhex("00A4040009F04453 43504C555301".replace(" ", ""))


class OverUsb:
    """The driver's transport seam over one link's endpoints; polls wait there, as the kernel's do."""

    url = "usbip"
    link = LinkKind.SERIAL

    def __init__(self, host, link):
        self.link = link
        self._host = host
        self._endpoint = 2 if link is LinkKind.SERIAL else 3
        if link is LinkKind.SERIAL:
            host.open_port()
        self._polls = [self._poll() for _ in range(2)]

    def _poll(self):
        return self._host.submit(self._endpoint, IN, 64)

    def write(self, data):
        try:
            for at in range(0, len(data), 64):
                packet = self._host.submit(self._endpoint, OUT, data=data[at : at + 64])
                assert self._host.answer(packet)[0] == 0
        except GONE:
            raise CardRemoved("the card was removed") from None

    def read(self, timeout):
        if not self._host.is_answered(self._polls[0], timeout):
            return b""
        try:
            status, _actual, data = self._host.answer(self._polls.pop(0))
            self._polls.append(self._poll())
        except GONE:
            raise CardRemoved("the card was removed") from None
        assert status == 0
        return data

    def close(self):
        for poll in self._polls:
            assert self._host.unlink(poll) in (UNLINKED, 0)  # 0: a last report was faster


def hid_request(host, channel, command, payload):
    """One CTAPHID message each way (11.2.4); returns the answer's (command, payload) after all KEEPALIVEs."""
    host.write_report(
        (channel + bytes((command,)) + struct.pack(">H", len(payload)) + payload).ljust(64, b"\0")
    )
    while True:
        status, report = host.read_report()
        assert (status, len(report), report[:4]) == (0, 64, channel)
        if report[4] != KEEPALIVE:
            break
    (length,) = struct.unpack_from(">H", report, 5)
    answer, sequence = report[7:], 0
    while len(answer) < length:
        status, report = host.read_report()
        assert (status, report[:4], report[4]) == (0, channel, sequence)
        answer, sequence = answer + report[5:], sequence + 1
    return report[4] if not sequence else command, answer[:length]


@pytest.fixture
def emulator(tmp_path):
    with Emulator(tmp_path, "--usbip") as emulator:
        yield emulator


@pytest.fixture
def host(emulator):
    with UsbIpHost(emulator.cards[0]["url"]) as host:
        assert host.enumerate()[0] == ["DSC+ reference", "Digital Security Card+", "0000000018"]
        yield host


def test_cards_are_announced_with_bus_ids(tmp_path):
    with Emulator(tmp_path, "--usbip", "--count", 2) as emulator:
        port = int(emulator.cards[0]["url"].removeprefix("usbip://127.0.0.1:").partition("/")[0])
        assert [card["url"] for card in emulator.cards] == [f"usbip://127.0.0.1:{port}/1-{n}" for n in (1, 2)]
        assert [device["bus_id"] for device in list_devices(port)] == ["1-1", "1-2"]
        assert emulator.end()[0] == 0


@pytest.mark.parametrize("link", LinkKind)
def test_whole_personalisation_over_each_link(host, link):
    card = Card(OverUsb(host, link))
    assert card.serial_number == "0000000018"
    assert personalise(card, sample.plan()).serial_number == "0000000018"
    card.close()


def test_hid_answers_init_and_a_message_longer_than_a_report(host):
    nonce = os.urandom(8)
    command, answer = hid_request(host, BROADCAST, INIT, nonce)
    assert (command, len(answer), answer[:8]) == (INIT, 17, nonce)
    channel = answer[8:12]
    assert channel not in (BROADCAST, bytes(4))
    assert hid_request(host, channel, MSG, SELECT)[1][-2:] == b"\x90\x00"
    serial = hid_request(host, channel, MSG, bytes.fromhex("80CA0045"))[1]
    assert serial == b"0000000018\x90\x00"
    long = os.urandom(200)
    assert hid_ping(host, channel, long) == long


def hid_ping(host, channel, payload):
    """PING in several reports each way."""
    first, rest = payload[:57], payload[57:]
    host.write_report(channel + b"\x81" + struct.pack(">H", len(payload)) + first)
    for sequence in range((len(rest) + 58) // 59):
        piece = rest[59 * sequence : 59 * sequence + 59]
        host.write_report((channel + bytes((sequence,)) + piece).ljust(64, b"\0"))
    answer = host.read_report()[1][7:]
    while len(answer) < len(payload):
        answer += host.read_report()[1][5:]
    return answer[: len(payload)]


@pytest.mark.parametrize("link", LinkKind)
def test_unplug_amid_a_transfer_is_a_typed_error_and_the_run_completes_on_replug(emulator, link):
    with VirtualCardControl(emulator.cards[0]["control"]) as hands:
        for count in (1, 200, 700):
            hands.set_faults(f"unplug={count}")
            with UsbIpHost(emulator.cards[0]["url"]) as host:
                host.enumerate()
                with pytest.raises((CardRemoved, OutcomeUnknown)):
                    personalise(Card(OverUsb(host, link)), sample.plan())
            assert hands.plug() == emulator.cards[0]["url"]
        hands.set_faults("")
        with UsbIpHost(emulator.cards[0]["url"]) as host:
            host.enumerate()
            assert personalise(Card(OverUsb(host, link)), sample.plan()).serial_number == "0000000018"


def test_killed_emulator_closes_the_bus(emulator, host):
    poll = host.submit(3, IN, 64)
    emulator.end(signal.SIGKILL)
    with pytest.raises(GONE):
        host.answer(poll)


def test_usb_faults_need_a_bus(tmp_path):
    with (
        Emulator(tmp_path) as emulator,
        VirtualCardControl(emulator.cards[0]["control"]) as hands,
        pytest.raises(UsageError, match="--usbip"),
    ):
        hands.stall("hid-in")


@pytest.mark.parametrize(
    ("options", "message"),
    [(("--tcp",), "one wire"), (("--uhid",), "one wire"), (("--baud", "9600"), "no baud rate")],
)
def test_usbip_takes_no_other_wire(tmp_path, options, message):
    refused = run("--dir", tmp_path, "--usbip", *options)
    assert refused.returncode == 2
    assert message in refused.stderr
