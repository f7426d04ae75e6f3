"""Plots as SVG, drawn here: bars with axes and labels, a line of shares above them if asked.

Every colour has a contrast of at least 4.5 on white, and nothing is told by colour alone: bars carry their
numbers, the line has markers. The page has the same figures as a table.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from dscplus_station.day.rules import round_up

WIDTH, HEIGHT = 760, 280
LEFT, RIGHT, TOP, BOTTOM = 62, 56, 40, 66
BAR, LINE, INK, GRID = "#0b4f8a", "#a14a00", "#16202a", "#c3ccd4"
TICKS = 5
WIDEST = 72
MOST_LABELS = 12
"""Labels under the bars; of more bars only every second, third … is named."""


@dataclass(frozen=True)
class Plot:
    """What a plot shows. `name` is unique on its page; `line` has shares of 1, one a bar."""

    name: str
    title: str
    described: str
    labels: Sequence[str]
    values: Sequence[float]
    x_axis: str
    y_axis: str
    line: Sequence[float] | None = None
    y_most: float | None = None
    """The upper end of the axis; without it, as the values need."""


def svg(plot: Plot) -> str:
    """The plot as an SVG element with title and description, for the inside of a page."""
    top = plot.y_most or axis_end(max(plot.values, default=0))
    inner_width, inner_height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    floor = HEIGHT - BOTTOM
    slot = inner_width / max(1, len(plot.values))
    wide = min(slot * 0.76, WIDEST)
    every = -(-len(plot.labels) // MOST_LABELS)
    parts = [
        f'<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" font-size="16" fill="{INK}" role="img"',
        f' aria-labelledby="{plot.name}-title {plot.name}-desc">',
        f'<title id="{plot.name}-title">{escape(plot.title)}</title>',
        f'<desc id="{plot.name}-desc">{escape(plot.described)}</desc>',
    ]

    def y(value: float) -> float:
        return round(TOP + inner_height * (1 - min(value, top) / top), 1)

    for tick in range(TICKS + 1):
        value = top * tick / TICKS
        parts.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value)}" y2="{y(value)}" stroke="{GRID}"/>'
            f'<text x="{LEFT - 8}" y="{y(value) + 4}" text-anchor="end">{_number(value)}</text>'
        )
    for n, (label, value) in enumerate(zip(plot.labels, plot.values, strict=True)):
        middle = LEFT + (n + 0.5) * slot
        if value:
            parts.append(
                f'<rect x="{middle - wide / 2:.1f}" width="{wide:.1f}" y="{y(value)}"'
                f' height="{floor - y(value):.1f}" fill="{BAR}"/>'
                f'<text x="{middle:.1f}" y="{y(value) - 5}" text-anchor="middle">{_number(value)}</text>'
            )
        if n % every == 0:
            parts.append(
                f'<text x="{middle:.1f}" y="{floor + 22}" text-anchor="middle">{escape(label)}</text>'
            )
    if plot.line is not None:
        points = [
            (round(LEFT + (n + 0.5) * slot, 1), round(TOP + inner_height * (1 - share), 1))
            for n, share in enumerate(plot.line)
        ]
        parts.append(
            f'<polyline points="{" ".join(f"{x},{at}" for x, at in points)}" fill="none"'
            f' stroke="{LINE}" stroke-width="2.5" stroke-dasharray="6 3"/>'
        )
        parts += [f'<circle cx="{x}" cy="{at}" r="4.5" fill="{LINE}"/>' for x, at in points]
        parts += [
            f'<text x="{WIDTH - RIGHT + 6}" y="{TOP + inner_height * (1 - share) + 4:.1f}"'
            f' fill="{LINE}">{share:.0%}</text>'
            for share in (0.0, 0.5, 1.0)
        ]
    parts.append(
        f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{floor}" y2="{floor}" stroke="{INK}"/>'
        f'<text x="{WIDTH / 2}" y="{HEIGHT - 12}" text-anchor="middle">{escape(plot.x_axis)}</text>'
        f'<text x="4" y="18">{escape(plot.y_axis)}</text></svg>'
    )
    return "".join(parts)


def axis_end(most: float) -> int:
    """Where an axis of whole numbers ends, so that its ticks are whole numbers, too."""
    return TICKS * round_up(max(1.0, most * 1.05 / TICKS))


def _number(value: float) -> str:
    return f"{value:.0f}" if value == int(value) else f"{value:.1f}"
