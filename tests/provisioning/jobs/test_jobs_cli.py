"""`dsc-station jobs`: the list, one job by its name, all of them once, and its exit codes."""

import json
import os
import re
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dscplus_station import locks
from dscplus_station.cli import jobs as commands
from dscplus_station.errors import StationError
from dscplus_station.jobs import catalogue
from dscplus_station.jobs.catalogue import JOBS, Did, Job
from dscplus_station.notices.contacts import set_contact
from dscplus_station.notices.rules import Channel
from tests.provisioning.support import CARDS


def job(name, deed):
    return Job(name, "a test's", "-", timedelta(minutes=10), deed)


def failing(_station, _actor, _stop):
    raise StationError("the mail server is down")


@pytest.fixture
def signals():
    """Puts back what handles signals in this process."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture(autouse=True)
def _signals(signals):
    pass


def test_the_list_tells_what_each_does_and_that_nobody_runs_them(bench):
    listed = bench.json("jobs", "list")
    assert listed["owner"] is None
    assert [(one["job"], one["every_seconds"], one["outcome"]) for one in listed["jobs"]] == [
        (one.name, one.every.total_seconds(), None) for one in JOBS
    ]
    shown = bench.run("jobs", "list")
    assert "never ran" in shown.stdout and "activates what is due" in shown.stdout
    assert "nobody runs them" in shown.stderr


def test_all_run_once_a_line_each_and_the_list_tells_it(bench):
    ran = bench.run("jobs", "run", "--json").stdout.splitlines()
    assert [json.loads(line)["job"] for line in ran] == [one.name for one in JOBS]
    assert {one["outcome"] for one in bench.json("jobs", "list")["jobs"]} == {"DONE"}
    (line,) = bench.run("jobs", "run", "activation", "--once").stdout.splitlines()
    assert line.endswith("0 cards activated, 0 announced") and " activation DONE in " in line


def test_a_job_that_fails_is_told_at_the_end_and_the_others_run(bench, monkeypatch):
    monkeypatch.setattr(commands, "JOBS", (job("first", failing), job("second", lambda *_: Did("fine"))))
    ran = bench.run("jobs", "run", code=1)
    assert [line.split()[1:3] for line in ran.stdout.splitlines()] == [
        ["first", "FAILED"],
        ["second", "DONE"],
    ]
    assert "not all was done: first" in ran.stderr


def test_a_failure_is_in_the_list_with_its_count_and_its_next_time(bench, monkeypatch):
    broken = Job("activation", "a test's", "-", timedelta(minutes=10), failing)
    monkeypatch.setattr(catalogue, "JOBS", (broken,))
    for _ in range(2):
        bench.run("jobs", "run", "activation", code=1)
    listed = bench.json("jobs", "list")["jobs"][0]
    assert (listed["outcome"], listed["failures"], listed["told"]) == ("FAILED", 2, "the mail server is down")
    assert "FAILED (2 in a row)" in bench.run("jobs", "list").stdout


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("nonsense",), 3, "no job 'nonsense': there are activation, notices"),
        (("activation", "--until-stopped"), 2, "one job by its NAME runs once"),
    ],
)
def test_what_cannot_be_asked_is_refused(bench, arguments, code, told):
    assert told in bench.run("jobs", "run", *arguments, code=code).stderr


def test_a_job_that_another_process_is_at_is_told_with_its_holder(bench):
    with locks.hold(bench.world.home.locks, "job activation", "activation run"):
        refused = bench.run("jobs", "run", "activation", code=5)
        bench.run("jobs", "run", code=1)
    assert "job activation is held by activation run, pid " in refused.stderr


def test_a_signal_ends_it_when_the_job_that_runs_is_done(bench, monkeypatch):
    done = []

    def deed(_station, _actor, stop):
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop()
        done.append("all of it")
        return Did("finished")

    monkeypatch.setattr(commands, "JOBS", (job("first", deed), job("second", deed)))
    ended = bench.run("jobs", "run", code=1)
    assert done == ["all of it"] and " first DONE in " in ended.stdout
    assert "stopped, as asked, before second" in ended.stderr


def test_sigterm_while_notices_are_sent_is_told_as_a_stop_and_costs_the_rest_no_attempt(bench, monkeypatch):
    class Gateway:
        def __init__(self):
            self.taken = []

        def send(self, message):
            self.taken.append(message.to)
            if len(self.taken) == 1:
                os.kill(os.getpid(), signal.SIGTERM)

    gateway, users = Gateway(), ("alice", "bob")
    for user, order, card in zip(users, ("O-1", "O-2"), CARDS, strict=False):
        bench.world.shipped(order, card, user=user)
        set_contact(bench.world.station, bench.world.actor, user, email=f"{user}@example.com")
    monkeypatch.setattr(catalogue, "station_gateways", lambda _: {Channel.EMAIL: gateway})
    ended = bench.run("jobs", "run", "notices", code=1)
    assert " notices STOPPED in " in ended.stdout and "not all was done: notices" in ended.stderr
    told = {one["job"]: (one["outcome"], one["done_at"]) for one in bench.json("jobs", "list")["jobs"]}
    assert told["notices"] == ("STOPPED", None)
    attempts = [one["attempts"] for one in bench.json("notices", "list")["deliveries"]]
    assert sorted(attempts) == [0, 1]
    bench.run("jobs", "run", "notices")
    assert gateway.taken == ["alice@example.com", "bob@example.com"]


def test_the_audit_trail_says_which_job_did_it(bench):
    bench.world.moment = datetime.now(UTC) - timedelta(days=20)
    bench.world.shipped()
    bench.run("jobs", "run", "activation")
    operators = {row["operator"] for row in bench.json("audit", "list")["deeds"]}
    assert "job:activation" in operators


def test_the_page_of_jobs_has_each_as_it_is():
    page = (Path(__file__).parents[3] / "docs" / "jobs.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+?) \| (\d+) min \|$", page, re.MULTILINE)
    assert rows == [(one.name, one.does, one.rules, f"{one.every.total_seconds() / 60:.0f}") for one in JOBS]
    assert "ExecStart=/opt/dscplus/bin/dsc-station jobs run --until-stopped\n" in page
