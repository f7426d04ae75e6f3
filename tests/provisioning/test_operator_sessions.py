"""Operators sign in by badge or name; wrong secrets wait, then lock; idle screens lock; second persons."""

import runpy
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from dscplus_station.actor import ALL_ROLES, Actor, Role
from dscplus_station.audit import AuditRow
from dscplus_station.errors import BadInput, NotPermitted
from dscplus_station.operators import authentication, hashing, service, sessions
from dscplus_station.operators.authentication import NotSignedIn, second_person
from dscplus_station.operators.badges import draw_badge
from dscplus_station.operators.configuration import idle_time
from dscplus_station.operators.rules import (
    IDLE,
    MAX_FAILURES,
    ROLES_OF,
    SESSION_LIFETIME,
    WAITS,
    Position,
    SessionState,
    roles_of,
)
from dscplus_station.operators.sessions import (
    Locked,
    live_sessions,
    lock,
    session_of,
    sign_in,
    sign_out,
    touch,
    unlock,
)
from dscplus_station.operators.tables import Operator

OFFICER = Actor("olga", ALL_ROLES, "bench-1")
PIN = "402913"
PASSWORD = "a sample pass phrase"
WRONG_PIN, WRONG_PASSWORD = "402914", "another pass phrase"


@pytest.fixture
def people(world):
    """A security officer, and wendy of the warehouse with badge, PIN and password; gives her badge's code."""
    service.add(world.station, OFFICER, "olga", [Position.SECURITY_OFFICER], secret=PASSWORD)
    service.add(world.station, OFFICER, "wendy", [Position.WAREHOUSE], secret=PASSWORD)
    service.set_secret(world.station, OFFICER, "wendy", PIN)
    return service.new_badge(world.station, OFFICER, "wendy")


def refused(world, who, secret, at="bench-1"):
    with pytest.raises(NotSignedIn) as refusal:
        sign_in(world.station, who, secret, at)
    assert secret not in str(refusal.value)
    return str(refusal.value)


def reasons(world):
    with world.station.database.reading() as session:
        refused = select(AuditRow).where(AuditRow.action == "operators.refused")
        rows = session.scalars(refused.order_by(AuditRow.id)).all()
    return [(row.subject, row.details.split('"because":"')[1].split('"')[0]) for row in rows]


def test_badge_with_pin_or_password_and_name_with_password_sign_in(world, people):
    for who, secret in (
        (people, PIN),
        (people.lower(), PASSWORD),
        ("wendy", PASSWORD),
        (" Wendy ", PASSWORD),
    ):
        token = sign_in(world.station, who, secret, "bench-1")
        assert session_of(world.station, token) == Actor("wendy", ROLES_OF[Position.WAREHOUSE], "bench-1")


def test_a_pin_opens_nothing_without_the_badge(world, people):
    refused(world, "wendy", PIN)
    assert reasons(world) == [("wendy", "WRONG")]


def test_an_old_badge_opens_nothing(world, people):
    service.new_badge(world.station, OFFICER, "wendy")
    refused(world, people, PIN)
    assert reasons(world) == [("nobody", "UNKNOWN")]


def test_a_misread_badge_is_no_attempt(world, people):
    swapped = people[:6] + people[7] + people[6] + people[8:]
    spoilt = swapped if swapped != people else people[:-1]
    with pytest.raises(BadInput, match="misread") as refusal:
        sign_in(world.station, spoilt, PIN, "bench-1")
    assert spoilt not in str(refusal.value)
    assert reasons(world) == []


def test_who_is_unknown_and_who_is_wrong_hear_the_same_and_cost_the_same_hash(world, people, monkeypatch):
    hashes = []
    verify = hashing.secret_fits
    monkeypatch.setattr(
        authentication, "secret_fits", lambda encoded, secret: hashes.append(1) or verify(encoded, secret)
    )
    told = {refused(world, who, WRONG_PASSWORD) for who in ("wendy", "nobody", "somebody-else")}
    told.add(refused(world, "wendy", WRONG_PASSWORD))  # the first failure makes nobody wait
    told.add(refused(world, "wendy", PASSWORD))  # but the second does
    told.add(refused(world, "wendy", PIN))
    assert len(told) == 1
    assert len(hashes) == 6


def test_without_a_hash_the_work_is_done_all_the_same(monkeypatch):
    seen = []

    def verify(_self, encoded, _secret):
        seen.append(encoded)
        return True

    monkeypatch.setattr(hashing.PasswordHasher, "verify", verify)
    assert hashing.secret_fits(None, "anything at all") is False
    assert seen[0].startswith("$argon2id$v=19$m=8,t=1,p=1$")


