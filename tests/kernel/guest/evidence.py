"""What a failed guest test shows beside its traceback; nothing of it is from the wire of a card."""

import subprocess

from tests.kernel.guest.vhci import CONTROLLER

LINES = 60
TIMEOUT = 30.0


def of_the_kernel(since: float) -> str:
    """Return what the kernel has said since then (seconds on its own clock), and what is in the USB ports."""
    lines = _output("dmesg").splitlines()
    said = [line for line in lines if _seconds(line) >= since][-LINES:]
    ports = (CONTROLLER / "status").read_text().splitlines()
    used = [line for line in ports if line.split()[2] != "004"]
    return "\n".join([*said, "ports of vhci_hcd.0:", *used])


def of_udev() -> str:
    """Return what udevd knows about the nodes on USB."""
    blocks = _output("udevadm", "info", "--export-db").split("\n\n")
    wanted = [block for block in blocks if "/vhci_hcd.0/" in block and "\nN: " in block]
    return "\n\n".join(wanted)


def _output(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    return done.stdout + done.stderr


def _seconds(line: str) -> float:
    stamp, bracket, _text = line.partition("]")
    return float(stamp.lstrip("[ ")) if bracket and line.startswith("[") else 0.0
