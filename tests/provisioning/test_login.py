"""R4, R6: challenges, responses, locks; both profiles."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from dscplus_driver import ocra
from dscplus_station import audit
from dscplus_station.activation.daily import run_timers
from dscplus_station.actor import ALL_ROLES, Actor, Role
from dscplus_station.devices.rules import AssignmentState
from dscplus_station.devices.service import live_device
from dscplus_station.devices.tables import Assignment
from dscplus_station.errors import NotFound, NotPermitted, WrongUsage
from dscplus_station.figures import USUAL_LOGIN
from dscplus_station.login.rules import (
    MAX_CHALLENGES,
    Outcome,
    Purpose,
    unanswerable,
    well_formed,
    wrong_after,
)
from dscplus_station.login.service import check_login, issue_challenge, prove, release_lock
from dscplus_station.login.tables import Attempt, Challenge
from dscplus_station.users.service import put_on_record
from tests.provisioning.support import CARDS, other_response

pytestmark = pytest.mark.each_database


@pytest.fixture
def active(world):
    """A world with one active card of alice's."""
    world.stock(2)
    world.shipped()
    world.at(days=14)
    assert run_timers(world.station, world.actor).activated == [CARDS[0]]
    return world


def challenge(world, serial_number=CARDS[0], user=None):
    return issue_challenge(world.station, world.actor, serial_number, user).challenge


def answer(world, question, response, serial_number=CARDS[0], user=None):
    return check_login(world.station, world.actor, world.keystore, serial_number, question, response, user)


def test_r6_a_challenge_serves_the_purpose_it_was_issued_for_and_no_other(active):
    """A login's challenge opens neither a sharing nor an opting in, and the other way round."""
    for asked, other in itertools.permutations((Purpose.LOGIN, Purpose.SHARING, Purpose.OPT_IN), 2):
        question = issue_challenge(active.station, active.actor, CARDS[0], None, asked).challenge
        response = right(active, question)
        for purpose, outcome in ((other, Outcome.FOREIGN), (asked, Outcome.RIGHT), (asked, Outcome.REPLAYED)):
            with active.writing() as session:
                now = active.station.now()
                judged = prove(
                    *(session, active.station, active.actor, now, active.keystore),
                    *(CARDS[0], None, question, response, purpose),
                )
            assert (judged.outcome, judged.tries_left) == (outcome, USUAL_LOGIN.wrong_responses)
        active.at(minutes=5)


def test_r15_a_card_that_is_active_is_asked_for_no_activation_and_one_that_is_not_for_nothing_else(world):
    world.stock()
    world.shipped()
    for purpose in set(Purpose) - {Purpose.ACTIVATION}:
        with pytest.raises(NotPermitted, match="PENDING"):
            issue_challenge(world.station, world.actor, CARDS[0], None, purpose)
    issue_challenge(world.station, world.actor, CARDS[0], None, Purpose.ACTIVATION)
    world.at(days=14)
    run_timers(world.station, world.actor)
    with pytest.raises(NotPermitted, match="active already"):
        issue_challenge(world.station, world.actor, CARDS[0], None, Purpose.ACTIVATION)


def right(world, question, serial_number=CARDS[0]):
    return world.response(serial_number, question)


def miss(world, user=None):
    question = challenge(world, user=user)
    return answer(world, question, other_response(right(world, question)), user=user)


def share_with(world, user, serial_number=CARDS[0]):
    with world.writing() as session:
        put_on_record(session, {user})
        device = live_device(session, serial_number)
        session.add(
            Assignment(
                device_id=device.id,
                user_name=user,
                state=AssignmentState.ACTIVE,
                created_at=world.moment,
                activated_at=world.moment,
                activated_by="USER",
            )
        )
        audit.record(session, world.actor, world.moment, "sharing.test", serial_number)


# Rules


def test_r6_a_challenge_lives_five_minutes():
    assert USUAL_LOGIN.challenge_lifetime == timedelta(minutes=5)


@pytest.mark.parametrize(
    ("issued_for_this", "used", "late", "outcome"),
    [
        (True, False, False, None),
        (True, False, True, Outcome.EXPIRED),
        (True, True, False, Outcome.REPLAYED),
        (True, True, True, Outcome.REPLAYED),
        (False, False, False, Outcome.FOREIGN),
    ],
)
def test_r6_each_reason_is_told_apart(issued_for_this, used, late, outcome):
    issued = datetime(2026, 11, 22, tzinfo=UTC)
    expires = issued + USUAL_LOGIN.challenge_lifetime
    found = unanswerable(
        expires if late else expires - timedelta(microseconds=1),
        issued_for_this=issued_for_this,
        used_at=issued if used else None,
        expires_at=expires,
    )
    assert found is outcome


