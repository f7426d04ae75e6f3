"""R7, profile B: another PIN by one response computed with it; a forgotten one after an identity check."""

import pytest
from sqlalchemy import select

from dscplus_station.activation.daily import run_timers
from dscplus_station.actor import ALL_ROLES, Actor, Role
from dscplus_station.audit import AuditRow
from dscplus_station.devices.service import add_user, live_device
from dscplus_station.devices.tables import Device
from dscplus_station.errors import BadInput, NotPermitted
from dscplus_station.figures import USUAL_LOGIN
from dscplus_station.operators import service as operators
from dscplus_station.operators.rules import Position
from dscplus_station.passwords.service import set_password
from dscplus_station.pins.service import allow_reset
from dscplus_station.tokens.rules import Scope
from tests.provisioning.api.api_world import PASSWORD, keyed, problem
from tests.provisioning.api.test_api_login import reasons
from tests.provisioning.support import CARDS, record_users, user_values

OLD, NEW, WRONG = "7391", "8264", "5917"
NOT_PROVEN = "the device's answer was not accepted: ask for a new challenge"


@pytest.fixture
def bob(api):
    """bob has an active card of profile B, and another one that is not used here."""
    api.stock(2)
    for order, card in (("O-1", CARDS[0]), ("O-2", CARDS[1])):
        api.shipped(order, card, profile="B", pin=OLD, user="bob")
    api.at(days=14)
    run_timers(api.station, api.actor)
    record_users(api, user_values("bob", birth_date="1982-05-17"))
    set_password(api.station, api.actor, "bob", PASSWORD)
    return api


def logged_in(world, pin=OLD, card=CARDS[0]):
    """The name of a login of bob's, and how it ended."""
    login = world.begin("bob").json()["login"]
    question = world.ask(login, card).json()["challenge"]
    return login, world.answer(login, question, world.response(card, question, pin), card).status_code


def change(world, login, *, new=NEW, computed_with=None, proven_by=None, key=None, card=CARDS[0]):
    """Ask for another PIN in a login; `proven_by`: the login that is shown for the former PIN."""
    picked = {"login": login, "device": card, "purpose": "PIN_CHANGE"}
    question = world.portal.post("/v1/logins/other-challenge", json=picked).json()["challenge"]
    body = {"device": card, "challenge": question, "pin": new, "login": proven_by}
    body["answer"] = world.response(card, question, computed_with or new)
    return world.portal.post("/v1/users/bob/pin-changes", json=body, headers=keyed(key))


def kept(world, card=CARDS[0]):
    with world.station.database.reading() as session:
        return session.scalars(select(Device).where(Device.serial_number == card)).one().sealed_pin_hash


def test_r7_the_new_pin_is_proven_by_a_response_computed_with_it(bob):
    login, _ = logged_in(bob)
    assert change(bob, login, proven_by=login).status_code == 204
    assert logged_in(bob, OLD)[1] == 401
    assert logged_in(bob, NEW)[1] == 200
    assert logged_in(bob, OLD, CARDS[1])[1] == 200  # the other card keeps its own


@pytest.mark.parametrize("computed_with", [OLD, WRONG])
def test_a_response_with_another_pin_changes_nothing_and_counts(bob, computed_with):
    login, _ = logged_in(bob)
    before = kept(bob)
    for _ in range(USUAL_LOGIN.wrong_responses):
        problem(change(bob, login, proven_by=login, computed_with=computed_with), 403, NOT_PROVEN)
    assert kept(bob) == before
    assert bob.begin("bob").json()["devices"] == [
        {"serial_number": CARDS[1], "type": "DSC+", "asks": "response"}
    ]  # the first is locked


def test_the_former_pin_is_asked_for_by_a_login_with_that_card_just_now(bob):
    before = kept(bob)
    password_only = bob.begin("bob").json()["login"]
    problem(change(bob, password_only), 403, "log in with this card first")
    problem(change(bob, password_only, proven_by=password_only), 401)
    by_the_other, _ = logged_in(bob, card=CARDS[1])
    problem(change(bob, by_the_other, proven_by=by_the_other), 403, "log in with this card first")
    login, _ = logged_in(bob)
    bob.at(minutes=15)
    problem(change(bob, bob.begin("bob").json()["login"], proven_by=login), 401)
    assert kept(bob) == before
    assert reasons(bob) == ["no device answered it just now"] * 2  # which another card did is told (403)


def test_r7_another_users_login_with_the_same_card_is_no_proof(bob):
    record_users(bob, user_values("bob.trust"))
    set_password(bob.station, bob.actor, "bob.trust", PASSWORD)
    with bob.writing() as session:
        add_user(session, bob.actor, bob.moment, live_device(session, CARDS[0]), "bob.trust", "test")
    login = bob.begin("bob.trust").json()["login"]
    question = bob.ask(login, CARDS[0]).json()["challenge"]
    response = bob.response(CARDS[0], question, OLD)
    assert bob.answer(login, question, response, CARDS[0]).status_code == 200
    before = kept(bob)
    problem(change(bob, bob.begin("bob").json()["login"], proven_by=login), 401)
    assert kept(bob) == before


