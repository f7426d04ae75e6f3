"""Tokens, scopes and grants, pace, idempotency keys, problems: what every request passes."""

import hashlib
import json
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from dscplus_station import errors, log
from dscplus_station.actor import ALL_ROLES, Actor, Role
from dscplus_station.api import problems
from dscplus_station.api.paces import MAX_ADDRESSES, UNKNOWN_PACE, Paces, customer
from dscplus_station.errors import BadInput, NotFound, NotPermitted, StateConflict, TooSoon
from dscplus_station.keystore.grants import GrantedKeystore
from dscplus_station.keystore.interface import (
    KeystoreError,
    answer_of,
    codes_of,
    identity_of,
    kind_of_context,
    pin_hash_of,
    pin_of,
    seed_of,
    sms_of,
)
from dscplus_station.operators.authentication import NotSignedIn
from dscplus_station.ordering import service as ordering
from dscplus_station.portal.service import LoginRefused
from dscplus_station.tokens import replays
from dscplus_station.tokens import service as tokens
from dscplus_station.tokens.rules import (
    GRANTS_OF,
    KEEP_ANSWERS,
    ROLES_OF,
    STALLED_AFTER,
    Bucket,
    Pace,
    Repetition,
    Scope,
    served,
    take,
)
from tests.provisioning.api.api_world import NEW, ApiWorld, keyed, problem
from tests.provisioning.support import GOOD_PIN, record_users, user_values

OFFICER = Actor("olga", frozenset({Role.OPERATORS}), "bench-1")
CONTEXTS = {
    "pin": pin_of("O-1"),
    "seed": seed_of("0000000018", "run"),
    "pin-hash": pin_hash_of("0000000018", "run"),
    "codes": codes_of("TP-1"),
    "identity": identity_of("alice"),
    "sms": sms_of("alice"),
    "answer": answer_of("portal-1", "k"),
}
PATIENCE_S = 30


@pytest.fixture
def portal(api):
    """The portal's client; alice is on record."""
    record_users(api, user_values("alice", account="U-1"))
    return api.portal


# Tokens


def test_without_a_token_that_works_there_is_nothing(api):
    for header in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic YTpi"}):
        told = api.anybody.get("/v1/orders/O-1", headers=header)
        problem(told, 401, "Authorization: Bearer")
        assert told.headers["www-authenticate"] == "Bearer"


def test_a_token_rotates_with_an_overlap_and_is_revoked_at_once(api):
    old, new = api.portal, api.client(tokens.rotate(api.station, OFFICER, "portal-1", timedelta(days=2)))
    for client in (old, new):
        problem(client.get("/v1/orders/O-1"), 404)
    assert [(one.name, one.ends_at is None) for one in tokens.tokens(api.station)][-3:] == [
        ("portal-1", False),
        ("portal-1", True),
        ("warehouse-1", True),
    ]
    api.at(days=2)
    problem(old.get("/v1/orders/O-1"), 401)
    problem(new.get("/v1/orders/O-1"), 404)
    tokens.revoke(api.station, OFFICER, "portal-1")
    problem(new.get("/v1/orders/O-1"), 401)
    with pytest.raises(NotFound):
        tokens.revoke(api.station, OFFICER, "portal-1")
    again = api.client(tokens.add(api.station, OFFICER, "portal-1", Scope.LOGIN))
    problem(again.get("/v1/orders/O-1"), 403, "scope login")


def test_tokens_are_a_security_officers_business(api):
    other = Actor("mallory", ALL_ROLES - {Role.OPERATORS}, "bench-1")
    for deed in (
        lambda: tokens.add(api.station, other, "portal-2", Scope.PORTAL),
        lambda: tokens.rotate(api.station, other, "portal-1", timedelta(0)),
        lambda: tokens.revoke(api.station, other, "portal-1"),
    ):
        with pytest.raises(NotPermitted):
            deed()
    with pytest.raises(StateConflict):
        tokens.add(api.station, OFFICER, "portal-1", Scope.PORTAL)
    with pytest.raises(BadInput):
        tokens.add(api.station, OFFICER, "Portal 1", Scope.PORTAL)
    with pytest.raises(BadInput):
        tokens.rotate(api.station, OFFICER, "portal-1", timedelta(days=91))
    with pytest.raises(NotFound):
        tokens.rotate(api.station, OFFICER, "portal-9", timedelta(0))


def test_a_process_for_one_scope_serves_no_other(tmp_path):
    world = ApiWorld(tmp_path, scopes=[Scope.LOGIN])
    problem(world.portal.get("/v1/orders/O-1"), 401)
    problem(world.login_server.get("/v1/orders/O-1"), 403)
    world.close()


