"""R12, R30, R41 to R45: cards lost, stolen, damaged or sent back, their deposits, closed accounts."""

from datetime import date

import pycountry
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from dscplus_station import audit
from dscplus_station import overview as records
from dscplus_station.activation.daily import run_timers
from dscplus_station.actor import ALL_ROLES, Actor, Role
from dscplus_station.audit import AuditRow
from dscplus_station.business_days import business_days
from dscplus_station.cli import common
from dscplus_station.closing.service import close_account
from dscplus_station.csvfile import Row
from dscplus_station.devices.legacy import import_legacy_devices
from dscplus_station.devices.rules import CARDS as CARD_TYPES
from dscplus_station.devices.rules import DeviceType
from dscplus_station.devices.tables import Assignment, Device
from dscplus_station.errors import BadInput, NotFound, NotPermitted, StateConflict
from dscplus_station.holds.rules import STATE_AFTER, HoldEnd, HoldState
from dscplus_station.interim.service import held_interim_access
from dscplus_station.limits import sms
from dscplus_station.limits.tables import SmsEnrolment
from dscplus_station.login import rules as login
from dscplus_station.login.service import check_login, issue_challenge
from dscplus_station.losses.rules import DEPOSIT_ENDS, ReportKind, is_captured
from dscplus_station.losses.service import report
from dscplus_station.notices.gateways.sms import SmsFile
from dscplus_station.notices.tables import Notice
from dscplus_station.ordering.rules import Purpose
from dscplus_station.orders.tables import Order
from dscplus_station.returns import addresses, deposits, overview, service
from dscplus_station.returns.rules import (
    Condition,
    ReturnReason,
    ReturnState,
    announcing_fault,
    judged_end,
    shown_between,
)
from dscplus_station.sharing import service as sharing
from dscplus_station.shipping.service import report_undelivered
from dscplus_station.stock.rules import CardState
from dscplus_station.stock.service import get_card
from tests.provisioning.interim_access import give_passcode
from tests.provisioning.ordering_world import OrderingWorld
from tests.provisioning.support import CARDS, record_users, user_values

SUSAN = Actor("susan", ALL_ROLES, "bench-1")
K = ReportKind


@pytest.fixture
def world(tmp_path):
    world = OrderingWorld(tmp_path)
    yield world
    world.close()


@pytest.fixture
def active(world):
    """alice has the active card of order O-1."""
    world.active()
    return world


def tell(world, kind, serial_number=CARDS[0]):
    return report(world.station, world.actor, serial_number, kind)


def announce(world, reason=ReturnReason.DAMAGE, serial_number=CARDS[0], **how):
    return service.announce(world.station, world.actor, serial_number, reason, **how)


def receive(world, serial_number=CARDS[0]):
    return service.receive(world.station, world.actor, serial_number)


def judge(world, condition=Condition.INTACT, serial_number=CARDS[0], our_card=True, actor=None):
    """The returns desk has looked at the card."""
    with world.writing() as session:
        found = service.open_return(session, serial_number)
        by = actor or world.actor
        return deposits.end_by_judgement(session, by, world.moment, found, condition, our_card=our_card)


def capture(world, order="O-1", actor=SUSAN):
    return deposits.capture(world.station, actor, order)


def states(world):
    with world.station.database.reading() as session:
        rows = session.execute(
            select(Assignment.user_name, Device.serial_number, Assignment.state)
            .join(Device, Device.id == Assignment.device_id)
            .order_by(Assignment.id)
        )
        return {(user, serial): state.value for user, serial, state in rows}


def notices(world, order="O-1"):
    with world.station.database.reading() as session:
        query = select(Notice).where(Notice.order_id == order).order_by(Notice.id)
        return [notice.kind.value for notice in session.scalars(query)]


def card_state(world, serial_number=CARDS[0]):
    with world.station.database.reading() as session:
        return get_card(session, serial_number).state


