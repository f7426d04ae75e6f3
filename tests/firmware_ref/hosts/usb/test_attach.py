"""`dsc-emulate attach` with a stand-in for the kernel; tests/kernel has the kernel itself."""

import errno
import json
import os
import queue
import socket
import threading

import click
import pytest
from click.testing import CliRunner

from dscplus_card.hosts.emulate import main
from dscplus_card.hosts.hands import EmulatorEnded, Hands
from dscplus_card.hosts.usb import attach, vhci

from ..emulate_process import Emulator, run
from .usbip_host import GONE, UsbIpHost

PATIENCE_S = 30.0

STATUS = """\
hub port sta spd dev      sockfd local_busid
hs  0000 006 002 00010002 000003 1-1
hs  0001 004 000 00000000 000000 0-0
hs  0002 005 000 00000000 000000 0-0
ss  0008 004 000 00000000 000000 0-0
"""
SECOND_STATUS = """\
hub port sta spd dev      sockfd local_busid
hs  0016 004 000 00000000 000000 0-0
ss  0024 004 000 00000000 000000 0-0
"""


@pytest.fixture
def sysfs(tmp_path, monkeypatch):
    directory = tmp_path / "vhci_hcd.0"
    directory.mkdir()
    (directory / "status.1").write_text(SECOND_STATUS)
    (directory / "status").write_text(STATUS)
    (directory / "attach").touch()
    monkeypatch.setattr(vhci, "VHCI", directory)
    monkeypatch.setattr(vhci.Vhci.__init__, "__defaults__", (directory,))
    return directory


def test_free_ports_are_those_of_the_full_speed_hubs(sysfs):
    assert vhci.Vhci().free_ports() == [1, 16]


def test_attach_writes_port_descriptor_device_and_speed(sysfs):
    with socket.socket() as connection:
        vhci.Vhci().attach(16, connection, 0x00010002, 2)
        assert (sysfs / "attach").read_text() == f"16 {connection.fileno()} 65538 2"


class Kernel:
    """Takes connections as vhci_hcd does, and drives the device at their end."""

    def __init__(self, ports):
        self.ports = ports
        self.attached = {}
        self._looks = threading.Semaphore(0)

    def wait_for_two_looks(self):
        """Return when somebody has looked for free ports once more, and done what he does then."""
        while self._looks.acquire(blocking=False):
            continue
        assert all(self._looks.acquire(timeout=PATIENCE_S) for _ in range(2))

    def free_ports(self):
        self._looks.release()
        return [port for port in self.ports if port not in self.attached]

    def attach(self, port, connection, device_id, speed):
        assert speed == 2
        if port in self.attached:
            raise OSError(errno.EBUSY, "the port has a device")
        assert not os.get_blocking(connection.fileno()) or connection.gettimeout() is None
        self.attached[port] = UsbIpHost.adopt(connection.dup(), device_id)

    def forget(self, port):
        self.attached.pop(port).connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        for port in list(self.attached):
            self.forget(port)


class Attaching:
    """`keep_attached` in a thread; `events` are what it tells."""

    def __init__(self, directory, kernel, monkeypatch):
        self.events = queue.Queue()
        monkeypatch.setattr(
            attach, "tell", lambda card, event, _json: self.events.put((event, card.serial_number, card.port))
        )
        self.cards = [attach.Attachment(Hands(directory, n)) for n in attach.card_numbers(directory)]
        self.stop, self.asked_to_stop = socket.socketpair()
        self.ending = None
        self.thread = threading.Thread(target=self._run, args=(kernel,), daemon=True)
        self.thread.start()

    def _run(self, kernel):
        try:
            attach.keep_attached(self.cards, kernel, self.asked_to_stop, False)
        except (click.ClickException, OSError) as error:
            self.ending = error

    def event(self):
        return self.events.get(timeout=PATIENCE_S)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.stop.send(b"x")
        self.thread.join(PATIENCE_S)
        assert not self.thread.is_alive()
        for card in self.cards:
            card.close()
        for end in (self.stop, self.asked_to_stop):
            end.close()


def test_cards_are_attached_each_to_its_port_and_again_after_a_replug(tmp_path, monkeypatch):
    with (
        Emulator(tmp_path, "--usbip", "--count", 2),
        Kernel([3, 4, 7]) as kernel,
        Attaching(tmp_path, kernel, monkeypatch) as attaching,
    ):
        assert attaching.event() == ("attached", "0000000018", 3)
        assert attaching.event() == ("attached", "0000000026", 4)
        assert kernel.attached[3].enumerate()[0][2] == "0000000018"
        assert kernel.attached[4].enumerate()[0][2] == "0000000026"
        for _ in range(3):
            with Hands(tmp_path, 0) as hands:
                hands.act("unplug")
                assert attaching.event() == ("detached", "0000000018", 3)
                with pytest.raises(GONE):
                    kernel.attached[3].read_report()
                hands.act("plug")
            kernel.wait_for_two_looks()
            kernel.forget(3)  # until here port 3 was not free, and port 7 is not this card's
            assert attaching.event() == ("attached", "0000000018", 3)
            assert kernel.attached[3].enumerate()[0][2] == "0000000018"
        assert kernel.attached[4].enumerate()[0][2] == "0000000026", "the other card was left alone"


