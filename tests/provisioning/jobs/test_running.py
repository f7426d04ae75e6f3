"""Running jobs: when each is due, what a failure does to it and to the others, what is made up for (R13)."""

import errno
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from dscplus_station import locks
from dscplus_station.activation.daily import run_timers
from dscplus_station.activation.rules import TimerState
from dscplus_station.activation.tables import ActivationTimer
from dscplus_station.errors import DatabaseFailed, StationError
from dscplus_station.jobs import running
from dscplus_station.jobs.catalogue import JOBS, Did, Job, job_named
from dscplus_station.jobs.records import records, standings
from dscplus_station.jobs.rules import Outcome, is_due, next_run
from dscplus_station.jobs.running import Runner, run_until_stopped
from dscplus_station.jobs.tables import JobRecord
from dscplus_station.moved_clock import moved_clock
from dscplus_station.notices import sending
from dscplus_station.notices.contacts import set_contact
from dscplus_station.notices.gateways import Unavailable
from dscplus_station.notices.rules import Channel
from dscplus_station.opening import open_station
from tests.provisioning.support import CARDS, listed, order_values

NOW = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def go_on():
    """What `stop` says as long as nobody stops the process."""
    return False


def job(name, deed, every=10 * MINUTE):
    return Job(name, "a test's", "-", every, deed)


def fine(_station, _actor, _stop):
    return Did("fine")


def raising(error):
    def deed(_station, _actor, _stop):
        raise error

    return deed


def due_now(world, runner):
    return [(ran.job, ran.outcome) for ran in runner.run_due(go_on)]


# Rules


def test_a_job_that_fails_is_tried_again_later_and_later():
    waits = [next_run(NOW, 10 * MINUTE, Outcome.FAILED, n) - NOW for n in range(1, 12)]
    assert waits == [n * MINUTE for n in (1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60)]


@pytest.mark.parametrize("outcome", [Outcome.DONE, Outcome.IN_PART])
def test_a_job_that_did_its_work_runs_again_at_its_time(outcome):
    assert next_run(NOW, 10 * MINUTE, outcome, 0) == NOW + 10 * MINUTE


def test_a_job_that_another_process_is_at_is_looked_at_soon():
    assert next_run(NOW, 60 * MINUTE, Outcome.HELD, 0) == NOW + MINUTE


@pytest.mark.parametrize(
    ("next_at", "due"),
    [
        (None, True),
        (NOW + timedelta(microseconds=1), False),
        (NOW, True),
        (NOW - timedelta(days=9), True),
        (NOW + 60 * MINUTE, False),
        (NOW + 60 * MINUTE + timedelta(microseconds=1), True),  # written while the clock was wrong
        (NOW + timedelta(days=3650), True),
    ],
)
def test_a_job_is_due_when_it_never_ran_or_its_time_has_come(next_at, due):
    assert is_due(NOW, next_at, 10 * MINUTE) is due


def test_no_job_is_rarer_than_a_wrong_clock_is_noticed():
    assert all(one.every >= MINUTE for one in JOBS)
    assert [one.name for one in JOBS].index("activation") < [one.name for one in JOBS].index("notices")


# What an outage costs


@pytest.fixture
def posted(demo_world):
    """A replacement card in the post for alice, who is reached both ways; a demo's mailboxes."""
    demo_world.stock(2)
    demo_world.place(order_values(kind="replacement"))
    demo_world.secure()
    demo_world.ship()
    reached = {"email": "alice@example.com", "mobile": "+15550100200"}
    set_contact(demo_world.station, demo_world.actor, "alice", **reached)
    return demo_world


def kinds_sent(world):
    return {row["kind"] for row in listed(world.station, "notices") if row["state"] == "SENT"}


@pytest.mark.parametrize(
    ("days", "state", "told"),
    [
        (13, TimerState.RUNNING, set()),
        (14, TimerState.RUNNING, {"ACTIVATION_APPROACHING"}),
        (20, TimerState.RUNNING, {"ACTIVATION_IMMINENT"}),
        (21, TimerState.DONE, {"CARD_ACTIVATED"}),
        (28, TimerState.DONE, {"CARD_ACTIVATED"}),
    ],
)
def test_r13_the_first_run_after_an_outage_makes_up_for_it_and_no_date_moves(posted, days, state, told):
    """Nobody ran anything since the shipment; activation comes first, so its notices leave at once."""
    posted.at(days=days)
    ran = due_now(posted, Runner(posted.station))
    assert ran[:2] == [("activation", Outcome.DONE), ("notices", Outcome.DONE)]
    with posted.station.database.reading() as session:
        timer = session.scalars(select(ActivationTimer)).one()
    assert (timer.state, timer.due_on.isoformat()) == (state, "2026-12-13")
    shipped = {"CARD_SHIPPED"} if state is TimerState.RUNNING else set()
    assert kinds_sent(posted) == told | shipped
    assert due_now(posted, Runner(posted.station)) == []


