"""R1, R6, R23: logging in by the API; one answer for every refusal, each reason on record."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import event, func, select

from dscplus_station.activation.service import revoke_card
from dscplus_station.audit import AuditRow
from dscplus_station.closing.service import close_account
from dscplus_station.figures import USUAL_LOGIN
from dscplus_station.login.rules import Outcome, Purpose
from dscplus_station.login.service import issue_challenge
from dscplus_station.login.tables import Attempt
from dscplus_station.operators import hashing
from dscplus_station.passwords.service import set_password
from dscplus_station.passwords.tables import UserPassword
from dscplus_station.portal import service
from dscplus_station.portal.rules import MAX_FAILURES, MAX_TRIES
from dscplus_station.tokens.rules import Scope
from tests.provisioning.api.api_world import PASSWORD, keyed, problem
from tests.provisioning.interim_access import give_passcode
from tests.provisioning.support import CARDS, order_values, other_response, record_users, user_values

NEUTRAL = "not logged in: begin again with user name and password"


def reasons(world):
    with world.station.database.reading() as session:
        refused = select(AuditRow).where(AuditRow.action == "portal.refused")
        rows = session.scalars(refused.order_by(AuditRow.id)).all()
    return [json.loads(row.details)["because"] for row in rows]


def test_r1_a_login_by_a_card_in_three_calls(alice):
    begun = alice.begin()
    assert begun.status_code == 201 and begun.json()["session"] is None
    assert begun.json()["devices"] == [{"serial_number": CARDS[0], "type": "DSC+", "asks": "response"}]
    login = begun.json()["login"]
    asked = alice.ask(login)
    assert asked.status_code == 201 and asked.json()["asks"] == "response"
    question = asked.json()["challenge"]
    session = alice.answer(login, question, alice.response(CARDS[0], question))
    assert session.status_code == 200
    assert session.json() == {
        "device": "DSC+",
        "portal_only": False,
        "expires_at": None,
        "withdrawals": {"per_day": None, "per_five_business_days": None, "left": None},
        "opted_out": False,
        "restrictions": [],
    }


def test_r1_there_is_no_challenge_without_the_password(alice):
    problem(alice.begin(password="another pass phrase"), 401, NEUTRAL)
    problem(alice.ask("A" * 32), 401, NEUTRAL)
    assert reasons(alice) == ["wrong password", "no login under way"]


def refused_in_every_way(world):
    """Each refusal of a login, by its reason."""

    def login():
        return world.begin().json()["login"]

    def asked(name):
        return world.ask(name).json()["challenge"]

    def right(question):
        return world.response(CARDS[0], question)

    yield "wrong password", world.begin(password="x" * 12)
    yield "unknown user", world.begin(user="nobody")
    name = login()
    question = asked(name)
    yield "response is wrong", world.answer(name, question, other_response(right(question)))
    yield "answered before", world.answer(name, question, right(question))
    question = asked(name)
    world.at(minutes=5)
    yield "has expired", world.answer(name, question, right(question))
    yield "not issued for", world.answer(name, "123457", right("123457"))
    foreign = issue_challenge(world.station, world.actor, CARDS[0], "alice", Purpose.SHARING).challenge
    yield "not issued for", world.answer(name, foreign, right(foreign))
    yield "no device to pick", world.ask(name, "0000000026")
    yield "not a personalised card", world.answer(name, "123457", right("123457"), CARDS[1])
    world.at(minutes=5)
    yield "no login under way", world.answer(name, question, right(question))
    name = login()
    question = asked(name)
    assert world.answer(name, question, right(question)).status_code == 200
    yield "no login under way", world.answer(name, question, right(question))
    for _ in range(USUAL_LOGIN.wrong_responses):
        name = login()
        question = asked(name)
        yield "response is wrong", world.answer(name, question, other_response(right(question)))
    name = login()
    yield "no device to pick", world.ask(name)  # LOCKED by now
    yield "LOCKED", world.answer(name, question, right(question))


def test_r6_every_refusal_sounds_the_same_and_has_its_reason_on_record(alice):
    bodies, wanted = set(), []
    for because, response in refused_in_every_way(alice):
        problem(response, 401)
        bodies.add((response.content, str(sorted(response.headers.items()))))
        wanted.append(because)
    assert len(bodies) == 1
    assert all(want in found for want, found in zip(wanted, reasons(alice), strict=True))


def test_a_card_that_was_revoked_after_the_challenge_does_not_log_in(alice):
    login = alice.begin().json()["login"]
    question = alice.ask(login).json()["challenge"]
    revoke_card(alice.station, alice.actor, CARDS[0], "lost")
    problem(alice.answer(login, question, alice.response(CARDS[0], question)), 401, NEUTRAL)


def test_one_login_does_not_serve_another_user(alice):
    alice.place(order_values("O-2", user="bob"))
    record_users(alice, user_values("bob", entity="E-2"))
    set_password(alice.station, alice.actor, "bob", PASSWORD)
    login = alice.begin("bob").json()["login"]
    problem(alice.ask(login), 401, NEUTRAL)
    question = issue_challenge(alice.station, alice.actor, CARDS[0], "alice").challenge
    problem(alice.answer(login, question, alice.response(CARDS[0], question)), 401, NEUTRAL)


def test_r17_a_passcode_is_asked_for_nothing_first(alice):
    passcode = give_passcode(alice, "alice")
    begun = alice.begin().json()
    picks = {one["asks"]: one["serial_number"] for one in begun["devices"]}
    assert alice.ask(begun["login"], picks["passcode"]).json()["challenge"] is None
    answered = alice.answer(begun["login"], "", passcode, picks["passcode"])
    assert answered.status_code == 200 and answered.json()["device"] == "temporary passcode"


def test_an_answer_that_is_none_by_its_form_is_no_attempt(alice):
    login = alice.begin().json()["login"]
    question = alice.ask(login).json()["challenge"]
    told = problem(alice.answer(login, question, "1234567"), 422, "exactly 8 digits")
    assert "1234567" not in str(told)
    assert alice.answer(login, question, alice.response(CARDS[0], question)).status_code == 200


def test_r45_a_closed_account_has_the_portal_by_password_alone(alice):
    close_account(alice.station, alice.actor, "alice", "asked for")
    begun = alice.begin().json()
    assert begun["devices"] == [] and begun["session"]["portal_only"] is True
    assert begun["session"]["device"] == "none" and begun["session"]["withdrawals"] is None
    problem(alice.ask(begun["login"]), 401, NEUTRAL)


def test_who_never_had_a_device_logs_in_by_password_and_who_had_one_does_not(alice):
    record_users(alice, user_values("carol", entity="E-3"))
    set_password(alice.station, alice.actor, "carol", PASSWORD)
    session = alice.begin("carol").json()["session"]
    assert session["device"] == "none" and session["withdrawals"]["per_day"] == 50_000_00
    revoke_card(alice.station, alice.actor, CARDS[0], "lost")
    begun = alice.begin().json()
    assert begun["session"] is None and begun["devices"] == []


def test_r6_ten_wrong_passwords_in_a_day_lock_the_name(alice):
    for _ in range(MAX_FAILURES):
        problem(alice.begin(password="x" * 12), 401, NEUTRAL)
    problem(alice.begin(), 401, NEUTRAL)
    alice.at(hours=23)
    problem(alice.begin(), 401, NEUTRAL)
    alice.at(hours=1)
    assert alice.begin().status_code == 201
    for _ in range(MAX_FAILURES - 1):
        alice.begin(password="x" * 12)
    assert alice.begin().status_code == 201  # only failures in a row count
    for _ in range(MAX_FAILURES):
        problem(alice.begin("nobody"), 401, NEUTRAL)
    assert reasons(alice)[-1] == "unknown user"
    problem(alice.begin("nobody"), 401, NEUTRAL)  # counted, too, so that it takes the same time
    record_users(alice, user_values("nobody", entity="E-9"))
    set_password(alice.station, alice.actor, "nobody", PASSWORD)
    problem(alice.begin("nobody"), 401, NEUTRAL)
    assert reasons(alice)[-1] == "locked"


def test_passwords_are_hashed_anew_when_the_parameters_change(alice, monkeypatch):
    def kept():
        with alice.station.database.reading() as session:
            return session.get_one(UserPassword, "alice").password_hash

    before = kept()
    assert alice.begin().status_code == 201 and kept() == before
    monkeypatch.setattr(hashing, "PARAMETERS", hashing.Argon2id(passes=2, memory_kib=16, lanes=1))
    problem(alice.begin(password="x" * 12), 401, NEUTRAL)
    assert kept() == before
    assert alice.begin().status_code == 201 and kept().startswith("$argon2id$v=19$m=16,t=2,p=1$")
    assert alice.begin().status_code == 201


def test_one_login_tries_no_more_than_ten_answers(alice):
    login = alice.begin().json()["login"]
    for _ in range(MAX_TRIES):
        problem(alice.answer(login, "123457", "00000000"), 401, NEUTRAL)
    question = issue_challenge(alice.station, alice.actor, CARDS[0], "alice").challenge
    problem(alice.answer(login, question, alice.response(CARDS[0], question)), 401, NEUTRAL)


def test_a_login_that_is_answered_twice_at_once_logs_in_once(alice):
    login = alice.begin().json()["login"]
    questions = [alice.ask(login).json()["challenge"] for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        given = pool.map(lambda asked: alice.answer(login, asked, alice.response(CARDS[0], asked)), questions)
    assert sorted(one.status_code for one in given) == [200, 401]
    assert reasons(alice) == ["no login under way"]


def test_r6_a_challenge_that_is_answered_through_several_logins_at_once_serves_one(alice):
    logins = [alice.begin().json()["login"] for _ in range(2)]
    question = alice.ask(logins[0]).json()["challenge"]
    right = alice.response(CARDS[0], question)
    with ThreadPoolExecutor(8) as pool:
        given = pool.map(lambda login: alice.answer(login, question, right).status_code, logins * 4)
    assert sorted(given) == [200] + [401] * 7


def test_r6_wrong_answers_at_once_lock_with_the_fifth_and_no_more_are_judged(alice):
    login = alice.begin().json()["login"]
    questions = [alice.ask(login).json()["challenge"] for _ in range(8)]
    wrong = {one: other_response(alice.response(CARDS[0], one)) for one in questions}
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda one: problem(alice.answer(login, one, wrong[one]), 401, NEUTRAL), questions))
    with alice.station.database.reading() as session:
        outcomes = session.scalars(select(Attempt.outcome)).all()
    assert outcomes == [Outcome.WRONG] * USUAL_LOGIN.wrong_responses
    assert sum("LOCKED" in reason for reason in reasons(alice)) == 8 - USUAL_LOGIN.wrong_responses


def test_r6_no_commit_counts_an_attempt_without_the_record_of_its_refusal(alice):
    """So that a crash behind it loses neither."""
    attempts = select(func.count()).select_from(Attempt).where(Attempt.outcome != Outcome.RIGHT)
    refusals = select(func.count()).select_from(AuditRow).where(AuditRow.action == "portal.refused")
    seen = []

    def look(connection):
        seen.append((connection.scalar(attempts), connection.scalar(refusals)))

    login = alice.begin().json()["login"]
    questions = [alice.ask(login).json()["challenge"] for _ in range(3)]
    engine = alice.station.database.engine
    event.listen(engine, "commit", look)
    wrong = other_response(alice.response(CARDS[0], questions[0]))
    for question in (questions[0], questions[0], questions[1], "123457"):  # wrong, used, wrong, foreign
        problem(alice.answer(login, question, wrong), 401, NEUTRAL)
    problem(alice.ask(login, "0000000026"), 401, NEUTRAL)
    event.remove(engine, "commit", look)
    assert [one for one in seen if one[0] > one[1]] == []
    assert seen[-1] == (4, 5)
    assert len(reasons(alice)) == 5


def test_no_repetition_logs_in(alice):
    """Under an idempotency key either: what was kept would outlive session, device and account."""
    post = lambda path, body, key: alice.portal.post(f"/v1/logins{path}", json=body, headers=keyed(key))  # noqa: E731
    credentials = {"user": "alice", "password": PASSWORD}
    begun = post("", credentials, "begun-once-0001")
    assert begun.status_code == 201
    told = problem(post("", credentials, "begun-once-0001"), 410, "kept nowhere")
    assert told["type"].endswith(":not-kept")
    picked = {"login": begun.json()["login"], "device": CARDS[0]}
    question = alice.ask(picked["login"]).json()["challenge"]
    right = alice.response(CARDS[0], question)
    wrong = picked | {"challenge": "123457", "answer": right}
    assert [post("/answer", wrong, "wrong-again-0001").status_code for _ in range(2)] == [401, 401]
    given = picked | {"challenge": question, "answer": right}
    assert post("/answer", given, "answered-once-0001").status_code == 200
    again = post("/answer", given, "answered-once-0001")
    problem(again, 410, "kept nowhere")
    assert "withdrawals" not in again.text


def test_a_login_by_password_alone_proves_no_device(alice):
    record_users(alice, user_values("carol", entity="E-3"))
    set_password(alice.station, alice.actor, "carol", PASSWORD)
    login = alice.begin("carol").json()["login"]
    with pytest.raises(service.LoginRefused):
        service.fresh_login(alice.station, alice.actor, login, "carol")
    mine = alice.logged_in()
    assert service.fresh_login(alice.station, alice.actor, mine, "alice").device_id is not None
    with pytest.raises(service.LoginRefused):
        service.fresh_login(alice.station, alice.actor, mine, "carol")


@pytest.mark.parametrize("scope", [Scope.WAREHOUSE, Scope.AUDITOR])
def test_only_portals_and_login_servers_log_users_in(alice, scope):
    body = {"user": "alice", "password": PASSWORD}
    told = problem(alice.clients[scope].post("/v1/logins", json=body), 403, "portal or login")
    assert PASSWORD not in str(told)


def test_a_body_that_is_no_json_is_told_as_the_body(alice):
    broken = {"content": b"{", "headers": {"Content-Type": "application/json"}}
    told = problem(alice.login_server.post("/v1/logins", **broken), 422, "not as described: body.")
    assert told["fields"] == ["body"]
