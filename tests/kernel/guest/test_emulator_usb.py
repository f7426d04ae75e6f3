"""The emulator's USB bodies under the kernel that they are made for: vhci_hcd, usbhid, cdc_acm, uhid."""

import fcntl
import json
import os
import select
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
import pyudev

from dscplus_driver import connect, personalise
from dscplus_driver.emulator import VirtualCardControl, running_emulator
from dscplus_driver.errors import CardError
from tests.harness import sample
from tests.kernel.guest import vhci
from tests.kernel.guest.usb_cards import TIMEOUT, Emulator

COMMAND = [sys.executable, "-m", "dscplus_card.hosts.emulate"]
SERIAL_NUMBER = "0000000018"
USBDEVFS_RESET = 0x5514


def environment():
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def bounded(description, condition):
    """Wait for what sysfs tells nobody of."""
    deadline = time.monotonic() + TIMEOUT
    while not (found := condition()):
        assert time.monotonic() < deadline, description
        time.sleep(0.01)
    return found


class Attach:
    """`dsc-emulate attach` in a process of its own; `event` gives what it tells."""

    def __init__(self, directory):
        self.process = subprocess.Popen(
            [*COMMAND, "attach", "--json", "--dir", str(directory)],
            stdout=subprocess.PIPE,
            bufsize=0,  # what Python had read ahead, `select` would not tell of
            env=environment(),
        )

    def event(self):
        assert select.select([self.process.stdout], [], [], TIMEOUT)[0], "attach says nothing"
        told = json.loads(self.process.stdout.readline())
        return told["event"], told["serial_number"], told["port"]

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.process.terminate()  # harmless when it has ended
        try:
            assert self.process.wait(TIMEOUT) == 0
        finally:
            self.process.kill()
            self.process.stdout.close()


@pytest.fixture
def emulator():
    emulator = Emulator(2, ())
    yield emulator
    emulator.stop()
    bounded("ports are given free", lambda: not vhci.used_ports())


def serial_in(port):
    """The serial number of the device in a port once its HID and its serial node are there, else None."""
    device = Path(f"/sys/bus/usb/devices/1-{port + 1}")
    nodes = [*device.glob("*:*.2/*/hidraw/hidraw*"), *device.glob("*:*.0/tty/tty*")]
    return (device / "serial").read_text().strip() if len(nodes) == 2 else None


def test_the_kernel_reads_the_descriptors_as_they_are_meant(usb_card):
    def attribute(name):
        return (usb_card.sysfs / name).read_text().strip()

    assert (attribute("idVendor"), attribute("idProduct"), attribute("bcdDevice")) == ("1209", "d5c1", "0100")
    assert (attribute("manufacturer"), attribute("product")) == ("DSC+ reference", "Digital Security Card+")
    assert attribute("serial") == usb_card.serial_number
    assert (attribute("speed"), attribute("bNumInterfaces"), attribute("bMaxPower")) == ("12", "3", "100mA")
    endpoints = {path.name: (path / "type").read_text().strip() for path in usb_card.sysfs.glob("*:*/ep_*")}
    assert endpoints == {
        "ep_81": "Interrupt",
        "ep_02": "Bulk",
        "ep_82": "Bulk",
        "ep_83": "Interrupt",
        "ep_03": "Interrupt",
    }
    (report,) = usb_card.sysfs.glob("*:*.2/*/report_descriptor")
    assert report.read_bytes()[:7] == bytes.fromhex("0600FF0901A101")
    assert len(report.read_bytes()) == 34


def test_the_kernels_log_has_no_complaint_about_the_device(usb_card):
    usb_card.unplug()
    usb_card.plug()
    log = subprocess.run(["dmesg"], capture_output=True, text=True, timeout=TIMEOUT, check=True).stdout
    name = usb_card.sysfs.name
    about = [line for line in log.splitlines() if f"usb {name}:" in line or f"cdc_acm {name}:" in line]
    assert any("new full-speed USB device" in line for line in about)
    for word in ("error", "invalid", "stalled", "failed", "can't"):
        assert not [line for line in about if word in line.lower()], word