# Roles and grants


def test_what_scopes_may_do_and_unseal():
    assert ROLES_OF[Scope.AUDITOR] == {Role.AUDIT}
    never = {Role.OPERATORS, Role.KEY_CUSTODIAN, Role.SUPERVISOR, Role.COMPLIANCE, Role.PROVISIONING}
    assert not any(roles & never for roles in ROLES_OF.values())
    assert GRANTS_OF[Scope.LOGIN].seals == set()
    assert GRANTS_OF[Scope.LOGIN].unseals == {"seed", "pin-hash", "codes"}
    assert not any("pin" in grants.unseals for grants in GRANTS_OF.values())
    assert ROLES_OF[Scope.OFFICE] == set()  # the operator's count who proves it
    assert GRANTS_OF[Scope.OFFICE].unseals == {"identity"}
    for scope in (Scope.WAREHOUSE, Scope.AUDITOR):
        assert served([scope]).seals == served([scope]).unseals == set()


def test_a_granted_keystore_does_what_was_granted_and_nothing_else(world):
    sealed = {kind: world.keystore.seal(context, b"secret") for kind, context in CONTEXTS.items()}
    for scope, grants in GRANTS_OF.items():
        granted = GrantedKeystore(world.keystore, grants.seals, grants.unseals)
        for kind, context in CONTEXTS.items():
            assert kind_of_context(context) == kind
            if kind in grants.unseals:
                assert granted.unseal(context, sealed[kind]) == b"secret"
            else:
                with pytest.raises(KeystoreError, match="not granted"):
                    granted.unseal(context, sealed[kind])
            if kind in grants.seals:
                assert world.keystore.unseal(context, granted.seal(context, b"x")) == b"x"
            else:
                with pytest.raises(KeystoreError, match="not granted"):
                    granted.seal(context, b"x")
        for master in (granted.issuer_master, granted.restock_master, lambda: granted.batch_master("B1")):  # noqa: B023
            with pytest.raises(KeystoreError, match="no key of any card"):
                master()
        assert scope.value not in repr(granted)


def test_no_handler_of_the_portals_can_unseal_an_orders_pin(api, portal, monkeypatch):
    """Through the API itself: a service that tried to would be refused, and the client is told no secret."""
    portal.post("/v1/orders", json=NEW, headers=keyed())
    portal.put("/v1/orders/P-1/pin", json={"pin": GOOD_PIN})
    asked = []

    def curious(_station, _actor, keystore, order, _pin):
        asked.append(order)
        return keystore.unseal(pin_of(order), b"whatever is kept there")

    monkeypatch.setattr(ordering, "choose_pin", curious)
    problem(portal.put("/v1/orders/P-1/pin", json={"pin": GOOD_PIN}), 403, "not granted")
    assert asked == ["P-1"]


# Pace


def test_a_token_that_asks_too_fast_waits_and_others_do_not(api):
    for _ in range(200):
        assert api.portal.get("/v1/orders/O-1").status_code == 404
    too_fast = api.portal.get("/v1/orders/O-1")
    problem(too_fast, 429, "wait 1 s")
    assert too_fast.headers["retry-after"] == "1"
    problem(api.login_server.get("/v1/orders/O-1"), 403)
    api.seconds += 0.01
    assert api.portal.get("/v1/orders/O-1").status_code == 404
    problem(api.portal.get("/v1/orders/O-1"), 429)


def test_guesses_of_tokens_are_slow(api):
    told = [api.client(f"dsct_{i}").get("/v1/orders/O-1").status_code for i in range(22)]
    assert told == [401] * 20 + [429] * 2
    api.seconds += 2
    assert api.client("dsct_x").get("/v1/orders/O-1").status_code == 401


def test_many_addresses_empty_nobodys_bucket():
    seconds, guesser, pace = 0.0, "203.0.113.1", Pace(100, 2)
    paces = Paces(lambda: seconds)
    assert [paces.of_address(guesser) for _ in range(UNKNOWN_PACE.burst)] == [0] * UNKNOWN_PACE.burst
    assert [paces.of_token("portal-1", pace) for _ in range(2)] == [0, 0]
    for number in range(MAX_ADDRESSES + UNKNOWN_PACE.burst - 1):
        assert paces.of_address(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}") == 0
    assert paces.of_address(guesser) > 0  # still held back, whoever came
    assert paces.of_token("portal-1", pace) > 0
    assert [paces.of_address(f"10.9.0.{n}") for n in (1, 2)] == [1, 1]  # beyond them: one bucket for all
    assert len(paces._addresses) == MAX_ADDRESSES + 1
    seconds = 20.0
    assert paces.of_address("10.9.0.1") == 0
    assert len(paces._addresses) == 1  # a full bucket says no more than none
    seconds = 20.5
    assert paces.of_address("10.9.0.2") == 0
    assert len(paces._addresses) == 2