def test_failures_wait_longer_each_time_then_lock_until_a_supervisor_releases(world, people):
    for failures, wait in enumerate(WAITS, 1):
        assert f"{MAX_FAILURES - failures} tries left" in refused(world, people, WRONG_PIN)
        if wait:
            world.at(seconds=wait.total_seconds() - 0.5)
            assert "1 s more" in refused(world, people, PIN)  # the right one, too, and it does not count
            world.at(seconds=0.5)
    assert "wendy is locked" in refused(world, people, WRONG_PIN)
    world.at(days=30)
    assert "wendy is locked" in refused(world, people, PIN)
    with pytest.raises(NotPermitted, match="supervisor"):
        service.release(world.station, Actor("wilma", ROLES_OF[Position.WAREHOUSE], "bench-1"), "wendy")
    with pytest.raises(NotPermitted, match="another supervisor"):
        service.release(world.station, Actor("wendy", ALL_ROLES, "bench-1"), "wendy")
    service.release(world.station, Actor("sam", ROLES_OF[Position.SUPERVISOR], "bench-1"), "wendy")
    sign_in(world.station, people, PIN, "bench-1")
    assert [reason for _, reason in reasons(world)] == [
        *("WRONG", "WRONG", "WAITING", "WRONG", "WAITING", "WRONG", "WAITING", "WRONG", "LOCKED")
    ]


def counts(world, name="wendy"):
    with world.station.database.reading() as session:
        operator = session.get_one(Operator, name)
        return operator.failures, operator.name_failures


def test_who_knows_a_name_locks_nobody_out_who_has_the_badge(world, people):
    for _ in range(MAX_FAILURES):
        assert "not accepted" in refused(world, "wendy", WRONG_PASSWORD)
        world.at(minutes=1)
    assert counts(world) == (0, MAX_FAILURES)
    refused(world, "wendy", PASSWORD)  # by name it is locked, with the right password, too
    token = sign_in(world.station, people, PIN, "bench-1")
    lock(world.station, token)
    unlock(world.station, token, PASSWORD)  # the session stands in for the badge
    assert counts(world) == (0, MAX_FAILURES)  # and opens the name to nobody
    (wendy,) = service.operators(world.station, "wendy")
    assert (wendy.locked, wendy.name_locked) == (False, True)
    service.release(world.station, Actor("sam", ROLES_OF[Position.SUPERVISOR], "bench-1"), "wendy")
    sign_in(world.station, "wendy", PASSWORD, "bench-1")


def test_a_lost_badge_does_not_lock_the_name(world, people):
    for _ in range(MAX_FAILURES):
        refused(world, people, WRONG_PIN)
        world.at(minutes=1)
    assert counts(world) == (MAX_FAILURES, 0)
    sign_in(world.station, "wendy", PASSWORD, "bench-1")
    assert "wendy is locked" in refused(world, people, PIN)


def test_only_failures_in_a_row_count(world, people):
    for _ in range(3):
        for _ in range(2):
            refused(world, people, WRONG_PIN)
            world.at(minutes=1)
        sign_in(world.station, people, PIN, "bench-1")


def test_guesses_side_by_side_get_no_more_tries(world, people):
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda _: refused(world, people, WRONG_PIN), range(12)))
    assert len(told) == 12
    with world.station.database.reading() as session:
        assert session.get_one(Operator, "wendy").failures == 2  # then comes the first wait
    assert "s more" in refused(world, people, PIN)


def test_a_secret_that_was_changed_while_it_was_tried_is_wrong(world, people):
    tried = authentication.try_badge_or_name(world.station, people, PIN)
    service.set_secret(world.station, OFFICER, "wendy", "918273")
    with world.writing() as session:
        decided = authentication.decide(session, "bench-1", world.station.now(), tried)
    assert isinstance(decided, authentication.Refused)


def test_hashes_are_renewed_when_the_parameters_change(world, people, monkeypatch):
    def kept():
        with world.station.database.reading() as session:
            operator = session.get_one(Operator, "wendy")
            return operator.pin_hash, operator.password_hash

    pin, password = kept()
    sign_in(world.station, people, PIN, "bench-1")
    assert kept() == (pin, password)
    monkeypatch.setattr(hashing, "PARAMETERS", hashing.Argon2id(passes=2, memory_kib=16, lanes=1))
    refused(world, people, WRONG_PIN)
    assert kept() == (pin, password)
    sign_in(world.station, people, PIN, "bench-1")
    assert kept()[0].startswith("$argon2id$v=19$m=16,t=2,p=1$") and kept()[1] == password
    sign_in(world.station, people, PASSWORD, "bench-1")
    assert kept()[1].startswith("$argon2id$v=19$m=16,t=2,p=1$")


