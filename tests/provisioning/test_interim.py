"""R17, R18: temporary passcodes and online cards, from the call to their end."""

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from dscplus_station.activation.by_user import activate
from dscplus_station.activation.daily import run_timers
from dscplus_station.actor import ALL_ROLES, Actor, Role
from dscplus_station.clock import day_in, end_of_day, last_day
from dscplus_station.devices.rules import AssignmentState, DeviceType
from dscplus_station.devices.tables import Device
from dscplus_station.errors import BadInput, NotFound, NotPermitted, StationError, WrongUsage
from dscplus_station.interim.online_card import confirm_online_card
from dscplus_station.interim.passcode import issue_passcode
from dscplus_station.interim.rules import online_card_last_day, passcode_last_days, twice_in_a_row
from dscplus_station.interim.service import end_access, held_interim_access, interim_access, online_cards_end
from dscplus_station.interim.tables import IdentityCheck
from dscplus_station.limits.rules import Gate
from dscplus_station.limits.service import device_types_of, require_gate
from dscplus_station.login.rules import Outcome, Purpose
from dscplus_station.login.service import check_login, issue_challenge, prove, release_lock
from tests.provisioning.interim_access import (
    confirm,
    give_online_card,
    give_passcode,
    issue,
    make_card,
    other_answer,
    values,
)
from tests.provisioning.support import CARDS, other_response

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def world(world):
    """alice has an active card; this is a day after it was."""
    world.stock(2)
    world.shipped()
    world.at(days=14)
    run_timers(world.station, world.actor)
    world.at(days=1)
    return world


def enter(world, passcode, serial_number):
    return check_login(world.station, world.actor, world.keystore, serial_number, "", passcode).outcome


def log_in(world, card):
    question = issue_challenge(world.station, world.actor, card.serial_number).challenge
    answer = values(card.table, question)
    return check_login(
        world.station, world.actor, world.keystore, card.serial_number, question, answer
    ).outcome


def card_login(world, serial_number=CARDS[0]):
    question = issue_challenge(world.station, world.actor, serial_number).challenge
    response = world.response(serial_number, question)
    return check_login(world.station, world.actor, world.keystore, serial_number, question, response).outcome


def live(world, user="alice"):
    return [one.type for one in interim_access(world.station, user) if not one.over]


def till(world, moment):
    world.moment = moment


# Rules


def test_r17_two_days_of_full_access_then_ten_for_the_portal_then_none():
    assert passcode_last_days(date(2028, 2, 27)) == (date(2028, 2, 29), date(2028, 3, 10))


def test_r18_an_online_card_lasts_for_21_days_from_its_confirmation():
    assert online_card_last_day(date(2026, 12, 20)) == date(2027, 1, 10)


@given(st.sampled_from(sorted(available_timezones())), st.dates(date(1990, 1, 1), date(2037, 12, 30)))
def test_a_day_ends_when_the_zones_next_one_begins(zone, day):
    zone = ZoneInfo(zone)
    end = end_of_day(zone, day)
    skipped = day_in(zone, end - timedelta(microseconds=1)) < day  # Samoa had no 30 December 2011
    assert skipped or last_day(zone, end) == day
    assert day_in(zone, end) > day


def test_an_end_over_the_change_of_the_clocks_is_midnight_there():
    new_york = ZoneInfo("America/New_York")
    assert end_of_day(new_york, date(2026, 10, 31)) == datetime(2026, 11, 1, 4, tzinfo=UTC)
    assert end_of_day(new_york, date(2026, 11, 1)) == datetime(2026, 11, 2, 5, tzinfo=UTC)  # 25 hours


@pytest.mark.parametrize(
    ("last", "other", "refused"),
    [
        (None, None, False),
        (None, NOON, False),
        (NOON, None, True),
        (NOON, NOON - timedelta(days=1), True),
        (NOON, NOON, True),
        (NOON, NOON + timedelta(microseconds=1), False),
    ],
)
def test_r17_never_twice_in_a_row(last, other, refused):
    assert twice_in_a_row(last, other) is refused