def test_an_ipv6_customer_is_one_whichever_of_its_addresses_asks():
    paces = Paces(lambda: 0.0)
    assert [paces.of_address(f"2001:db8::{n:x}") for n in range(21)] == [0] * 20 + [1]
    assert paces.of_address("2001:db8:0:1::1") == 0
    assert [customer(host) for host in ("::ffff:192.0.2.7", "192.0.2.7", "testclient")] == [
        "192.0.2.7",
        "192.0.2.7",
        "testclient",
    ]


def test_the_pace_is_a_setting(world):
    from dscplus_station.api.configuration import pace_of

    file = world.home.settings_file
    file.write_text(file.read_text() + "[api]\nrequests_per_second = 5\n")
    assert pace_of(world.home.settings()) == Pace(5.0, 200)
    for bad in ("0", "true", '"5"', "200000"):
        file.write_text(file.read_text().rsplit("=", 1)[0] + f"= {bad}\n")
        with pytest.raises(BadInput, match="requests_per_second"):
            pace_of(world.home.settings())


def test_a_bucket_fills_to_its_burst_and_no_further():
    pace = Pace(2, 3)
    bucket, wait = take(pace, None, 0.0)
    assert (bucket, wait) == (Bucket(2, 0.0), 0)
    bucket, _ = take(pace, bucket, 0.0)
    bucket, wait = take(pace, bucket, 0.0)
    assert (bucket.left, wait) == (0, 0)
    bucket, wait = take(pace, bucket, 0.0)
    assert wait == 0.5
    bucket, wait = take(pace, bucket, 1000.0)
    assert (bucket.left, wait) == (2, 0)
    assert take(pace, Bucket(1, 10.0), 5.0) == (
        Bucket(0, 5.0),
        0,
    )  # no clock takes anything back


# Idempotency


def test_the_same_request_again_is_answered_with_the_same_bytes(api, portal):
    key = keyed()
    first = portal.post("/v1/orders", json=NEW, headers=key)
    assert first.status_code == 201 and "idempotent-replayed" not in first.headers
    portal.put("/v1/orders/P-1/pin", json={"pin": GOOD_PIN})
    again = portal.post("/v1/orders", json=NEW, headers=key)
    assert (again.status_code, again.content) == (201, first.content)  # as it was: without the PIN
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["content-type"] == first.headers["content-type"]


def test_a_key_belongs_to_one_request(api, portal):
    key = keyed()
    portal.post("/v1/orders", json=NEW, headers=key)
    for other in (NEW | {"order": "P-2"}, NEW | {"equity_cents": 3_000_000_00}):
        told = problem(portal.post("/v1/orders", json=other, headers=key), 422, "used for another request")
        assert told["type"].endswith(":key-used")
    problem(portal.post("/v1/orders/P-1/place", headers=key), 422, "used for another request")
    problem(portal.get("/v1/orders/P-2"), 404)
    key = keyed()  # also where nothing is sent that would tell two calls apart
    assert portal.post("/v1/orders/P-1/cancel", headers=key).status_code == 200
    problem(portal.post("/v1/orders/P-1/place", headers=key), 422, "used for another request")


def test_what_creates_takes_a_key(portal):
    for key in (
        {},
        {"Idempotency-Key": "short"},
        {"Idempotency-Key": "x" * 65},
        {"Idempotency-Key": "a b c d e"},
    ):
        problem(portal.post("/v1/orders", json=NEW, headers=key), 422, "dempotency")
    problem(portal.get("/v1/orders/P-1"), 404)


def test_each_program_has_keys_of_its_own(api, portal):
    other = api.client(tokens.add(api.station, OFFICER, "portal-2", Scope.PORTAL))
    key = keyed()
    portal.post("/v1/orders", json=NEW, headers=key)
    assert "idempotent-replayed" not in other.post("/v1/orders", json=NEW, headers=key).headers


def test_a_name_of_another_scope_hears_no_answer_of_the_former_one(api, portal):
    key = keyed()
    assert portal.post("/v1/orders", json=NEW, headers=key).status_code == 201
    tokens.revoke(api.station, OFFICER, "portal-1")
    again = api.client(tokens.add(api.station, OFFICER, "portal-1", Scope.AUDITOR))
    problem(again.post("/v1/orders", json=NEW, headers=key), 422, "used for another request")