def audit_rows(world):
    with world.station.database.reading() as session:
        return len(session.scalars(select(AuditRow)).all())


def replaced(world, order="O-2", serial_number=CARDS[1]):
    world.online_card()
    world.active(order, serial_number, purpose=Purpose.REPLACEMENT, replaces=CARDS[0], equity=None)


# Rules


def test_r12_the_table_of_what_a_report_comes_to():
    assert {kind for kind in K if is_captured(kind)} == {K.LOST, K.STOLEN, K.ON_PURPOSE}
    assert set(DEPOSIT_ENDS) == set(K)
    assert {kind: STATE_AFTER[end].value for kind, end in DEPOSIT_ENDS.items()} == {
        K.LOST: "CAPTURED",
        K.STOLEN: "CAPTURED",
        K.ON_PURPOSE: "CAPTURED",
        K.ACCIDENT: "RELEASED",
        K.BATTERY: "RELEASED",
        K.PIN_BLOCKED: "RELEASED",
    }


@pytest.mark.parametrize("kind", [None, *K])
@pytest.mark.parametrize("is_replaced", [True, False])
@pytest.mark.parametrize("condition", Condition)
def test_r12_how_the_deposit_ends_by_what_the_desk_sees(kind, is_replaced, condition):
    broken = condition in (Condition.DAMAGED, Condition.ON_PURPOSE)
    expected = HoldEnd.RETURNED
    if condition is Condition.ON_PURPOSE or (kind is K.ON_PURPOSE and broken):
        expected = HoldEnd.INTENTIONALLY_DAMAGED
    elif kind is K.STOLEN and is_replaced:
        expected = HoldEnd.STOLEN
    assert judged_end(kind, condition, replaced=is_replaced, our_card=True) is expected
    assert judged_end(kind, condition, replaced=is_replaced, our_card=False) is HoldEnd.LOST


@pytest.mark.parametrize("kind", sorted(CARD_TYPES))
@pytest.mark.parametrize("reason", ReturnReason)
def test_r44_only_a_dsc_plus_is_returned(kind, reason):
    fault = announcing_fault(kind, reason, by_phone=True)
    assert (fault is None) == (kind is DeviceType.DSC_PLUS)
    if kind is DeviceType.SECURITY_CODE_CARD:
        assert "destroy it and activate the phone app" in fault


def test_r43_a_replacement_return_is_phoned_in():
    by_portal = [r for r in ReturnReason if announcing_fault(DeviceType.DSC_PLUS, r, by_phone=False) is None]
    assert set(ReturnReason) - set(by_portal) == {ReturnReason.REPLACEMENT}


def test_r42_the_receipt_shows_three_to_five_business_days_later():
    window = shown_between(date(2026, 11, 20), business_days("US"))
    assert (window.first, window.last) == (date(2026, 11, 25), date(2026, 11, 30))  # over Thanksgiving


@given(st.dates(date(2024, 1, 1), date(2030, 12, 31)))
def test_r42_the_window_is_of_business_days_and_in_order(day):
    working = business_days("CH-ZH")
    window = shown_between(day, working)
    assert day < window.first < window.last
    assert working(window.first)
    assert working(window.last)


# Addresses


def test_r41_the_five_regions_and_never_a_superseded_address(world):
    regions = addresses.read_regions(world.home)
    assert list(regions) == ["us-canada", "europe", "asia", "australia", "japan"]
    everything = str(regions)
    for superseded in ("2 Pickwick", "06860", "Gotthardstrasse"):
        assert superseded not in everything
    assert all(region.address[1] == "Attn: Token Return Department" for region in regions.values())
    assert "霞ヶ関ビルディング25階" in regions["japan"].local_address
    for country, key in (("US", "us-canada"), ("CH", "europe"), ("HK", "asia"), ("AU", "australia")):
        assert addresses.region_of(regions, country, None).key == key
    assert addresses.region_of(regions, "US", "japan").key == "japan"
    for country, asked in (("BR", None), ("US", "mars")):
        with pytest.raises(BadInput, match="us-canada, europe"):
            addresses.region_of(regions, country, asked)


