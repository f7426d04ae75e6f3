"""The day's figures from rows: days with 23, 24 and 25 hours, yields, distributions, Pareto, slots."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dscplus_station.day import rules
from dscplus_station.day.rules import Run, Step
from dscplus_station.personalise.rules import RunResult, RunState

NEW_YORK = ZoneInfo("America/New_York")
DAY = date(2026, 11, 20)
BEGIN = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)
END = BEGIN + timedelta(days=1)
ALL = tuple(RunState)


def run(at=0, steps=ALL, seconds=10, result=RunResult.COMPLETED, slot=1, ended=True):
    """A run that begins `at` seconds into the day, `seconds` a step."""
    start = BEGIN + timedelta(seconds=at)
    done = tuple(Step(step, start + timedelta(seconds=n * seconds), slot) for n, step in enumerate(steps))
    return Run(start, done[-1].at if ended else None, result if ended else None, done)


def of(*runs, due=(), over=True):
    return rules.picture(NEW_YORK, DAY, runs, due, over=over)


@pytest.mark.parametrize(
    ("zone", "day", "hours", "first", "last"),
    [
        ("America/New_York", "2026-11-20", 24, "00:00", "23:00"),
        ("America/New_York", "2026-03-08", 23, "00:00", "23:00"),
        ("America/New_York", "2026-11-01", 25, "00:00", "23:00"),
        ("Australia/Lord_Howe", "2026-04-05", 25, "00:00", "23:30"),  # its clocks move by half an hour
        ("America/Santiago", "2026-09-06", 23, "01:00", "23:00"),  # the day begins at one o'clock
    ],
)
def test_a_day_has_the_hours_that_it_has(zone, day, hours, first, last):
    found = rules.per_hour(ZoneInfo(zone), date.fromisoformat(day), [])
    assert (len(found), found[0].begins, found[-1].begins) == (hours, first, last)


def test_the_hour_that_comes_twice_is_two_hours():
    first = datetime(2026, 11, 1, 5, 30, tzinfo=UTC)  # 01:30, daylight time
    hours = rules.per_hour(NEW_YORK, date(2026, 11, 1), [first, first + timedelta(hours=1)])
    assert [(one.begins, one.cards) for one in hours if one.cards] == [("01:00", 1), ("01:00", 1)]


def test_midnight_belongs_to_the_day_that_begins():
    late, early = run(at=86_400 - 50), run(at=86_400 - 49)
    assert late.ended_at == END
    assert of(late).completed == 0
    assert of(run(at=86_400 - 51), early).completed == 1


def test_first_pass_yield_is_of_the_runs_with_a_verdict():
    again = (*ALL[:3], RunState.SEED_STORED, *ALL[3:])
    found = of(
        run(),
        run(at=100),
        run(at=200, steps=again),
        run(at=300, steps=ALL[:2], result=RunResult.QUARANTINED),
        run(at=400, steps=ALL[:1], result=RunResult.CANCELLED),
        run(at=500, steps=ALL[:2], ended=False),
    ).first_pass
    assert (found.verdicts, found.first_pass, found.share) == (4, 2, 0.5)
    assert of().first_pass.share is None


def test_failures_are_told_by_the_step_that_was_not_done_the_most_frequent_first():
    again = (*ALL[:3], RunState.SEED_STORED, *ALL[3:])
    runs = [
        run(steps=again),
        run(at=100, steps=ALL[:2], result=RunResult.QUARANTINED),  # the seed was not stored
        run(at=200, steps=ALL[:3], ended=False),  # no PIN at the end of the day
        run(at=300, steps=ALL[:1], result=RunResult.CANCELLED),
        run(at=400),
    ]
    found = [(one.step, one.failures, round(one.cumulative, 2)) for one in of(*runs).failures]
    assert found == [(RunState.SEED_STORED, 2, 0.67), (RunState.PIN_SET, 1, 1.0)]
    under_way = [(one.step, one.failures) for one in of(*runs, over=False).failures]
    assert under_way == [(RunState.SEED_STORED, 2)]
    assert of().failures == ()


def test_cycle_times_are_from_reservation_to_end():
    found = of(run(seconds=2), run(seconds=2), run(seconds=4), run(seconds=1000)).cycle_times
    assert (found.median, found.ninetieth) == (15, 5000)
    assert sum(bar.cards for bar in found.bars) == 4
    assert found.bars[-1].high is None or found.bars[-1].high > 5000


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=300))
def test_every_cycle_time_is_in_the_one_bar_that_holds_it(seconds):
    bars = rules.cycle_times(seconds).bars
    assert len(bars) <= rules.MOST_BARS
    assert sum(bar.cards for bar in bars) == len(seconds)
    for low, high in pairwise(bars):
        assert low.high == high.low
    for bar in bars:
        inside = [one for one in seconds if bar.low <= one and (bar.high is None or one < bar.high)]
        assert len(inside) == bar.cards


def test_slots_work_from_the_first_to_the_last_step_of_each_run():
    found = of(run(slot=1), run(at=50, slot=1), run(at=0, slot=2), run(at=0, slot=None)).slots
    assert [(one.slot, one.cards, one.seconds, one.share) for one in found] == [
        (1, 2, 100.0, 1.0),
        (2, 1, 50.0, 0.5),
    ]
    assert of(run(slot=None)).slots == ()


def test_a_run_over_midnight_counts_for_each_day_with_its_part():
    over_midnight = run(at=-20)
    assert [one.seconds for one in of(over_midnight).slots] == [30.0]


def test_activations_are_counted_for_three_weeks_and_what_is_overdue():
    days = [DAY - timedelta(days=1), DAY, DAY, DAY + timedelta(days=20), DAY + timedelta(days=21)]
    found = of(due=days)
    assert (len(found.due), found.overdue) == (21, 1)
    assert {one.day: one.cards for one in found.due if one.cards} == {DAY: 2, DAY + timedelta(days=20): 1}


@given(st.floats(0.001, 1e9))
def test_a_round_number_is_the_next_one_two_or_five(value):
    found = rules.round_up(value)
    assert found >= value or (found == 1 and value <= 1)
    assert str(found).rstrip("0") in ("1", "2", "5")
    assert found < value * 2.6 or found == 1
