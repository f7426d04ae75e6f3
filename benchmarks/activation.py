"""The daily run of the activation timers: a thousand are due, among ever more cards (R13)."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

from dscplus_station.activation.daily import TimerRun, run_timers
from dscplus_station.actor import ALL_ROLES, Actor
from dscplus_station.home import Home
from dscplus_station.opening import open_station

from .bulk_stations import copied_home
from .measure import ratios
from .records import Row, Section, at_most, duration

COUNTS = (10_000, 100_000, 1_000_000)
DUE = 1_000
TOLD = 200
"""So many more are to be told: seven days ahead, or one if they were told seven days ahead."""
NOON = datetime(2030, 6, 3, 16, 0, tzinfo=UTC)
"""Long after everything that the bulk records have."""
FLAT = 1.5
ROUNDS = 3

_RUNNING = """
SELECT activation_timer.id, EXISTS (
  SELECT 1 FROM notice WHERE notice.order_id = activation_timer.order_id AND kind = 'ACTIVATION_APPROACHING')
FROM activation_timer WHERE state = 'RUNNING' AND shipment_id <= ? ORDER BY activation_timer.id
"""


def measure() -> Section:
    """Each run does the same work on a copy of its own; rounds, so that a busy machine disturbs all alike."""
    seconds: dict[int, list[float]] = {count: [] for count in COUNTS}
    for _ in range(ROUNDS):
        for count in COUNTS:
            seconds[count].append(_run(count))
    least = seconds[COUNTS[0]]
    rows: list[Row] = []
    for count, values in seconds.items():
        name = f"{DUE:,} due and {TOLD} to be told, of {count:,} cards"
        if count == COUNTS[0]:
            rows.append(duration(name, values))
            continue
        goal = at_most(FLAT, ratios(values, least), f"≤ {FLAT} × {COUNTS[0]:,} cards")
        rows.append(duration(name, values, {f"{COUNTS[0]:,} cards": least}, goal))
    return Section("Activation run, a transaction a card", tuple(rows))


def make_due(database: Path, due: int, told: int, last: int) -> None:
    """Let so many timers, spread over the cards up to a number, be due at NOON, others announce their day."""
    with sqlite3.connect(database) as connection:
        running = connection.execute(_RUNNING, (last,)).fetchall()
        if len(running) < due + told:
            raise AssertionError(f"{len(running)} timers run, {due + told} are wanted")
        chosen = [running[i * len(running) // (due + told)] for i in range(due + told)]
        later = [chosen.pop(i * (len(chosen) // told)) for i in reversed(range(told))]
        connection.execute("UPDATE activation_timer SET due_on = '2031-01-01' WHERE state = 'RUNNING'")
        days = [("2030-06-03", one) for one, _ in chosen]
        days += [("2030-06-04" if approaching else "2030-06-10", one) for one, approaching in later]
        connection.executemany("UPDATE activation_timer SET due_on = ? WHERE id = ?", days)
    connection.close()


def run(home: Home, due: int, told: int) -> tuple[float, TimerRun]:
    """Seconds of the run at NOON, and what it came to, which must be all that was asked."""
    station = open_station(home, lambda: NOON)
    try:
        began = perf_counter()
        done = run_timers(station, Actor("bench", ALL_ROLES, "bench-1"))
        elapsed = perf_counter() - began
    finally:
        station.database.close()
    if (len(done.activated), len(done.announced), done.held_back) != (due, told, []):
        raise AssertionError(f"{len(done.activated)} activated, {len(done.announced)} told, {done.held_back}")
    return elapsed, done


def _run(count: int) -> float:
    with copied_home(count) as home:
        make_due(home.database_file, DUE, TOLD, count)
        return run(home, DUE, TOLD)[0]
