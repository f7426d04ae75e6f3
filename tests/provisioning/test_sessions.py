"""R23: the user picks one of several devices; R17, R20, R32: what a right answer opens; R19: ways back."""

import pytest
from sqlalchemy import update

from dscplus_station import audit
from dscplus_station.activation.service import revoke_card
from dscplus_station.actor import ALL_ROLES, Actor, Role
from dscplus_station.codes.importing import import_codes
from dscplus_station.codes.rules import INDEXES, CodeTable
from dscplus_station.csvfile import Row
from dscplus_station.devices.rules import DeviceType
from dscplus_station.errors import NotFound, NotPermitted
from dscplus_station.interim.ways import ways_back
from dscplus_station.limits.service import withdraw
from dscplus_station.limits.tables import SmsEnrolment
from dscplus_station.login.kinds import Asks
from dscplus_station.login.rules import Outcome, Purpose
from dscplus_station.login.service import issue_challenge
from dscplus_station.optout.service import opt_out
from dscplus_station.sessions.devices import login_devices
from dscplus_station.sessions.service import Withdrawals, log_in
from tests.provisioning.command_bench import Bench
from tests.provisioning.interim_access import confirm, issue, make_card, other_answer, values
from tests.provisioning.sharing_world import OWNER, REQUESTER, SharingWorld
from tests.provisioning.support import CARDS, record_users, user_values


@pytest.fixture
def world(tmp_path):
    """alice has a card, an online card and a passcode, and a legacy code card whose table is on record."""
    world = SharingWorld(tmp_path)
    record_users(world, user_values(OWNER, account="U1", primary="yes"), user_values(REQUESTER, account="U1"))
    world.table = CodeTable.new()
    world.hold("SCC-2", "Security Code Card", OWNER)
    rows = [
        Row(i, {"serial_number": "SCC-2", "index": str(i), "value": world.table.value(i)})
        for i in range(1, INDEXES + 1)
    ]
    assert import_codes(world.station, world.actor, world.keystore, rows, []).recorded
    issue(world)
    world.at(minutes=1)
    world.online = make_card(world)
    confirm(world, world.online)
    world.at(minutes=1)
    world.issued = issue(world)
    yield world
    world.close()


def enter(world, serial_number, question, answer, user=OWNER):
    return log_in(world.station, world.actor, world.keystore, serial_number, question, answer, user)


def with_card(world):
    return enter(world, CARDS[0], *world.proof(purpose=Purpose.LOGIN))


def with_codes(world, serial_number, table):
    question = issue_challenge(world.station, world.actor, serial_number, OWNER).challenge
    return enter(world, serial_number, question, values(table, question))


def with_passcode(world):
    return enter(world, world.issued.serial_number, "", world.issued.passcode.reveal())


WAYS = {
    DeviceType.DSC_PLUS: with_card,
    DeviceType.SECURITY_CODE_CARD: lambda world: with_codes(world, "SCC-2", world.table),
    DeviceType.ONLINE_CODE_CARD: lambda world: with_codes(
        world, world.online.serial_number, world.online.table
    ),
    DeviceType.PASSCODE: with_passcode,
}
LEFT = {
    DeviceType.DSC_PLUS: Withdrawals(None, None, None),
    DeviceType.SECURITY_CODE_CARD: Withdrawals(20_000_000, 60_000_000, 20_000_000),
    DeviceType.ONLINE_CODE_CARD: Withdrawals(20_000_000, 60_000_000, 20_000_000),
    DeviceType.PASSCODE: Withdrawals(5_000_000, 10_000_000, 5_000_000),
}


def test_r23_all_active_devices_are_listed_with_what_they_ask_for(world):
    found = {one.type: one for one in login_devices(world.station, OWNER)}
    assert {kind: one.asks for kind, one in found.items()} == {
        DeviceType.DSC_PLUS: Asks.RESPONSE,
        DeviceType.SECURITY_CODE_CARD: Asks.VALUES,
        DeviceType.ONLINE_CODE_CARD: Asks.VALUES,
        DeviceType.PASSCODE: Asks.PASSCODE,
    }
    assert found[DeviceType.PASSCODE].expires_at == world.issued.expires_at
    with pytest.raises(NotFound, match="no user nobody"):
        login_devices(world.station, "nobody")


def test_r23_what_cannot_be_picked_says_why(world):
    for _ in range(5):
        enter(world, world.issued.serial_number, "", other_answer(world.issued.passcode.reveal()))
    world.at(days=22)
    revoke_card(world.station, world.actor, CARDS[0], "lost")
    found = {one.type: one for one in login_devices(world.station, OWNER)}
    assert DeviceType.DSC_PLUS not in found
    assert "LOCKED" in found[DeviceType.PASSCODE].because
    assert "expired" in found[DeviceType.ONLINE_CODE_CARD].because
    (unknown,) = login_devices(world.station, REQUESTER)
    assert "not verified here" in unknown.because
    assert [one.asks for one in found.values() if one.because] == [None, None]


