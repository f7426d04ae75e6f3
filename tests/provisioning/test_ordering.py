"""R8 to R12: a client's order from the draft to the confirmation."""

import dataclasses
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from dscplus_station import overview
from dscplus_station.activation.daily import run_timers
from dscplus_station.activation.service import revoke_card
from dscplus_station.actor import Actor, Role
from dscplus_station.audit import AuditRow
from dscplus_station.business_days import after, business_days
from dscplus_station.cancellation.service import cancel
from dscplus_station.cli import cli
from dscplus_station.devices.rules import AssignmentState
from dscplus_station.errors import BadInput, NotFound, NotPermitted, StateConflict
from dscplus_station.holds.service import open_hold
from dscplus_station.interim.service import end_interim_access
from dscplus_station.losses.rules import ReportKind
from dscplus_station.losses.service import report
from dscplus_station.ordering import service
from dscplus_station.ordering.configuration import read_terms
from dscplus_station.ordering.rules import (
    EquityRule,
    Purpose,
    Standing,
    Terms,
    equity_fault,
    missing,
    placing_fault,
    standing_fault,
)
from dscplus_station.ordering.service import Address
from dscplus_station.orders.rules import OrderKind, OrderState
from dscplus_station.orders.service import bind, release
from dscplus_station.orders.tables import Order
from dscplus_station.shipping.service import report_undelivered
from dscplus_station.warehouse import warehouse_days
from tests.provisioning.ordering_world import HOME, OrderingWorld
from tests.provisioning.support import CARDS, COUNTRIES, GOOD_PIN, order_values, record_users, user_values

pytestmark = pytest.mark.each_database
MILLION = 1_000_000 * 100
A, R, P = AssignmentState.ACTIVE, AssignmentState.REVOKED, AssignmentState.PENDING


@pytest.fixture
def world(tmp_path):
    world = OrderingWorld(tmp_path)
    yield world
    world.close()


def count(world, table):
    with world.station.database.reading() as session:
        return len(session.scalars(select(table)).all())


# Rules


@pytest.mark.parametrize(
    ("purpose", "cents", "rule", "enough"),
    [
        (Purpose.FIRST, MILLION, EquityRule.ABOVE, False),
        (Purpose.FIRST, MILLION + 1, EquityRule.ABOVE, True),
        (Purpose.FIRST, MILLION - 1, EquityRule.AT_LEAST, False),
        (Purpose.FIRST, MILLION, EquityRule.AT_LEAST, True),
        (Purpose.FIRST, None, EquityRule.ABOVE, False),
        (Purpose.ADDITIONAL, MILLION, EquityRule.ABOVE, False),
        (Purpose.ADDITIONAL, MILLION + 1, EquityRule.ABOVE, True),
        (Purpose.REPLACEMENT, None, EquityRule.ABOVE, True),
        (Purpose.REPLACEMENT, 0, EquityRule.AT_LEAST, True),
    ],
)
def test_r9_equity_to_the_cent(purpose, cents, rule, enough):
    assert (equity_fault(purpose, cents, Terms(equity_rule=rule)) is None) == enough