@given(st.lists(st.sampled_from(Outcome), max_size=30))
def test_r6_only_wrong_responses_in_a_row_count(outcomes):
    count = 0
    for outcome in outcomes:
        count = wrong_after(outcome, count)
    relevant = [one for one in outcomes if one in (Outcome.RIGHT, Outcome.WRONG)]
    trailing = 0
    for one in reversed(relevant):
        if one is Outcome.RIGHT:
            break
        trailing += 1
    assert count == trailing


@pytest.mark.parametrize(
    ("question", "response"),
    [("12345", "12345678"), ("123456", "1234567"), ("１23456", "12345678"), ("123456", "12345678 ")],
)
def test_r2_challenges_have_six_digits_and_responses_eight(question, response):
    assert well_formed(question, response)
    assert well_formed("000001", "00000000") is None


# What happens


def test_r6_a_right_answer_is_right_once(active):
    question = challenge(active)
    assert answer(active, question, right(active, question)).outcome is Outcome.RIGHT
    assert answer(active, question, right(active, question)).outcome is Outcome.REPLAYED


def test_r6_an_answer_is_not_a_truth_value(active):
    with pytest.raises(TypeError, match="ask for its outcome"):
        bool(miss(active))


def test_r6_a_wrong_answer_uses_the_challenge_up(active):
    question = challenge(active)
    assert answer(active, question, other_response(right(active, question))).outcome is Outcome.WRONG
    assert answer(active, question, right(active, question)).outcome is Outcome.REPLAYED


def test_r6_a_challenge_expires_after_five_minutes(active):
    question = challenge(active)
    active.at(minutes=5, microseconds=-1)
    assert answer(active, question, right(active, question)).outcome is Outcome.RIGHT
    question = challenge(active)
    active.at(minutes=5)
    assert answer(active, question, right(active, question)).outcome is Outcome.EXPIRED


def test_r6_a_challenge_nobody_issued_is_foreign(active):
    question = challenge(active)
    never = next(q for q in ("000001", "000002") if q != question)
    assert answer(active, never, right(active, never)).outcome is Outcome.FOREIGN


def test_r6_another_cards_challenge_is_foreign(active):
    active.shipped("O-2", CARDS[1], user="bob")
    active.at(days=14)
    run_timers(active.station, active.actor)
    for_bob = challenge(active, CARDS[1])
    assert answer(active, for_bob, right(active, for_bob)).outcome is Outcome.FOREIGN
    assert answer(active, for_bob, right(active, for_bob, CARDS[1]), CARDS[1]).outcome is Outcome.RIGHT


def test_r6_no_issued_challenge_is_a_multiple_of_sixteen_and_none_is_open_twice(active, monkeypatch):
    drawn = iter(["000017", "000017", "000018"])
    monkeypatch.setattr(ocra, "new_question", lambda: next(drawn))
    assert [challenge(active), challenge(active)] == ["000017", "000018"]
    monkeypatch.undo()
    issued = {challenge(active) for _ in range(MAX_CHALLENGES - 2)}
    assert all(int(question) % 16 for question in issued)


def test_r6_challenges_are_throttled_and_told_when_again(active):
    for _ in range(MAX_CHALLENGES):
        challenge(active)
        active.at(seconds=10)
    with pytest.raises(NotPermitted, match=r"10 challenges for alice within 5 minutes: the next one from"):
        challenge(active)
    active.at(seconds=300 - 10 * MAX_CHALLENGES)
    challenge(active)
    with pytest.raises(NotPermitted):
        challenge(active)


def test_r6_five_wrong_responses_in_a_row_lock(active):
    for left in (4, 3, 2, 1):
        missed = miss(active)
        assert (missed.outcome, missed.locked, missed.tries_left) == (Outcome.WRONG, False, left)
    assert miss(active).locked
    with pytest.raises(NotPermitted, match=f"card {CARDS[0]} is LOCKED for alice: a supervisor"):
        challenge(active)


def test_r6_an_open_challenge_does_not_outlive_the_lock(active):
    open_question = challenge(active)
    for _ in range(5):
        miss(active)
    with pytest.raises(NotPermitted, match="LOCKED"):
        answer(active, open_question, right(active, open_question))


