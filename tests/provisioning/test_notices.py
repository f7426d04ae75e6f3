"""Notices: queued with what they tell, sent at least once, each told once (R13)."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from dscplus_station.activation.by_user import activate
from dscplus_station.activation.daily import run_timers, upcoming
from dscplus_station.activation.rules import Notice as Ahead
from dscplus_station.activation.service import ANNOUNCEMENTS
from dscplus_station.errors import BadInput, HeldByAnother, NotFound
from dscplus_station.login.service import issue_challenge
from dscplus_station.losses.rules import ReportKind
from dscplus_station.losses.service import report
from dscplus_station.notices import sending
from dscplus_station.notices.contacts import set_contact
from dscplus_station.notices.gateways import RefusedForGood, Unavailable
from dscplus_station.notices.outbox import queue
from dscplus_station.notices.rules import (
    CHANNELS,
    MAX_EMAIL,
    RETRY_AFTER,
    TOLD_WITHIN,
    Channel,
    DeliveryState,
    NoticeKind,
    address_fault,
    is_useful,
    next_attempt,
)
from dscplus_station.notices.tables import Notice
from dscplus_station.notices.texts import WORDINGS, compose
from dscplus_station.orders.tables import Order
from dscplus_station.shipping.service import report_undelivered
from tests.provisioning.support import CARDS, listed, order_values

pytestmark = pytest.mark.each_database
FACTS = '{"card":"0018","day":"2026-12-25"}'


class Postbox:
    """A gateway that keeps what it takes, or does what it is told to do instead."""

    def __init__(self, *troubles):
        self.taken = []
        self.troubles = list(troubles)

    def send(self, message):
        if self.troubles:
            trouble = self.troubles.pop(0)
            if trouble is not None:
                raise trouble
        self.taken.append(message)


@pytest.fixture
def shipped(world):
    """A replacement card in the post for alice, who is reached both ways."""
    world.stock(2)
    world.place(order_values(kind="replacement"))
    world.secure()
    world.ship(tracking="RR1")
    set_contact(world.station, world.actor, "alice", email="alice@example.com", mobile="+15550100200")
    return world


def send(world, email=None, sms=None):
    gateways = {Channel.EMAIL: email or Postbox(), Channel.SMS: sms or Postbox()}
    return sending.send_due(world.station, world.actor, gateways)


def states(world, kind=None):
    return {
        (row["kind"], row["channel"]): row["state"]
        for row in listed(world.station, "notices")
        if kind is None or row["kind"] == kind
    }


# Rules


def test_every_kind_has_a_wording_and_a_channel():
    assert set(WORDINGS) == set(NoticeKind) == set(CHANNELS)
    assert all(CHANNELS.values())


def test_a_notice_is_written_in_the_readers_language():
    english = compose(NoticeKind.ACTIVATION_APPROACHING, "en", FACTS, "Sample Issuer")
    spanish = compose(NoticeKind.ACTIVATION_APPROACHING, "es", FACTS, "Sample Issuer")
    assert english.subject == "Your Digital Security Card+ activates on Fri 25 Dec 2026"
    assert "vie 25 dic 2026" in spanish.subject
    assert "TSD+" in spanish.body
    assert "0018" in spanish.short


@given(st.integers(1, 30))
def test_attempts_become_rarer_and_end(attempts):
    now = datetime(2026, 11, 22, tzinfo=UTC)
    after, before = next_attempt(now, attempts), next_attempt(now, max(1, attempts - 1))
    assert (after is None) == (attempts > len(RETRY_AFTER))
    if after is not None:
        assert now < before <= after
    assert sum(RETRY_AFTER, timedelta()) > timedelta(days=2)  # over a week-end


@pytest.mark.parametrize(
    ("channel", "address", "good"),
    [
        (Channel.EMAIL, "alice@example.com", True),
        (Channel.EMAIL, "a.b+c@example.co.uk", True),
        (Channel.EMAIL, "alice", False),
        (Channel.EMAIL, "alice@example.com\nBcc: eve@example.com", False),
        (Channel.EMAIL, "alice@example.com, eve@example.com", False),
        (Channel.EMAIL, "Alice <alice@example.com>", False),
        (Channel.EMAIL, "a" * (MAX_EMAIL - 12) + "@example.com", True),
        (Channel.EMAIL, "a" * (MAX_EMAIL - 11) + "@example.com", False),
        (Channel.SMS, "+15550100200", True),
        (Channel.SMS, "+" + "1" * 15, True),
        (Channel.SMS, "+" + "1" * 16, False),
        (Channel.SMS, "015550100200", False),
        (Channel.SMS, "+05550100200", False),
        (Channel.SMS, "+1 555 0100", False),
        (Channel.SMS, "+１５５５０１００２００", False),
    ],
)
def test_what_an_address_may_be(channel, address, good):
    assert (address_fault(channel, address) is None) is good


def test_r13_an_announcement_is_of_use_before_its_day_only():
    assert is_useful(date(2026, 12, 13), date(2026, 12, 12))
    assert not is_useful(date(2026, 12, 13), date(2026, 12, 13))
    assert is_useful(None, date(2026, 12, 13))


# Queueing


def test_r13_both_notices_are_queued_once_however_often_the_job_runs(shipped):
    told = []
    for _ in range(22):
        run = run_timers(shipped.station, shipped.actor)
        again = run_timers(shipped.station, shipped.actor)
        assert again.announced == again.activated == []
        told.append(run.announced)
        shipped.at(days=1)
    assert [day for day, cards in enumerate(told) if cards] == [14, 20]
    told_of = (*ANNOUNCEMENTS, NoticeKind.CARD_ACTIVATED)
    assert set(states(shipped)) == {(kind, c) for kind in told_of for c in CHANNELS[kind]}


def test_r13_after_an_outage_of_days_only_what_is_still_useful_is_told(shipped):
    shipped.at(days=20)
    assert run_timers(shipped.station, shipped.actor).announced == [CARDS[0]]
    assert (NoticeKind.ACTIVATION_APPROACHING, Channel.EMAIL) not in states(shipped)
    assert (NoticeKind.ACTIVATION_IMMINENT, Channel.EMAIL) in states(shipped)


def test_r13_after_an_outage_over_the_day_it_is_activated_and_nothing_is_announced(shipped):
    shipped.at(days=25)
    run = run_timers(shipped.station, shipped.actor)
    assert (run.activated, run.announced) == ([CARDS[0]], [])
    assert (NoticeKind.CARD_ACTIVATED, Channel.SMS) in states(shipped)


def test_what_was_queued_is_no_longer_due(shipped):
    shipped.at(days=14)
    assert [due.notice for due in upcoming(shipped.station)] == [Ahead.APPROACHING]
    run_timers(shipped.station, shipped.actor)
    assert [due.notice for due in upcoming(shipped.station)] == [None]


def test_r15_a_user_who_activates_is_not_told_of_it_any_more(shipped):
    shipped.at(days=14)
    run_timers(shipped.station, shipped.actor)
    question = issue_challenge(shipped.station, shipped.actor, CARDS[0]).challenge
    activate(
        shipped.station,
        shipped.actor,
        shipped.keystore,
        CARDS[0],
        question,
        shipped.response(CARDS[0], question),
    )
    assert set(states(shipped).values()) == {DeliveryState.WITHDRAWN}
    postbox = Postbox()
    send(shipped, postbox, postbox)
    assert postbox.taken == []


def test_r16_an_undelivered_card_withdraws_its_announcements_and_is_told(shipped):
    shipped.at(days=14)
    run_timers(shipped.station, shipped.actor)
    report_undelivered(shipped.station, shipped.actor, "O-1")
    assert states(shipped) == {
        (NoticeKind.CARD_SHIPPED, Channel.EMAIL): DeliveryState.WITHDRAWN,
        (NoticeKind.ACTIVATION_APPROACHING, Channel.EMAIL): DeliveryState.WITHDRAWN,
        (NoticeKind.CARD_UNDELIVERED, Channel.EMAIL): DeliveryState.WAITING,
    }


def test_a_notice_is_queued_with_its_change_or_not_at_all(world):
    world.place(order_values())
    with pytest.raises(ZeroDivisionError), world.writing() as session:
        order = session.get_one(Order, "O-1")
        assert queue(session, world.actor, world.moment, NoticeKind.CARD_SHIPPED, order, CARDS[0])
        raise ZeroDivisionError
    with world.station.database.reading() as session:
        assert session.scalars(select(Notice)).all() == []


# Sending


def test_the_message_names_the_card_by_its_end_and_goes_to_its_user(shipped):
    email = Postbox()
    done = send(shipped, email)
    (message,) = email.taken
    assert (message.to, message.language) == ("alice@example.com", "en")
    assert "ending in 0018" in message.body
    assert "13 Dec 2026" in message.body
    assert CARDS[0] not in message.subject + message.body
    assert done.sent == [message.reference]
    assert send(shipped).sent == []


def test_a_text_message_is_short_and_has_no_lines(shipped):
    shipped.at(days=20)
    run_timers(shipped.station, shipped.actor)
    sms = Postbox()
    send(shipped, sms=sms)
    (message,) = sms.taken
    assert message.to == "+15550100200"
    assert "\n" not in message.body
    assert len(message.body) <= 160


def test_the_users_language_goes_before_the_orders(shipped):
    set_contact(shipped.station, shipped.actor, "alice", language="es")
    email = Postbox()
    send(shipped, email)
    assert email.taken[0].subject == "Su Tarjeta de seguridad digital+ está en camino"


def test_what_could_not_be_taken_comes_again_later_under_the_same_reference(shipped):
    email = Postbox(Unavailable("busy"), Unavailable("busy"))
    first = send(shipped, email)
    assert [reason for _, reason in first.to_be_repeated] == ["busy"]
    assert send(shipped, email).sent == []  # not before its time
    shipped.at(minutes=1)
    assert send(shipped, email).to_be_repeated == first.to_be_repeated
    shipped.at(minutes=5)
    assert send(shipped, email).sent == [first.to_be_repeated[0][0]]
    assert states(shipped)[NoticeKind.CARD_SHIPPED, Channel.EMAIL] is DeliveryState.SENT


def test_what_is_refused_for_good_is_not_tried_again(shipped):
    assert send(shipped, Postbox(RefusedForGood("no such mailbox"))).ended_unsent
    shipped.at(days=3)
    email = Postbox()
    assert send(shipped, email).sent == email.taken == []
    assert states(shipped)[NoticeKind.CARD_SHIPPED, Channel.EMAIL] is DeliveryState.REFUSED


def test_what_is_never_taken_is_given_up(world):
    world.stock()
    world.place(order_values(kind="replacement"))
    world.secure()
    world.ship(tracking="RR1")
    report_undelivered(world.station, world.actor, "O-1")  # of use for ever, unlike an announcement
    attempts = 0
    for _ in range(40):
        done = send(world)
        attempts += len(done.to_be_repeated) + len(done.ended_unsent)
        world.at(hours=24)
    assert attempts == len(RETRY_AFTER) + 1
    (row,) = listed(world.station, "notices", state="GIVEN_UP")
    assert row["trouble"] == "no e-mail address is on record"


def test_an_address_that_is_added_later_still_gets_it(world):
    world.stock()
    world.place(order_values(kind="replacement"))
    world.secure()
    world.ship(tracking="RR1")
    send(world)
    set_contact(world.station, world.actor, "alice", email="alice@example.com")
    world.at(minutes=1)
    assert len(send(world).sent) == 1


def test_r13_an_announcement_that_waited_too_long_expires_unsent(shipped):
    shipped.at(days=20)
    run_timers(shipped.station, shipped.actor)
    shipped.at(days=1)
    email = Postbox()
    done = send(shipped, email, email)
    assert email.taken == []
    assert {reason for _, reason in done.ended_unsent} == {"2026-12-13 has come"}
    assert set(states(shipped).values()) == {DeliveryState.EXPIRED}


def test_a_channel_without_gateway_waits_without_attempts(shipped):
    done = sending.send_due(shipped.station, shipped.actor, {Channel.SMS: Postbox()})
    assert done == sending.Sending()
    (row,) = listed(shipped.station, "notices", state="WAITING")
    assert row["attempts"] == 0


@pytest.mark.parametrize("channel", Channel)
def test_what_waits_for_a_gateway_goes_out_once_there_is_one_and_expires_where_there_is_none(
    shipped, channel
):
    """R13: nothing is lost meanwhile; but who sets a gateway up after months tells nobody of months ago."""
    report_stolen(shipped)
    within, other = TOLD_WITHIN[channel], {one: Postbox() for one in Channel if one is not channel}

    def state():
        return states(shipped)[NoticeKind.CARD_REPORTED, channel]

    sending.send_due(shipped.station, shipped.actor, other)
    shipped.at(seconds=within.total_seconds() - 1)
    assert sending.send_due(shipped.station, shipped.actor, other).ended_unsent == []
    assert state() is DeliveryState.WAITING
    shipped.at(seconds=1)
    assert (
        sending.send_due(shipped.station, shipped.actor, other).ended_unsent == []
    )  # it was told all the while
    assert state() is DeliveryState.EXPIRED
    late = Postbox()
    assert sending.send_due(shipped.station, shipped.actor, {channel: late}).sent == late.taken == []


def test_a_clock_that_is_put_back_during_a_run_sends_nothing_over_a_channel_that_is_not_there(shipped):
    report_stolen(shipped)
    shipped.at(seconds=TOLD_WITHIN[Channel.EMAIL].total_seconds())
    sending.send_due(shipped.station, shipped.actor, {}, stop=lambda: shipped.at(seconds=-1))
    assert states(shipped)[NoticeKind.CARD_REPORTED, Channel.EMAIL] is DeliveryState.EXPIRED


@pytest.mark.parametrize(("early", "outcome"), [(1, DeliveryState.SENT), (0, DeliveryState.EXPIRED)])
@pytest.mark.parametrize("channel", Channel)
def test_after_an_outage_what_is_not_too_old_is_sent_and_the_rest_is_told(shipped, channel, early, outcome):
    report_stolen(shipped)
    shipped.at(seconds=TOLD_WITHIN[channel].total_seconds() - early)
    done = sending.send_due(shipped.station, shipped.actor, {channel: Postbox()})
    assert states(shipped)[NoticeKind.CARD_REPORTED, channel] is outcome
    told = f"it was due for {TOLD_WITHIN[channel].days} days"
    assert (told in {reason for _, reason in done.ended_unsent}) is (outcome is DeliveryState.EXPIRED)


def report_stolen(world):
    report(world.station, world.actor, CARDS[0], ReportKind.STOLEN, "told on the telephone")


class Killed(BaseException):
    """The process dies here."""


def test_a_run_that_is_killed_in_mid_hand_over_repeats_it_and_loses_nothing(shipped):
    class TakesAndDies(Postbox):
        def send(self, message):
            super().send(message)
            raise Killed

    dying, later = TakesAndDies(), Postbox()
    with pytest.raises(Killed):
        send(shipped, dying)
    assert send(shipped, later).sent == []
    shipped.at(minutes=1)
    send(shipped, later)
    assert [m.reference for m in later.taken] == [m.reference for m in dying.taken]


def test_no_transaction_is_open_while_a_gateway_is_spoken_to(shipped):
    class Writes(Postbox):
        def send(self, message):
            set_contact(shipped.station, shipped.actor, "alice", language="es")  # takes the write lock
            super().send(message)

    email = Writes()
    assert len(send(shipped, email).sent) == 1


def test_what_was_withdrawn_while_the_gateway_took_it_counts_as_sent(shipped):
    class Overtaken(Postbox):
        def send(self, message):
            if not self.taken:
                report_undelivered(shipped.station, shipped.actor, "O-1")
            super().send(message)

    sending.send_due(shipped.station, shipped.actor, {Channel.EMAIL: Overtaken()})
    assert states(shipped)[NoticeKind.CARD_SHIPPED, Channel.EMAIL] is DeliveryState.SENT


def test_what_is_withdrawn_while_a_run_is_at_an_earlier_message_is_not_sent(shipped):
    shipped.at(days=14)
    run_timers(shipped.station, shipped.actor)

    class Undelivered(Postbox):
        def send(self, message):
            if not self.taken:
                report_undelivered(shipped.station, shipped.actor, "O-1")
            super().send(message)

    email = Undelivered()
    send(shipped, email)
    assert not [message.subject for message in email.taken if "activates on" in message.subject]
    withdrawn = states(shipped)[NoticeKind.ACTIVATION_APPROACHING, Channel.EMAIL]
    assert withdrawn is DeliveryState.WITHDRAWN


def test_many_are_sent_in_one_run_and_in_their_order(world, monkeypatch):
    monkeypatch.setattr(sending, "READ_AT_ONCE", 2)
    world.place(*[order_values(f"O-{n}", user=f"user{n}") for n in range(5)])
    for n in range(5):
        set_contact(world.station, world.actor, f"user{n}", email=f"user{n}@example.com")
        with world.writing() as session:
            order = session.get_one(Order, f"O-{n}")
            expired = date(2026, 11, 1) if n < 2 else None  # a whole query's that is not sent any more
            queue(
                session,
                world.actor,
                world.moment,
                NoticeKind.CARD_UNDELIVERED,
                order,
                CARDS[0],
                useful_until=expired,
            )
    email = Postbox()
    send(world, email)
    assert [message.to for message in email.taken] == [f"user{n}@example.com" for n in (2, 3, 4)]


def test_two_runs_at_once_do_not_send_twice(shipped):
    class SendsToo(Postbox):
        def send(self, message):
            with pytest.raises(HeldByAnother):
                send(shipped)
            super().send(message)

    email = SendsToo()
    send(shipped, email)
    assert len(email.taken) == 1


# Contacts


def test_a_contact_keeps_what_is_not_given_and_loses_what_is_empty(shipped):
    kept = set_contact(shipped.station, shipped.actor, "alice", language="es")
    assert (kept.email, kept.mobile, kept.language) == ("alice@example.com", "+15550100200", "es")
    emptied = set_contact(shipped.station, shipped.actor, "alice", mobile="", language="")
    assert (emptied.email, emptied.mobile, emptied.language) == ("alice@example.com", None, None)


def test_a_contact_that_cannot_be_is_refused(shipped):
    with pytest.raises(NotFound, match="no user mallory"):
        set_contact(shipped.station, shipped.actor, "mallory", email="m@example.com")
    with pytest.raises(BadInput, match="no texts in 'xx'"):
        set_contact(shipped.station, shipped.actor, "alice", language="xx")
    with pytest.raises(BadInput, match="looks like"):
        set_contact(shipped.station, shipped.actor, "alice", email="alice")