def test_the_released_parameters_are_rfc_9106s_second_recommendation():
    released = runpy.run_path(hashing.__file__)["PARAMETERS"]  # the fixtures made the loaded one cheap
    assert (released.passes, released.memory_kib, released.lanes) == (3, 64 * 1024, 4)


# Sessions


def test_an_idle_screen_locks_and_its_operator_unlocks_it(world, people):
    token = sign_in(world.station, people, PIN, "bench-1")
    world.at(seconds=IDLE.total_seconds() - 1)
    assert isinstance(session_of(world.station, token), Actor)
    touch(world.station, token)
    world.at(seconds=IDLE.total_seconds() - 1)
    assert isinstance(session_of(world.station, token), Actor)
    world.at(seconds=1)
    assert session_of(world.station, token) == Locked("wendy")
    touch(world.station, token)  # a click on a locked screen opens nothing
    assert session_of(world.station, token) == Locked("wendy")
    with pytest.raises(NotSignedIn):
        unlock(world.station, token, WRONG_PIN)
    assert session_of(world.station, token) == Locked("wendy")
    unlock(world.station, token, PIN)
    assert isinstance(session_of(world.station, token), Actor)
    lock(world.station, token)
    assert session_of(world.station, token) == Locked("wendy")
    unlock(world.station, token, PASSWORD)
    assert isinstance(session_of(world.station, token), Actor)


def test_the_idle_time_is_a_setting(world, people):
    file = world.home.settings_file
    file.write_text(file.read_text() + "[operators]\nidle_minutes = 20\n")
    assert world.home.settings().operators == {"idle_minutes": 20}
    assert idle_time(world.home.settings()) == timedelta(minutes=20)
    for bad in ("0", "61", "true", '"5"', "2.5"):
        file.write_text(file.read_text().rsplit("=", 1)[0] + f"= {bad}\n")
        with pytest.raises(BadInput, match="idle_minutes"):
            idle_time(world.home.settings())


def test_a_session_is_over_after_twelve_hours_whatever_is_done_in_it(world, people):
    token = sign_in(world.station, people, PIN, "bench-1")
    begun = world.moment
    while world.moment + timedelta(minutes=4) < begun + SESSION_LIFETIME:
        world.at(minutes=4)
        touch(world.station, token)
    assert isinstance(session_of(world.station, token), Actor)
    world.moment = begun + SESSION_LIFETIME
    assert session_of(world.station, token) is None
    assert live_sessions(world.station) == []
    with pytest.raises(NotSignedIn, match="over"):
        unlock(world.station, token, PIN)


def test_a_session_ends_by_sign_out_and_another_sign_in_at_the_same_station(world, people):
    first = sign_in(world.station, people, PIN, "bench-1")
    elsewhere = sign_in(world.station, people, PIN, "bench-2")
    second = sign_in(world.station, people, PIN, "bench-1")
    assert session_of(world.station, first) is None
    assert session_of(world.station, elsewhere).station == "bench-2"
    assert [(one.station, one.state) for one in live_sessions(world.station)] == [
        ("bench-2", SessionState.OPEN),
        ("bench-1", SessionState.OPEN),
    ]
    sign_out(world.station, second)
    sign_out(world.station, second)
    assert session_of(world.station, second) is None
    assert isinstance(session_of(world.station, elsewhere), Actor)
    assert session_of(world.station, "made up") is None


@pytest.mark.parametrize(
    "change",
    [
        lambda station: service.disable(station, OFFICER, "wendy"),
        lambda station: service.set_positions(station, OFFICER, "wendy", [Position.RETURNS]),
        lambda station: service.set_secret(station, OFFICER, "wendy", "918273"),
        lambda station: service.new_badge(station, OFFICER, "wendy"),
    ],
    ids=["disabled", "positions", "secret", "badge"],
)
def test_what_changes_an_operator_ends_the_sessions_at_once(world, people, change):
    tokens = [sign_in(world.station, people, PIN, place) for place in ("bench-1", "bench-2")]
    change(world.station)
    assert [session_of(world.station, token) for token in tokens] == [None, None]
    for token in tokens:
        with pytest.raises(NotSignedIn, match="over"):
            unlock(world.station, token, PIN)


def test_a_disabled_operator_does_not_sign_in(world, people):
    service.disable(world.station, OFFICER, "wendy")
    assert "disabled" in refused(world, people, PIN)
    assert "disabled" not in refused(world, "wendy", PASSWORD)
    service.enable(world.station, OFFICER, "wendy")
    sign_in(world.station, people, PIN, "bench-1")


