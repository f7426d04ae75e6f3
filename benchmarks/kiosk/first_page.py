"""One start of a program, seen by a browser: seconds to the first page, seconds to the first byte, memory."""

from __future__ import annotations

import contextlib
import http.client
import socket
import statistics
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser

from .programs import Program, environment

START_SECONDS = 60
LOOK_SECONDS = 0.005
WARM_REQUESTS = 40
STOP_SECONDS = 15


@dataclass(frozen=True)
class Seen:
    """One round of one program.

    Args:
        first_page: seconds from the start of the process until the page's content is painted.
        first_byte: seconds of a warm request, from sending it to the first byte (median).
        memory: resident bytes of the process and its children, after the page was shown.
    """

    first_page: float
    first_byte: float
    memory: int


def see(program: Program, browser: Browser) -> Seen:
    """Start a program, look at its page with a cold cache, ask it again, weigh it, end it."""
    port = _free_port()
    command = program.command(port)
    context = browser.new_context()
    try:
        page = context.new_page()
        began = time.monotonic()
        with _running(command) as process:
            _wait_for(port, process)
            page.goto(f"http://127.0.0.1:{port}{program.path}", wait_until="commit")
            page.wait_for_function(program.shown, polling="raf", timeout=START_SECONDS * 1000)
            first_page = time.monotonic() - began
            page.wait_for_load_state()
            first_byte = statistics.median(_first_byte(port, program.path) for _ in range(WARM_REQUESTS))
            return Seen(first_page, first_byte, _resident(process.pid))
    finally:
        context.close()


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@contextlib.contextmanager
def _running(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(),
    ) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        with socket.socket() as door:
            if door.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert process.poll() is None, f"{process.args} ended with {process.returncode}"
        assert time.monotonic() < deadline, f"{process.args} does not answer"
        time.sleep(LOOK_SECONDS)


def _first_byte(port: int, path: str) -> float:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_SECONDS)
    try:
        connection.connect()
        began = time.perf_counter()
        connection.request("GET", path, headers={"Accept-Encoding": "gzip"})
        response = connection.getresponse()
        response.read(1)
        return time.perf_counter() - began
    finally:
        connection.close()


def _resident(pid: int) -> int:
    """Resident bytes of a process and all its descendants."""
    total = _status(pid, "VmRSS") * 1024
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        total += sum(_resident(int(child)) for child in children.read_text().split())
    return total


def _status(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    return 0
