"""Letting a demo's days pass: the jobs of each night run, so that cards activate and notices are written."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from dscplus_station.activation.daily import run_timers
from dscplus_station.actor import Actor, Role
from dscplus_station.errors import HeldByAnother, NotPermitted
from dscplus_station.moved_clock import moved_clock
from dscplus_station.notices.gateways.mailbox import mailboxes
from dscplus_station.notices.sending import send_due
from dscplus_station.station import Station

MOST_DAYS = 366
PATIENCE_S = 10.0
LOOK_S = 0.02
_Done = TypeVar("_Done")
JOBS = "sample-jobs"
"""Who runs the jobs, in the records."""


@dataclass(frozen=True)
class Passed:
    """What came of days that passed: cards that activated by their timers, notices that went out."""

    days: int
    activated: int
    sent: int


def pass_days(station: Station, days: int) -> Passed:
    """Move a demo home's clock on, day by day.

    Raises:
        NotPermitted: this is no demo home, or it is more than a year.
    """
    if not station.settings.demo or not 1 <= days <= MOST_DAYS:
        raise NotPermitted("only a demo's clock can be moved, by 1 to {most} days", most=MOST_DAYS)
    clock = moved_clock(station.home)
    jobs = Actor(JOBS, frozenset({Role.CLIENT_SERVICES}), station.settings.station)
    activated = sent = 0
    for _ in range(days):
        clock.go_on(timedelta(days=1))
        activated += len(_in_turn(lambda: run_timers(station, jobs)).activated)
        sent += len(_in_turn(lambda: send_due(station, jobs, mailboxes(station.home))).sent)
    return Passed(days, activated, sent)


def _in_turn(run: Callable[[], _Done]) -> _Done:
    """Run a job of the night; the page's own jobs may be at it just now, and are soon done."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return run()
        except HeldByAnother:
            if time.monotonic() >= deadline:
                raise
            time.sleep(LOOK_S)