@pytest.mark.parametrize(
    ("purpose", "standing", "fault"),
    [
        (Purpose.FIRST, Standing(frozenset(), False, None, None, False), None),
        (Purpose.FIRST, Standing(frozenset({A}), True, None, None, False), "a DSC\\+ already"),
        (Purpose.FIRST, Standing(frozenset({P}), False, None, None, False), "a DSC\\+ already"),
        (Purpose.FIRST, Standing(frozenset(), False, "O-9", None, False), "O-9 is under way"),
        (Purpose.ADDITIONAL, Standing(frozenset({A}), True, None, None, False), None),
        (Purpose.ADDITIONAL, Standing(frozenset({P}), True, None, None, False), "no active DSC\\+"),
        (Purpose.ADDITIONAL, Standing(frozenset(), True, None, None, False), "no active DSC\\+"),
        (Purpose.ADDITIONAL, Standing(frozenset({A}), True, "O-9", None, False), "O-9 is under way"),
        (Purpose.REPLACEMENT, Standing(frozenset(), True, None, R, True), None),
        (Purpose.REPLACEMENT, Standing(frozenset(), True, "O-9", R, True), None),
        (Purpose.REPLACEMENT, Standing(frozenset(), False, None, R, True), "begins with a call"),
        (Purpose.REPLACEMENT, Standing(frozenset({A}), True, None, A, False), "is ACTIVE"),
        (Purpose.REPLACEMENT, Standing(frozenset({A}), True, None, A, True), "is ACTIVE"),
        (Purpose.REPLACEMENT, Standing(frozenset(), True, None, R, False), "report first what happened"),
        (Purpose.REPLACEMENT, Standing(frozenset(), True, None, None, False), "not issued to this user"),
    ],
)
def test_r9_r10_who_may_order_what(purpose, standing, fault):
    found = standing_fault(purpose, standing)
    if fault is None:
        assert found is None
    else:
        with pytest.raises(AssertionError, match=fault):
            raise AssertionError(found)


def test_r10_a_card_in_the_post_is_under_way_still(world):
    world.active()
    world.sent("O-2", CARDS[1], purpose=Purpose.ADDITIONAL)
    with pytest.raises(NotPermitted, match="O-2 is under way"):
        world.draft("O-3", purpose=Purpose.ADDITIONAL)
    world.at(days=14)
    run_timers(world.station, world.actor)
    assert world.draft("O-3", purpose=Purpose.ADDITIONAL)


def test_placing_looks_again_at_what_is_under_way():
    assert placing_fault(OrderKind.NEW, Standing(frozenset({A}), True, None, None, False)) is None
    assert "O-9" in placing_fault(OrderKind.NEW, Standing(frozenset(), True, "O-9", None, False))
    assert placing_fault(OrderKind.REPLACEMENT, Standing(frozenset(), True, "O-9", R, True)) is None
    assert "call" in placing_fault(OrderKind.REPLACEMENT, Standing(frozenset(), False, None, R, True))


def test_r11_what_is_missing_before_the_review():
    assert missing(has_pin=False, account=None) == ["PIN", "account"]
    assert missing(has_pin=True, account="U-1") == []


@pytest.mark.parametrize(
    ("calendar", "day", "days", "expected"),
    [
        ("US", date(2026, 11, 23), 3, date(2026, 11, 27)),  # over Thanksgiving
        ("US", date(2026, 11, 20), 1, date(2026, 11, 23)),  # over a weekend
        ("US", date(2026, 12, 31), 1, date(2027, 1, 4)),
        ("CH-ZH", date(2026, 12, 24), 1, date(2026, 12, 28)),
    ],
)
def test_r11_the_estimate_counts_the_warehouses_business_days(calendar, day, days, expected):
    assert after(day, days, business_days(calendar)) == expected


# Settings


def settings_of(world, **ordering):
    return dataclasses.replace(world.station.settings, ordering=ordering)


def test_r9_the_issuer_sets_the_terms(world):
    assert read_terms(world.station.settings) == Terms()
    found = read_terms(settings_of(world, equity_usd=50, equity="at-least", business_days_to_ship=1))
    assert found == Terms(5000, EquityRule.AT_LEAST, 1)
    for wrong in (
        {"equity_usd": -1},
        {"equity_usd": "much"},
        {"equity": "more"},
        {"business_days_to_ship": 0},
        {"business_days_to_ship": True},
        {"equtiy": 1},
    ):
        with pytest.raises(BadInput, match="ordering"):
            read_terms(settings_of(world, **wrong))


def test_the_warehouse_has_holidays_of_its_own(world):
    swiss = warehouse_days(settings_of(world, holidays="CH-ZH"))
    issuers = warehouse_days(world.station.settings)
    thanksgiving, ascension = date(2026, 11, 26), date(2026, 5, 14)
    assert swiss(thanksgiving)
    assert not issuers(thanksgiving)
    assert not swiss(ascension)
    assert issuers(ascension)