def test_a_refusal_is_kept_too_but_not_what_passes_with_time(api, portal):
    key = keyed()
    problem(portal.post("/v1/orders", json=NEW | {"user": "nobody"}, headers=key), 404)
    record_users(api, user_values("nobody", entity="E-2"))
    kept = portal.post("/v1/orders", json=NEW | {"user": "nobody"}, headers=key)
    problem(kept, 404)
    assert kept.headers["idempotent-replayed"] == "true"
    portal.post("/v1/orders", json=NEW, headers=keyed())
    key = keyed()
    problem(portal.post("/v1/orders/P-1/place", headers=key), 409)
    portal.put("/v1/orders/P-1/pin", json={"pin": GOOD_PIN})
    portal.post("/v1/orders/P-1/review")
    assert portal.post("/v1/orders/P-1/place", headers=key).json()["state"] == "PLACED"


OF_THE_DEED = {
    errors.BadInput,
    errors.WrongUsage,
    errors.NotFound,
    errors.NotPermitted,
    problems.NotProven,  # its challenge is spent: made again, it would be another answer
} | {
    kind for kind in problems.KINDS if kind.__name__ in (
        "AccountClosed", "PinRefused", "MayNotOrder", "NotEnrolled", "OverLimit",
        "HoldsInterimAccess", "LessSecureDevice", "DifferentIdentification",
    )
}  # fmt: skip
OF_WHO_OR_WHEN = {
    errors.HeldByAnother,
    errors.StateConflict,
    errors.DatabaseFailed,
    errors.NotAuthorised,
    errors.TooSoon,
    KeystoreError,
    LoginRefused,
    NotSignedIn,
}


def test_each_refusal_that_a_program_can_hear_is_of_the_deed_or_of_who_asks_or_when():
    assert set(problems.KINDS) <= OF_THE_DEED | OF_WHO_OR_WHEN


@pytest.mark.parametrize(
    "kind", sorted(OF_THE_DEED | OF_WHO_OR_WHEN, key=str), ids=lambda kind: kind.__name__
)
def test_a_refusal_is_kept_if_it_is_the_deeds_and_else_the_request_is_made_again(
    api, portal, monkeypatch, kind
):
    draft = ordering.draft

    def refused(*_arguments):
        raise kind.__new__(kind)

    monkeypatch.setattr(ordering, "draft", refused)
    monkeypatch.setattr(kind, "__str__", lambda _: "refused")
    key = keyed()
    first = portal.post("/v1/orders", json=NEW, headers=key)
    assert first.status_code >= 400
    monkeypatch.setattr(ordering, "draft", draft)
    again = portal.post("/v1/orders", json=NEW, headers=key)
    if kind in OF_THE_DEED:
        assert (again.status_code, again.content) == (first.status_code, first.content)
        assert again.headers["idempotent-replayed"] == "true"
    else:
        assert again.status_code == 201
        assert "idempotent-replayed" not in again.headers


def test_a_program_that_gets_the_scope_later_is_served_under_the_same_key(api, portal):
    key, other = keyed(), api.client(tokens.add(api.station, OFFICER, "portal-2", Scope.LOGIN))
    problem(other.post("/v1/orders", json=NEW, headers=key), 403, "scope login does not serve here")
    tokens.revoke(api.station, OFFICER, "portal-2")
    other = api.client(tokens.add(api.station, OFFICER, "portal-2", Scope.PORTAL))
    assert other.post("/v1/orders", json=NEW, headers=key).status_code == 201


def test_the_same_request_side_by_side_is_made_once(api, portal, monkeypatch):
    made = []
    draft = ordering.draft
    monkeypatch.setattr(ordering, "draft", lambda *a: made.append(1) or draft(*a))
    key = keyed()
    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(lambda _: portal.post("/v1/orders", json=NEW, headers=key), range(8)))
    assert len(made) == 1
    assert {one.status_code for one in told} <= {201, 409} and 201 in {one.status_code for one in told}


def test_a_request_that_stalled_leaves_its_key_to_the_one_that_was_made_instead(api, portal, monkeypatch):
    """Refused at last, it must not set the key free: the same request would be made beside the second one."""
    begun, refused, made = [threading.Event(), threading.Event()], threading.Event(), []
    draft = ordering.draft

    def in_turn(*arguments):
        made.append(arguments)
        begun[len(made) - 1].set()
        if len(made) == 1:
            assert begun[1].wait(PATIENCE_S)
            raise TooSoon("too many of them just now")
        assert refused.wait(PATIENCE_S)
        return draft(*arguments)

    monkeypatch.setattr(ordering, "draft", in_turn)
    key = keyed()

    def post():
        return portal.post("/v1/orders", json=NEW, headers=key)

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(post)
        assert begun[0].wait(PATIENCE_S)
        api.at(seconds=STALLED_AFTER.total_seconds())
        second = pool.submit(post)
        problem(first.result(PATIENCE_S), 403, "too many of them")
        third = pool.submit(post)
        problem(third.result(PATIENCE_S), 409, "the same request is under way")
        refused.set()
        assert second.result(PATIENCE_S).status_code == 201
    assert post().headers["idempotent-replayed"] == "true"
    assert len(made) == 2