@pytest.mark.parametrize("kind", WAYS)
def test_r23_each_of_them_logs_in_and_says_what_the_session_may(world, kind):
    done = WAYS[kind](world)
    assert done.answer.outcome is Outcome.RIGHT
    facts = done.session
    assert (facts.device, facts.portal_only, facts.opted_out, facts.restrictions) == (kind, False, False, ())
    assert facts.withdrawals == LEFT[kind]
    assert (facts.expires_at is None) == (kind in (DeviceType.DSC_PLUS, DeviceType.SECURITY_CODE_CARD))


def test_a_wrong_answer_opens_nothing(world):
    done = enter(world, world.issued.serial_number, "", other_answer(world.issued.passcode.reveal()))
    assert (done.answer.outcome, done.session) == (Outcome.WRONG, None)
    question, right = world.proof(purpose=Purpose.LOGIN)
    enter(world, CARDS[0], question, right)
    assert enter(world, CARDS[0], question, right).session is None


def test_r6_one_device_does_not_answer_for_another(world):
    question = issue_challenge(world.station, world.actor, "SCC-2", OWNER).challenge
    other = enter(world, world.online.serial_number, question, values(world.online.table, question))
    assert other.answer.outcome is Outcome.FOREIGN
    wrong = enter(world, "SCC-2", question, values(world.online.table, question))
    assert wrong.answer.outcome is Outcome.WRONG


def test_r17_after_two_days_a_passcode_opens_the_portal_only(world):
    world.moment = world.issued.portal_only_from
    facts = with_passcode(world).session
    assert (facts.portal_only, facts.withdrawals) == (True, None)
    with pytest.raises(NotPermitted, match="no temporary passcode that is active"):
        withdraw(world.station, world.actor, OWNER, DeviceType.PASSCODE, 100, "W-1")


def test_r20_what_was_withdrawn_is_gone_from_what_is_left(world):
    withdraw(world.station, world.actor, OWNER, DeviceType.PASSCODE, 4_000_000, "W-1")
    assert with_passcode(world).session.withdrawals.left == 1_000_000
    assert with_card(world).session.withdrawals.left is None


def test_r32_an_opted_out_user_logs_in_and_is_restricted(world):
    opt_out(world.station, world.actor, OWNER, OWNER)
    facts = with_card(world).session
    assert facts.opted_out
    assert facts.restrictions == ("Pink Sheet trading", "OTCBB trading")


def test_only_client_services_judges_logins(world):
    world.actor = Actor("carl", ALL_ROLES - {Role.CLIENT_SERVICES}, "bench-1")
    with pytest.raises(NotPermitted, match="carl may not check responses"):
        with_passcode(world)


def test_r19_the_phone_app_is_a_way_back_if_the_number_is_confirmed(world):
    world.at(minutes=1)
    assert (ways_back(world.station, OWNER).phone_app, ways_back(world.station, OWNER).passcode) == (
        False,
        False,
    )
    with world.writing() as session:
        session.add(SmsEnrolment(user_name=OWNER, sent_at=world.moment, sealed_number=b"x", sealed_code=b"x"))
        audit.record(session, world.actor, world.moment, "sms.test", OWNER)
    assert ways_back(world.station, OWNER).phone_app is False  # the number is not confirmed yet
    with world.writing() as session:
        session.execute(update(SmsEnrolment).values(confirmed_at=world.moment, sealed_code=None))
        audit.record(session, world.actor, world.moment, "sms.test", OWNER)
    assert ways_back(world.station, OWNER).phone_app is True
    with_card(world)
    assert ways_back(world.station, OWNER).passcode is True


def test_by_commands(world, tmp_path):
    bench = Bench(tmp_path)
    devices = bench.json("login", "devices", OWNER)["devices"]
    assert [one["type"] for one in devices] == [
        "DSC+",
        "Security Code Card",
        "Online Security Code Card",
        "temporary passcode",
    ]
    assert bench.json("access", "ways", OWNER)["phone_app"] is False
    question = bench.json("challenge", "SCC-2")
    assert question["asks"] == "values"
    answer = bench.file("answer", values(world.table, question["challenge"]) + "\n")
    told = bench.json("verify", "SCC-2", question["challenge"], "--answer-file", answer)
    assert told["session"] == {
        "device": "Security Code Card",
        "portal_only": False,
        "expires_at": None,
        "withdrawals": {"per_day": 20_000_000, "per_five_business_days": 60_000_000, "left": 20_000_000},
        "opted_out": False,
        "restrictions": [],
    }
    again = bench.json("verify", "SCC-2", question["challenge"], "--answer-file", answer, code=1)
    assert (again["outcome"], again["session"]) == ("REPLAYED", None)