@pytest.mark.parametrize("pin", ["1982", "1705", "0000", "1234", "12345", "abcd"])
def test_r8_refuses_pins_here_too_and_repeats_none(bob, pin):
    login, _ = logged_in(bob)
    told = problem(change(bob, login, new=pin, computed_with=NEW, proven_by=login), 422, "refused PIN")
    assert pin not in str(told)


def test_r7_a_forgotten_pin_is_replaced_once_after_an_identity_check(bob):
    until = allow_reset(bob.station, bob.actor, "bob", CARDS[0], "called back")
    assert (until - bob.moment).total_seconds() == 24 * 3600
    login = bob.begin("bob").json()["login"]
    problem(change(bob, login, computed_with=WRONG), 403, NOT_PROVEN)
    assert change(bob, login).status_code == 204
    assert logged_in(bob, NEW)[1] == 200
    problem(change(bob, bob.begin("bob").json()["login"], new=WRONG), 403, "log in with this card first")
    with bob.station.database.reading() as session:
        row = session.scalars(select(AuditRow).where(AuditRow.action == "pins.allow-reset")).one()
    assert (row.operator, row.subject) == ("olivia", CARDS[0])
    assert "called back" in row.details


def test_r7_the_back_office_allows_it_by_whoever_checked_who_calls(bob):
    secret = "a sample pass phrase"
    for name, position in (("olga", Position.SECURITY_OFFICER), ("clara", Position.CLIENT_SERVICES)):
        operators.add(bob.station, bob.actor, name, [position], secret=secret)
    wanted = {"device": CARDS[0], "identity_check": "called back", "secret": secret}
    ask = lambda who: bob.clients[Scope.OFFICE].post(  # noqa: E731
        "/v1/office/users/bob/pin-resets", json=wanted | {"operator": who}, headers=keyed()
    )
    problem(ask("olga"), 403, "client-services")
    problem(change(bob, bob.begin("bob").json()["login"]), 403, "log in with this card first")
    allowed = ask("clara")
    assert allowed.status_code == 201 and allowed.json()["until"].startswith("2026-12-07T15:00")
    assert change(bob, bob.begin("bob").json()["login"]).status_code == 204
    assert logged_in(bob, NEW)[1] == 200
    with bob.station.database.reading() as session:
        row = session.scalars(select(AuditRow).where(AuditRow.action == "pins.allow-reset")).one()
    assert row.operator == "clara"


def test_r7_a_reset_that_was_not_needed_serves_for_no_other_pin(bob):
    allow_reset(bob.station, bob.actor, "bob", CARDS[0], "called back")
    login, _ = logged_in(bob)
    assert change(bob, login, proven_by=login).status_code == 204
    problem(change(bob, bob.begin("bob").json()["login"], new=WRONG), 403, "log in with this card first")


def test_a_reset_lapses_after_a_day(bob):
    allow_reset(bob.station, bob.actor, "bob", CARDS[0], "called back")
    bob.at(days=1)
    problem(change(bob, bob.begin("bob").json()["login"]), 403, "log in with this card first")


def test_who_may_allow_a_reset_and_for_what(alice):
    """alice's card checks its PIN itself (profile A)."""
    with pytest.raises(NotPermitted, match="checks its PIN itself"):
        allow_reset(alice.station, alice.actor, "alice", CARDS[0], "called back")
    other = Actor("mallory", ALL_ROLES - {Role.CLIENT_SERVICES}, "bench-1")
    with pytest.raises(NotPermitted, match="client-services"):
        allow_reset(alice.station, other, "alice", CARDS[0], "called back")
    with pytest.raises(BadInput):
        allow_reset(alice.station, alice.actor, "alice", CARDS[0], " ")
    login = alice.logged_in()
    given = {"device": CARDS[0], "challenge": "123457", "answer": "12345678", "pin": NEW, "login": login}
    told = alice.portal.post("/v1/users/alice/pin-changes", json=given, headers=keyed())
    problem(told, 403, "checks its PIN itself")


def test_the_same_change_again_is_made_once(bob):
    login, _ = logged_in(bob)
    key = "changed-once-0001"
    first = change(bob, login, proven_by=login, key=key)
    assert first.status_code == 204
    problem(change(bob, login, proven_by=login, key=key), 422, "another request")


def test_pin_reset_by_command(bench):
    world = bench.world
    world.shipped(profile="B", pin=OLD, user="bob")
    world.at(days=14)
    run_timers(world.station, world.actor)
    told = bench.json("access", "pin-reset", "bob", CARDS[0], "--checked", "called back")
    assert (told["user"], told["serial_number"]) == ("bob", CARDS[0])
    bench.run("access", "pin-reset", "bob", CARDS[0], code=2)