def test_a_request_whose_process_died_may_be_made_again_after_a_minute(world):
    def begin():
        return replays.begin(world.station, world.keystore, "portal-1", "key-12345", b"request")

    assert begin() == world.moment
    assert begin() is Repetition.UNDER_WAY
    world.at(seconds=STALLED_AFTER.total_seconds())
    assert begin() == world.moment
    assert begin() is Repetition.UNDER_WAY
    replays.finish(
        world.station,
        world.keystore,
        "portal-1",
        "key-12345",
        world.moment,
        replays.Kept(201, "application/json", b"{}\n\n"),
    )
    assert begin() == replays.Kept(201, "application/json", b"{}\n\n")
    world.at(seconds=KEEP_ANSWERS.total_seconds())
    assert begin() == world.moment


@pytest.mark.sqlite
def test_requests_and_answers_are_kept_sealed(api, portal):
    """Not even a digest of a request is in the clear: with a PIN in it, it is guessed in no time."""
    made = portal.post("/v1/orders", json=NEW, headers=keyed())
    with sqlite3.connect(api.home.database_file) as connection:
        ((request, answer),) = connection.execute("SELECT sealed_request, sealed_answer FROM kept_answer")
    connection.close()
    assert b"P-1" not in answer and b"Alice" not in answer
    sent = b"POST /v1/orders?\n" + made.request.content
    assert len(request) == 12 + 32 + 16 and hashlib.sha256(sent).digest() not in request


# Problems


def test_failures_are_problems_that_repeat_nothing(api, portal):
    secret = "9753197531"
    told = problem(portal.put("/v1/orders/P-1/pin", json={"pin": {"x": secret}}), 422)
    assert told["fields"] == ["pin"] and secret not in str(told)
    told = problem(portal.put("/v1/orders/P-1/pin", json={"pin": "1234", secret: 1}), 422)
    problem(portal.put("/v1/orders/P-1/pin", content=b"{not json " + secret.encode()), 422)
    problem(portal.get("/v1/nothing"), 404)
    problem(portal.patch("/v1/orders/P-1"), 405)
    other = portal.put("/v1/users/alice/contact")
    problem(other, 405)
    assert other.headers["allow"] == "GET, PATCH"
    problem(portal.post("/v1/orders", content=b"x" * (64 * 1024 + 1)), 413)
    problem(api.anybody.get("/nothing"), 404)


def test_a_mistake_of_ours_tells_nothing_but_that(api, portal, monkeypatch, tmp_path):
    def broken(*_arguments):
        raise RuntimeError("secret 97531 at line 7")

    log.open_log(tmp_path / "log")
    monkeypatch.setattr(ordering, "draft", broken)
    key = keyed()
    told = problem(portal.post("/v1/orders", json=NEW, headers=key), 500)
    assert "97531" not in str(told) and "RuntimeError" not in str(told)
    log.close_log()
    logged = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert logged[-1]["error"] == "RuntimeError" and "97531" not in str(logged)
    monkeypatch.undo()
    assert portal.post("/v1/orders", json=NEW, headers=key).status_code == 201  # the key was given free


def test_answers_are_stored_by_nobody_on_the_way(api, portal):
    assert portal.get("/v1/orders/P-1").headers["cache-control"] == "no-store"
    described = api.anybody.get("/openapi.json").json()
    assert described["openapi"].startswith("3.1")


@pytest.mark.sqlite
def test_no_token_is_kept_or_logged(api, portal, tmp_path):
    log.open_log(tmp_path / "log")
    portal.post("/v1/orders", json=NEW, headers=keyed())
    api.client("dsct_" + "q" * 43).get("/v1/orders/P-1")
    log.close_log()
    files = [path.read_bytes() for path in api.home.path.rglob("*") if path.is_file()]
    files.append((tmp_path / "log").read_bytes())
    for token in (*api.tokens.values(), "dsct_" + "q" * 43):
        assert not any(token.encode() in content for content in files)
    assert b"portal-1" in b"".join(files)
