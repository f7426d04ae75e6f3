"""The ground the other guest tests stand on: udevd and the drivers are there."""

import os
import subprocess
from pathlib import Path


def test_the_guest_has_the_drivers_of_a_station():
    loaded = {line.split()[0] for line in Path("/proc/modules").read_text().splitlines()}
    assert {"vhci_hcd", "uhid", "usbhid", "hid_generic", "cdc_acm"} <= loaded


def test_udevd_runs_and_knows_the_usb_controllers():
    found = subprocess.run(
        ["udevadm", "info", "--query=property", "/sys/bus/usb/devices/usb1"],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert "ID_MODEL_FROM_DATABASE" in found.stdout or "ID_SERIAL=Linux" in found.stdout, found


def test_what_the_guest_writes_stays_there():
    assert os.statvfs("/").f_flag & os.ST_RDONLY == 0
    lines = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    assert [line[2] for line in lines if line[1] == "/"] == ["overlay"]
    assert os.uname().release in Path("/proc/version").read_text()