def test_r41_every_country_of_the_addresses_exists():
    text = (
        addresses.importlib.resources.files(addresses.__package__).joinpath(addresses.FILE).read_text("utf-8")
    )
    codes = {country.alpha_2 for country in pycountry.countries}
    for region in addresses.parse("file", text).values():
        assert set(region.countries) <= codes


OWN = """
attention = "Attn: Returns"
[region.home]
name = "Home"
countries = ["US", "ES"]
address = ["Sample Issuer", "1 Sample Road"]
contacts = ["+1 555 0100"]
"""


def test_an_issuer_has_addresses_of_its_own(active):
    (active.home.path / addresses.FILE).write_text(OWN)
    number = announce(active)
    assert overview.form(active.station, number).to.address == (
        "Sample Issuer",
        "Attn: Returns",
        "1 Sample Road",
    )


@pytest.mark.parametrize(
    "text",
    [
        "attention = 1",
        'attention = "A"',
        OWN.replace('contacts = ["+1 555 0100"]', ""),
        OWN.replace("address =", "adress ="),
        OWN.replace('["US", "ES"]', '"US"'),
        OWN + OWN.split("\n", 2)[2].replace("region.home", "region.other"),
        "[[",
    ],
)
def test_a_damaged_file_of_addresses_is_told(text):
    with pytest.raises(BadInput, match="mine: "):
        addresses.parse("mine", text)


# Reports


@pytest.mark.parametrize("kind", K)
def test_r10_a_reported_card_is_revoked_at_once(active, kind):
    done = tell(active, kind)
    assert (done.revoked_for, done.deposit, done.captured) == (["alice"], HoldState.HELD, is_captured(kind))
    assert states(active)["alice", CARDS[0]] == "REVOKED"
    gone = kind in (K.LOST, K.STOLEN)
    assert card_state(active) is (CardState.LOST if gone else CardState.SHIPPED)
    assert active.holds()[0][3] == "HELD"
    assert notices(active).count("CARD_REPORTED") == 1
    assert records.order(active.station, "O-1")["report"] == kind
    with pytest.raises(NotFound):
        issue_challenge(active.station, active.actor, CARDS[0], "alice")


def test_r15_a_card_reported_in_the_post_is_activated_by_nobody(world):
    world.sent()
    tell(world, K.STOLEN)
    world.at(days=30)
    assert run_timers(world.station, world.actor).activated == []
    assert states(world)["alice", CARDS[0]] == "REVOKED"


def test_the_same_report_again_changes_nothing(active):
    tell(active, K.LOST)
    before = audit_rows(active)
    again = tell(active, K.LOST)
    assert (again.revoked_for, again.kind) == ([], K.LOST)
    assert audit_rows(active) == before


def test_a_report_is_corrected_until_the_deposit_has_ended(active):
    tell(active, K.BATTERY)
    assert card_state(active) is CardState.SHIPPED
    assert tell(active, K.STOLEN).captured
    assert card_state(active) is CardState.LOST
    assert not tell(active, K.ACCIDENT).captured
    with pytest.raises(StateConflict, match="not reported lost"):
        capture(active)
    tell(active, K.LOST)
    assert capture(active) is HoldEnd.LOST
    with pytest.raises(StateConflict, match="that stands"):
        tell(active, K.BATTERY)


def test_only_a_card_that_is_out_is_reported(world):
    with pytest.raises(StateConflict, match="is BLANK: no holder has it"):
        tell(world, K.LOST)
    with pytest.raises(NotFound):
        tell(world, K.LOST, "0000009993")
    world.ordered()
    world.secure()
    with pytest.raises(StateConflict, match="is SECURED"):
        tell(world, K.LOST)


