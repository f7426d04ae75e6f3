"""R13 to R16: dates, timers, and that user and timer are idempotent towards each other."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from dscplus_station import locks, overview
from dscplus_station.activation.by_user import activate
from dscplus_station.activation.daily import run_timers, upcoming
from dscplus_station.activation.rules import (
    Notice,
    TimerState,
    activation_day,
    is_due,
    notice_due,
)
from dscplus_station.activation.service import revoke_card, stop_timer
from dscplus_station.activation.tables import ActivationTimer
from dscplus_station.clock import day_in
from dscplus_station.devices.rules import ActivatedBy, AssignmentState
from dscplus_station.devices.service import end_device, live_device
from dscplus_station.devices.tables import Assignment
from dscplus_station.errors import BadInput, HeldByAnother, NotFound, NotPermitted, StateConflict
from dscplus_station.figures import USUAL_DAYS
from dscplus_station.interim.rules import gap_warning, uncovered_days
from dscplus_station.interim.service import held_interim_access
from dscplus_station.login.rules import Outcome
from dscplus_station.login.service import issue_challenge
from dscplus_station.notices.rules import NoticeKind
from dscplus_station.orders.rules import OrderKind
from dscplus_station.orders.service import release
from dscplus_station.parcels.undoing import undo_shipment
from dscplus_station.scans.rules import label_code
from dscplus_station.shipping.rules import Scanned
from dscplus_station.shipping.service import report_undelivered, ship
from dscplus_station.stock.rules import CardState
from dscplus_station.stock.service import move_card
from tests.provisioning.interim_access import give_online_card, give_passcode
from tests.provisioning.support import CARDS, listed, order_values, other_response

pytestmark = pytest.mark.each_database
DAYS = st.dates(date(2020, 1, 1), date(2100, 1, 1))
ZONES = st.sampled_from(["America/New_York", "Europe/Zurich", "Asia/Hong_Kong", "Australia/Lord_Howe", "UTC"])


# Rules


def test_r13_r14_the_periods_are_21_and_14_days():
    assert (USUAL_DAYS.replacement, USUAL_DAYS.first_card) == (21, 14)


@pytest.mark.parametrize(
    ("shipped_on", "activates_on"),
    [
        (date(2026, 11, 22), date(2026, 12, 13)),
        (date(2026, 12, 31), date(2027, 1, 21)),  # over the year's end
        (date(2028, 2, 8), date(2028, 2, 29)),  # onto a leap day
        (date(2027, 2, 8), date(2027, 3, 1)),  # no leap year
        (date(2026, 3, 1), date(2026, 3, 22)),  # over the change to summer time (US: 8 March)
        (date(2026, 10, 25), date(2026, 11, 15)),  # over the change back (US: 1 November)
    ],
)
def test_r13_a_replacement_activates_21_calendar_days_after_shipment(shipped_on, activates_on):
    assert activation_day(OrderKind.REPLACEMENT, shipped_on, USUAL_DAYS) == activates_on


@given(DAYS, st.sampled_from(OrderKind))
def test_r13_the_date_is_days_and_not_hours(shipped_on, kind):
    period = 21 if kind is OrderKind.REPLACEMENT else 14
    days = [shipped_on + timedelta(days=n) for n in range(period + 1)]
    assert activation_day(kind, shipped_on, USUAL_DAYS) == days[-1]


@given(DAYS, st.integers(0, 60))
def test_r13_due_is_the_first_run_on_or_after_the_day(due_on, late):
    assert not is_due(due_on, due_on - timedelta(days=late + 1))
    assert is_due(due_on, due_on + timedelta(days=late))


@given(DAYS, st.lists(st.integers(0, 30), min_size=1, max_size=40))
def test_r13_whatever_days_the_job_runs_each_notice_goes_out_at_most_once_and_in_time(due_on, gaps):
    day, sent = due_on - timedelta(days=21), []
    for gap in gaps:
        notice = notice_due(due_on, day, USUAL_DAYS, sent)
        if notice is not None:
            assert day < due_on
            sent.append(notice)
            # What is still useful: the nearest one. The seven days' notice is not sent a day before.
            assert notice is (Notice.IMMINENT if day == due_on - timedelta(days=1) else Notice.APPROACHING)
        day += timedelta(days=gap)
    assert len(sent) == len(set(sent))


def test_r13_notices_on_a_job_that_runs_every_day():
    due_on, sent, days = date(2026, 12, 13), [], []
    for n in range(30, -5, -1):
        day = due_on - timedelta(days=n)
        if notice := notice_due(due_on, day, USUAL_DAYS, sent):
            sent.append(notice)
            days.append(day)
    assert sent == [Notice.APPROACHING, Notice.IMMINENT]
    assert days == [date(2026, 12, 6), date(2026, 12, 12)]


@given(DAYS, st.times(), ZONES)
def test_r13_the_day_is_the_issuers_not_the_machines(day, time, name):
    moment = datetime.combine(day, time, UTC)
    offset = moment.astimezone(ZoneInfo(name)).utcoffset()
    assert day_in(ZoneInfo(name), moment) == (moment + offset).date()


@given(DAYS, st.integers(-5, 60))
def test_r16_the_gap_is_every_day_on_which_nothing_works(last_day, later):
    activates_on = last_day + timedelta(days=later)
    without = [n for n in range(1, max(later, 1)) if last_day + timedelta(days=n) < activates_on]
    assert uncovered_days(last_day, activates_on) == len(without)
    assert (gap_warning("alice", last_day, activates_on) is None) == (not without)


def test_r16_the_warning_names_both_dates_and_the_gap():
    warning = gap_warning("alice", date(2026, 12, 10), date(2026, 12, 13))
    assert "2026-12-10" in warning
    assert "2026-12-13" in warning
    assert "2 days without access" in warning


# What happens


def timers(world):
    with world.station.database.reading() as session:
        return {t.serial_number: t.state for t in session.scalars(select(ActivationTimer))}


def assignment(world, serial_number=CARDS[0]):
    return overview.card(world.station, serial_number)["assignment"]


def give_interim_access(world, user="alice", confirmed_days_ago=0):
    """An online card that was confirmed on an earlier day, and after it a passcode."""
    world.at(days=-confirmed_days_ago, minutes=-2)
    give_online_card(world, user)
    world.at(days=confirmed_days_ago, minutes=1)
    give_passcode(world, user)
    world.at(minutes=1)


def open_interim(world):
    with world.station.database.reading() as session:
        return len(held_interim_access(session, "alice", world.moment))


def activate_by_hand(world, serial_number=CARDS[0], wrong=False):
    question = issue_challenge(world.station, world.actor, serial_number).challenge
    response = world.response(serial_number, question)
    if wrong:
        response = other_response(response)
    return activate(world.station, world.actor, world.keystore, serial_number, question, response)


def test_r14_a_shipped_first_card_activates_by_itself_after_14_days(world):
    world.stock()
    shipped = world.shipped()
    assert shipped.auto_activates_on == date(2026, 12, 6)
    world.at(days=13)
    assert run_timers(world.station, world.actor).activated == []
    world.at(days=1)
    assert run_timers(world.station, world.actor).activated == [CARDS[0]]
    assert run_timers(world.station, world.actor).activated == []
    card = overview.card(world.station, CARDS[0])
    assert (card["assignment"], card["auto_activates_on"]) == (AssignmentState.ACTIVE, None)
    assert overview.order(world.station, "O-1")["state"] == "FULFILLED"


def test_r13_the_ship_date_is_a_day_in_the_issuers_zone(world):
    world.stock()
    world.moment = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)  # still the 22nd in New York
    assert world.shipped().shipped_on == date(2026, 11, 22)
    assert upcoming(world.station)[0].auto_activates_on == date(2026, 12, 6)
    world.moment = datetime(2026, 12, 6, 4, 59, tzinfo=UTC)  # 23:59 on the 5th in New York
    assert not upcoming(world.station)[0].due
    world.moment = datetime(2026, 12, 6, 5, 0, tzinfo=UTC)
    assert upcoming(world.station)[0].due


def test_r13_a_late_run_activates_everything_that_became_due(world):
    world.stock(3)
    for n in range(3):
        world.shipped(f"O-{n}", CARDS[n], user=f"user{n}")
        world.at(days=1)
    world.at(days=100)
    assert run_timers(world.station, world.actor).activated == CARDS[:3]


def test_r15_the_user_is_faster_than_the_timer(world):
    world.stock()
    world.shipped()
    done = activate_by_hand(world)
    assert done.answer.outcome is Outcome.RIGHT
    assert timers(world) == {CARDS[0]: TimerState.DONE}
    world.at(days=30)
    assert run_timers(world.station, world.actor).activated == []
    with world.station.database.reading() as session:
        assert session.scalars(select(Assignment.activated_by)).all() == [ActivatedBy.USER]


def test_r15_the_timer_was_faster_and_the_user_changes_nothing(world):
    world.stock()
    world.shipped()
    world.at(days=14)
    run_timers(world.station, world.actor)
    since = world.moment
    world.at(days=1)
    done = activate(world.station, world.actor, world.keystore, CARDS[0], "123456", "12345678")
    assert (done.answer, done.active_since) == (None, since)
    with world.station.database.reading() as session:
        assert session.scalars(select(Assignment.activated_by)).all() == [ActivatedBy.TIMER]


def test_r15_a_wrong_response_activates_nothing(world):
    world.stock()
    world.shipped()
    assert activate_by_hand(world, wrong=True).answer.outcome is Outcome.WRONG
    assert assignment(world) is AssignmentState.PENDING
    assert timers(world) == {CARDS[0]: TimerState.RUNNING}


def test_r15_a_card_that_was_not_shipped_is_not_activated(world):
    world.stock()
    world.place(order_values())
    world.secure()
    with pytest.raises(NotPermitted, match="was not shipped yet"):
        activate_by_hand(world)


@pytest.mark.parametrize("by", ActivatedBy)
def test_r15_activating_a_replacement_revokes_the_old_card_and_ends_interim_access(world, by):
    world.stock(2)
    world.shipped("O-1", CARDS[0])
    activate_by_hand(world, CARDS[0])
    give_interim_access(world)
    shipped = world.shipped("O-2", CARDS[1], kind="replacement", replaces=CARDS[0])
    assert shipped.auto_activates_on == date(2026, 12, 13)
    assert assignment(world, CARDS[0]) is AssignmentState.ACTIVE
    assert open_interim(world) == 2
    if by is ActivatedBy.USER:
        activate_by_hand(world, CARDS[1])
    else:
        world.at(days=21)
        assert run_timers(world.station, world.actor).activated == [CARDS[1]]
    assert assignment(world, CARDS[0]) is AssignmentState.REVOKED
    assert assignment(world, CARDS[1]) is AssignmentState.ACTIVE
    assert open_interim(world) == 0


def test_r15_it_is_one_transaction(world, monkeypatch):
    world.stock(2)
    world.shipped("O-1", CARDS[0])
    activate_by_hand(world, CARDS[0])
    give_interim_access(world)
    world.shipped("O-2", CARDS[1], kind="replacement", replaces=CARDS[0])

    def broken(*_args):
        raise StateConflict("cut here")

    monkeypatch.setattr("dscplus_station.activation.service.end_interim_access", broken)
    world.at(days=21)
    assert run_timers(world.station, world.actor).held_back == [(CARDS[1], "cut here")]
    assert assignment(world, CARDS[0]) is AssignmentState.ACTIVE
    assert assignment(world, CARDS[1]) is AssignmentState.PENDING
    assert timers(world)[CARDS[1]] is TimerState.RUNNING


def test_r15_a_replaced_card_still_in_the_post_is_not_activated_any_more(world):
    world.stock(2)
    world.shipped("O-1", CARDS[0])
    world.shipped("O-2", CARDS[1], kind="replacement", replaces=CARDS[0])
    activate_by_hand(world, CARDS[1])
    assert timers(world) == {CARDS[0]: TimerState.STOPPED, CARDS[1]: TimerState.DONE}
    world.at(days=100)
    assert run_timers(world.station, world.actor).activated == []


def test_r15_a_replaced_card_that_serves_somebody_else_by_now_is_left_alone(world):
    world.stock(2)
    world.shipped("O-1", CARDS[0])
    world.shipped("O-2", CARDS[1], kind="replacement", replaces=CARDS[0])
    with world.writing() as session:  # it comes back, is wiped and restocked
        now = world.moment
        for state in (CardState.RETURNED, CardState.INSPECTED, CardState.BLANK):
            move_card(session, world.actor, now, CARDS[0], state, "test")
        stop_timer(session, world.actor, now, CARDS[0], "returned")
        end_device(session, world.actor, now, live_device(session, CARDS[0]), "returned")
        release(session, world.actor, now, "O-1", "returned")
    world.shipped("O-3", CARDS[0], user="bob")
    activate_by_hand(world, CARDS[1])
    assert assignment(world, CARDS[1]) is AssignmentState.ACTIVE
    assert assignment(world, CARDS[0]) is AssignmentState.PENDING
    world.at(days=14)
    assert run_timers(world.station, world.actor).activated == [CARDS[0]]


def test_r15_revoked_in_the_post_cancels_the_activation(world):
    world.stock()
    world.shipped()
    assert revoke_card(world.station, world.actor, CARDS[0], "stolen from the post") == ["alice"]
    assert timers(world) == {CARDS[0]: TimerState.STOPPED}
    world.at(days=100)
    assert run_timers(world.station, world.actor).activated == []
    assert assignment(world) is AssignmentState.REVOKED
    with pytest.raises(BadInput, match="a reason has 1 to 200 printable characters"):
        revoke_card(world.station, world.actor, CARDS[0], " ")
    with pytest.raises(NotFound, match="no users"):
        revoke_card(world.station, world.actor, CARDS[0], "again")


def test_a_locked_card_is_held_back_and_told(world):
    world.stock()
    world.shipped()
    for _ in range(5):
        activate_by_hand(world, wrong=True)
    world.at(days=14)
    done = run_timers(world.station, world.actor)
    assert done.activated == []
    assert "is LOCKED for alice" in done.held_back[0][1]
    assert timers(world) == {CARDS[0]: TimerState.RUNNING}


@pytest.mark.parametrize("later", [21, 14])
def test_r13_a_card_posted_anew_while_the_timers_run_keeps_its_new_day(world, later):
    """The run has seen the first shipment due, or to be announced, before it was undone."""
    world.stock()
    world.shipped(kind="replacement")
    world.at(days=later)

    def in_between():
        if not posted:
            undo_shipment(world.station, world.actor, "O-1", "wrong envelope")
            posted.append(world.ship(tracking="T-2").auto_activates_on)
        return False

    posted = []
    run = run_timers(world.station, world.actor, stop=in_between)
    assert (run.activated, run.announced, run.held_back) == ([], [], [])
    (due,) = upcoming(world.station)
    assert [due.auto_activates_on] == posted == [world.station.today() + timedelta(days=21)]
    assert NoticeKind.ACTIVATION_APPROACHING not in {one["kind"] for one in listed(world.station, "notices")}


def test_the_timers_are_run_by_one_at_a_time(world):
    with (
        locks.hold(world.home.locks, "job activation", "somebody"),
        pytest.raises(HeldByAnother, match="job activation is held by somebody, pid"),
    ):
        run_timers(world.station, world.actor)


# Shipping


def test_r16_an_undelivered_report_stops_the_timer(world):
    world.stock()
    world.shipped()
    assert report_undelivered(world.station, world.actor, "O-1") == CARDS[0]
    assert timers(world) == {CARDS[0]: TimerState.STOPPED}
    world.at(days=100)
    assert run_timers(world.station, world.actor).activated == []
    assert assignment(world) is AssignmentState.REVOKED
    with pytest.raises(StateConflict, match="is UNDELIVERED"):
        report_undelivered(world.station, world.actor, "O-1")


def test_an_active_card_did_arrive(world):
    world.stock()
    world.shipped()
    activate_by_hand(world)
    with pytest.raises(StateConflict, match="is FULFILLED"):
        report_undelivered(world.station, world.actor, "O-1")


def test_r16_shipping_warns_about_the_gap_and_the_card_shows_both_dates(world):
    world.stock(2)
    world.shipped("O-1", CARDS[0])
    give_interim_access(world, confirmed_days_ago=8)  # on 14 November
    shipped = world.shipped("O-2", CARDS[1], kind="replacement", replaces=CARDS[0])
    assert "7 days without access" in shipped.warning
    card = overview.card(world.station, CARDS[1])
    assert (card["online_card_ends_on"], card["auto_activates_on"]) == (date(2026, 12, 5), date(2026, 12, 13))
    assert card["warning"] == shipped.warning


def test_nothing_is_shipped_twice_or_too_early(world):
    world.stock()
    world.place(order_values())
    scanned = Scanned(CARDS[0], label_code("O-1", CARDS[0], 1))
    with pytest.raises(StateConflict, match="is PLACED"):
        ship(world.station, world.actor, "O-1", "Post", "T1", scanned)
    world.reserve()
    with pytest.raises(StateConflict, match=f"card {CARDS[0]} is RESERVED: it is not ready to be shipped"):
        ship(world.station, world.actor, "O-1", "Post", "T1", scanned)
    with pytest.raises(NotFound, match="no order O-9"):
        ship(world.station, world.actor, "O-9", "Post", "T1", scanned)


@pytest.mark.parametrize(
    ("carrier", "tracking"), [("", "T1"), ("Post", " "), ("x" * 61, "T1"), ("Post", "T\n1")]
)
def test_a_shipment_is_tracked(world, carrier, tracking):
    world.stock()
    world.place(order_values())
    world.secure()
    with pytest.raises(BadInput, match="1 to 60 printable"):
        ship(world.station, world.actor, "O-1", carrier, tracking, world.label())


def test_a_shipment_lies_between_the_cards_making_and_today(world):
    world.stock()
    world.place(order_values())
    world.secure()
    scanned = world.label()
    with pytest.raises(NotPermitted, match=r"2026-11-23 is still to come.*only a demo home"):
        ship(world.station, world.actor, "O-1", "Post", "T1", scanned, date(2026, 11, 23))
    with pytest.raises(BadInput, match="made on 2026-11-22, it cannot leave on 2026-11-21"):
        ship(world.station, world.actor, "O-1", "Post", "T1", scanned, date(2026, 11, 21))


def test_a_demo_home_looks_into_the_future(demo_world):
    demo_world.stock()
    demo_world.shipped()
    due = upcoming(demo_world.station, date(2026, 12, 5))
    assert (due[0].due, due[0].notice) == (False, Notice.IMMINENT)
    assert run_timers(demo_world.station, demo_world.actor, date(2026, 12, 6)).activated == [CARDS[0]]
