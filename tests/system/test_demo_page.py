"""`make run` at a terminal: the main job, sample data, and the page until Ctrl-C; nothing is left running."""

import os
import pty
import re
import select
import signal
import sys
import time
from pathlib import Path

import httpx
import pytest

from dscplus_station.actor import Role
from dscplus_station.home import Home
from dscplus_station.opening import open_station
from dscplus_station.operators import sessions
from dscplus_station.slots.map import slot_map
from dscplus_station.stock.service import counts
from tests.system.test_demo import emulators

COMMAND = Path(sys.executable).with_name("dsc-station")
TIMEOUT_S = 300
"""For the main job and 75 simulated days; about twenty seconds where nothing else is to be done."""


class Terminal:
    """A program at a terminal of its own."""

    def __init__(self, *arguments):
        self.pid, self._end = pty.fork()
        if self.pid == 0:
            for name in [name for name in os.environ if name.startswith("DSC_STATION")]:
                del os.environ[name]
            os.execv(COMMAND, [str(COMMAND), *arguments])  # noqa: S606
        self.shown, self.running = "", True

    def until(self, pattern):
        """Read until it shows; gives the match."""
        deadline = time.monotonic() + TIMEOUT_S
        while not (found := re.search(pattern, self.shown)):
            assert time.monotonic() < deadline, self.shown[-2000:]
            if select.select([self._end], [], [], 1)[0]:
                self.shown += os.read(self._end, 65536).decode(errors="replace")
        return found

    def type(self, keys):
        os.write(self._end, keys)

    def ended(self):
        """Read to the end; gives the exit code."""
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            assert time.monotonic() < deadline, self.shown[-2000:]
            if not select.select([self._end], [], [], 1)[0]:
                continue
            try:
                if not os.read(self._end, 65536):
                    break
            except OSError:
                break
        self.running = False
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def kill(self):
        """End it if it is still there."""
        if self.running:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self._end)


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "demo-home")


@pytest.fixture
def terminal(home):
    terminal = Terminal("demo", "--home", str(home.path))
    try:
        yield terminal
    finally:
        terminal.kill()


def test_it_ends_by_serving_the_page_and_leaves_nothing(terminal, home):
    terminal.until("6 of 8 sample orders are placed")
    terminal.until("login.*accepted")
    address = terminal.until(r"page: (http://127\.0\.0\.1:\d+/)")[1]
    badge, pin = terminal.until(r"badge (OP-\w+), PIN (\d+)").groups()
    terminal.until("Your hands")
    assert httpx.get(f"{address}sign-in").status_code == 200
    station = open_station(home)
    token = sessions.sign_in(station, badge, pin, station.settings.station)
    assert {Role.PROVISIONING, Role.SHIPPING} <= sessions.session_of(station, token).roles
    assert sum(count for _, _, count in counts(station)) > 200
    assert len(slot_map(station.settings.slots)) == 4
    station.database.close()
    again = Terminal("demo", "--home", str(home.path), "--data")
    again.until("held by serve")
    assert again.ended() == 5, "a home that is served is not made anew"
    again.kill()
    terminal.type(b"\x03")
    assert terminal.ended() == 0
    assert emulators(home.path) == []


def test_ctrl_c_while_the_days_go_by_ends_it_with_the_day(terminal, home):
    terminal.until("sample data, day")
    terminal.type(b"\x03")
    assert terminal.ended() == 1
    assert emulators(home.path) == []