def test_unlocking_counts_wrong_secrets_as_a_sign_in_does(world, people):
    token = sign_in(world.station, people, PIN, "bench-1")
    lock(world.station, token)
    for _ in range(MAX_FAILURES):
        with pytest.raises(NotSignedIn):
            unlock(world.station, token, WRONG_PIN)
        world.at(seconds=31)
    with pytest.raises(NotSignedIn, match="locked"):
        unlock(world.station, token, PIN)
    assert session_of(world.station, token) == Locked("wendy")


# A second person


def test_r46_a_second_person_is_another_one_and_proves_it(world, people):
    first = Actor("olga", ROLES_OF[Position.SECURITY_OFFICER], "bench-1")
    held = [Position.WAREHOUSE, Position.SUPERVISOR]
    service.set_positions(world.station, OFFICER, "wendy", held)
    assert second_person(world.station, first, people, PIN) == Actor("wendy", roles_of(held), "bench-1")
    assert live_sessions(world.station) == []
    with pytest.raises(NotSignedIn):
        second_person(world.station, first, people, WRONG_PIN)
    with pytest.raises(NotSignedIn, match="another person"):
        second_person(world.station, first, "olga", PASSWORD)


def test_r46_who_is_no_supervisor_hears_so_after_the_right_secret_only(world, people):
    """Neither positions nor secrets can be guessed there: a wrong one counts as at a sign-in."""
    first = Actor("sam", ALL_ROLES, "bench-1")
    with pytest.raises(NotSignedIn) as wrong:
        second_person(world.station, first, "wendy", WRONG_PASSWORD)
    assert "the second person" not in str(wrong.value) and counts(world) == (0, 1)
    world.at(minutes=1)
    with pytest.raises(NotSignedIn, match="the second person needs the role supervisor"):
        second_person(world.station, first, "wendy", PASSWORD)
    for _ in range(MAX_FAILURES):
        with pytest.raises(NotSignedIn):
            second_person(world.station, first, "wendy", WRONG_PASSWORD)
        world.at(minutes=1)
    with pytest.raises(NotSignedIn) as locked:
        second_person(world.station, first, "wendy", PASSWORD)
    assert "the second person" not in str(locked.value) and counts(world) == (0, MAX_FAILURES)
    with world.station.database.reading() as session:
        seconds = select(AuditRow).where(AuditRow.action == "operators.second-person")
        (row,) = session.scalars(seconds)
    assert row.subject == "wendy" and "NO_SUPERVISOR" in row.details


def test_r46_a_deed_of_two_takes_two_people_and_the_role():
    first, supervisor = Actor("sam", ALL_ROLES, "b"), Actor("sue", ROLES_OF[Position.SUPERVISOR], "b")
    first.require_second(supervisor, Role.SUPERVISOR, "undo a shipment")
    with pytest.raises(NotPermitted, match="alone"):
        first.require_second(first, Role.SUPERVISOR, "undo a shipment")
    with pytest.raises(NotPermitted, match="role supervisor"):
        first.require_second(Actor("wes", frozenset(), "b"), Role.SUPERVISOR, "undo a shipment")


# Secrets


@pytest.mark.sqlite
def test_no_secret_is_kept_or_recorded(world, people):
    token = sign_in(world.station, people, PIN, "bench-1")
    sign_in(world.station, "wendy", PASSWORD, "bench-2")
    refused(world, people, WRONG_PIN)
    refused(world, "my password typed as name", WRONG_PASSWORD)
    with sqlite3.connect(world.home.database_file) as connection:
        kept = "\n".join(connection.iterdump())
    connection.close()
    assert "operators.sign-in" in kept
    for secret in (
        *(people, people[3:], token, PIN, PASSWORD),
        *(WRONG_PIN, WRONG_PASSWORD, "typed as name"),
    ):
        assert secret not in kept
    assert token not in repr(live_sessions(world.station))
    tried = authentication.try_badge_or_name(world.station, people, PIN)
    assert "argon2" not in repr(tried) and PIN not in repr(tried)


def test_tokens_and_badges_are_drawn_afresh(world, people):
    tokens = {sign_in(world.station, people, PIN, "bench-1") for _ in range(5)}
    assert len(tokens) == 5 and all(len(token) == 43 for token in tokens)
    assert len({draw_badge() for _ in range(50)}) == 50


def test_sessions_outlive_the_process(world, people):
    token = sign_in(world.station, people, PIN, "bench-1")
    world.station.database.close()
    assert isinstance(session_of(world.station, token), Actor)
    assert sessions.TOKEN_BYTES == 32
