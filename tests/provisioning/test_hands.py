"""A visitor's hands at a demo's bench, and the demo's clock: virtual cards moved, pulled out and spoiled."""

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dscplus_driver import errors
from dscplus_driver.card import connect
from dscplus_driver.model import luhn_valid
from dscplus_station.demo import choice
from dscplus_station.demo.choice import cards_at_hand, papers
from dscplus_station.demo.hands import (
    FAULTS,
    SLOTS,
    STRANGER,
    Deed,
    Spoiling,
    cards_folder,
    open_hands,
    slot_folder,
    slot_tables,
)
from dscplus_station.demo.passing import MOST_DAYS, pass_days
from dscplus_station.demo.virtual_cards import virtual_cards
from dscplus_station.errors import BadInput, NotFound, NotPermitted, StateConflict
from dscplus_station.moved_clock import moved_clock
from dscplus_station.opening import open_station
from dscplus_station.orders.rules import OrderState
from dscplus_station.orders.service import get_order
from dscplus_station.scans.rules import OrderScan, card_code, parse
from dscplus_station.slots.map import slot_map
from dscplus_station.stock.rules import CardState
from tests.provisioning.support import CARDS, World, order_values

SERIAL = CARDS[0]
PATIENCE_S = 10


@pytest.fixture
def demo(tmp_path):
    """A demo home with one virtual card that is at no slot."""
    world = World(tmp_path, demo=True)
    with virtual_cards(cards_folder(world.home), 1):
        pass
    yield world
    world.close()


@pytest.fixture
def hands(demo):
    with open_hands(demo.home) as hands:
        yield hands


def port(demo, slot):
    return slot_folder(demo.home, slot) / "card-0"


def wait_until(true):
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def at(hands, slot):
    return next(one for one in hands.slots() if one.slot == slot)


def test_the_slot_map_names_each_slots_port(demo):
    demo.home.settings_file.write_text(demo.home.settings_file.read_text() + slot_tables(demo.home))
    slots = slot_map(demo.home.settings().slots)
    assert [slot.number for slot in slots] == list(SLOTS)
    assert [Path(slot.port) for slot in slots] == [port(demo, slot).absolute() for slot in SLOTS]


def test_put_in_pulled_out_put_in_again_and_taken_away(demo, hands):
    hands.put_in(2, SERIAL)
    assert at(hands, 2).plugged and at(hands, 2).serial_number == SERIAL
    assert connect(str(port(demo, 2))).serial_number == SERIAL
    hands.do(2, Deed.PULL)
    assert not at(hands, 2).plugged and at(hands, 2).powered, "it lives on from its battery"
    assert not port(demo, 2).exists()
    hands.do(2, Deed.PLUG)
    assert port(demo, 2).exists()
    hands.do(2, Deed.CUT_POWER)
    assert not at(hands, 2).powered
    hands.do(2, Deed.TAKE_AWAY)
    assert at(hands, 2).serial_number is None
    assert not port(demo, 2).exists()
    assert (cards_folder(demo.home) / f"{SERIAL}.flash").exists()
    hands.put_in(3, SERIAL)
    assert at(hands, 3).plugged


def test_a_card_is_in_one_place(hands):
    hands.put_in(1, SERIAL)
    with pytest.raises(StateConflict, match="at slot 1"):
        hands.put_in(2, SERIAL)
    with pytest.raises(NotFound, match="no virtual card"):
        hands.put_in(2, CARDS[1])
    for slot in (0, 5):
        with pytest.raises(NotFound, match="no slot"):
            hands.put_in(slot, SERIAL)
    with pytest.raises(NotFound, match="no card is at slot 4"):
        hands.do(4, Deed.PULL)
    with pytest.raises(NotFound, match="no serial number"):
        hands.put_in(2, "../station")


def test_a_copy_has_the_number_and_other_keys_and_is_thrown_away(demo, hands):
    original = (cards_folder(demo.home) / f"{SERIAL}.flash").read_bytes()
    hands.put_in(1, SERIAL, clone=True)
    assert connect(str(port(demo, 1))).serial_number == SERIAL
    assert next(slot_folder(demo.home, 1).glob("*.flash")).read_bytes() != original
    hands.do(1, Deed.TAKE_AWAY)
    assert (cards_folder(demo.home) / f"{SERIAL}.flash").read_bytes() == original
    assert list(slot_folder(demo.home, 1).glob("*.flash")) == []


def test_a_stranger_is_no_card_of_the_stock(demo, hands):
    assert luhn_valid(STRANGER)
    hands.put_in(1, STRANGER)
    assert connect(str(port(demo, 1))).serial_number == STRANGER
    hands.do(1, Deed.TAKE_AWAY)
    assert not (cards_folder(demo.home) / f"{STRANGER}.flash").exists()


def test_each_spoiling_is_a_fault_of_the_emulator(hands):
    assert set(FAULTS) == set(Spoiling)
    hands.put_in(1, SERIAL)
    for spoiling in Spoiling:
        hands.spoil(1, spoiling)
        assert at(hands, 1).spoiling is spoiling


