"""`dsc-station jobs`."""

import json
import signal
from datetime import datetime, timedelta
from threading import Event
from typing import Any

import click

from dscplus_station.cli.common import Desk, command, fail, table
from dscplus_station.errors import WrongUsage
from dscplus_station.jobs import records, running, standing
from dscplus_station.jobs.catalogue import JOBS, job_named
from dscplus_station.jobs.rules import Outcome
from dscplus_station.jobs.running import Ran
from dscplus_station.jobs.standing import Standing

OWNER = "jobs run"


@click.group()
def jobs() -> None:
    """What has to be done regularly: how it stands; do it."""


@jobs.command("list")
@command
def list_(desk: Desk) -> None:
    """Each job: when it ran last, what came of it, when it is due; and which process runs them.

    \b
    Example:
      dsc-station jobs list
    """
    owner, standings = records.owner(desk.station), standing.standings(desk.station)
    now = desk.station.now()

    def words() -> None:
        columns = ("job", "every", "rules", "last run", "outcome", "next", "what it did")
        table(columns, [_row(one, now) for one in standings], "no jobs")
        if owner is None:
            click.echo("nobody runs them: dsc-station serve, or jobs run --until-stopped", err=True)
        else:
            click.echo(f"run by {owner}", err=True)

    document = {"owner": owner, "jobs": [_told(one) for one in standings]}
    desk.tell("jobs", document, words)


@jobs.command("run")
@click.argument("name", required=False)
@click.option(
    "--until-stopped/--once",
    "until_stopped",
    default=False,
    help="Run what is due whenever it is, until Ctrl-C or SIGTERM; or (default) each once, now, and end.",
)
@command
def run(desk: Desk, name: str | None, until_stopped: bool) -> None:
    """Run the jobs, or the one called NAME. Late or twice is safe: a run does what is due then.

    One process of a home runs them until stopped, this one or `dsc-station serve`. A job that fails holds up
    no other; it is tried again after 1, 2, 4 … 60 minutes. With --json, one document a run, a line each.

    \b
    Example:
      dsc-station jobs run notices
      dsc-station jobs run --until-stopped
    """
    if until_stopped:
        if name is not None:
            raise WrongUsage("one job by its NAME runs once; --until-stopped runs them all")
        _run_until_stopped(desk)
        return
    chosen = JOBS if name is None else (job_named(name),)
    stopping = _stopped_by_signals()
    runner, ended = running.Runner(desk.station), []
    for job in chosen:
        if stopping.is_set():
            break
        ended.append(runner.run(job, stopping.is_set))
        _tell(desk, ended[-1])
    if len(ended) < len(chosen):
        fail(f"stopped, as asked, before {chosen[len(ended)].name}", 1)
    if name is not None and ended[0].outcome is Outcome.HELD:
        fail(ended[0].told, 5)
    if wrong := [one.job for one in ended if one.outcome is not Outcome.DONE or one.unrecorded]:
        fail(f"not all was done: {', '.join(wrong)}", 1)


def _run_until_stopped(desk: Desk) -> None:
    station = desk.station
    with running.owning(station, OWNER):
        stopping = _stopped_by_signals()
        click.echo("running the jobs (Ctrl-C ends it)", err=True)
        running.run_until_stopped(station, stopping, lambda ran: _tell(desk, ran))
        click.echo("stopped, as asked", err=True)


def _stopped_by_signals() -> Event:
    """Set by Ctrl-C or SIGTERM. What runs then ends first; a second signal ends the process at once."""
    stopping = Event()

    def stop(number: int, _frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    return stopping


def _tell(desk: Desk, ran: Ran) -> None:
    """One line a run."""
    took = round((ran.ended_at - ran.started_at) / timedelta(milliseconds=1))
    document = {
        "format": "dsc-station.job-run/1",
        "job": ran.job,
        "outcome": ran.outcome,
        "told": ran.told,
        "started_at": ran.started_at.isoformat(timespec="seconds"),
        "milliseconds": took,
        "next_at": ran.next_at.isoformat(timespec="seconds"),
        "unrecorded": ran.unrecorded,
    }
    if desk.as_json:
        click.echo(json.dumps(document))
        return
    started = f"{ran.started_at:%Y-%m-%dT%H:%M:%SZ}"
    unrecorded = f" (not on record: {ran.unrecorded})" if ran.unrecorded else ""
    click.echo(f"{started} {ran.job} {ran.outcome} in {took} ms: {ran.told}{unrecorded}")


def _told(one: Standing) -> dict[str, Any]:
    return {
        "job": one.name,
        "does": one.does,
        "rules": one.rules,
        "every_seconds": one.every // timedelta(seconds=1),
        "last_at": one.last_at,
        "outcome": one.outcome,
        "told": one.told,
        "failures": one.failures,
        "done_at": one.done_at,
        "next_at": one.next_at,
    }


def _row(one: Standing, now: datetime) -> list[object]:
    every = f"{one.every // timedelta(minutes=1)} min"
    outcome = f"{one.outcome} ({one.failures} in a row)" if one.failures else one.outcome
    following = "due" if one.next_at is None or one.next_at <= now else one.next_at
    return [one.name, every, one.rules, one.last_at, outcome or "never ran", following, one.told or one.does]
