"""The back office: each deed by an operator who is named and proves it; the program has no role."""

import pytest
from sqlalchemy import select

from dscplus_station.audit import AuditRow
from dscplus_station.figures import USUAL_LOGIN
from dscplus_station.operators import service as operators
from dscplus_station.operators.rules import Position
from dscplus_station.tokens.rules import Scope
from tests.provisioning.api.api_world import keyed, problem
from tests.provisioning.api.test_api_clients import shared
from tests.provisioning.support import CARDS, other_response, record_users, user_values

SECRETS = {name: f"the pass phrase of {name[0]} 1" for name in ("connie", "clara", "sue", "olga")}
NOTE = {"note": "passports compared"}


@pytest.fixture
def office(alice):
    """alice's station, with operators; its back office's program."""
    for name, position in (
        ("olga", Position.SECURITY_OFFICER),
        ("connie", Position.COMPLIANCE),
        ("clara", Position.CLIENT_SERVICES),
        ("sue", Position.SUPERVISOR),
    ):
        operators.add(alice.station, alice.actor, name, [position], secret=SECRETS[name])
    return alice.clients[Scope.OFFICE]


def by(name, secret=None):
    return {"operator": name, "secret": secret or SECRETS[name]}


def post(office, path, body):
    return office.post(f"/v1/office{path}", json=body, headers=keyed())


@pytest.fixture
def pending(alice, office):
    """A sharing that waits for compliance: two entities of one person."""
    record_users(alice, user_values("alice.trust", entity="E-2"))
    number = shared(alice, "alice.trust").json()["sharing"]
    assert alice.portal.post(f"/v1/sharings/{number}/submit").json()["state"] == "PENDING"
    return number


def deeds(world, action):
    with world.station.database.reading() as session:
        query = select(AuditRow.operator, AuditRow.subject).where(AuditRow.action == action)
        return [tuple(row) for row in session.execute(query.order_by(AuditRow.id))]


def test_r28_compliance_approves_and_is_named(alice, office, pending):
    waiting = office.get("/v1/office/sharings", params={"state": "PENDING"}).json()["items"]
    assert [one["sharing"] for one in waiting] == [pending]
    approved = post(office, f"/sharings/{pending}/approve", by("connie") | NOTE).json()
    assert (approved["state"], approved["decided_by"], approved["note"]) == (
        "APPROVED",
        "connie",
        NOTE["note"],
    )
    assert deeds(alice, "sharing.APPROVED") == [("connie", str(pending))]
    assert deeds(alice, "operators.signs") == [("api:office-1", "connie")]
    assert office.get("/v1/office/sharings", params={"state": "PENDING"}).json()["items"] == []
    problem(post(office, f"/sharings/{pending}/reject", by("connie") | NOTE), 409)


def test_r28_compliance_rejects(alice, office, pending):
    rejected = post(office, f"/sharings/{pending}/reject", by("connie") | NOTE).json()
    assert (rejected["state"], rejected["decided_by"]) == ("REJECTED", "connie")
    assert alice.portal.get(f"/v1/sharings/{pending}").json() == rejected


def test_r28_guards_are_checked_again_and_told_by_their_names(alice, office, pending):
    record_users(alice, user_values("alice.trust", entity="E-2", document_number="Y9"))
    told = problem(post(office, f"/sharings/{pending}/approve", by("connie") | NOTE), 403)
    assert told["type"].endswith(":different-identification")
    assert alice.portal.get(f"/v1/sharings/{pending}").json()["state"] == "PENDING"


def test_no_program_decides_by_itself_and_nobody_whose_role_it_is_not(alice, office, pending):
    path = f"/sharings/{pending}/approve"
    problem(post(office, path, NOTE), 422)
    for who, kind in (
        (by("clara"), "not-permitted"),
        (by("sue"), "not-permitted"),
        (by("connie", "another pass phrase 1"), "not-signed-in"),
        ({"operator": "api:office-1", "secret": "a pass phrase 1"}, "not-signed-in"),
        ({"operator": "nobody", "secret": "a pass phrase 1"}, "not-signed-in"),
    ):
        told = problem(post(office, path, who | NOTE), 403)
        assert told["type"].endswith(f":{kind}"), told
        assert who["secret"] not in str(told)
    assert alice.portal.get(f"/v1/sharings/{pending}").json()["state"] == "PENDING"
    assert deeds(alice, "sharing.APPROVED") == []


def test_an_operator_who_gets_the_position_later_or_mistyped_the_secret_is_heard_under_the_same_key(
    alice, office, pending
):
    path, key = f"/v1/office/sharings/{pending}/approve", keyed()
    problem(office.post(path, json=by("clara") | NOTE, headers=key), 403, "compliance")
    both = [Position.CLIENT_SERVICES, Position.COMPLIANCE]
    operators.set_positions(alice.station, alice.actor, "clara", both)
    for _ in range(2):
        wrong = by("connie", "another pass phrase 1") | NOTE
        problem(office.post(path, json=wrong, headers=keyed("connies-own-key")), 403)
    alice.at(minutes=1)
    told = office.post(path, json=by("connie") | NOTE, headers=keyed("connies-own-key"))
    assert told.json()["state"] == "APPROVED"
    problem(office.post(path, json=by("clara") | NOTE, headers=key), 409)


def test_r6_a_supervisor_releases_a_locked_device(alice, office):
    for _ in range(USUAL_LOGIN.wrong_responses):
        login = alice.begin().json()["login"]
        question = alice.ask(login).json()["challenge"]
        wrong = other_response(alice.response(CARDS[0], question))
        assert alice.answer(login, question, wrong).status_code == 401
    assert alice.begin().json()["devices"] == []
    path = f"/devices/{CARDS[0]}/releases"
    problem(post(office, path, by("clara") | {"user": "alice"}), 403, "supervisor")
    released = post(office, path, by("sue") | {"user": "alice"})
    assert released.json() == {"serial_number": CARDS[0], "user": "alice", "assignment": "ACTIVE"}
    assert len(alice.begin().json()["devices"]) == 1


def test_r43_a_replacement_return_is_phoned_in(alice, office):
    wanted = {"device": CARDS[0], "reason": "replacement"}
    problem(alice.portal.post("/v1/returns", json=wanted, headers=keyed()), 403, "phoned in")
    problem(post(office, "/returns", by("connie") | wanted), 403, "client-services")
    announced = post(office, "/returns", by("clara") | wanted)
    assert announced.status_code == 201 and announced.json()["state"] == "ANNOUNCED"
    assert deeds(alice, "return.ANNOUNCED") == [("clara", CARDS[0])]