# Passcodes


def test_r17_a_passcode_logs_in_as_often_as_needed(world):
    issued = issue(world)
    assert re.fullmatch("TP-[0-9]{8}", issued.serial_number)
    passcode = issued.passcode.reveal()
    assert enter(world, passcode, issued.serial_number) is Outcome.RIGHT
    assert enter(world, f" {passcode[:4].lower()} {passcode[4:]}", issued.serial_number) is Outcome.RIGHT
    assert enter(world, other_answer(passcode), issued.serial_number) is Outcome.WRONG


@pytest.mark.parametrize("hour", [5, 15, 28])  # just after midnight, ten, eleven at night in New York
def test_r17_its_end_to_the_microsecond(world, hour):
    till(world, datetime(2026, 12, 7, tzinfo=UTC) + timedelta(hours=hour))
    issued = issue(world)
    end = datetime(2026, 12, 20, 5, tzinfo=UTC)  # midnight after the 12th day
    assert issued.portal_only_from == datetime(2026, 12, 10, 5, tzinfo=UTC)
    assert issued.expires_at == end
    till(world, end - timedelta(microseconds=1))
    assert enter(world, issued.passcode.reveal(), issued.serial_number) is Outcome.RIGHT
    assert make_card(world).confirm_before == end
    till(world, end)
    with pytest.raises(NotPermitted, match=r"temporary passcode TP-\d+ expired at 2026-12-20 05:00 UTC"):
        enter(world, issued.passcode.reveal(), issued.serial_number)
    with pytest.raises(NotPermitted, match="no temporary passcode that works"):
        make_card(world)


def test_r17_the_portal_only_after_two_days_to_the_microsecond(world):
    issued = issue(world)
    till(world, issued.portal_only_from - timedelta(microseconds=1))
    assert [one.portal_only for one in interim_access(world.station)] == [False]
    with world.station.database.reading() as session:
        assert DeviceType.PASSCODE in device_types_of(session, "alice", world.moment)
    world.at(microseconds=1)
    assert [one.portal_only for one in interim_access(world.station)] == [True]
    with world.station.database.reading() as session:
        assert DeviceType.PASSCODE not in device_types_of(session, "alice", world.moment)


def test_r17_an_identity_check_is_recorded_or_there_is_no_passcode(world):
    for check in ("", " ", "x" * 201, "line\nline"):
        with pytest.raises(BadInput, match="how the identity was checked"):
            issue(world, check=check)
    assert interim_access(world.station) == []
    issue(world, check="called back on the number on record")
    with world.station.database.reading() as session:
        (check,) = session.scalars(select(IdentityCheck))
    assert (check.user_name, check.checked_by) == ("alice", "olivia")
    assert (check.how, check.checked_at) == ("called back on the number on record", world.moment)


def test_r17_only_client_services_gives_one_and_only_to_a_user(world):
    clerk, olivia = Actor("carl", ALL_ROLES - {Role.CLIENT_SERVICES}, "bench-1"), world.actor
    world.actor = clerk
    for deed in (issue, make_card, lambda world: end_access(world.station, clerk, "alice", "x")):
        with pytest.raises(NotPermitted, match="carl may not"):
            deed(world)
    world.actor = olivia
    with pytest.raises(NotFound, match="no user nobody"):
        issue(world, "nobody")


def test_r17_what_could_not_be_delivered_was_not_given(world):
    def unwritable(_issued):
        raise StationError("the disk is full")

    with pytest.raises(StationError, match="disk is full"):
        issue_passcode(world.station, world.actor, world.keystore, "alice", "called back", unwritable)
    assert interim_access(world.station) == []
    issue(world)  # so that one is no second one