def test_who_may_not_report_receive_capture_or_close(active):
    tell(active, K.LOST)
    before = audit_rows(active)
    for role, deed in (
        (Role.CLIENT_SERVICES, lambda a: report(active.station, a, CARDS[0], K.LOST)),
        (Role.CLIENT_SERVICES, lambda a: service.announce(active.station, a, CARDS[0], ReturnReason.DAMAGE)),
        (Role.CLIENT_SERVICES, lambda a: service.post(active.station, a, 1, "c", "t")),
        (Role.CLIENT_SERVICES, lambda a: close_account(active.station, a, "alice", "x")),
        (Role.RETURNS, lambda a: service.receive(active.station, a, CARDS[0])),
        (Role.SUPERVISOR, lambda a: deposits.capture(active.station, a, "O-1")),
    ):
        with pytest.raises(NotPermitted, match=f"role {role.value}"):
            deed(Actor("nils", ALL_ROLES - {role}, "bench-1"))
    assert audit_rows(active) == before


# Deposits


@pytest.mark.parametrize("kind", [K.LOST, K.STOLEN, K.ON_PURPOSE])
def test_r12_a_capture_takes_a_second_person_and_happens_once(active, kind):
    tell(active, kind)
    with pytest.raises(NotPermitted, match="another person"):
        capture(active, actor=active.actor)
    assert active.holds()[0][3] == "HELD"
    assert capture(active) is DEPOSIT_ENDS[kind]
    assert active.holds() == [("O-1", CARDS[0], "U-1", "CAPTURED", DEPOSIT_ENDS[kind].value)]
    assert notices(active).count("HOLD_CAPTURED") == 1
    with pytest.raises(StateConflict, match="no deposit that is held"):
        capture(active)


@pytest.mark.parametrize("kind", [None, K.ACCIDENT, K.BATTERY, K.PIN_BLOCKED])
def test_r12_nothing_else_captures(active, kind):
    if kind:
        tell(active, kind)
    with pytest.raises(StateConflict, match="released when the card is back"):
        capture(active)
    receive(active)
    assert active.holds()[0][3] == "HELD"  # it waits for the inspection
    assert judge(active) is HoldEnd.RETURNED
    assert active.holds() == [("O-1", CARDS[0], "U-1", "RELEASED", "RETURNED")]
    assert notices(active).count("HOLD_RELEASED") == 1


def test_r12_stolen_and_replaced_two_deposits_each_with_its_end(active):
    tell(active, K.STOLEN)
    replaced(active)
    assert [(h[0], h[3]) for h in active.holds()] == [("O-1", "HELD"), ("O-2", "HELD")]
    receive(active)  # found by the police, but replaced
    with pytest.raises(StateConflict, match="has not judged it yet"):
        capture(active)
    assert judge(active) is HoldEnd.STOLEN
    with pytest.raises(NotPermitted, match="another person"):
        capture(active, actor=active.actor)
    capture(active)
    assert [(h[0], h[3]) for h in active.holds()] == [("O-1", "CAPTURED"), ("O-2", "HELD")]


def test_r12_a_lost_card_that_is_found_in_time_costs_nothing(active):
    tell(active, K.LOST)
    receive(active)
    assert card_state(active) is CardState.RETURNED
    with pytest.raises(StateConflict, match="has not judged it yet"):
        capture(active)
    judge(active)
    with pytest.raises(StateConflict, match="deposit is released"):
        capture(active)
    assert active.holds()[0][3] == "RELEASED"


def test_r12_a_card_damaged_on_purpose_waits_for_its_capture_though_it_came_back(active):
    tell(active, K.ON_PURPOSE)
    receive(active)
    judge(active, Condition.DAMAGED)
    assert active.holds()[0][3] == "HELD"
    assert capture(active) is HoldEnd.INTENTIONALLY_DAMAGED


