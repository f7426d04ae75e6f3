"""The three programs: how each is set up once, and started on a port."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

BUILD = Path(__file__).parents[2] / "build" / "bench-kiosk"
VERSIONS = {"openhtf": "1.6.3", "hardpy": "0.25.2"}
SET_UP_SECONDS = 300


@dataclass(frozen=True)
class Program:
    """What serves a page: `command(port)` starts it; `shown`, JavaScript, tells that its content is there."""

    name: str
    command: Callable[[int], list[str]]
    path: str
    shown: str


def programs(folder: Path) -> list[Program]:
    """All three; OpenHTF and HardPy have environments of their own, which `make bench-kiosk` sets up."""
    return [_ours(folder), _openhtf(), _hardpy(folder)]


def _ours(folder: Path) -> Program:
    from dscplus_station.demo import scenario
    from dscplus_station.demo.hands import slot_tables
    from dscplus_station.demo.history.staff import hire
    from dscplus_station.home import Home
    from dscplus_station.opening import open_station

    home = Home(folder / "home")
    scenario.fresh_home(home)
    with home.settings_file.open("a", encoding="utf-8") as settings:
        settings.write(slot_tables(home))
    station = open_station(home)
    hire(station)
    station.database.close()
    serve = [str(Path(sys.executable).parent / "dsc-station"), "serve", "--home", str(home.path)]
    serve += ["--passphrase-file", str(home.path / "passphrase"), "--port"]
    return Program(
        "dsc-station", lambda port: [*serve, str(port)], "/sign-in", "!!document.querySelector('h1')"
    )


def _openhtf() -> Program:
    python = str(BUILD / "openhtf" / "bin" / "python")
    script = str(Path(__file__).with_name("openhtf_station.py"))
    return Program(
        "OpenHTF",
        lambda port: [python, script, str(port)],
        "/",
        "(document.querySelector('htf-app, app-root, body')?.innerText || '').trim().length > 20",
    )


def _hardpy(folder: Path) -> Program:
    hardpy = str(BUILD / "hardpy" / "bin" / "hardpy")

    def command(port: int) -> list[str]:
        tests = folder / f"hardpy-{port}"
        options = ["--storage-type", "json", "--no-create-database", "--frontend-port", str(port)]
        subprocess.run(
            [hardpy, "init", str(tests), *options], check=True, capture_output=True, timeout=SET_UP_SECONDS
        )
        return [hardpy, "run", str(tests)]

    return Program(
        "HardPy", command, "/", "(document.querySelector('#root')?.innerText || '').trim().length > 20"
    )