def test_r17_no_second_one_in_a_row_however_the_first_ended(world):
    issued = issue(world)
    world.at(minutes=1)
    assert enter(world, issued.passcode.reveal(), issued.serial_number) is Outcome.RIGHT  # no other device
    world.at(days=1)
    with pytest.raises(NotPermitted, match="no second one in a row"):
        issue(world)
    end_access(world.station, world.actor, "alice", "test")
    world.at(days=400)
    with pytest.raises(NotPermitted, match="no second one in a row"):
        issue(world)


def test_r17_a_wrong_answer_or_another_users_device_is_none_in_between(world):
    world.shipped("O-2", CARDS[1], user="bob")
    issue(world)
    world.at(days=14)
    assert run_timers(world.station, world.actor).activated == [CARDS[1]]
    assert card_login(world, CARDS[1]) is Outcome.RIGHT
    question = issue_challenge(world.station, world.actor, CARDS[0]).challenge
    wrong = other_response(world.response(CARDS[0], question))
    missed = check_login(world.station, world.actor, world.keystore, CARDS[0], question, wrong)
    assert missed.outcome is Outcome.WRONG
    with pytest.raises(NotPermitted, match="no second one in a row"):
        issue(world)


def test_r17_a_login_with_another_device_lies_in_between(world):
    first = issue(world)
    world.at(minutes=1)
    assert card_login(world) is Outcome.RIGHT
    second = issue(world)
    assert live(world) == [DeviceType.PASSCODE]
    with pytest.raises(NotFound, match=f"card {first.serial_number} is not"):
        enter(world, first.passcode.reveal(), first.serial_number)
    assert enter(world, second.passcode.reveal(), second.serial_number) is Outcome.RIGHT


def test_r17_an_online_card_lies_in_between_once_it_is_confirmed(world):
    issue(world)
    world.at(minutes=1)
    card = make_card(world)
    with pytest.raises(NotPermitted, match="no second one in a row"):
        issue(world)
    confirm(world, card)
    assert live(world) == [DeviceType.ONLINE_CODE_CARD]
    world.at(days=30)
    issue(world)
    assert live(world) == [DeviceType.PASSCODE]


def test_r17_five_wrong_passcodes_lock_it(world):
    issued = issue(world)
    for left in (4, 3, 2, 1, 0):
        answer = check_login(world.station, world.actor, world.keystore, issued.serial_number, "", "ACDEFGHJ")
        assert (answer.outcome, answer.tries_left, answer.locked) == (Outcome.WRONG, left, left == 0)
    with pytest.raises(NotPermitted, match="LOCKED"):
        enter(world, issued.passcode.reveal(), issued.serial_number)
    with pytest.raises(NotPermitted, match="no temporary passcode that works"):
        make_card(world)
    with world.station.database.reading() as session:
        assert held_interim_access(session, "alice", world.moment) == [DeviceType.PASSCODE]  # R25: it is held
    release_lock(world.station, world.actor, issued.serial_number)
    assert enter(world, issued.passcode.reveal(), issued.serial_number) is Outcome.RIGHT


def test_r17_a_passcode_answers_no_challenge(world):
    issued = issue(world)
    with pytest.raises(WrongUsage, match="answers no challenge"):
        issue_challenge(world.station, world.actor, issued.serial_number)
    with pytest.raises(WrongUsage, match="no challenge"):
        check_login(
            world.station,
            world.actor,
            world.keystore,
            issued.serial_number,
            "017203",
            issued.passcode.reveal(),
        )
    with pytest.raises(WrongUsage, match="8 letters and digits"):
        enter(world, "ACDE", issued.serial_number)


@pytest.mark.parametrize("purpose", [Purpose.SHARING, Purpose.OPT_IN])
def test_interim_access_proves_nothing_but_a_login(world, purpose):
    passcode = issue(world)
    given = passcode.passcode.reveal()
    with pytest.raises(NotPermitted, match="a device of the own"), world.writing() as session:
        prove(
            session,
            world.station,
            world.actor,
            world.moment,
            world.keystore,
            passcode.serial_number,
            None,
            "",
            given,
            purpose,
        )


