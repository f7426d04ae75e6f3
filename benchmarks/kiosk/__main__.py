"""`make bench-kiosk`: the page beside OpenHTF's and HardPy's, in turn within each round."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import sync_playwright

from benchmarks import machine, table
from benchmarks.measure import ratios
from benchmarks.records import Row, Section, as_document, at_most, duration

from .first_page import Seen, see
from .programs import VERSIONS, Program, programs

ROUNDS = 5
CHROMIUM = os.environ.get("DSC_CHROMIUM", "/usr/bin/chromium")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
OURS = "dsc-station"
DISTRIBUTIONS = {
    "dscplus": "dscplus",
    "fastapi": "FastAPI",
    "uvicorn": "uvicorn",
    "sqlalchemy": "SQLAlchemy",
    "playwright": "Playwright",
}


def main() -> None:
    """Measure and print; progress goes to standard error."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kiosk", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON document instead of the table")
    arguments = parser.parse_args()
    started = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    versions = machine.versions(DISTRIBUTIONS) | {
        "OpenHTF": VERSIONS["openhtf"],
        "HardPy": VERSIONS["hardpy"],
    }
    with tempfile.TemporaryDirectory(prefix="dsc-bench-") as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        try:
            seen = rounds(programs(Path(folder)), lambda program: see(program, browser))
        finally:
            browser.close()
    sections = [first_page(seen), first_byte(seen), memory(seen)]
    if arguments.json:
        print(json.dumps(as_document(sections, versions, started), indent=2, ensure_ascii=False))
    else:
        table.draw(sections, versions, started)


def rounds(all_of_them: list[Program], look: Callable[[Program], Seen]) -> dict[str, list[Seen]]:
    """See each program once a round, another one first each time; the first round is thrown away."""
    seen: dict[str, list[Seen]] = {program.name: [] for program in all_of_them}
    for turn in range(ROUNDS + 1):
        print(f"round {turn} of {ROUNDS} …", file=sys.stderr, flush=True)
        for i in range(len(all_of_them)):
            program = all_of_them[(turn + i) % len(all_of_them)]
            one = look(program)
            if turn:
                seen[program.name].append(one)
    return seen


def first_page(seen: dict[str, list[Seen]]) -> Section:
    """From the start of the process to the painted page."""
    values = {name: tuple(one.first_page for one in of) for name, of in seen.items()}
    goal = at_most(1.0, ratios(values[OURS], values["OpenHTF"]), "no slower than OpenHTF")
    rows = [duration(OURS, values[OURS], {name: values[name] for name in values if name != OURS}, goal)]
    rows += [duration(name, of) for name, of in values.items() if name != OURS]
    return Section("Cold start to first page painted", tuple(rows))


def first_byte(seen: dict[str, list[Seen]]) -> Section:
    """A warm request."""
    values = {name: tuple(one.first_byte for one in of) for name, of in seen.items()}
    rows = [duration(OURS, values[OURS], {name: values[name] for name in values if name != OURS})]
    rows += [duration(name, of) for name, of in values.items() if name != OURS]
    return Section("Warm request to first byte", tuple(rows))


def memory(seen: dict[str, list[Seen]]) -> Section:
    """Resident memory after the first page."""
    values = {name: tuple(one.memory / 2**20 for one in of) for name, of in seen.items()}
    beside = {name: ratios(values[OURS], values[name]) for name in values if name != OURS}
    goal = at_most(1.0, beside["HardPy"], "no larger than HardPy")
    rows = [Row(OURS, values[OURS], "MiB", beside, goal)]
    rows += [Row(name, of, "MiB") for name, of in values.items() if name != OURS]
    return Section("Resident memory after the first page", tuple(rows))


main()
