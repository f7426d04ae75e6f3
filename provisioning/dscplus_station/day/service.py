"""The day's picture out of the journal and the timers, by indexes."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import islice
from typing import TypeVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dscplus_station.activation.rules import TimerState
from dscplus_station.activation.tables import ActivationTimer
from dscplus_station.actor import Actor
from dscplus_station.day.rules import DUE_DAYS, Picture, Run, Step, bounds, picture
from dscplus_station.lists.service import LISTINGS
from dscplus_station.personalise import tables
from dscplus_station.station import Station

RUNS_A_QUERY = 500
_Item = TypeVar("_Item")


def picture_of(station: Station, actor: Actor, on: date | None = None) -> Picture:
    """The figures of a day: today unless asked otherwise.

    Timers are taken as they stand now: what was due on a past day has been activated since.

    Raises:
        NotPermitted: the actor may not look at the list of cards; a day to come.
    """
    actor.require_one_of(LISTINGS["cards"].roles, "look at the day's picture")
    day = station.day(on)
    begin, end = bounds(station.settings.zone, day)
    with station.database.reading() as session:
        runs, due = _runs(session, begin, end), _due(session, day)
    return picture(station.settings.zone, day, runs, due, over=station.now() >= end)


def _runs(session: Session, begin: datetime, end: datetime) -> list[Run]:
    """The runs that began or ended in a time, with all their steps."""
    run, step = tables.Run, tables.RunStep
    columns = (run.id, run.started_at, run.ended_at, run.result)
    found = {
        row.id: row
        for column in (run.started_at, run.ended_at)
        for row in session.execute(select(*columns).where(column >= begin, column < end))
    }
    steps: dict[str, list[Step]] = defaultdict(list)
    for names in _pieces(iter(found), RUNS_A_QUERY):
        for row in session.execute(
            select(step.run_id, step.step, step.at, step.slot).where(step.run_id.in_(names)).order_by(step.id)
        ):
            steps[row.run_id].append(Step(row.step, row.at, row.slot))
    return [Run(row.started_at, row.ended_at, row.result, tuple(steps[name])) for name, row in found.items()]


def _due(session: Session, day: date) -> list[date]:
    """The days of the running timers, up to three weeks from a day."""
    timer = ActivationTimer
    query = (
        select(timer.due_on, func.count())
        .where(timer.state == TimerState.RUNNING, timer.due_on < day + timedelta(days=DUE_DAYS))
        .group_by(timer.due_on)
    )
    return [on for on, number in session.execute(query) for _ in range(number)]


def _pieces(items: Iterator[_Item], size: int) -> Iterator[list[_Item]]:
    while piece := list(islice(items, size)):
        yield piece
