"""The guest's part, started by the initrd: brings the machine up, then runs tests, benchmarks, or a shell."""

import fcntl
import json
import os
import pwd
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from . import modules
from .guest_kernel import token
from .qemu import PORT_NAME

SETTLE_TIMEOUT = 150.0
COMMAND_TIMEOUT = 180.0
SCRATCH = Path("/run/tmp")  # in memory: the host's /tmp lies below a slow overlay
IFF_UP = 1  # net/if.h


class Channel:
    """The stream to the host: JSON documents, one a line."""

    def __init__(self) -> None:
        self._fd = os.open(_port(), os.O_RDWR | os.O_CLOEXEC)
        self._reader = os.fdopen(os.dup(self._fd), "rb")

    def receive(self) -> Any:
        return json.loads(self._reader.readline())

    def send(self, **message: object) -> None:
        data = json.dumps(message).encode() + b"\n"
        while data:
            data = data[os.write(self._fd, data) :]


def _port() -> str:
    for name in Path("/sys/class/virtio-ports").glob("*/name"):
        if name.read_text().strip() == PORT_NAME:
            return f"/dev/{name.parent.name}"
    raise FileNotFoundError(f"QEMU gave the guest no port {PORT_NAME}")


def bring_up() -> None:
    """Mount what is missing, start udevd, load the drivers, bring the loopback up."""
    for kind, folder, options in (
        ("devpts", "/dev/pts", "mode=620,gid=5"),
        ("tmpfs", "/dev/shm", "mode=1777"),
    ):
        Path(folder).mkdir(exist_ok=True)
        _run("mount", "-t", kind, "-o", options, "none", folder)
    SCRATCH.mkdir()
    SCRATCH.chmod(0o1777)
    _open_to_everybody()
    _loopback_up()
    _run("/lib/systemd/systemd-udevd", "--daemon")
    _run("modprobe", "-a", *modules.GUEST)
    _run("udevadm", "settle", f"--timeout={SETTLE_TIMEOUT:.0f}")


def _open_to_everybody() -> None:
    """Let unprivileged users run this Python and read the project, also if the host has them under /root."""
    for path in (Path.cwd(), Path(sys.prefix), Path(sys.base_prefix)):
        for folder in (path, *path.parents):
            if not folder.stat().st_mode & 1:
                folder.chmod(folder.stat().st_mode | 0o011)


def _loopback_up() -> None:
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh22x", b"lo", IFF_UP))  # SIOCSIFFLAGS


def _run(*command: str) -> None:
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, timeout=COMMAND_TIMEOUT)


def uptime() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def main() -> int:
    started = uptime()
    environment = {
        "HOME": pwd.getpwuid(0).pw_dir,
        "PATH": f"{Path(sys.prefix) / 'bin'}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "TMPDIR": str(SCRATCH),
        "LC_ALL": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",  # it would be lost
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # guest tests use none, and hypothesis takes seconds to import
    }
    os.environ.update(environment)
    os.environ.setdefault("TERM", "linux")
    bring_up()
    if token() == "shell":
        return subprocess.call(
            ["/run/kernel-rig/busybox", "setsid", "/run/kernel-rig/busybox", "cttyhack", "bash"]
        )
    channel = Channel()
    channel.send(hello={"token": token(), "release": os.uname().release, "python": started, "up": uptime()})
    plan = channel.receive()
    os.environ.update(plan["environment"])
    if "benchmarks" in plan:
        from benchmarks.kernel.inside import run_benchmarks

        return run_benchmarks(channel)
    from .reporter import run  # pytest only now: the host waits for the hello

    return run(channel, plan)


if __name__ == "__main__":
    sys.exit(main())