def test_r13_a_demos_clock_that_was_moved_on_makes_the_jobs_due(posted):
    station = open_station(posted.home)
    runner = Runner(station)
    assert len(due_now(posted, runner)) == len(JOBS)
    assert due_now(posted, runner) == []
    moved_clock(posted.home).go_on(timedelta(days=60))
    assert [name for name, _ in due_now(posted, runner)] == [one.name for one in JOBS]
    with station.database.reading() as session:
        assert session.scalars(select(ActivationTimer.state)).one() is TimerState.DONE
    station.database.close()


# Failures


def test_a_job_that_fails_holds_up_no_other_and_is_told(world):
    jobs = [
        job("full", raising(StationError("the disk is full"))),
        job("system", raising(OSError(28, "No space left on device"))),
        job("wrong", raising(ValueError("PIN 2580"))),
        job("fine", fine),
    ]
    ran = {one.job: one for one in Runner(world.station, jobs).run_due(go_on)}
    assert [one.outcome for one in ran.values()] == [Outcome.FAILED] * 3 + [Outcome.DONE]
    assert ran["full"].told == "the disk is full"
    assert "No space left" in ran["system"].told
    assert ran["wrong"].told.startswith("ValueError in test_running.py, line ")
    known = records(world.station)
    assert [(known[name].outcome, known[name].failures) for name in ("full", "fine")] == [
        (Outcome.FAILED, 1),
        (Outcome.DONE, 0),
    ]
    assert known["full"].done_at is None
    assert "2580" not in (world.home.path / "station.db").read_bytes().decode("latin-1")


def test_a_failed_job_is_tried_again_to_the_minute_until_it_does_its_work(world):
    troubles = [StationError("down")] * 3

    def deed(_station, _actor, _stop):
        if troubles:
            raise troubles.pop()
        return Did("up again")

    runner = Runner(world.station, [job("gateway", deed)])
    for failures, minutes in ((1, 1), (2, 2), (3, 4)):
        assert due_now(world, runner) == [("gateway", Outcome.FAILED)]
        assert records(world.station)["gateway"].failures == failures
        world.at(minutes=minutes, microseconds=-1)
        assert due_now(world, Runner(world.station, [job("gateway", deed)])) == []
        world.at(microseconds=1)
    assert due_now(world, runner) == [("gateway", Outcome.DONE)]
    record = records(world.station)["gateway"]
    assert (record.failures, record.told, record.done_at) == (0, "up again", world.moment)


def test_a_failure_is_logged_once_as_long_as_it_stays_the_same(world, monkeypatch):
    troubles = ["down", "down", "full", None, "full"]

    def deed(_station, _actor, _stop):
        if trouble := troubles.pop(0):
            raise StationError(trouble)
        return Did("fine")

    logged = []
    monkeypatch.setattr(running.log, "error", lambda _event, *, outcome, told: logged.append((outcome, told)))
    runner = Runner(world.station)
    while troubles:
        runner.run(job("gateway", deed), go_on)
    assert logged == [(Outcome.FAILED, "down"), (Outcome.FAILED, "full"), (Outcome.FAILED, "full")]


def test_a_gateway_that_is_down_leaves_the_rest_done_and_the_message_for_later(posted, monkeypatch):
    class Gateway:
        down = True

        def send(self, _message):
            if self.down:
                raise Unavailable("connection refused")

    gateway = Gateway()
    monkeypatch.setattr("dscplus_station.jobs.catalogue.station_gateways", lambda _: {Channel.EMAIL: gateway})
    runner = Runner(posted.station)
    assert ("notices", Outcome.IN_PART) in due_now(posted, runner)
    told = records(posted.station)["notices"].told
    assert told.startswith("0 sent, 1 to be tried again") and told.endswith("connection refused")
    gateway.down = False
    posted.at(minutes=1)
    assert due_now(posted, runner) == [("notices", Outcome.DONE)]
    assert kinds_sent(posted) == {"CARD_SHIPPED"}


def test_what_cannot_be_put_on_record_is_told_done_again_later_and_ends_nothing(world, monkeypatch):
    runner = Runner(world.station, [job("one", fine), job("two", fine)])
    monkeypatch.setattr(world.station.database, "noting", raising_context(DatabaseFailed("the disk is full")))
    ran = list(runner.run_due(go_on))
    assert [(one.outcome, one.unrecorded) for one in ran] == [(Outcome.DONE, "the disk is full")] * 2
    assert list(runner.run_due(go_on)) == []
    world.at(minutes=1)
    assert [one.next_at - world.moment for one in runner.run_due(go_on)] == [2 * MINUTE] * 2
    monkeypatch.undo()
    assert records(world.station) == {}
    world.at(minutes=2)
    assert [one.unrecorded for one in runner.run_due(go_on)] == [None, None]
    assert {one.next_at for one in records(world.station).values()} == {world.moment + 10 * MINUTE}


