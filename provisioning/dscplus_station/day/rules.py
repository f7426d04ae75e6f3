"""From the rows of a day to its figures. Pure. Days and hours are the issuer's, whatever the clocks do.

What each figure means is in docs/lists-and-figures.md.
"""

import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dscplus_station.clock import end_of_day
from dscplus_station.personalise.rules import RunResult, RunState

DUE_DAYS = 21
"""Three weeks: as long as a replacement takes to activate by itself (R13)."""

MOST_BARS = 12
"""Bars of the cycle times; what takes longer than they show is in the last one."""

_STEPS = tuple(RunState)
_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Step:
    """A step that a card has confirmed, and the slot that it was in, if it was in one."""

    step: RunState
    at: datetime
    slot: int | None


@dataclass(frozen=True)
class Run:
    """A run with its steps, oldest first."""

    started_at: datetime
    ended_at: datetime | None
    result: RunResult | None
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Hour:
    """Cards that were completed in one hour, which begins at this local time."""

    begins: str
    cards: int


@dataclass(frozen=True)
class Yield:
    """Runs that came to a verdict, and those of them that passed without a step done twice.

    `share`: of 1; None where there was no verdict.
    """

    verdicts: int
    first_pass: int
    share: float | None


@dataclass(frozen=True)
class Bar:
    """Cycle times from so many seconds on, below so many (None: and more)."""

    low: int
    high: int | None
    cards: int


@dataclass(frozen=True)
class CycleTimes:
    """Seconds from reservation to end of completed runs; median and 90th percentile, None without runs."""

    median: float | None
    ninetieth: float | None
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class StepFailures:
    """Failures at a step, and the share of all failures, of 1, down to and with it."""

    step: RunState
    failures: int
    cumulative: float


@dataclass(frozen=True)
class SlotUse:
    """Seconds in which a slot was at work; their share, of 1, of the time from the first step to the last."""

    slot: int
    cards: int
    seconds: float
    share: float


@dataclass(frozen=True)
class DueDay:
    """Cards that activate by themselves on a day."""

    day: date
    cards: int


@dataclass(frozen=True)
class Picture:
    """A day in figures."""

    day: date
    completed: int
    hours: tuple[Hour, ...]
    first_pass: Yield
    cycle_times: CycleTimes
    failures: tuple[StepFailures, ...]
    slots: tuple[SlotUse, ...]
    due: tuple[DueDay, ...]
    overdue: int


def bounds(zone: ZoneInfo, day: date) -> tuple[datetime, datetime]:
    """The first moment of a day and the first one after it, in UTC: 23, 24 or 25 hours apart."""
    return datetime.combine(day, time.min, zone).astimezone(UTC), end_of_day(zone, day)


def picture(zone: ZoneInfo, day: date, runs: Sequence[Run], due: Iterable[date], *, over: bool) -> Picture:
    """The figures of a day.

    Args:
        runs: those that began or ended on it.
        due: the days of all timers that run.
        over: whether the day is.
    """
    begin, end = bounds(zone, day)
    ended = [run for run in runs if run.ended_at is not None and begin <= run.ended_at < end]
    completed = [run for run in ended if run.result is RunResult.COMPLETED]
    due_on = Counter(due)
    return Picture(
        day=day,
        completed=len(completed),
        hours=per_hour(zone, day, [run.ended_at for run in completed if run.ended_at is not None]),
        first_pass=first_pass(ended),
        cycle_times=cycle_times(
            [(run.ended_at - run.started_at).total_seconds() for run in completed if run.ended_at is not None]
        ),
        failures=failures(runs, end, over=over),
        slots=slot_use(runs, begin, end),
        due=tuple(DueDay(on, due_on[on]) for on in (day + timedelta(days=n) for n in range(DUE_DAYS))),
        overdue=sum(count for on, count in due_on.items() if on < day),
    )