def test_r6_a_right_answer_clears_the_count(active):
    for _ in range(4):
        miss(active)
    active.at(minutes=5)
    question = challenge(active)
    assert answer(active, question, right(active, question)).tries_left == 5
    assert not miss(active).locked


def test_r6_a_lock_is_released_by_a_supervisor(active):
    for _ in range(5):
        miss(active)
    clerk = Actor("carl", ALL_ROLES - {Role.SUPERVISOR}, "bench-1")
    with pytest.raises(NotPermitted, match="carl may not release"):
        release_lock(active.station, clerk, CARDS[0])
    assert release_lock(active.station, active.actor, CARDS[0]) is AssignmentState.ACTIVE
    active.at(minutes=5)
    question = challenge(active)
    assert answer(active, question, right(active, question)).outcome is Outcome.RIGHT
    with pytest.raises(NotPermitted, match="nothing to release"):
        release_lock(active.station, active.actor, CARDS[0])


def test_r6_a_released_user_has_all_five_tries_again(active):
    for _ in range(5):
        miss(active)
    release_lock(active.station, active.actor, CARDS[0])
    active.at(minutes=5)
    missed = miss(active)
    assert (missed.tries_left, missed.locked) == (4, False)


def test_r6_an_answer_that_came_first_uses_the_challenge_up_for_one_that_is_judged_beside_it(
    active, monkeypatch
):
    question = challenge(active)
    assert answer(active, question, right(active, question)).outcome is Outcome.RIGHT
    # As if both had looked before either wrote: the update itself must notice.
    monkeypatch.setattr("dscplus_station.login.service.unanswerable", lambda *_args, **_facts: None)
    assert answer(active, question, right(active, question)).outcome is Outcome.REPLAYED


def test_a_malformed_answer_is_no_attempt(active):
    question = challenge(active)
    with pytest.raises(WrongUsage, match="exactly 8 digits"):
        answer(active, question, "1234")
    with active.station.database.reading() as session:
        assert session.scalars(select(Attempt)).all() == []
        assert session.scalars(select(Challenge)).one().used_at is None
    assert answer(active, question, right(active, question)).outcome is Outcome.RIGHT


def test_a_pending_card_does_not_log_in(world):
    world.stock()
    world.shipped()
    question = challenge(world)
    with pytest.raises(NotPermitted, match="PENDING for alice: activate it first"):
        answer(world, question, right(world, question))
    with world.station.database.reading() as session:
        assert session.scalars(select(Challenge)).one().used_at is None


def test_no_such_card(active):
    with pytest.raises(NotFound, match=f"card {CARDS[1]} is not a personalised card"):
        challenge(active, CARDS[1])


def test_r4_two_users_share_a_card_and_are_locked_apart(active):
    share_with(active, "alice.business")
    with pytest.raises(WrongUsage, match=r"shared by alice, alice\.business: say which user"):
        challenge(active)
    for _ in range(5):
        miss(active, user="alice")
    with pytest.raises(NotPermitted, match="LOCKED for alice"):
        challenge(active, user="alice")
    question = challenge(active, user="alice.business")
    given_by = answer(active, question, right(active, question), user="alice.business")
    assert (given_by.outcome, given_by.user) == (Outcome.RIGHT, "alice.business")


def test_r4_one_users_challenge_is_foreign_to_the_other(active):
    share_with(active, "alice.business")
    question = challenge(active, user="alice")
    assert answer(active, question, right(active, question), user="alice.business").outcome is Outcome.FOREIGN


def test_r5_profile_b_a_wrong_pin_is_a_wrong_response(world):
    world.stock()
    world.shipped(profile="B", pin="7391")
    world.at(days=14)
    run_timers(world.station, world.actor)
    question = challenge(world)
    assert answer(world, question, world.response(CARDS[0], question, "7390")).outcome is Outcome.WRONG
    question = challenge(world)
    assert answer(world, question, world.response(CARDS[0], question, "7391")).outcome is Outcome.RIGHT


def test_every_attempt_is_on_record_with_its_reason(active):
    question = challenge(active)
    answer(active, question, right(active, question))
    answer(active, question, right(active, question))
    miss(active)
    with active.station.database.reading() as session:
        outcomes = session.scalars(select(Attempt.outcome).order_by(Attempt.id)).all()
    assert outcomes == [Outcome.RIGHT, Outcome.REPLAYED, Outcome.WRONG]
