"""What a measurement gives: rows of one table, still as numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .measure import median, ratios, spread


@dataclass(frozen=True)
class Goal:
    """What we aim at, in words, and whether this run reached it. A goal missed is shown; it fails nothing."""

    text: str
    met: bool


@dataclass(frozen=True)
class Row:
    """One measured quantity."""

    name: str
    values: tuple[float, ...]
    """One value a round, in `unit`."""
    unit: str
    ratios: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """Round by round, how many times each named baseline's time (or size) this takes."""
    goal: Goal | None = None


@dataclass(frozen=True)
class Section:
    """Rows that belong together."""

    title: str
    rows: tuple[Row, ...]


def rate(name: str, seconds: Sequence[float], beside: Mapping[str, Sequence[float]] | None = None) -> Row:
    """A row in operations a second, from the seconds of one; `beside`: the seconds of the baselines."""
    values = tuple(1 / value for value in seconds)
    return Row(name, values, "/s", _ratios(seconds, beside))


def duration(
    name: str,
    seconds: Sequence[float],
    beside: Mapping[str, Sequence[float]] | None = None,
    goal: Goal | None = None,
) -> Row:
    """A row in milliseconds."""
    values = tuple(value * 1000 for value in seconds)
    return Row(name, values, "ms", _ratios(seconds, beside), goal)


def at_most(limit: float, values: Sequence[float], text: str) -> Goal:
    """The goal that the median of `values` does not exceed `limit`."""
    return Goal(text, median(values) <= limit)


def as_document(sections: Sequence[Section], versions: Mapping[str, str], started: str) -> dict[str, object]:
    """The whole table as one JSON document."""
    return {
        "format": "benchmarks.table/1",
        "started": started,
        "versions": dict(versions),
        "sections": [
            {"title": section.title, "rows": [_row_as_document(row) for row in section.rows]}
            for section in sections
        ],
    }


def _ratios(
    seconds: Sequence[float], beside: Mapping[str, Sequence[float]] | None
) -> dict[str, tuple[float, ...]]:
    return {name: ratios(seconds, baseline) for name, baseline in (beside or {}).items()}


def _row_as_document(row: Row) -> dict[str, object]:
    return {
        "name": row.name,
        "unit": row.unit,
        "median": median(row.values),
        "spread": spread(row.values),
        "rounds": list(row.values),
        "ratios": {
            name: {"median": median(values), "spread": spread(values)} for name, values in row.ratios.items()
        },
        "goal": None if row.goal is None else {"text": row.goal.text, "met": row.goal.met},
    }