# The steps


def test_r11_an_order_from_its_draft_to_the_confirmation(world):
    first = world.draft()
    assert (first.state, first.missing, first.account, first.pin_chosen) == ("DRAFT", ["PIN"], "U-1", False)
    assert (first.name, first.address, first.country) == ("Alice Sample", HOME.address, "US")
    assert world.holds() == []
    assert world.pin().missing == []
    assert world.step("review").state is OrderState.REVIEW
    world.moment = world.moment.replace(day=23)  # a Monday before Thanksgiving
    confirmed = world.step("place")
    assert confirmed.state is OrderState.PLACED
    assert confirmed.estimated_shipment_on == date(2026, 11, 27)
    assert confirmed.deposit_cents == 2000
    assert world.holds() == [("O-1", None, "U-1", "HELD", None)]
    told = overview.order(world.station, "O-1")
    assert told["estimated_shipment_on"] == date(2026, 11, 27)
    assert told["holds"][0]["amount_cents"] == 2000


def test_r11_back_loses_nothing(world):
    world.draft()
    world.pin()
    service.choose_account(world.station, world.actor, "O-1", "U-2")
    reviewed = world.step("review")
    again = world.step("back")
    assert dataclasses.replace(again, state=OrderState.REVIEW) == reviewed
    world.step("review")
    world.step("place")
    with world.station.database.reading() as session:
        sealed = session.get_one(Order, "O-1").sealed_pin
    assert world.keystore.unseal(service.pin_of("O-1"), sealed) == GOOD_PIN.encode()
    assert world.holds() == [("O-1", None, "U-2", "HELD", None)]


def test_r11_the_address_is_changed_before_the_review_only(world):
    world.draft()
    world.pin()
    there = Address("Alice S.", "Calle 2", "es")

    def change():
        return service.change_address(world.station, world.actor, "O-1", there, COUNTRIES)

    assert change().country == "ES"
    world.step("review")
    with pytest.raises(StateConflict, match="go back first"):
        change()
    world.step("back")
    change()
    world.step("review")
    world.step("place")
    with pytest.raises(StateConflict, match="PLACED"):
        change()
    for wrong in (Address("", "x", "US"), Address("A", "x\x07", "US"), Address("A", "x", "XX")):
        with pytest.raises(BadInput, match="O-1"):
            service.change_address(world.station, world.actor, "O-1", wrong, COUNTRIES)


@pytest.mark.parametrize(
    ("digits", "reason"),
    [
        ("123", "four digits"),
        ("12345", "four digits"),
        ("12a4", "four digits"),
        ("٠٢٤٦", "four digits"),
        ("0000", "equal"),
        ("9876", "sequence"),
        ("1980", "birth date"),
        ("2902", "birth date"),
        ("4711", "phone"),
    ],
)
def test_r8_the_pin_of_an_order_by_what_is_on_record_of_the_user(world, digits, reason):
    world.draft()
    with pytest.raises(BadInput, match=reason) as refusal:
        world.pin(digits=digits)
    assert digits not in str(refusal.value)
    with pytest.raises(NotPermitted, match="lacks its PIN"):
        world.step("review")


def test_r3_a_chosen_pin_is_sealed_at_once_and_nowhere_else(world):
    world.draft()
    world.pin(digits="7391")
    world.pin(digits="7392")  # the client thought better of it
    with world.station.database.reading() as session:
        sealed = session.get_one(Order, "O-1").sealed_pin
        details = " ".join(session.scalars(select(AuditRow.details)))
    assert world.keystore.unseal(service.pin_of("O-1"), sealed) == b"7392"
    assert b"739" not in sealed
    assert "739" not in details


def test_r11_the_deposit_goes_to_an_account_of_the_same_person_only(world):
    world.draft()
    with pytest.raises(NotPermitted, match="'U-3' is no account of alice's"):
        service.choose_account(world.station, world.actor, "O-1", "U-3")
    assert service.choose_account(world.station, world.actor, "O-1", "U-2").account == "U-2"