def test_r12_the_desk_finds_what_nobody_reported_and_a_second_person_captures(active):
    announce(active, ReturnReason.CONSOLIDATION)
    receive(active)
    assert judge(active, Condition.ON_PURPOSE) is HoldEnd.INTENTIONALLY_DAMAGED
    with pytest.raises(NotPermitted, match="another person"):
        capture(active, actor=active.actor)
    assert active.holds()[0][3] == "HELD"
    assert capture(active) is HoldEnd.INTENTIONALLY_DAMAGED


def test_r12_a_card_reported_damaged_on_purpose_that_is_whole_costs_nothing(active):
    tell(active, K.ON_PURPOSE)
    receive(active)
    assert judge(active) is HoldEnd.RETURNED
    assert active.holds()[0][3] == "RELEASED"


def test_r12_another_card_in_its_place_releases_nothing(active):
    receive(active)
    assert judge(active, our_card=False) is HoldEnd.LOST
    assert active.holds()[0][3] == "HELD"
    assert capture(active) is HoldEnd.LOST


@pytest.mark.parametrize("kind", K)
def test_an_order_whose_card_was_reported_before_it_was_active_does_not_stay_shipped(world, kind):
    world.sent()
    tell(world, kind)
    assert records.order(world.station, "O-1")["state"] == "UNDELIVERED"
    assert world.holds()[0][3] == "HELD"
    if is_captured(kind):
        assert capture(world) is DEPOSIT_ENDS[kind]
    else:
        receive(world)
        judge(world)
        assert world.holds()[0][3:] == ("RELEASED", "RETURNED")


def test_a_card_sent_back_before_it_was_active_ends_its_order_and_waits_for_the_desk(world):
    world.sent()
    announce(world, ReturnReason.ACCOUNT_CLOSURE)
    receive(world)
    assert records.order(world.station, "O-1")["state"] == "UNDELIVERED"
    assert notices(world).count("CARD_UNDELIVERED") == 0


# Sharing


@pytest.fixture
def shared(active):
    """alice.trust has an active card, dormant because alice's is shared."""
    active.active("O-2", CARDS[1], user="alice.trust")
    asking = login.Purpose.SHARING
    question = issue_challenge(active.station, active.actor, CARDS[0], "alice", asking).challenge
    asked = sharing.request(
        active.station,
        active.actor,
        active.keystore,
        "alice.trust",
        "alice",
        CARDS[0],
        question,
        active.response(CARDS[0], question),
    )
    sharing.submit(active.station, active.actor, active.keystore, asked.sharing)
    assert states(active) == {
        ("alice", CARDS[0]): "ACTIVE",
        ("alice.trust", CARDS[1]): "DORMANT",
        ("alice.trust", CARDS[0]): "ACTIVE",
    }
    return active


@pytest.mark.parametrize("how", [lambda world: tell(world, K.LOST), receive])
def test_r30_requesters_have_their_own_device_again_when_the_shared_one_is_gone(shared, how):
    assert how(shared).revoked_for == ["alice", "alice.trust"]
    assert states(shared) == {
        ("alice", CARDS[0]): "REVOKED",
        ("alice.trust", CARDS[1]): "ACTIVE",
        ("alice.trust", CARDS[0]): "REVOKED",
    }


def test_r30_the_redundant_card_comes_back_and_the_sharing_goes_on(shared):
    announce(shared, ReturnReason.CONSOLIDATION, CARDS[1])
    assert receive(shared, CARDS[1]).revoked_for == ["alice.trust"]
    assert states(shared)["alice.trust", CARDS[0]] == "ACTIVE"
    tell(shared, K.LOST)
    assert states(shared)["alice.trust", CARDS[1]] == "REVOKED"


# Returns


def test_r41_the_form_has_the_address_of_the_region_that_was_asked_for(active):
    assert overview.form(active.station, announce(active, region="japan")).to.key == "japan"


