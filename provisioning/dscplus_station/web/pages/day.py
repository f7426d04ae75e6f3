"""The day's picture: figures, plots, and each plot's figures as a table."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from markupsafe import Markup

from dscplus_station import catalogue
from dscplus_station.day.plot import Plot, svg
from dscplus_station.day.rules import Picture
from dscplus_station.day.service import picture_of
from dscplus_station.lists.rules import read_day
from dscplus_station.notices.overview import without_gateway
from dscplus_station.notices.rules import TOLD_WITHIN
from dscplus_station.web.deps import KioskHere, SignedIn
from dscplus_station.web.jobs import job_troubles
from dscplus_station.web.language import language_of
from dscplus_station.web.render import gettext_of, page
from dscplus_station.wording import N_

router = APIRouter()

STEPS = {
    "RESERVED": N_("reserving"),
    "KEYS_ROTATED": N_("rotating keys"),
    "SEED_STORED": N_("storing the seed"),
    "PIN_SET": N_("setting the PIN"),
    "VERIFIED": N_("verifying"),
    "SECURED": N_("securing"),
}
"""The step that is tried, where the records have the one that is done."""


@dataclass(frozen=True)
class Figure:
    """A plot with its table; `empty` is said instead where there is nothing to plot."""

    title: str
    name: str
    svg: Markup
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    empty: str | None
    note: str = ""


@router.get("/day")
def show(request: Request, kiosk: KioskHere, actor: SignedIn, on: str = "") -> Response:
    """A day's picture: today's, or that of the day that is asked for."""
    station = kiosk.station
    found = picture_of(station, actor, read_day("day", "on", on.strip() or None))
    today = station.today()
    return page(
        request,
        "day/day.html",
        found=found,
        job_troubles=job_troubles(station),
        without_gateway=[(one, n, TOLD_WITHIN[one].days) for one, n in without_gateway(station).items()],
        figures=_figures(request, found),
        before=found.day - timedelta(days=1),
        after=found.day + timedelta(days=1) if found.day < today else None,
        latest=None if station.settings.demo else today,
    )


def _figures(request: Request, found: Picture) -> list[Figure]:
    _ = gettext_of(request)
    language = language_of(request)
    cycle, use, failed = found.cycle_times, found.slots, found.failures
    bars = [(f"{bar.low}–{bar.high}" if bar.high else f"≥ {bar.low}", bar.cards) for bar in cycle.bars]
    return [
        _figure(
            Plot(
                "hours",
                _("Cards an hour"),
                _("Bars: how many cards were completed in each hour of the day."),
                [one.begins for one in found.hours],
                [one.cards for one in found.hours],
                _("Hour, local time"),
                _("Cards"),
            ),
            (_("Hour"), _("Cards")),
            [(one.begins, one.cards) for one in found.hours],
            _("No card was completed on this day.") if not found.completed else None,
        ),
        _figure(
            Plot(
                "cycle",
                _("Cycle times"),
                _("Bars: how many cards took how many seconds from reservation to the end."),
                [label for label, _cards in bars],
                [cards for _label, cards in bars],
                _("Seconds"),
                _("Cards"),
            ),
            (_("Seconds"), _("Cards")),
            list(bars),
            _("No card was completed on this day.") if cycle.median is None else None,
        ),
        _figure(
            Plot(
                "failures",
                _("Failures by step"),
                _("Bars: failures of each step, the most frequent first. Line: their shares, added up."),
                [_(STEPS[one.step]) for one in failed],
                [one.failures for one in failed],
                _("Step"),
                _("Failures"),
                line=[one.cumulative for one in failed],
            ),
            (_("Step"), _("Failures"), _("Added up")),
            [(_(STEPS[one.step]), one.failures, f"{one.cumulative:.0%}") for one in failed],
            _("No step failed.") if not failed else None,
        ),
        _figure(
            Plot(
                "slots",
                _("Slots at work"),
                _("Bars: the share of the time, from the first step to the last, that each slot worked."),
                [str(one.slot) for one in use],
                [round(one.share * 100, 1) for one in use],
                _("Slot"),
                "%",
                y_most=100,
            ),
            (_("Slot"), _("Cards"), _("Seconds"), _("Share")),
            [(one.slot, one.cards, f"{one.seconds:.0f}", f"{one.share:.0%}") for one in use],
            _("No card was in a slot.") if not use else None,
        ),
        _figure(
            Plot(
                "due",
                _("Activations due"),
                _("Bars: how many cards activate by themselves on each day of three weeks."),
                [f"{one.day.day}" for one in found.due],
                [one.cards for one in found.due],
                _("Day of the month"),
                _("Cards"),
            ),
            (_("Day"), _("Cards")),
            [(catalogue.day(language, one.day), one.cards) for one in found.due],
            None,
            _("Overdue: %(n)s", n=found.overdue) if found.overdue else "",
        ),
    ]


def _figure(
    plot: Plot, columns: tuple[str, ...], rows: list[tuple[Any, ...]], empty: str | None, note: str = ""
) -> Figure:
    drawn = Markup(svg(plot))  # noqa: S704 (plot.svg escapes every text)
    return Figure(plot.title, plot.name, drawn, columns, rows, empty, note)
