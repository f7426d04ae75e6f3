"""The daily run of the activation timers: a thousand are due, among ever more cards (R13)."""

from __future__ import annotations

import sqlite3
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

from dscplus_station.activation.daily import run_timers
from dscplus_station.actor import ALL_ROLES, Actor
from dscplus_station.founding import found
from dscplus_station.home import Home
from dscplus_station.opening import open_station

from .bench_station import PASSPHRASE
from .bulk_records import fill
from .records import Row, Section, at_most, duration

COUNTS = (10_000, 100_000, 1_000_000)
DUE = 1_000
NOON = datetime(2030, 6, 3, 16, 0, tzinfo=UTC)
"""Long after everything that the bulk records have."""
FLAT = 1.5


def measure() -> Section:
    """Each run does the same work: a thousand activations, with their notices queued, a transaction each."""
    with tempfile.TemporaryDirectory(prefix="bench-activation-") as folder:
        seconds = [_run(Home(Path(folder) / str(count)), count) for count in COUNTS]
    rows = []
    for count, elapsed in zip(COUNTS, seconds, strict=True):
        name = f"a run with {DUE:,} due, {count:,} cards"
        if count == COUNTS[0]:
            rows.append(duration(name, [elapsed]))
            continue
        ratio = elapsed / seconds[0]
        goal = at_most(FLAT, [ratio], f"at most {FLAT} × that with {COUNTS[0]:,}")
        rows.append(duration(name, [elapsed], {f"with {COUNTS[0]:,}": [seconds[0]]}, goal))
    return Section("activation", tuple[Row, ...](rows))


def _run(home: Home, count: int) -> float:
    """Seconds of one run; the cards are made before it."""
    found(home, "Bench Issuer", "bench-1", "America/New_York", lambda: PASSPHRASE, demo=True)
    fill(home.database_file, count)
    with sqlite3.connect(home.database_file) as connection:
        running = "SELECT id FROM activation_timer WHERE state = 'RUNNING' ORDER BY id LIMIT ?"
        connection.execute("UPDATE activation_timer SET due_on = '2031-01-01' WHERE state = 'RUNNING'")
        due = f"UPDATE activation_timer SET due_on = '2030-06-03' WHERE id IN ({running})"  # noqa: S608
        if connection.execute(due, (DUE,)).rowcount != DUE:
            raise AssertionError(f"of {count} cards, not {DUE} have a timer that runs")
    connection.close()
    station = open_station(home, lambda: NOON)
    try:
        began = perf_counter()
        done = run_timers(station, Actor("bench", ALL_ROLES, "bench-1"))
        elapsed = perf_counter() - began
    finally:
        station.database.close()
    if len(done.activated) != DUE or done.held_back:
        raise AssertionError(f"{len(done.activated)} activated, {len(done.held_back)} held back")
    return elapsed
