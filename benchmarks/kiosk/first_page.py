"""One start of a program, seen by a browser: seconds to the first page, seconds to the first byte, memory."""

from __future__ import annotations

import http.client
import statistics
import time
from dataclasses import dataclass

from playwright.sync_api import Browser

from benchmarks.servers import START_SECONDS, free_port, running

from .programs import Program

WARM_REQUESTS = 40


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
    port = free_port()
    command = program.command(port)
    context = browser.new_context()
    try:
        page = context.new_page()
        began = time.monotonic()
        with running(command, port) as server:
            page.goto(f"http://127.0.0.1:{port}{program.path}", wait_until="commit")
            page.wait_for_function(program.shown, polling="raf", timeout=START_SECONDS * 1000)
            first_page = time.monotonic() - began
            page.wait_for_load_state()
            first_byte = statistics.median(_first_byte(port, program.path) for _ in range(WARM_REQUESTS))
            return Seen(first_page, first_byte, server.resident())
    finally:
        context.close()


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