def test_pulled_out_half_way_by_itself(demo, hands):
    hands.put_in(1, SERIAL, Spoiling.PULLED_HALFWAY)
    with connect(str(port(demo, 1))) as card, pytest.raises(errors.DscError):
        for _ in range(100):
            card.ping(bytes(60))
    wait_until(lambda: not at(hands, 1).plugged)


def test_keys_of_a_card_at_a_slot(hands):
    hands.put_in(1, SERIAL)
    assert hands.press(1, "press") == "NOT SET "
    with pytest.raises(BadInput, match="say which keys"):
        hands.press(1, " ")


def test_what_a_killed_demo_left_at_a_slot_is_found_again(demo):
    slot_folder(demo.home, 1).mkdir(parents=True)
    image = cards_folder(demo.home) / f"{SERIAL}.flash"
    image.rename(slot_folder(demo.home, 1) / image.name)
    with open_hands(demo.home) as hands:
        hands.put_in(4, SERIAL)
    assert image.exists()


def test_what_can_be_picked_up_and_scanned(demo):
    demo.stock(3)
    demo.place(order_values("O-9"))
    at_hand = cards_at_hand(demo.station, [CARDS[0]])
    assert at_hand[CardState.BLANK] == CARDS[1:3]
    found = papers(demo.station)
    assert [parse(paper.code) for paper in found.orders] == [OrderScan("O-9")]
    assert found.tracking == "SP000000001XX"


def test_a_card_that_is_ready_is_at_hand_with_its_latest_label(demo):
    demo.stock(3)
    for order, serial in (("O-1", CARDS[0]), ("O-2", CARDS[1])):
        demo.place(order_values(order, user=f"user-{order}"))
        demo.secure(order, serial)
    demo.label("O-1")
    again = demo.label("O-1").paper
    found = papers(demo.station)
    assert [paper.code for paper in found.labels] == [again], "an order without a label has none to scan"
    assert sorted(paper.code for paper in found.cards) == [card_code(CARDS[0]), card_code(CARDS[1])]
    assert found.orders == [], "orders that have their card wait for none"


def test_a_few_cards_of_a_state_are_at_hand(demo, monkeypatch):
    monkeypatch.setattr(choice, "MOST_OF_A_STATE", 3)
    demo.stock(6)
    assert cards_at_hand(demo.station, [])[CardState.BLANK] == CARDS[:3]
    assert cards_at_hand(demo.station, CARDS[:2])[CardState.BLANK] == CARDS[2:5]


def test_days_pass_in_a_demo_home_cards_activate_and_notices_are_written(demo):
    """R13: on day 21, by the job of the night, after notices at seven days and at one day before."""
    demo.moment = datetime.now(UTC)
    demo.stock(1)
    demo.shipped("O-1", SERIAL, kind="replacement")
    station = open_station(demo.home)
    assert pass_days(station, 20).activated == 0
    passed = pass_days(station, 1)
    assert (passed.days, passed.activated) == (1, 1)
    with station.database.reading() as session:
        assert get_order(session, "O-1").state is OrderState.FULFILLED
    station.database.close()
    opened_later = open_station(demo.home)
    ahead = opened_later.now() - datetime.now(UTC)
    opened_later.database.close()
    assert timedelta(days=21) - timedelta(minutes=1) < ahead <= timedelta(days=21)


def test_the_notices_of_passing_days_are_in_the_homes_files(demo):
    from dscplus_station.notices.contacts import set_contact

    demo.moment = datetime.now(UTC)
    demo.stock(1)
    demo.shipped("O-1", SERIAL, kind="replacement")
    set_contact(demo.station, demo.actor, "alice", email="alice@example.com")
    station = open_station(demo.home)
    assert pass_days(station, 14).sent == 2
    lines = (demo.home.path / "sent-email.jsonl").read_text().splitlines()
    assert [json.loads(line)["to"] for line in lines] == ["alice@example.com"] * 2
    station.database.close()


def test_a_real_stations_clock_is_never_moved(tmp_path):
    world = World(tmp_path)
    moved_clock(world.home).file.write_text("86400")
    station = open_station(world.home)
    with pytest.raises(NotPermitted, match="only a demo's clock"):
        pass_days(station, 1)
    assert station.now() - datetime.now(UTC) < timedelta(seconds=5)
    station.database.close()
    world.close()


@pytest.mark.parametrize("days", [0, MOST_DAYS + 1])
def test_days_pass_by_one_to_a_year_at_a_time(demo, days):
    station = open_station(demo.home)
    with pytest.raises(NotPermitted, match="by 1 to 366 days"):
        pass_days(station, days)
    assert not moved_clock(demo.home).file.exists()
    station.database.close()


def test_the_clock_goes_on_only(demo):
    clock = moved_clock(demo.home)
    for by in (timedelta(seconds=-1), timedelta(days=4000)):
        with pytest.raises(BadInput, match="never back"):
            clock.go_on(by)
    clock.file.write_text("soon")
    with pytest.raises(BadInput, match="delete it"):
        clock()