def test_r21_a_passcode_opens_no_gate_and_an_online_card_does(world):
    world.shipped("O-2", CARDS[1], user="bob")  # PENDING: not a device yet
    give_passcode(world, "bob")
    with pytest.raises(NotPermitted, match="needs an active device"):
        require_gate(world.station, "bob", Gate.EMAIL)
    confirm(world, make_card(world, "bob"))
    require_gate(world.station, "bob", Gate.EMAIL)
    world.at(days=22)
    with pytest.raises(NotPermitted, match="needs an active device"):
        require_gate(world.station, "bob", Gate.EMAIL)


# Online cards


def test_r18_a_card_is_made_for_who_holds_a_passcode_and_logs_in_once_confirmed(world):
    with pytest.raises(NotPermitted, match="alice has no temporary passcode that works"):
        make_card(world)
    give_passcode(world)
    card = make_card(world)
    question = issue_challenge(world.station, world.actor, card.serial_number).challenge
    with pytest.raises(NotPermitted, match=r"PENDING for alice: .*dsc-station access confirm"):
        check_login(
            world.station,
            world.actor,
            world.keystore,
            card.serial_number,
            question,
            values(card.table, question),
        )
    with world.station.database.reading() as session:
        assert held_interim_access(session, "alice", world.moment) == [DeviceType.PASSCODE]
        assert online_cards_end(session, world.station.settings.zone) == {}
    confirmed = confirm(world, card)
    assert confirmed.answer.outcome is Outcome.RIGHT
    assert confirm_again(world, card) == (None, confirmed.expires_at)
    assert log_in(world, card) is Outcome.RIGHT


def confirm_again(world, card):
    again = confirm(world, card)
    return again.answer, again.expires_at


def test_r18_a_wrong_answer_confirms_nothing_and_five_lock(world):
    give_passcode(world)
    card = make_card(world)
    for left in (4, 3, 2, 1, 0):
        answer = confirm(world, card, wrong=True).answer
        assert (answer.outcome, answer.tries_left, answer.locked) == (Outcome.WRONG, left, left == 0)
    with pytest.raises(NotPermitted, match="LOCKED"):
        confirm(world, card)
    assert release_lock(world.station, world.actor, card.serial_number) is AssignmentState.PENDING
    world.at(minutes=5)
    assert confirm(world, card).answer.outcome is Outcome.RIGHT


@pytest.mark.parametrize("days_later", [0, 2, 12])
def test_r18_21_days_from_its_confirmation_to_the_microsecond(world, days_later):
    give_passcode(world)
    card = make_card(world)
    world.at(days=days_later)
    last = day_in(world.station.settings.zone, world.moment) + timedelta(days=21)
    end = datetime(last.year, last.month, last.day, 5, tzinfo=UTC) + timedelta(days=1)
    assert confirm(world, card).expires_at == end
    with world.station.database.reading() as session:
        assert online_cards_end(session, world.station.settings.zone) == {"alice": last}
    till(world, end - timedelta(microseconds=1))
    assert log_in(world, card) is Outcome.RIGHT
    question = issue_challenge(world.station, world.actor, card.serial_number).challenge
    till(world, end)
    with pytest.raises(NotPermitted, match="expired"):
        log_in(world, card)
    with pytest.raises(NotPermitted, match="expired"):  # nor by a question that was asked before
        check_login(
            world.station,
            world.actor,
            world.keystore,
            card.serial_number,
            question,
            values(card.table, question),
        )


def test_r18_a_sheet_is_not_confirmed_after_its_passcode_is_over(world):
    give_passcode(world)
    card = make_card(world)
    till(world, card.confirm_before)
    with pytest.raises(NotPermitted, match=r"Online Security Code Card OSC-\d+ expired"):
        confirm(world, card)