def test_end_of_attach_lets_the_devices_go(tmp_path, monkeypatch):
    with Emulator(tmp_path, "--usbip"), Kernel([0]) as kernel:
        with Attaching(tmp_path, kernel, monkeypatch) as attaching:
            attaching.event()
        with pytest.raises(GONE):
            kernel.attached[0].enumerate()


def test_end_of_the_emulator_ends_attach(tmp_path, monkeypatch):
    with (
        Emulator(tmp_path, "--usbip") as emulator,
        Kernel([0]) as kernel,
        Attaching(tmp_path, kernel, monkeypatch) as attaching,
    ):
        attaching.event()
        emulator.end()
        assert attaching.event()[0] == "detached"
        attaching.thread.join(PATIENCE_S)
        assert isinstance(attaching.ending, EmulatorEnded)


def test_full_controller_is_said(tmp_path, monkeypatch):
    with Emulator(tmp_path, "--usbip"), Attaching(tmp_path, Kernel([]), monkeypatch) as attaching:
        attaching.thread.join(PATIENCE_S)
        assert "all ports of vhci_hcd are taken" in str(attaching.ending)


def test_cards_that_are_on_no_bus_are_refused(tmp_path, monkeypatch):
    with Emulator(tmp_path), Attaching(tmp_path, Kernel([0]), monkeypatch) as attaching:
        attaching.thread.join(PATIENCE_S)
        assert "start dsc-emulate with --usbip" in str(attaching.ending)


def test_directory_without_an_emulator_is_not_found(tmp_path):
    refused = run("attach", "--dir", tmp_path)
    assert (refused.returncode, refused.stdout) == (3, "")
    assert f"no emulator runs in {tmp_path}" in refused.stderr


def test_missing_controller_is_not_found_and_says_what_to_load(tmp_path, monkeypatch):
    monkeypatch.setattr(vhci.Vhci.__init__, "__defaults__", (tmp_path / "absent",))
    with Emulator(tmp_path, "--usbip"):
        refused = CliRunner().invoke(main, ["attach", "--dir", str(tmp_path)])
    assert refused.exit_code == 3
    assert "modprobe vhci_hcd" in refused.stderr


def test_missing_right_is_not_permitted_and_says_who_may(tmp_path, sysfs, monkeypatch):
    def forbid(*_arguments):
        raise vhci.VhciForbidden(f"no right to write {sysfs}/attach: run attach as root")

    monkeypatch.setattr(vhci.Vhci, "attach", forbid)
    with Emulator(tmp_path, "--usbip"):
        refused = CliRunner().invoke(main, ["attach", "--dir", str(tmp_path)])
    assert refused.exit_code == 4
    assert "run attach as root" in refused.stderr


def test_acts_of_the_control_socket_are_commands(tmp_path):
    with Emulator(tmp_path, "--usbip", "--count", 2) as emulator:
        url = emulator.cards[1]["url"]
        where = ("--dir", tmp_path, "--card", 1)
        assert run("unplug", *where).returncode == 0
        unplugged = json.loads(run("info", "--json", *where).stdout)
        assert unplugged["format"] == "dsc-emulate.info/1"
        assert (unplugged["plugged"], unplugged["powered"], unplugged["url"]) == (False, True, None)
        assert "url -\n" in run("info", *where).stdout
        assert run("plug", *where).stdout == f"url {url}\n"
        assert run("power-cut", *where).returncode == 0
        assert not json.loads(run("info", "--json", *where).stdout)["powered"]
        assert json.loads(run("reboot", "--json", *where).stdout) == {
            "format": "dsc-emulate.reboot/1",
            "url": url,
        }
        for act in (("stall", "hid-in"), ("zero-length-report",), ("freeze", "0"), ("fault", "drop=0.1")):
            done = run(act[0], *where, *act[1:])
            assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        refused = run("fault", *where, "droop=1")
        assert refused.returncode == 2
        assert "fault 'droop' is unknown" in refused.stderr
        assert run("stall", *where, "ep0").returncode == 2
        assert run("freeze", *where, "600001").returncode == 2
        assert run("plug", "--dir", tmp_path, "--card", 2).returncode == 3
        assert json.loads(run("info", "--json", "--dir", tmp_path).stdout)["boots"] == 1, (
            "card 0 had its peace"
        )


def test_every_command_has_an_example():
    for name, command in [("", main), *main.commands.items()]:
        assert "Example: dsc-emulate" in command.help, name
