"""Running jobs: when each is due, what a failure does to it and to the others, what is made up for (R13)."""

import errno
from dataclasses import replace
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
from dscplus_station.jobs.records import records
from dscplus_station.jobs.rules import LATE_AFTER, Attention, Outcome, attention, is_due, next_run
from dscplus_station.jobs.running import Runner, run_until_stopped
from dscplus_station.jobs.standing import standings
from dscplus_station.jobs.tables import JobRecord
from dscplus_station.moved_clock import moved_clock
from dscplus_station.notices import overview, sending
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


def test_a_job_that_was_stopped_goes_on_at_once():
    assert next_run(NOW, 60 * MINUTE, Outcome.STOPPED, 0) == NOW


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


HOUR = 60 * MINUTE


@pytest.mark.parametrize(
    ("outcome", "next_at", "why"),
    [
        (Outcome.DONE, NOW - HOUR, None),
        (Outcome.DONE, NOW - HOUR - timedelta(microseconds=1), Attention.LATE),
        (Outcome.STOPPED, NOW - HOUR, None),
        (Outcome.STOPPED, NOW - 2 * HOUR, Attention.LATE),
        (Outcome.FAILED, NOW + HOUR, Attention.FAILING),
        (Outcome.FAILED, NOW - 2 * HOUR, Attention.LATE),
        (Outcome.IN_PART, NOW + HOUR, Attention.IN_PART),
    ],
)
def test_somebody_should_look_at_what_fails_was_left_or_is_run_by_nobody(outcome, next_at, why):
    assert attention(NOW, outcome, next_at) is why


def test_no_job_is_rarer_than_a_wrong_clock_is_noticed():
    assert all(MINUTE <= one.every <= LATE_AFTER for one in JOBS)
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
    assert not [one.told for one in known.values() if "2580" in one.told]


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


def test_what_this_station_has_no_gateway_for_is_told_and_is_no_runs_trouble(posted, monkeypatch):
    """Else each run would be IN_PART for ever, at a station that sends no text messages."""
    monkeypatch.setattr("dscplus_station.jobs.catalogue.station_gateways", lambda _: {})
    monkeypatch.setattr("dscplus_station.notices.overview.set_up", lambda _: set())
    assert ("notices", Outcome.DONE) in due_now(posted, Runner(posted.station))
    assert records(posted.station)["notices"].told.endswith("0 ended unsent, 1 without [notices.email]")
    assert overview.without_gateway(posted.station) == {Channel.EMAIL: 1}


def test_channels_are_set_up_by_the_settings_and_all_in_a_demo_home(posted):
    settings = posted.station.settings
    named = {"sms": {"file": "sent.jsonl"}}
    for demo, notices, channels in (
        (False, {}, set()),
        (False, named, {Channel.SMS}),
        (True, named, {Channel.SMS}),
        (True, {}, set(Channel)),
    ):
        assert overview.set_up(replace(settings, demo=demo, notices=notices)) == channels


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
    cut_short = run_timers(world.station, world.actor, stop=lambda: next(asked))
    assert (cut_short.activated, cut_short.stopped) == ([CARDS[0]], True)
    rest = run_timers(world.station, world.actor)
    assert (rest.activated, rest.stopped) == ([CARDS[1]], False)


@pytest.fixture
def three_told(world):
    """Three notices that wait, each for a user of its own."""
    world.stock(3)
    for order, card, user in zip(("O-1", "O-2", "O-3"), CARDS, ("alice", "bob", "carol"), strict=False):
        world.shipped(order, card, user=user)
        set_contact(world.station, world.actor, user, email=f"{user}@example.com")
    return world


class Taking:
    """A gateway that keeps to whom it sent."""

    def __init__(self):
        self.taken = []

    def send(self, message):
        self.taken.append(message.to)


def attempts(world):
    return {row["user"]: row["attempts"] for row in listed(world.station, "notices")}


def test_a_stop_between_two_messages_is_no_attempt_of_the_rest_which_the_next_run_sends_at_once(three_told):
    """A notice has nine attempts; a service that is restarted every day must not use them up."""
    gateway = Taking()
    gateways = {Channel.EMAIL: gateway}
    cut_short = sending.send_due(
        three_told.station, three_told.actor, gateways, stop=lambda: len(gateway.taken) == 1
    )
    assert (gateway.taken, cut_short.stopped) == (["alice@example.com"], True)
    assert attempts(three_told) == {"alice": 1, "bob": 0, "carol": 0}
    rest = sending.send_due(three_told.station, three_told.actor, gateways)
    assert gateway.taken == [f"{user}@example.com" for user in ("alice", "bob", "carol")]
    assert not rest.stopped
    assert attempts(three_told) == {"alice": 1, "bob": 1, "carol": 1}


def test_a_kill_costs_the_message_that_was_being_sent_an_attempt_and_no_other(three_told):
    class Killed(BaseException):
        pass

    class Dies(Taking):
        def send(self, message):
            super().send(message)
            raise Killed

    with pytest.raises(Killed):
        sending.send_due(three_told.station, three_told.actor, {Channel.EMAIL: Dies()})
    assert attempts(three_told) == {"alice": 1, "bob": 0, "carol": 0}


def test_a_run_that_was_cut_short_says_so_and_is_neither_done_nor_failed(three_told, monkeypatch):
    gateway, logged = Taking(), []
    monkeypatch.setattr("dscplus_station.jobs.catalogue.station_gateways", lambda _: {Channel.EMAIL: gateway})
    monkeypatch.setattr(running.log, "error", lambda event, **_: logged.append(event))
    runner = Runner(three_told.station, [job_named("notices")])
    ran = runner.run(job_named("notices"), lambda: len(gateway.taken) == 2)
    assert ran.outcome is Outcome.STOPPED
    assert ran.told == "2 sent, 0 to be tried again, 0 ended unsent, stopped before the rest"
    record = records(three_told.station)["notices"]
    assert (record.outcome, record.failures, record.done_at) == (Outcome.STOPPED, 0, None)
    assert logged == []
    # Whoever runs the jobs then does the rest at once.
    assert due_now(three_told, Runner(three_told.station, [job_named("notices")])) == [
        ("notices", Outcome.DONE)
    ]
    assert len(gateway.taken) == 3
    assert records(three_told.station)["notices"].done_at == three_told.moment


def test_a_stop_when_nothing_is_left_to_do_leaves_a_run_done(three_told, monkeypatch):
    gateway = Taking()
    monkeypatch.setattr("dscplus_station.jobs.catalogue.station_gateways", lambda _: {Channel.EMAIL: gateway})
    ran = Runner(three_told.station).run(job_named("notices"), lambda: len(gateway.taken) == 3)
    assert ran.outcome is Outcome.DONE


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
