"""Interleaved timing: every subject runs once in every round, so that a noisy machine disturbs all alike."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter_ns

NS = 1e-9
ROUNDS = 9
"""Of what takes a good part of a second each time."""
SHORT_ROUNDS = 41
"""Of what can be repeated to fill BATCH_SECONDS: many short turns, so that a burst of load spoils few."""
BATCH_SECONDS = 0.01


@dataclass(frozen=True)
class Subject:
    """Something to time: `run(n)` does its operation n times.

    It may return how many seconds of that were not its own work; they are taken off.
    """

    name: str
    run: Callable[[int], float | None]
    batch: int | None = None
    """How many operations a round; None: as many as fill BATCH_SECONDS."""


def interleave(subjects: Sequence[Subject], rounds: int = SHORT_ROUNDS) -> dict[str, tuple[float, ...]]:
    """Seconds per operation of each subject, one value a round.

    One more round comes first and is thrown away (caches, lazy imports). Each round starts with another
    subject, so that none is always the first.
    """
    batches = [subject.batch or _batch_filling(BATCH_SECONDS, subject) for subject in subjects]
    seconds: dict[str, list[float]] = {subject.name: [] for subject in subjects}
    for turn in range(rounds + 1):
        for i in range(len(subjects)):
            which = (turn + i) % len(subjects)
            subject, batch = subjects[which], batches[which]
            elapsed = _time(subject, batch)
            if turn > 0:
                seconds[subject.name].append(elapsed / batch)
    return {name: tuple(values) for name, values in seconds.items()}


def ratios(values: Sequence[float], baseline: Sequence[float]) -> tuple[float, ...]:
    """Round by round: what one subject took over what the baseline took in the same round."""
    return tuple(value / base for value, base in zip(values, baseline, strict=True))


def median(values: Sequence[float]) -> float:
    """The middle value."""
    return statistics.median(values)


def spread(values: Sequence[float]) -> float:
    """Half the distance between the quartiles, relative to the median: 0.05 reads "± 5 %"."""
    if len(values) < 2:
        return 0.0
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return (high - low) / 2 / middle if middle else 0.0


def _time(subject: Subject, batch: int) -> float:
    start = perf_counter_ns()
    not_its_own = subject.run(batch)
    return (perf_counter_ns() - start) * NS - (not_its_own or 0.0)


def _batch_filling(seconds: float, subject: Subject) -> int:
    subject.run(1)  # the first call pays for what is set up lazily
    batch = 1
    while (elapsed := _time(subject, batch)) < seconds / 2:
        batch *= 2
    return max(1, round(batch * seconds / elapsed))