def test_r11_a_user_without_an_account_cannot_review(world):
    record_users(world, user_values("carol", entity="E-3"))
    world.draft(user="carol")
    world.pin()
    with pytest.raises(NotPermitted, match="lacks its account"):
        world.step("review")


def test_the_last_orders_address_and_language_are_there_already(world):
    world.draft("O-0", where=Address("Alice", "Calle 1", "ES"))
    with pytest.raises(BadInput, match="no address of bob is on record"):
        world.draft("O-9", user="bob", where=None)
    world.pin("O-0")
    world.step("review", "O-0")
    world.step("place", "O-0")
    cancel(world.station, world.actor, "O-0")
    again = world.draft("O-1", where=None)
    assert (again.name, again.address, again.country) == ("Alice", "Calle 1", "ES")


def test_r9_a_first_card_needs_equity_and_nothing_is_kept_of_a_refused_order(world):
    with pytest.raises(NotPermitted, match=r"equity above 1,000,000 USD"):
        world.draft(equity=MILLION)
    with pytest.raises(NotPermitted, match="say how much"):
        world.draft(equity=None)
    assert count(world, Order) == 0
    world.draft(equity=MILLION + 1)


def test_r9_one_first_card_at_a_time(world):
    world.draft("O-1")
    with pytest.raises(NotPermitted, match="O-1 is under way"):
        world.draft("O-2")
    cancel(world.station, world.actor, "O-1")
    world.active("O-2")
    with pytest.raises(NotPermitted, match="a DSC\\+ already"):
        world.draft("O-3")


def test_r10_an_additional_card_needs_one_that_works_and_no_interim_access(world):
    with pytest.raises(NotPermitted, match="no active DSC\\+"):
        world.draft("O-1", purpose=Purpose.ADDITIONAL)
    world.active("O-1")
    assert world.draft("O-2", purpose=Purpose.ADDITIONAL).kind is OrderKind.NEW


def end_interim(world):
    with world.writing() as session:
        end_interim_access(session, world.actor, world.moment, "alice", "test")


def test_r10_a_replacement_begins_with_a_call(world):
    world.active()
    replacement = {"purpose": Purpose.REPLACEMENT, "replaces": CARDS[0], "equity": None}
    with pytest.raises(NotPermitted, match="is ACTIVE"):
        world.draft("O-2", **replacement)
    revoke_card(world.station, world.actor, CARDS[0], "for no reason on record")
    world.online_card()
    with pytest.raises(NotPermitted, match="report first what happened"):
        world.draft("O-2", **replacement)
    end_interim(world)
    report(world.station, world.actor, CARDS[0], ReportKind.LOST)
    with pytest.raises(NotPermitted, match="begins with a call"):
        world.draft("O-2", **replacement)
    world.online_card()
    assert world.draft("O-2", **replacement).replaces == CARDS[0]
    with pytest.raises(StateConflict, match="order O-2 replaces card"):
        world.draft("O-3", **replacement)
    with pytest.raises(NotPermitted, match="bob: the card to be replaced was not issued"):
        world.draft("O-4", user="bob", **replacement)


def test_r10_interim_access_that_has_run_out_lets_no_order_be_placed(world):
    world.active()
    report(world.station, world.actor, CARDS[0], ReportKind.BATTERY)
    world.online_card()
    world.draft("O-2", purpose=Purpose.REPLACEMENT, replaces=CARDS[0], equity=None)
    world.pin("O-2")
    world.step("review", "O-2")
    world.at(days=22)
    with pytest.raises(NotPermitted, match="begins with a call"):
        world.step("place", "O-2")
    assert [hold for hold in world.holds() if hold[0] == "O-2"] == []


