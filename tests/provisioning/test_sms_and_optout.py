"""R22: codes by SMS. R32 to R34: opting out and back in."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from dscplus_station import audit, log
from dscplus_station.devices.rules import DeviceType
from dscplus_station.devices.tables import Device
from dscplus_station.errors import BadInput, NotFound, NotPermitted, StateConflict
from dscplus_station.limits import sms
from dscplus_station.limits.service import device_types_of
from dscplus_station.limits.tables import SmsEnrolment
from dscplus_station.login.rules import Outcome, Purpose
from dscplus_station.notices.gateways import Unavailable
from dscplus_station.optout import service
from dscplus_station.optout.rules import change_fault
from dscplus_station.users.tables import User
from tests.provisioning.command_bench import Bench
from tests.provisioning.sharing_world import OWNER, REQUESTER, SharingWorld
from tests.provisioning.support import CARDS, World, other_response, record_users, user_values

NUMBER = "+12025557391"


class Phone:
    """A gateway that keeps what it is given."""

    def __init__(self):
        self.messages = []

    def send(self, message):
        self.messages.append(message)

    def code(self):
        return self.messages[-1].body[:6]


@pytest.fixture
def world(tmp_path):
    world = SharingWorld(tmp_path)
    record_users(world, user_values(OWNER, account="U1", primary="yes"), user_values(REQUESTER, account="U1"))
    world.phone = Phone()
    yield world
    world.close()


def begin(world, user=OWNER, number=NUMBER):
    return sms.begin(world.station, world.actor, world.keystore, world.phone, user, number)


def confirm(world, code, user=OWNER):
    return sms.confirm(world.station, world.actor, world.keystore, user, code)


def types(world, user=OWNER):
    with world.station.database.reading() as session:
        return device_types_of(session, user, world.moment)


def wrong(code):
    return other_response(code)


# SMS


def test_r22_a_confirmed_number_gets_codes(world):
    begin(world)
    assert world.phone.messages[0].to == NUMBER
    assert DeviceType.SMS not in types(world)
    assert confirm(world, world.phone.code()) is True
    assert DeviceType.SMS in types(world)
    with world.station.database.reading() as session:
        assert session.get_one(User, OWNER).phone_tail == "7391"
    with pytest.raises(StateConflict, match="confirmed already"):
        confirm(world, world.phone.code())


def test_r22_a_code_is_right_for_five_minutes(world):
    assert begin(world) == world.moment + timedelta(minutes=5)
    world.at(minutes=5)
    assert confirm(world, world.phone.code()) is False
    with pytest.raises(NotFound, match="begun no enrolment"):
        confirm(world, world.phone.code())
    begin(world)
    world.at(minutes=5, microseconds=-1)
    assert confirm(world, world.phone.code()) is True


def test_r22_five_wrong_codes_end_it_and_an_old_code_is_none(world):
    begin(world)
    first = world.phone.code()
    for _ in range(4):
        assert confirm(world, wrong(first)) is False
    assert confirm(world, "١٢٣") is False
    with pytest.raises(NotFound):
        confirm(world, first)


def test_r22_five_codes_an_hour(world):
    for _ in range(sms.MAX_CODES_AN_HOUR):
        begin(world)
    with pytest.raises(NotPermitted, match="5 codes within an hour"):
        begin(world)
    world.at(hours=1)
    begin(world)


def test_r22_the_phone_app_ends_codes_by_sms_and_keeps_them_away(world):
    begin(world, REQUESTER)
    confirm(world, world.phone.code(), REQUESTER)
    with world.writing() as session:  # what the activation of an app does, whose room is yet to come
        session.execute(
            update(Device).where(Device.serial_number == "SCC-1").values(type=DeviceType.PHONE_APP)
        )
        audit.record(session, world.actor, world.moment, "device.test", "SCC-1")
        assert sms.end(session, world.actor, world.moment, REQUESTER, "the phone app is active") is True
        assert sms.end(session, world.actor, world.moment, REQUESTER, "the phone app is active") is False
    assert types(world, REQUESTER) == {DeviceType.NONE, DeviceType.PHONE_APP}
    with pytest.raises(NotPermitted, match="has the phone app"):
        begin(world, REQUESTER)


def test_r22_number_and_code_are_sealed_then_erased(world):
    begin(world)
    code = world.phone.code()
    content = b"".join(path.read_bytes() for path in world.home.path.glob("station.db*"))
    assert NUMBER.encode() not in content
    with world.station.database.reading() as session:
        rows = session.scalars(select(audit.AuditRow.details)).all()
    assert not any(code in row or NUMBER in row for row in rows)
    sms.remove(world.station, world.actor, OWNER, "phone stolen")
    with world.station.database.reading() as session:
        kept = session.scalars(select(SmsEnrolment)).one()
    assert (kept.sealed_number, kept.sealed_code) == (None, None)
    with pytest.raises(NotFound, match="has no codes by SMS"):
        sms.remove(world.station, world.actor, OWNER, "again")


def test_r22_a_gateway_that_fails_is_told(world):
    class Broken:
        def send(self, message):
            raise Unavailable("the SMS service answered 503")

    world.phone = Broken()
    with pytest.raises(StateConflict, match="no code was sent: the SMS service answered 503"):
        begin(world)
    with pytest.raises(BadInput, match="without a trunk prefix"):
        begin(world, number="0791234567")


# Opting out


@pytest.mark.parametrize(
    ("account", "primary", "told"),
    [
        (None, None, "no account"),
        ("U1", None, "no primary user"),
        ("U1", "zoe", "only zoe, the primary"),
    ],
)
def test_r33_others_are_told_who_can_change_it(account, primary, told):
    assert told in change_fault("alice", "bob", account, primary)
    assert change_fault("zoe", "bob", "U1", "zoe") is None


def opt_out(world, user, acting=OWNER):
    service.opt_out(world.station, world.actor, acting, user)


def opt_in(world, user, acting=OWNER, miss=False):
    question, response = world.proof(OWNER, purpose=Purpose.OPT_IN)
    response = other_response(response) if miss else response
    return service.opt_in(
        world.station, world.actor, world.keystore, acting, user, CARDS[0], question, response
    )


@pytest.mark.parametrize("user", [OWNER, REQUESTER])
def test_r32_an_opted_out_user_is_restricted_and_still_needs_the_device(world, user):
    assert service.participation(world.station, user).restrictions == ()
    opt_out(world, user)
    opt_out(world, user)
    found = service.participation(world.station, user)
    assert (found.opted_out, found.changed_by) == (True, OWNER)
    assert {"Pink Sheet trading", "OTCBB trading"} == set(found.restrictions)
    assert world.login(OWNER) is Outcome.RIGHT  # by challenge and response, as before


def test_r33_only_the_primary_user_changes_it(world):
    for user in (OWNER, REQUESTER):
        with pytest.raises(NotPermitted, match=f"only {OWNER}, the primary user of account U1"):
            opt_out(world, user, acting=REQUESTER)
    opt_out(world, REQUESTER)
    with pytest.raises(NotPermitted, match=f"only {OWNER}"):
        opt_in(world, REQUESTER, acting=REQUESTER)
    assert service.participation(world.station, REQUESTER).opted_out


def test_r34_back_in_takes_a_right_answer_of_the_primary_users_card(world):
    opt_out(world, REQUESTER)
    missed = opt_in(world, REQUESTER, miss=True)
    assert (missed.outcome, missed.tries_left) == (Outcome.WRONG, 4)
    assert service.participation(world.station, REQUESTER).opted_out
    assert opt_in(world, REQUESTER).outcome is Outcome.RIGHT
    assert not service.participation(world.station, REQUESTER).opted_out
    with pytest.raises(StateConflict, match="is not opted out"):
        opt_in(world, REQUESTER)
    opt_out(world, REQUESTER)
    assert service.participation(world.station, REQUESTER).opted_out


def test_r22_in_a_demo_home_the_code_is_in_its_mailbox(tmp_path):
    world = World(tmp_path, demo=True)
    record_users(world, user_values(OWNER))
    world.close()
    bench = Bench(tmp_path)
    bench.run("limits", "sms-begin", OWNER, NUMBER)
    (sent,) = (world.home.path / "sent-sms.jsonl").read_text().splitlines()
    assert json.loads(sent)["to"] == NUMBER
    assert "confirmed" in bench.run("limits", "sms-confirm", OWNER, json.loads(sent)["text"][:6]).stdout


def test_sms_and_opting_out_by_command(tmp_path, world):
    bench = Bench(tmp_path)
    assert "no gateway for SMS" in bench.run("limits", "sms-begin", OWNER, NUMBER, code=1).stderr
    outbox = tmp_path / "sms.jsonl"
    settings = world.home.settings_file
    settings.write_text(settings.read_text() + f'\n[notices.sms]\nfile = "{outbox}"\n')
    begun = bench.run("limits", "sms-begin", OWNER, NUMBER)
    code = json.loads(outbox.read_text())["text"][:6]
    assert code not in begun.output
    assert bench.json("limits", "sms-confirm", OWNER, wrong(code), code=1)["confirmed"] is False
    assert bench.json("limits", "sms-confirm", OWNER, code)["confirmed"] is True
    assert bench.json("limits", "sms-remove", OWNER, "--reason", "test")["user"] == OWNER
    assert code not in (world.home.log_file).read_text()

    bench.run("optout", "out", REQUESTER, "--by", OWNER, code=2)
    assert bench.json("optout", "out", REQUESTER, "--by", OWNER, "--yes")["opted_out"] is True
    for right, exit_code in ((False, 1), (True, 0)):
        question = bench.json("challenge", CARDS[0], "--user", OWNER, "--for", "opt-in")["challenge"]
        response = world.response(CARDS[0], question)
        given = response if right else other_response(response)
        arguments = ("optout", "in", REQUESTER, CARDS[0], question, given, "--by", OWNER, "--yes")
        bench.run(*arguments, code=exit_code)
    assert "is not opted out" in bench.run("optout", "show", REQUESTER).output
    log.close_log()
