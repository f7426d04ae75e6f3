"""Cards side by side through one station: 16 wires should take little longer than one."""

from __future__ import annotations

from .bench_station import Batch, bench_station
from .measure import ROUNDS, ratios
from .records import Section, at_most, duration

COUNTS = (1, 4, 16)
LIMIT = 1.15


def measure() -> Section:
    """Rounds of 1, 4 and 16 cards in turn, each time fresh ones."""
    batches: dict[int, list[Batch]] = {count: [] for count in COUNTS}
    with bench_station() as station:
        for turn in range(ROUNDS + 1):
            for count in COUNTS:
                batch = station.personalise(count)
                if turn > 0:
                    batches[count].append(batch)
    elapsed = {count: [batch.elapsed for batch in batches[count]] for count in COUNTS}
    commits = [batch.transactions for batch in batches[1]]
    allowed = [LIMIT * one + 15 * its for one, its in zip(elapsed[1], commits, strict=True)]
    goal = at_most(1.0, ratios(elapsed[16], allowed), "≤ 1.15 × one + 15 × its commits")
    computing = [batch.emulator for batch in batches[16]]
    return Section(
        "Cards in parallel at 115,200 baud",
        (
            duration("1 card", elapsed[1]),
            duration("its commits", commits, {"1 card": elapsed[1]}),
            duration("4 cards", elapsed[4], {"1 card": elapsed[1]}),
            duration("16 cards", elapsed[16], {"1 card": elapsed[1], "the goal": allowed}, goal),
            duration("emulator's computing for 16", computing, {"16 cards": elapsed[16]}),
        ),
    )