def test_r41_a_return_from_its_announcement_to_its_receipt(active):
    number = announce(active)
    assert announce(active) == number
    view = overview.view(active.station, number)
    assert (view.state, view.shown_from, view.user) == ("ANNOUNCED", None, "alice")
    with pytest.raises(StateConflict, match="return 1 \\(damage\\), ANNOUNCED"):
        announce(active, ReturnReason.BREAKAGE)
    form = overview.form(active.station, number)
    assert form.to.key == "us-canada"
    assert form.to.address[2] == "3 Pickwick Plaza"
    assert any("tracked" in step for step in form.steps)

    active.moment = active.moment.replace(month=12, day=14, hour=17)
    posting = (active.station, active.actor, number, "Sample Post", "T-9")
    service.post(*posting)
    service.post(*posting)
    view = overview.view(active.station, number)
    assert (view.state, view.posted_on) == ("IN_TRANSIT", date(2026, 12, 14))
    assert (view.shown_from, view.shown_until) == (date(2026, 12, 17), date(2026, 12, 21))
    with pytest.raises(StateConflict, match="is IN_TRANSIT, with Sample Post T-9"):
        service.post(active.station, active.actor, number, "Sample Post", "T-8")
    assert states(active)["alice", CARDS[0]] == "ACTIVE"  # until it is here, it can be used

    done = receive(active)
    assert (done.number, done.revoked_for) == (number, ["alice"])
    assert states(active)["alice", CARDS[0]] == "REVOKED"
    assert card_state(active) is CardState.RETURNED
    shown = records.order(active.station, "O-1")["returns"]
    assert [(one["state"], one["received_at"]) for one in shown] == [("RECEIVED", active.moment)]
    assert notices(active)[-1:] == ["RETURN_RECEIVED"]
    judge(active)
    assert notices(active)[-1:] == ["HOLD_RELEASED"]


def test_received_twice_is_received_once(active):
    announce(active)
    first = receive(active)
    before = audit_rows(active)
    again = receive(active)
    assert (again.number, again.revoked_for) == (first.number, [])
    assert audit_rows(active) == before


def test_a_card_that_nobody_announced_is_received_all_the_same(active):
    done = receive(active)
    view = overview.view(active.station, done.number)
    assert (view.reason, view.state) == (None, ReturnState.RECEIVED)
    with pytest.raises(NotPermitted, match="never announced"):
        overview.form(active.station, done.number)


@pytest.mark.parametrize("told_before", [True, False])
def test_r12_a_card_that_came_back_undelivered_releases_its_deposit(world, told_before):
    world.sent()
    if told_before:
        report_undelivered(world.station, world.actor, "O-1")
        assert world.holds()[0][3:] == ("RELEASED", "UNDELIVERED")  # whether it comes back or not
    receive(world)
    judge(world, Condition.UNOPENED)
    assert world.holds()[0][3:] == ("RELEASED", "UNDELIVERED" if told_before else "RETURNED")
    assert records.order(world.station, "O-1")["state"] == "UNDELIVERED"
    assert notices(world).count("CARD_UNDELIVERED") == 1
    world.at(days=30)
    assert run_timers(world.station, world.actor).activated == []


def test_what_is_not_out_is_neither_announced_nor_received(world):
    with pytest.raises(NotFound):
        announce(world)
    with pytest.raises(StateConflict, match="is BLANK: it was not out"):
        receive(world)
    world.ordered()
    world.secure()
    for deed in (announce, receive):
        with pytest.raises(StateConflict, match="is SECURED"):
            deed(world)


def test_r44_a_code_card_is_never_returned(world):
    row = Row(2, {"serial_number": "SCC-1", "type": "Security Code Card", "user": "alice"})
    assert import_legacy_devices(world.station, world.actor, [row], []).recorded
    with pytest.raises(NotPermitted, match="destroy it and activate the phone app"):
        announce(world, serial_number="SCC-1")


def test_r43_a_replacement_return_by_the_portal_is_refused(active):
    with pytest.raises(NotPermitted, match="is phoned in"):
        announce(active, ReturnReason.REPLACEMENT)
    assert announce(active, ReturnReason.REPLACEMENT, by_phone=True) == 1