def test_a_card_that_is_anothers_by_now_is_not_replaced(world):
    world.active()
    revoke_card(world.station, world.actor, CARDS[0], "returned")
    with world.writing() as session:
        release(session, world.actor, world.moment, "O-1", "restocked")
    world.place(order_values("O-B", user="bob"))
    with world.writing() as session:
        bind(session, world.actor, world.moment, "O-B", CARDS[0])
    world.online_card()
    with pytest.raises(NotPermitted, match="not issued to this user"):
        world.draft("O-2", purpose=Purpose.REPLACEMENT, replaces=CARDS[0])


def test_a_replacement_names_a_card_and_others_name_none(world):
    for wrong in ({"purpose": Purpose.REPLACEMENT}, {"replaces": CARDS[0]}):
        with pytest.raises(BadInput, match="names the card"):
            world.draft(**wrong)


def test_the_same_order_again_is_the_one_that_is_there(world):
    first = world.draft()
    assert world.draft(where=Address("X", "Y", "ES")) == first
    world.pin()
    world.step("review")
    assert world.draft().state is OrderState.REVIEW
    for other in ({"user": "bob"}, {"purpose": Purpose.REPLACEMENT, "replaces": CARDS[0]}):
        with pytest.raises(StateConflict, match="another one"):
            world.draft(**other)


def test_r12_placed_twice_holds_once(world):
    confirmed = world.ordered()
    world.at(days=4)
    assert world.step("place") == confirmed
    assert len(world.holds()) == 1
    with pytest.raises(StateConflict, match="held before"), world.writing() as session:
        open_hold(session, world.actor, world.moment, "O-1", "U-1")
    cancel(world.station, world.actor, "O-1")
    assert world.holds() == [("O-1", None, "U-1", "RELEASED", "ORDER_CANCELLED")]
    with pytest.raises(StateConflict, match="CANCELLED"):
        world.step("place")
    assert len(world.holds()) == 1


@pytest.mark.parametrize("step", ["place", "back"])
def test_steps_out_of_turn_are_refused(world, step):
    world.draft()
    if step == "place":
        with pytest.raises(StateConflict, match="only a reviewed one"):
            world.step("place")
    world.pin()
    world.step("review")
    world.step("place")
    if step == "back":
        with pytest.raises(StateConflict, match="PLACED"):
            world.step("back")
    with pytest.raises(StateConflict, match="PLACED"):
        world.step("review")


def test_r12_placed_side_by_side_holds_once(world):
    world.draft()
    world.pin()
    world.step("review")
    start = threading.Barrier(4)

    def place(_):
        start.wait(60)
        return world.step("place")

    with ThreadPoolExecutor(4) as pool:
        confirmations = list(pool.map(place, range(4)))
    assert confirmations == confirmations[:1] * 4
    assert len(world.holds()) == 1


def test_a_failure_while_placing_leaves_neither_hold_nor_estimate(world, monkeypatch):
    world.draft()
    world.pin()
    world.step("review")

    def fails(*_):
        raise StateConflict("the account cannot carry it")

    monkeypatch.setattr(service, "open_hold", fails)
    with pytest.raises(StateConflict, match="cannot carry"):
        world.step("place")
    with world.station.database.reading() as session:
        order = session.get_one(Order, "O-1")
    assert (order.state, order.placed_at, order.estimated_shipment_on) == ("REVIEW", None, None)
    assert world.holds() == []


@pytest.mark.parametrize("state", ["DRAFT", "REVIEW"])
def test_a_draft_is_cancelled_and_its_pin_goes(world, state):
    world.draft()
    world.pin()
    if state == "REVIEW":
        world.step("review")
    cancel(world.station, world.actor, "O-1")
    with world.station.database.reading() as session:
        order = session.get_one(Order, "O-1")
    assert (order.state, order.sealed_pin) == ("CANCELLED", None)
    with pytest.raises(StateConflict, match="CANCELLED"):
        world.pin()


def test_r12_the_deposit_becomes_the_shipped_cards(world):
    world.ordered()
    assert world.holds()[0][1] is None
    world.secure()
    world.ship()
    assert world.holds() == [("O-1", CARDS[0], "U-1", "HELD", None)]