@pytest.mark.parametrize("over", ["the passcode", "the tries"])
def test_r18_a_question_from_before_confirms_nothing_afterwards(world, over):
    give_passcode(world)
    card = make_card(world)
    till(world, card.confirm_before - timedelta(minutes=1))
    question = issue_challenge(world.station, world.actor, card.serial_number).challenge
    if over == "the passcode":
        till(world, card.confirm_before)
    else:
        for _ in range(5):
            confirm(world, card, wrong=True)
    answer = values(card.table, question)
    with pytest.raises(NotPermitted, match=r"expired|LOCKED"):
        confirm_online_card(world.station, world.actor, world.keystore, card.serial_number, question, answer)
    with world.station.database.reading() as session:
        assert online_cards_end(session, world.station.settings.zone) == {}


def test_r18_of_several_sheets_the_last_counts(world):
    give_passcode(world)
    first, second = make_card(world), make_card(world)
    with pytest.raises(NotFound):
        confirm(world, first)
    assert confirm(world, second).answer.outcome is Outcome.RIGHT


def test_r18_a_new_card_ends_the_older_one_only_when_it_is_confirmed(world):
    first = give_online_card(world)
    world.at(days=1)
    give_passcode(world)
    second = make_card(world)
    assert log_in(world, first) is Outcome.RIGHT
    confirm(world, second)
    with pytest.raises(NotFound):
        log_in(world, first)
    assert live(world) == [DeviceType.ONLINE_CODE_CARD]


def test_only_an_online_card_is_confirmed(world):
    issued = issue(world)
    with pytest.raises(WrongUsage, match="is a temporary passcode, which is not confirmed"):
        confirm_other(world, issued.serial_number)
    with pytest.raises(WrongUsage, match=r"is a DSC\+"):
        confirm_other(world, CARDS[0])
    with pytest.raises(NotFound):
        confirm_other(world, "OSC-1")


def confirm_other(world, serial_number):
    return confirm_online_card(world.station, world.actor, world.keystore, serial_number, "017203", "ACDACD")


def test_r18_another_cards_values_and_question_are_of_no_use(world):
    alices = give_online_card(world)
    world.shipped("O-2", CARDS[1], user="bob")
    bobs = give_online_card(world, "bob")
    question = issue_challenge(world.station, world.actor, bobs.serial_number).challenge
    args = (world.station, world.actor, world.keystore)
    foreign = check_login(*args, alices.serial_number, question, values(alices.table, question))
    assert foreign.outcome is Outcome.FOREIGN
    wrong = check_login(*args, bobs.serial_number, question, values(alices.table, question))
    assert wrong.outcome is Outcome.WRONG


# Its end


def test_r15_activating_a_replacement_ends_both_and_erases_what_they_were_compared_with(world):
    world.shipped("O-2", CARDS[1], kind="replacement", replaces=CARDS[0])
    card = give_online_card(world)
    world.at(minutes=1)
    passcode = issue(world)
    make_card(world)
    question = issue_challenge(world.station, world.actor, CARDS[1]).challenge
    done = activate(
        world.station,
        world.actor,
        world.keystore,
        CARDS[1],
        question,
        world.response(CARDS[1], question),
    )
    assert done.answer.outcome is Outcome.RIGHT
    assert live(world) == []
    assert {one.ended_because for one in interim_access(world.station)} >= {f"card {CARDS[1]} is active"}
    for deed in (
        lambda: log_in(world, card),
        lambda: enter(world, passcode.passcode.reveal(), passcode.serial_number),
    ):
        with pytest.raises(NotFound):
            deed()
    with world.station.database.reading() as session:
        kept = session.scalars(select(Device.sealed_codes).where(Device.sealed_codes.is_not(None)))
        assert kept.all() == []


def test_client_services_ends_all_of_it_with_a_reason(world):
    give_online_card(world)
    world.at(minutes=1)
    issue(world)
    with pytest.raises(BadInput, match="a reason"):
        end_access(world.station, world.actor, "alice", "")
    assert end_access(world.station, world.actor, "alice", "sheet lost") == 2
    assert end_access(world.station, world.actor, "alice", "sheet lost") == 0
    assert live(world) == []
    with pytest.raises(NotFound):
        end_access(world.station, world.actor, "nobody", "sheet lost")
