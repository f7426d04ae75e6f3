"""The small jobs: what is ended or forgotten, to the moment, and what stays."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from dscplus_station.audit import AuditRow
from dscplus_station.jobs.catalogue import job_named
from dscplus_station.jobs.running import Runner
from dscplus_station.limits import sms
from dscplus_station.limits.tables import SmsEnrolment
from dscplus_station.operators import service as operators
from dscplus_station.operators.rules import SESSION_LIFETIME, Position
from dscplus_station.operators.sessions import session_of, sign_in
from dscplus_station.operators.tables import OperatorSession
from dscplus_station.portal import forgetting
from dscplus_station.portal.rules import WINDOW
from dscplus_station.portal.tables import PortalLogin, WrongPasswords
from dscplus_station.tokens import replays
from dscplus_station.tokens.rules import KEEP_ANSWERS
from dscplus_station.tokens.tables import KeptAnswer
from tests.provisioning.support import record_users, user_values

BEFORE = timedelta(microseconds=1)


def run(world, name):
    return Runner(world.station).run(job_named(name), lambda: False).told


def count(world, table, *where):
    with world.station.database.reading() as session:
        return session.scalar(select(func.count()).select_from(table).where(*where))


class Phone:
    def send(self, message):
        self.code = message.body[:6]


def test_r22_a_number_that_was_not_confirmed_is_erased_and_a_confirmed_one_stays(world):
    record_users(world, user_values("alice"), user_values("bob"))
    phone = Phone()
    for user in ("alice", "bob"):
        sms.begin(world.station, world.actor, world.keystore, phone, user, "+15550100200")
    assert sms.confirm(world.station, world.actor, world.keystore, "bob", phone.code)
    world.moment += sms.CODE_LIFETIME + timedelta(hours=1) - BEFORE
    assert run(world, "numbers") == "0 unconfirmed numbers erased"
    world.moment += BEFORE
    assert run(world, "numbers") == "1 unconfirmed numbers erased"
    with world.station.database.reading() as session:
        kept = dict(session.execute(select(SmsEnrolment.user_name, SmsEnrolment.sealed_number)).all())
    assert kept["alice"] is None and kept["bob"] is not None


def test_a_session_ends_on_record_when_its_time_is_over(world):
    operators.add(
        world.station, world.actor, "olga", [Position.SECURITY_OFFICER], secret="a sample pass phrase"
    )
    token = sign_in(world.station, "olga", "a sample pass phrase", "bench-1")
    world.moment += SESSION_LIFETIME - BEFORE
    assert run(world, "sessions") == "0 sessions ended"
    assert session_of(world.station, token) is not None
    world.moment += BEFORE
    assert run(world, "sessions") == "1 sessions ended"
    assert session_of(world.station, token) is None
    assert count(world, OperatorSession, OperatorSession.ended_at.is_(None)) == 0


def begin_logins(world, number):
    with world.station.database.noting() as session:
        session.add_all(
            PortalLogin(token_hash=f"{count}-{world.moment}", user_name="alice", begun_at=world.moment)
            for count in range(number)
        )


def test_r1_a_login_is_forgotten_a_day_later_however_many_there_are(world, monkeypatch):
    monkeypatch.setattr(forgetting, "AT_ONCE", 3)
    record_users(world, user_values("alice"))
    begin_logins(world, 7)
    world.moment += BEFORE
    begin_logins(world, 2)
    world.moment += forgetting.KEEP_LOGINS - 2 * BEFORE
    assert run(world, "logins").startswith("0 ")
    world.moment += BEFORE
    assert run(world, "logins").startswith("7 ")
    assert count(world, PortalLogin) == 2


def test_r1_forgetting_ends_between_two_transactions_and_says_whether_some_remain(world, monkeypatch):
    monkeypatch.setattr(forgetting, "AT_ONCE", 3)
    record_users(world, user_values("alice"))
    begin_logins(world, 4)
    world.moment += forgetting.KEEP_LOGINS
    assert forgetting.forget_old(world.station, lambda: True) == forgetting.Forgotten(3, stopped=True)
    assert forgetting.forget_old(world.station, lambda: True) == forgetting.Forgotten(1, stopped=False)


def test_r6_wrong_passwords_are_forgotten_when_they_count_no_more(world):
    with world.station.database.noting() as session:
        session.add(WrongPasswords(name_hash="h", failures=3, first_failure_at=world.moment))
    world.moment += WINDOW - BEFORE
    run(world, "logins")
    assert count(world, WrongPasswords) == 1
    world.moment += BEFORE
    run(world, "logins")
    assert count(world, WrongPasswords) == 0


def test_a_kept_answer_is_forgotten_though_no_request_follows(world):
    begun = replays.begin(world.station, world.keystore, "portal-1", "key-12345", b"request")
    assert begun == world.moment
    world.moment += KEEP_ANSWERS - BEFORE
    assert run(world, "answers") == "0 answers forgotten"
    world.moment += BEFORE
    assert run(world, "answers") == "1 answers forgotten"
    assert count(world, KeptAnswer) == 0


@pytest.mark.parametrize("name", ["numbers", "sessions", "logins", "answers"])
def test_with_nothing_to_do_nothing_is_audited(world, name):
    before = count(world, AuditRow)
    assert run(world, name).startswith("0 ")
    assert count(world, AuditRow) == before