def test_an_undelivered_first_card_can_be_ordered_again(world):
    world.sent()
    report_undelivered(world.station, world.actor, "O-1")
    assert world.draft("O-2").state is OrderState.DRAFT


def test_a_file_never_touches_a_clients_draft(world):
    world.draft()
    world.pin()
    result = world.place(order_values("O-1"))
    assert [one.reason for one in result.refused] == [
        "order O-1 is a client's draft: it is placed by its client, or cancelled"
    ]


def test_who_may_not_order(world):
    nobody = Actor("nils", frozenset(Role) - {Role.ORDERS}, "bench-1")
    world.draft()
    world.pin()
    before = count(world, AuditRow)
    world.actor = nobody
    for deed in (
        lambda: world.draft("O-2"),
        lambda: world.pin(),
        lambda: world.step("review"),
        lambda: world.step("back"),
        lambda: world.step("place"),
        lambda: service.choose_account(world.station, nobody, "O-1", "U-2"),
        lambda: service.change_address(world.station, nobody, "O-1", HOME, COUNTRIES),
    ):
        with pytest.raises(NotPermitted, match="role orders"):
            deed()
    assert count(world, AuditRow) == before


def test_there_is_no_such_order_or_user(world):
    with pytest.raises(NotFound, match="no user zoe"):
        world.draft(user="zoe")
    for name in ("review", "back", "place"):
        with pytest.raises(NotFound, match="no order O-1"):
            world.step(name)


# Commands


def test_the_whole_order_by_commands(bench):
    record_users(bench.world, user_values("alice", account="U-1", primary="yes"))
    pin = bench.file("pin.txt", "2581\n")
    draft = ("orders", "draft", "O-7", "--user", "alice", "--for", "first", "--equity")
    where = ("--name", "Alice Sample", "--address", "1 Sample Road", "--country", "us")
    bench.run(*draft, "1000000", *where, code=4)
    assert bench.json(*draft, "1000000.01", *where)["missing"] == ["PIN"]
    bench.run("orders", "review", "O-7", code=4)
    assert "2581" not in bench.run("orders", "pin", "O-7", pin).output
    bench.run("orders", "account", "O-7", "U-9", code=4)
    bench.run("orders", "account", "O-7", "U-1")
    bench.run("orders", "address", "O-7", "--name", "A", "--address", "B", "--country", "ES")
    assert bench.json("orders", "review", "O-7")["country"] == "ES"
    bench.run("orders", "back", "O-7")
    bench.run("orders", "review", "O-7")
    assert "20.00 USD are held" in bench.run("orders", "place", "O-7").output
    placed = bench.json("orders", "place", "O-7")
    assert (placed["state"], placed["deposit_cents"]) == ("PLACED", 2000)
    assert bench.json("orders", "show", "O-7")["holds"][0]["state"] == "HELD"
    bench.run("orders", "cancel", "O-7", "--yes")
    assert bench.json("orders", "show", "O-7")["holds"][0]["state"] == "RELEASED"


def test_a_pin_comes_from_a_file_or_standard_input_never_from_an_argument(bench):
    record_users(bench.world, user_values("alice", account="U-1"))
    where = ("--name", "Alice", "--address", "1 Sample Road", "--country", "US")
    bench.run("orders", "draft", "O-7", "--user", "alice", "--for", "first", "--equity", "2000000", *where)
    bench.run("orders", "pin", "O-7", "2581", code=3)  # there is no file of that name
    result = CliRunner().invoke(cli, ["orders", "pin", "O-7", "-"], input="2581\n", env=bench.environment)
    assert result.exit_code == 0, result.output
    assert "2581" not in result.output
    empty = CliRunner().invoke(cli, ["orders", "pin", "O-7", "-"], input="", env=bench.environment)
    assert (empty.exit_code, "holds no PIN" in empty.stderr) == (1, True)
    bench.run("orders", "draft", "O-8", "--user", "alice", "--for", "first", "--name", "A", code=2)