@pytest.mark.parametrize("reason", [ReturnReason.DAMAGE, ReturnReason.CONSOLIDATION])
def test_r9_a_card_that_came_back_damaged_is_replaced_another_is_not(active, reason):
    announce(active, reason)
    receive(active)
    active.online_card()
    if reason is ReturnReason.DAMAGE:
        active.draft("O-2", purpose=Purpose.REPLACEMENT, replaces=CARDS[0], equity=None)
    else:
        with pytest.raises(NotPermitted, match="report first"):
            active.draft("O-2", purpose=Purpose.REPLACEMENT, replaces=CARDS[0], equity=None)


def test_posted_before_it_was_announced_or_without_a_number_is_refused(active):
    number = announce(active)
    for words in (("", "T"), ("C", " "), ("C", "x" * 61)):
        with pytest.raises(BadInput, match=f"return {number}"):
            service.post(active.station, active.actor, number, *words)
    with pytest.raises(BadInput, match="was announced on"):
        service.post(active.station, active.actor, number, "C", "T", date(2026, 1, 2))
    with pytest.raises(NotFound, match="no return 99"):
        service.post(active.station, active.actor, 99, "C", "T")


def test_the_form_is_in_the_users_language(active):
    number = announce(active)
    with active.writing() as session:
        session.get_one(Order, "O-1").language = "es"
        audit.record(session, active.actor, active.moment, "test", "O-1")
    found = overview.form(active.station, number)
    assert (found.title, found.reason) == ("Devolución de una Tarjeta de seguridad digital+ (TSD+)", "Daño")


# Closed accounts


def close(world, user="alice"):
    return close_account(world.station, world.actor, user, "asked for")


def test_r45_a_closed_account_has_no_device_and_its_card_is_asked_back(active):
    active.online_card()
    assert close(active).to_return == [("O-1", CARDS[0])]
    assert states(active)["alice", CARDS[0]] == "REVOKED"
    with active.station.database.reading() as session:
        assert held_interim_access(session, "alice", active.station.now()) == []
    for deed in (
        lambda: active.draft("O-2"),
        lambda: give_passcode(active),
        lambda: issue_challenge(active.station, active.actor, CARDS[0], "alice"),
    ):
        with pytest.raises((NotPermitted, NotFound)):
            deed()
    before = audit_rows(active)
    assert close(active).to_return == [("O-1", CARDS[0])]
    assert audit_rows(active) == before
    receive(active)
    assert close(active).to_return == []


def test_r45_closing_erases_what_codes_were_compared_with_and_sent_to(active):
    active.online_card()
    gateway = SmsFile(active.home.path / "sms.jsonl")
    sms.begin(active.station, active.actor, active.keystore, gateway, "alice", "+12025550123")
    close(active)
    with active.station.database.reading() as session:
        kept = session.scalars(select(Device).where(Device.sealed_codes.is_not(None))).all()
        numbers = session.scalars(select(SmsEnrolment).where(SmsEnrolment.sealed_number.is_not(None))).all()
    assert (kept, numbers) == ([], [])


def test_r45_the_login_refuses_a_closed_user_whatever_device_there_is(active):
    """Even an assignment that should not be there any more lets nobody in."""
    close(active)
    row = Row(2, {"serial_number": "SCC-1", "type": "Security Code Card", "user": "alice"})
    assert import_legacy_devices(active.station, active.actor, [row], []).recorded
    with pytest.raises(NotPermitted, match="account is closed: user name and password only"):
        issue_challenge(active.station, active.actor, "SCC-1", "alice")
    with pytest.raises(NotPermitted, match="account is closed"):
        check_login(active.station, active.actor, active.keystore, "SCC-1", "123456", "ABCDEF", "alice")


