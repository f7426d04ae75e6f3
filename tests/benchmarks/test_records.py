"""The arithmetic and the document of the benchmarks; what they measure is no test's business."""

import pytest

from benchmarks.measure import Subject, interleave, ratios, spread
from benchmarks.records import Section, as_document, at_most, duration, rate


def test_ratios_are_taken_round_by_round() -> None:
    # A machine twice as slow in the second round changes both, and so no ratio.
    assert ratios((1.0, 2.0), (4.0, 8.0)) == (0.25, 0.25)


def test_spread_is_half_the_quartile_distance_over_the_median() -> None:
    assert spread((8.0, 9.0, 10.0, 11.0, 12.0)) == pytest.approx(0.1)
    assert spread((7.0,)) == 0.0


def test_every_subject_runs_in_every_round_and_the_first_round_is_dropped() -> None:
    calls: list[str] = []
    subjects = [Subject(name, lambda _times, name=name: calls.append(name), batch=1) for name in ("a", "b")]
    seconds = interleave(subjects, rounds=3)
    assert calls == ["a", "b", "b", "a", "a", "b", "b", "a"]
    assert [len(values) for values in seconds.values()] == [3, 3]


def test_time_that_is_not_the_subjects_own_is_taken_off() -> None:
    seconds = interleave([Subject("a", lambda _times: 10.0, batch=1)], rounds=1)
    assert -10.0 < seconds["a"][0] < -9.0


def test_goal_compares_the_median() -> None:
    assert at_most(1.0, (0.9, 1.0, 5.0), "≤ 1").met
    assert not at_most(1.0, (0.9, 1.1, 5.0), "≤ 1").met


def test_document_has_medians_rounds_ratios_and_goals() -> None:
    goal = at_most(0.5, (0.25, 0.25), "≤ half")
    slow = duration("slow", (1.0, 2.0), {"base": (4.0, 8.0)}, goal)
    section = Section("s", (rate("fast", (0.25, 0.5)), slow))
    document = as_document([section], {"Python": "3"}, "2026-11-22 16:00 UTC")
    assert document["versions"] == {"Python": "3"}
    assert document["sections"] == [
        {
            "title": "s",
            "rows": [
                {
                    "name": "fast",
                    "unit": "/s",
                    "median": 3.0,
                    "spread": pytest.approx(1 / 6),
                    "rounds": [4.0, 2.0],
                    "ratios": {},
                    "goal": None,
                },
                {
                    "name": "slow",
                    "unit": "ms",
                    "median": 1500.0,
                    "spread": pytest.approx(1 / 6),
                    "rounds": [1000.0, 2000.0],
                    "ratios": {"base": {"median": 0.25, "spread": 0.0}},
                    "goal": {"text": "≤ half", "met": True},
                },
            ],
        }
    ]
