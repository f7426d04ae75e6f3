"""Draws the table for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from .measure import median, spread
from .records import Goal, Row, Section

WIDTH_WITHOUT_TERMINAL = 130


def draw(sections: Sequence[Section], versions: Mapping[str, str], started: str) -> None:
    """Prints versions, then the table, to standard output."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=WIDTH_WITHOUT_TERMINAL)
    console.print(f"Measured {started}")
    for name, value in versions.items():
        console.print(f"  {name}: {value}")
    table = Table()
    table.add_column("measured")
    table.add_column("median", justify="right")
    table.add_column("spread", justify="right")
    table.add_column("times another's time or size")
    table.add_column("goal")
    for section in sections:
        table.add_section()
        table.add_row(f"[bold]{section.title}[/bold]")
        for row in section.rows:
            table.add_row(f"  {row.name}", _value(row), _spread(row.values), _beside(row), _goal(row.goal))
    console.print(table)
    console.print("Spread: half the distance between the quartiles of the rounds, relative to the median.")


def _value(row: Row) -> str:
    return f"{_number(median(row.values))} {row.unit}"


def _spread(values: Sequence[float]) -> str:
    return f"± {spread(values):.0%}" if len(values) > 1 else ""


def _beside(row: Row) -> str:
    return "\n".join(
        f"{_number(median(values))} × {name}" + (f" ({_spread(values)})" if len(values) > 1 else "")
        for name, values in row.ratios.items()
    )


def _goal(goal: Goal | None) -> str:
    if goal is None:
        return ""
    return f"[green]✓[/green] {goal.text}" if goal.met else f"[red]✗[/red] {goal.text}"


def _number(value: float) -> str:
    """Three significant digits, or the whole number where it has more."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
