"""Servers as processes of their own: started on a free port here, looked at from outside, ended."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

START_SECONDS = 60
STOP_SECONDS = 15
LOOK_SECONDS = 0.005
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Server:
    """A server that answers."""

    port: int
    pid: int

    def processes(self) -> list[int]:
        """The process and all its descendants."""
        return _with_children(self.pid)

    def resident(self) -> int:
        """Resident bytes of all of them."""
        return sum(_status(pid, "VmRSS") for pid in self.processes()) * 1024

    def cpu_seconds(self) -> float:
        """What all of them have computed so far, for themselves and in the kernel."""
        return sum(_cpu_ticks(pid) for pid in self.processes()) / _TICKS


@contextmanager
def running(command: list[str], port: int, variables: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Start a server, wait until it listens on the port; end it."""
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**_environment(), **(variables or {})},
    ) as process:
        try:
            _wait_for(port, process)
            yield Server(port, process.pid)
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def free_port() -> int:
    """A port of this machine on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def _environment() -> dict[str, str]:
    """What servers start with: nothing of this process's Python, so that byte code is kept as usual."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "DSC_STATION", "VIRTUAL_ENV"))
    }


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        with socket.socket() as door:
            if door.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert process.poll() is None, f"{process.args} ended with {process.returncode}"
        assert time.monotonic() < deadline, f"{process.args} does not answer"
        time.sleep(LOOK_SECONDS)


def _with_children(pid: int) -> list[int]:
    found = [pid]
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            found += _with_children(int(child))
    return found


def _status(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    return 0


def _cpu_ticks(pid: int) -> int:
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return int(after_name[11]) + int(after_name[12])  # utime, stime: proc(5)