def raising_context(error):
    def noting():
        raise error

    return noting


def test_a_job_that_another_process_is_at_is_no_failure(world):
    runner = Runner(world.station, [job_named("activation")])
    assert due_now(world, runner) == [("activation", Outcome.DONE)]
    world.at(minutes=10)
    with locks.hold(world.home.locks, "job activation", "activation run"):
        (ran,) = runner.run_due(go_on)
    assert ran.outcome is Outcome.HELD and "activation run, pid" in ran.told
    assert ran.next_at == world.moment + MINUTE
    record = records(world.station)["activation"]
    assert (record.outcome, record.ended_at) == (Outcome.DONE, world.moment - 10 * MINUTE)


def test_the_last_outcome_is_kept_and_no_history(world):
    runner = Runner(world.station)
    for _ in range(20):
        due_now(world, runner)
        world.at(minutes=10)
    with world.station.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(JobRecord)) == len(JOBS)


def test_a_job_that_never_ran_is_told_so(world):
    assert [(one.name, one.last_at, one.next_at) for one in standings(world.station)] == [
        (one.name, None, None) for one in JOBS
    ]


# Stopping


def test_a_run_of_timers_ends_between_two_cards_and_the_next_one_goes_on(world):
    world.stock(2)
    world.shipped("O-1", CARDS[0])
    world.shipped("O-2", CARDS[1], user="bob")
    world.at(days=14)
    asked = iter((False, True))
    assert run_timers(world.station, world.actor, stop=lambda: next(asked)).activated == [CARDS[0]]
    assert run_timers(world.station, world.actor).activated == [CARDS[1]]


def test_a_run_of_notices_ends_between_two_messages_and_loses_none(world):
    world.stock(2)
    for order, card, user in (("O-1", CARDS[0], "alice"), ("O-2", CARDS[1], "bob")):
        world.shipped(order, card, user=user)
        set_contact(world.station, world.actor, user, email=f"{user}@example.com")
    taken = []

    class Gateway:
        def send(self, message):
            taken.append(message.to)

    gateways = {Channel.EMAIL: Gateway()}
    sending.send_due(world.station, world.actor, gateways, stop=lambda: len(taken) == 1)
    assert taken == ["alice@example.com"]
    world.at(minutes=1)
    sending.send_due(world.station, world.actor, gateways)
    assert taken == ["alice@example.com", "bob@example.com"]


def test_no_job_begins_once_the_process_is_to_end(world):
    begun = []
    jobs = [job("one", lambda *_: begun.append("one") or Did("")), job("two", fine)]
    ran = Runner(world.station, jobs).run_due(lambda: bool(begun))
    assert [one.job for one in ran] == ["one"]


class Hours:
    """Stands for the event that ends the process: a wait moves the station's clock, the last one ends."""

    def __init__(self, world, **span):
        self.world, self.end, self.over = world, world.moment + timedelta(**span), False

    def is_set(self):
        return self.over

    def wait(self, seconds):
        self.world.at(seconds=seconds)
        self.over = self.world.moment >= self.end


def test_until_stopped_each_job_runs_as_often_as_it_says(world, monkeypatch):
    monkeypatch.setattr(running, "LOOK_EVERY_S", 60.0)
    ran = []
    run_until_stopped(world.station, Hours(world, hours=2), lambda one: ran.append(one.job))
    assert {one.name: ran.count(one.name) for one in JOBS} == {
        one.name: timedelta(hours=2) // one.every for one in JOBS
    }


def test_until_stopped_a_database_that_cannot_be_read_is_waited_for(world, monkeypatch):
    troubles = [DatabaseFailed("another process holds it"), DatabaseFailed("another process holds it")]

    def read(station):
        if troubles:
            raise troubles.pop()
        return records(station)

    monkeypatch.setattr(running, "records", read)
    ran = []
    run_until_stopped(world.station, Hours(world, seconds=15), ran.append)
    assert [one.job for one in ran] == [one.name for one in JOBS]


def test_until_stopped_whoever_stops_reading_holds_up_no_job(world):
    def gone(_ran):
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    run_until_stopped(world.station, Hours(world, seconds=running.LOOK_EVERY_S), gone)
    assert set(records(world.station)) == {one.name for one in JOBS}
