"""The jobs run beside the page, by one process of a home at a time."""

import json
import signal
import subprocess
import sys
import threading

import pytest
from sqlalchemy import select

from dscplus_station import locks
from dscplus_station.activation.rules import TimerState
from dscplus_station.activation.tables import ActivationTimer
from dscplus_station.errors import HeldByAnother
from dscplus_station.jobs import background, records, running
from dscplus_station.jobs.background import jobs_beside
from dscplus_station.jobs.catalogue import JOBS
from dscplus_station.jobs.running import owning
from dscplus_station.notices import gateways

TIMEOUT = 60


@pytest.fixture
def rounds(monkeypatch):
    """An event, set when the last job of a round has run."""
    done = threading.Event()
    monkeypatch.setattr(background, "_note", lambda ran: done.set() if ran.job == JOBS[-1].name else None)
    monkeypatch.setattr(background, "ASK_AGAIN_S", 0.01)
    return done


def test_r13_what_is_due_becomes_active_while_the_page_is_served(world, rounds):
    world.stock(2)
    world.shipped()
    world.at(days=14)
    with jobs_beside(world.station, "serve"):
        assert rounds.wait(TIMEOUT)
        assert records.owner(world.station).startswith("serve, pid ")
        with (
            pytest.raises(HeldByAnother, match="job runner is held by serve, pid "),
            owning(world.station, "x"),
        ):
            pass
    assert records.owner(world.station) is None
    with world.station.database.reading() as session:
        assert session.scalars(select(ActivationTimer.state)).one() is TimerState.DONE


def test_who_comes_second_stands_by_and_takes_over(world, rounds):
    held, freed = threading.Event(), threading.Event()

    def hold_a_while():
        with locks.hold(world.home.locks, records.OWNERSHIP, "jobs run"):
            held.set()
            freed.wait(TIMEOUT)

    other = threading.Thread(target=hold_a_while)
    other.start()
    assert held.wait(TIMEOUT)
    with jobs_beside(world.station, "serve"):
        assert records.records(world.station) == {}
        freed.set()
        assert rounds.wait(TIMEOUT)
    other.join(TIMEOUT)
    assert set(records.records(world.station)) == {job.name for job in JOBS}


def test_an_end_waits_for_a_message_as_long_as_its_gateway_may_take():
    """Who is told R13's date by text message would be told twice, if a slow gateway were not waited for."""
    assert background.END_TIMEOUT_S > gateways.TIMEOUT


def test_a_mistake_of_the_runner_itself_is_logged_and_it_goes_on(world, rounds, monkeypatch):
    mistakes = [RuntimeError("once")]

    def read(station):
        if mistakes:
            raise mistakes.pop()
        return records.records(station)

    monkeypatch.setattr(running, "records", read)
    monkeypatch.setattr(running, "LOOK_EVERY_S", 0.01)
    with jobs_beside(world.station, "serve"):
        assert rounds.wait(TIMEOUT)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_until_stopped_it_tells_each_run_in_a_line_and_ends_cleanly(bench, number):
    command = [sys.executable, "-c", "from dscplus_station.cli import main; main()"]
    command += ["jobs", "run", "--until-stopped", "--json", "--home", str(bench.world.home.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        lines = [json.loads(process.stdout.readline()) for _ in JOBS]
        assert [(line["job"], line["outcome"]) for line in lines] == [(job.name, "DONE") for job in JOBS]
        listed = bench.json("jobs", "list")
        assert listed["owner"] == f"jobs run, pid {process.pid}"
        refused = bench.run("jobs", "run", "--until-stopped", code=5).stderr
        assert f"job runner is held by jobs run, pid {process.pid}: wait for it, or stop it" in refused
        process.send_signal(number)
        output, errors = process.communicate(timeout=TIMEOUT)
    assert (process.returncode, output) == (0, "")
    assert errors.splitlines() == ["running the jobs (Ctrl-C ends it)", "stopped, as asked"]
    assert bench.json("jobs", "list")["owner"] is None