def answers(url, serial_number):
    try:
        with connect(url) as card:
            return card.serial_number == serial_number
    except CardError:
        return False


def test_reset_by_the_host_leaves_a_working_card(usb_card):
    """A port reset comes to the device as a new configuration; halts end by it."""
    usb_card.control.stall("hid-out")
    bus, address = usb_card.bus_and_address
    with Path(f"/dev/bus/usb/{bus:03}/{address:03}").open("r+b", buffering=0) as node:
        fcntl.ioctl(node, USBDEVFS_RESET)
    bounded("it answers", lambda: answers(usb_card.urls["hid"], usb_card.serial_number))


def test_attach_keeps_each_card_in_its_port(emulator):
    first, second = emulator.ready
    with Attach(emulator.directory) as attach:
        assert [attach.event(), attach.event()] == [
            ("attached", first["serial_number"], 0),
            ("attached", second["serial_number"], 1),
        ]
        bounded("both are there", lambda: serial_in(0) and serial_in(1))
        with VirtualCardControl(first["control"]) as control:
            for _ in range(3):
                control.unplug()
                assert attach.event() == ("detached", first["serial_number"], 0)
                control.plug()
                assert attach.event() == ("attached", first["serial_number"], 0)
                assert bounded("it is back", lambda: serial_in(0)) == first["serial_number"]
        assert serial_in(1) == second["serial_number"]
    bounded("attach has let go", lambda: not vhci.used_ports())


def test_attach_ends_with_the_emulator(emulator):
    with Attach(emulator.directory) as attach:
        attach.event(), attach.event()
        emulator.kill()
        assert {attach.event()[0], attach.event()[0]} == {"detached"}
        assert attach.process.wait(TIMEOUT) == 0
    bounded("the devices have gone", lambda: not vhci.used_ports())


def test_attach_needs_root(emulator, user):
    emulator.directory.chmod(0o755)
    for path in emulator.directory.glob("*.ctl"):
        path.chmod(0o666)
    refused = user.run(
        "env",
        f"PYTHONPATH={environment()['PYTHONPATH']}",
        *COMMAND,
        "attach",
        "--dir",
        str(emulator.directory),
    )
    assert (refused.returncode, refused.stdout) == (4, "")
    assert "run attach as root" in refused.stderr
    assert "Traceback" not in refused.stderr


def hidraw_of(serial_number):
    """The HID node of a uhid card, None if there is none."""
    for node in pyudev.Context().list_devices(subsystem="hidraw"):
        if node.parent.properties.get("HID_UNIQ") == serial_number and node.device_node:
            return node.device_node
    return None


def test_uhid_card_speaks_the_hid_link_and_goes_on_unplug():
    directory = tempfile.mkdtemp(prefix="dsc-")
    with (
        running_emulator(directory, "--uhid") as (ready,),
        VirtualCardControl(ready.control) as control,
    ):
        assert ready.url == f"uhid:{SERIAL_NUMBER}"
        for _ in range(2):
            node = bounded("its node is there", lambda: hidraw_of(SERIAL_NUMBER))
            with connect(f"hid:{node}") as card:
                assert card.serial_number == SERIAL_NUMBER
                control.unplug()
                with pytest.raises(CardError):
                    card.get_data(0x0045)
            bounded("its node has gone", lambda: hidraw_of(SERIAL_NUMBER) is None)
            assert control.plug() == ready.url
        node = bounded("its node is there", lambda: hidraw_of(SERIAL_NUMBER))
        with connect(f"hid:{node}") as card:
            assert personalise(card, sample.plan()).serial_number == SERIAL_NUMBER
    bounded("its node has gone", lambda: hidraw_of(SERIAL_NUMBER) is None)


def test_uhid_needs_root(user):
    directory = tempfile.mkdtemp(prefix="dsc-")
    refused = user.run(
        "env", f"PYTHONPATH={environment()['PYTHONPATH']}", *COMMAND, "--uhid", "--dir", f"{directory}-cards"
    )
    assert (refused.returncode, refused.stdout) == (4, "")
    assert "run dsc-emulate --uhid as root" in refused.stderr
