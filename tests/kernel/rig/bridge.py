"""Runs tests in a guest and hands their reports back, one test at a time.

The host asks for the reports of one test after another; the guest runs all of them by itself and sends what
it has. A test whose report never comes, because the kernel panicked, the test hung or the guest's pytest
ended, gets a report that says so and shows the console; the tests after it run in a new guest.
"""

import json
import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from .qemu import Guest

SILENCE = 300.0
"""Seconds without a message after which a guest is taken for dead; its own limit for a test is shorter."""
MOST_GUESTS = 4
"""Where one guest after another dies, the rest is given up."""


class GuestLost(Exception):
    """The guest ended, or was ended, before it said what was asked for; the text ends with its console."""


class GuestRun:
    """Tests that run one after the other, in one guest as long as that lives."""

    def __init__(self, boot: Callable[[], Guest], release: str, plan: dict[str, Any]) -> None:
        """`plan` is what the guest's pytest is told (reporter.run), `release` the kernel it must run on."""
        self._boot, self._release, self._plan = boot, release, plan
        self._left: list[str] = list(plan["nodeids"])
        self._guest: Guest | None = None
        self._running = "no test yet"
        self._messages: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._began = 0.0
        self._arrived: dict[str, list[dict[str, Any]]] = {}
        self.guests = 0
        self.hello: dict[str, Any] = {}
        self.boot_seconds = 0.0
        self.finished: int | None = None
        """Exit status of the last guest's pytest, once it has ended."""

    def reports(self, nodeid: str) -> Iterator[dict[str, Any]]:
        """Yield a test's serialised reports as they arrive: set-up, call, tear-down. Raises GuestLost."""
        if self._guest is None:
            self.start()
        ended = False
        while not ended:
            while not self._arrived.get(nodeid):
                self._take(self._message())
            report = self._arrived[nodeid].pop(0)
            ended = report["when"] == "teardown"
            yield report
        self._left.remove(nodeid)

    def give_up(self, nodeid: str) -> None:
        """Leave a test whose guest was lost behind; those after it get a new guest."""
        self._left.remove(nodeid)

    @property
    def all_told(self) -> bool:
        """Whether every test has reported, or was given up."""
        return not self._left

    def wait_for_the_end(self) -> str | None:
        """Wait until the guest's pytest ends after its last test; return what is wrong with its exit status.

        None where it is what the reports say.
        """
        try:
            while self.finished is None:
                self._take(self._message())
        except GuestLost as lost:
            return f"every test reported, but {lost}"
        if self.finished == int(self._failed):  # pytest's 0: all passed, 1: some failed
            return None
        return f"every test reported, but the guest's pytest ended with status {self.finished}"

    def stop(self) -> None:
        """End the guest, if one runs."""
        if self._guest is not None:
            self._guest.stop()
            self._guest = None

    def start(self) -> None:
        """Boot a guest, which runs all tests that are left; returns at once. Raises GuestLost."""
        if self.guests == MOST_GUESTS:
            raise GuestLost(f"not run: {MOST_GUESTS} guests were lost before")
        self.guests += 1
        self.finished = None
        self._arrived = {}
        self._running = "no test yet"
        self._failed = False
        self._began = time.monotonic()
        self._guest = self._boot()
        self._messages = queue.Queue()
        plan = {**self._plan, "nodeids": self._left}
        self._guest.channel.sendall(json.dumps(plan).encode() + b"\n")
        # A thread, so that a guest whose tests are asked for later need not wait for them to be taken.
        threading.Thread(target=_receive, args=(self._guest, self._messages), daemon=True).start()

    def _message(self) -> dict[str, Any]:
        try:
            message = self._messages.get(timeout=SILENCE)
        except queue.Empty:
            raise self._lost(f"nothing came from the guest for {SILENCE:g} s") from None
        if message is None:
            raise self._lost("the guest ended")
        return message

    def _take(self, message: dict[str, Any]) -> None:
        if "hello" in message:
            self._greet(message["hello"], message["arrived"])
        elif "started" in message:
            self._running = message["started"]
        elif "report" in message:
            self._failed |= message["report"]["outcome"] == "failed"
            self._arrived.setdefault(message["report"]["nodeid"], []).append(message["report"])
        elif "finished" in message:
            self.finished = message["finished"]
            if any(nodeid not in self._arrived for nodeid in self._left):
                raise self._lost(f"the guest's pytest ended with status {self.finished}")

    def _greet(self, hello: dict[str, Any], arrived: float) -> None:
        assert self._guest is not None
        self.hello = hello
        self.boot_seconds = arrived - self._began
        if (hello["token"], hello["release"]) != (self._guest.token, self._release):
            raise self._lost(f"this is not the kernel that was booted: {hello}")

    def _lost(self, what: str) -> GuestLost:
        assert self._guest is not None
        guest = self._guest
        self.stop()
        return GuestLost(
            f"{what}; it was running {self._running}. The end of its console ({guest.console}):\n"
            f"{guest.console_tail()}"
        )


def _receive(guest: Guest, messages: "queue.Queue[dict[str, Any] | None]") -> None:
    """Put what comes into the queue, and None when nothing more will come."""
    try:
        for line in lines(guest):
            messages.put({**json.loads(line), "arrived": time.monotonic()})
    except OSError:
        pass  # closed while we waited: nobody asks any more
    finally:
        messages.put(None)


def lines(guest: Guest) -> Iterator[bytes]:
    """Yield whole lines until the guest ends. Raises TimeoutError if its channel has a timeout."""
    received = b""
    while data := guest.channel.recv(65536):
        *lines, received = (received + data).split(b"\n")
        yield from lines