def test_r12_closed_without_return_captures_by_a_second_person(active):
    close(active)
    with pytest.raises(NotPermitted, match="another person"):
        capture(active, actor=active.actor)
    number = announce(active, ReturnReason.ACCOUNT_CLOSURE)
    service.post(active.station, active.actor, number, "C", "T")
    with pytest.raises(StateConflict, match="on its way back"):
        capture(active)
    receive(active)
    judge(active)
    with pytest.raises(StateConflict):
        capture(active)
    assert active.holds()[0][3] == "RELEASED"


def test_r12_closed_and_never_sent_back(active):
    close(active)
    assert capture(active) is HoldEnd.CLOSED_WITHOUT_RETURN
    receive(active)
    assert active.holds()[0][3] == "CAPTURED"


def test_r45_closing_ends_what_was_shared_both_ways(shared):
    close(shared, "alice.trust")
    assert states(shared) == {
        ("alice", CARDS[0]): "ACTIVE",
        ("alice.trust", CARDS[1]): "REVOKED",
        ("alice.trust", CARDS[0]): "REVOKED",
    }


def test_r45_closing_the_owner_gives_the_requester_the_own_device_back(shared):
    close(shared)
    assert states(shared)["alice.trust", CARDS[1]] == "ACTIVE"
    assert states(shared)["alice.trust", CARDS[0]] == "REVOKED"


def test_r44_a_code_card_of_a_closed_account_is_destroyed(world):
    row = Row(2, {"serial_number": "SCC-1", "type": "Security Code Card", "user": "alice"})
    import_legacy_devices(world.station, world.actor, [row], [])
    assert close(world).to_destroy == ["SCC-1"]


def test_an_account_is_not_closed_under_an_order(world):
    world.draft()
    with pytest.raises(StateConflict, match="order O-1 is under way"):
        close(world)


# Commands


def test_a_loss_and_a_return_by_commands(bench, monkeypatch):
    world = bench.world
    record_users(world, user_values("alice", account="U-1"))
    where = ("--name", "Alice", "--address", "1 Sample Road", "--country", "US")
    bench.run("orders", "draft", "O-7", "--user", "alice", "--for", "first", "--equity", "2000000", *where)
    bench.run("orders", "pin", "O-7", bench.file("pin.txt", "2580\n"))
    bench.run("orders", "review", "O-7")
    bench.run("orders", "place", "O-7")
    world.secure("O-7")
    bench.run(
        "ship",
        "O-7",
        "--carrier",
        "Sample Post",
        "--tracking",
        "T-7",
        "--on",
        world.station.today(),
        *bench.scanned_back("O-7"),
    )
    assert bench.json("returns", "announce", CARDS[0], "damage")["number"] == 1
    assert "3 Pickwick Plaza" in bench.run("returns", "form", "1").output
    assert bench.json("returns", "form", "1")["to"]["key"] == "us-canada"
    posted = bench.json("returns", "posted", "1", "--carrier", "C", "--tracking", "T")
    assert posted["state"] == "IN_TRANSIT"
    assert bench.json("returns", "show", "1")["shown_until"] == posted["shown_until"]
    told = bench.run("cards", "report", CARDS[0], "stolen", "--yes")
    assert "holds capture O-7" in told.output
    bench.run("holds", "capture", "O-7", "--yes", code=4)
    monkeypatch.setattr(common, "system_user", lambda: "susan")
    assert bench.json("holds", "capture", "O-7", "--yes")["because"] == "STOLEN"
    assert bench.json("holds", "list")["holds"][0]["state"] == "CAPTURED"
    assert bench.json("returns", "receive", CARDS[0])["order"] == "O-7"
    assert [one["state"] for one in bench.json("returns", "list", "--order", "O-7")["returns"]] == [
        "RECEIVED"
    ]
    assert len(bench.json("returns", "addresses")["regions"]) == 5
    assert "霞ヶ関" in bench.run("returns", "addresses").output
    assert bench.json("users", "close", "alice", "--reason", "asked for", "--yes")["to_return"] == []
    bench.run("orders", "draft", "O-8", "--user", "alice", "--for", "first", "--equity", "2000000", code=4)