def per_hour(zone: ZoneInfo, day: date, moments: Iterable[datetime]) -> tuple[Hour, ...]:
    """How many moments fall into each hour that the day really has, named by the local time it begins at."""
    begin, end = bounds(zone, day)
    counted = Counter((moment - begin) // _HOUR for moment in moments)
    starts = [begin + n * _HOUR for n in range(math.ceil((end - begin) / _HOUR))]
    return tuple(Hour(f"{start.astimezone(zone):%H:%M}", counted[n]) for n, start in enumerate(starts))


def first_pass(ended: Iterable[Run]) -> Yield:
    """Of the runs with a verdict (completed or quarantined), those that needed no step twice.

    A run that was cancelled says nothing of the cards or the bench.
    """
    judged = [run for run in ended if run.result is not RunResult.CANCELLED]
    passed = [run for run in judged if run.result is RunResult.COMPLETED and not _repeated(run)]
    return Yield(len(judged), len(passed), len(passed) / len(judged) if judged else None)


def cycle_times(seconds: Sequence[float]) -> CycleTimes:
    """Distribution of the seconds that runs took: bars of one width, a round number."""
    if not seconds:
        return CycleTimes(None, None, ())
    ordered = sorted(seconds)
    median = statistics.median(ordered)
    ninetieth = ordered[math.ceil(0.9 * len(ordered)) - 1]
    # So wide that nine in ten are shown in full; few that took hours would else leave one bar.
    width = round_up(max(ninetieth, 1.0) / (MOST_BARS - 2))
    last = min(MOST_BARS - 1, int(ordered[-1] // width))
    counted = Counter(min(int(value // width), MOST_BARS - 1) for value in ordered)
    return CycleTimes(
        median,
        ninetieth,
        tuple(
            Bar(n * width, None if n == MOST_BARS - 1 else (n + 1) * width, counted[n])
            for n in range(last + 1)
        ),
    )


def failures(runs: Iterable[Run], end: datetime, *, over: bool) -> tuple[StepFailures, ...]:
    """How often each step failed, the most frequent first (Pareto).

    A step fails if it had to be done again, if the card was quarantined instead of it, or if the day ended
    before it was done. While the day is not over, a run that is under way has not failed.
    """
    counted: Counter[RunState] = Counter()
    for run in runs:
        counted.update(_repeated(run))
        left = run.ended_at is None or run.ended_at >= end
        if (left and over) or (run.result is RunResult.QUARANTINED and not left):
            counted[_after([step for step in run.steps if step.at < end])] += 1
    total, so_far, pareto = sum(counted.values()), 0, []
    for step, number in sorted(counted.items(), key=lambda one: (-one[1], _STEPS.index(one[0]))):
        so_far += number
        pareto.append(StepFailures(step, number, so_far / total))
    return tuple(pareto)


def slot_use(runs: Iterable[Run], begin: datetime, end: datetime) -> tuple[SlotUse, ...]:
    """How long each slot was at work: from the first to the last step of each run in it, on this day."""
    turns: dict[int, list[tuple[datetime, datetime]]] = defaultdict(list)
    for run in runs:
        moments: dict[int, list[datetime]] = defaultdict(list)
        for step in run.steps:
            if step.slot is not None and begin <= step.at < end:
                moments[step.slot].append(step.at)
        for slot, at in moments.items():
            turns[slot].append((min(at), max(at)))
    every = [turn for slot in turns.values() for turn in slot]
    whole = (max(last for _, last in every) - min(first for first, _ in every)) if every else timedelta(0)
    return tuple(
        SlotUse(
            slot,
            len(turns[slot]),
            (spent := sum((last - first for first, last in turns[slot]), timedelta(0))).total_seconds(),
            min(1.0, spent / whole) if whole else 0.0,
        )
        for slot in sorted(turns)
    )


def round_up(value: float) -> int:
    """The next of 1, 2, 5, 10, 20, 50 …: what people read on an axis."""
    magnitude = 10 ** math.floor(math.log10(value)) if value > 1 else 1
    return next(int(step * magnitude) for step in (1, 2, 5, 10) if step * magnitude >= value)


def _repeated(run: Run) -> list[RunState]:
    """The steps that were done again, once for each time beyond the first."""
    counted = Counter(step.step for step in run.steps)
    return [step for step, number in counted.items() for _ in range(number - 1)]


def _after(steps: Sequence[Step]) -> RunState:
    """The step that comes after the last one that was done."""
    last = _STEPS.index(steps[-1].step) if steps else -1
    return _STEPS[min(last + 1, len(_STEPS) - 1)]
