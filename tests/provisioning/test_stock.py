"""Stock: deliveries, a card's life, and that no card is ever reserved twice."""

import multiprocessing
import threading

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from dscplus_driver.sensitive import MasterKey
from dscplus_station import audit
from dscplus_station.csvfile import Row
from dscplus_station.db import Database
from dscplus_station.errors import BadInput, NotFound, StateConflict, StationError
from dscplus_station.keystore.interface import VersionedMaster
from dscplus_station.orders.service import bind, live_binding
from dscplus_station.orders.tables import Binding
from dscplus_station.stock import service
from dscplus_station.stock.batches import import_batch
from dscplus_station.stock.receiving import receive
from dscplus_station.stock.rules import CARD_TRANSITIONS, CardState
from dscplus_station.stock.tables import Batch, Card
from tests.provisioning.support import CARDS, listed, order_values

pytestmark = pytest.mark.each_database
S = CardState


def delivery(*pairs):
    return [Row(line, {"serial_number": s, "batch": b}) for line, (s, b) in enumerate(pairs, 2)]


def test_a_delivery_is_received_once(world):
    assert world.stock(3).received == CARDS[:3]
    again = world.stock(3)
    assert (again.received, again.already_here) == ([], CARDS[:3])
    assert service.counts(world.station) == [("B1", "BLANK", 3)]


@pytest.mark.parametrize(
    ("serial_number", "batch", "reason"),
    [
        ("0000000019", "B1", "Luhn"),
        ("18", "B1", "ten digits"),
        ("０000000018", "B1", "ten digits"),
        ("a\x00b", "B1", "ten digits"),
        (CARDS[1], "../B", "letters, digits"),
        (CARDS[1], "", "letters, digits"),
        (CARDS[0], "B1", "stands in line 2 already"),
    ],
)
def test_one_bad_row_and_no_card_is_received(world, serial_number, batch, reason):
    world.stock(0)
    receipt = receive(world.station, world.actor, delivery((CARDS[0], "B1"), (serial_number, batch)), [])
    assert [one.line for one in receipt.refused] == [3]
    assert reason in receipt.refused[0].reason
    assert receipt.received == []
    assert listed(world.station, "cards") == []


def test_a_card_is_not_received_again_from_another_batch(world):
    world.stock(1)
    other = VersionedMaster(2, MasterKey(bytes(16)))
    import_batch(world.station, world.actor, world.keystore, "B2", other)
    receipt = receive(world.station, world.actor, delivery((CARDS[0], "B2")), [])
    assert "from batch B1" in receipt.refused[0].reason


def test_cards_may_come_before_their_batch_has_a_key(world):
    receipt = receive(world.station, world.actor, delivery((CARDS[0], "B1"), (CARDS[1], "B7")), [])
    assert (receipt.received, receipt.without_key) == (CARDS[:2], ["B1", "B7"])
    again = world.stock(1)
    assert (again.already_here, again.without_key) == (CARDS[:1], ["B7"])


def test_a_mistyped_key_can_be_replaced_until_it_has_opened_a_card(world):
    world.stock(1)
    other = VersionedMaster(2, MasterKey(bytes(16)))
    assert import_batch(world.station, world.actor, world.keystore, "B1", other)
    assert world.keystore.batch_master("B1") == other
    with world.station.database.reading() as session:
        batch = session.get_one(Batch, "B1")
        assert (batch.key_version, batch.kcv) == (2, other.kcv())
    assert not import_batch(world.station, world.actor, world.keystore, "B1", other)


def test_a_batch_keeps_the_key_that_opened_a_card(world):
    world.stock(1)
    with world.writing() as session:
        session.get_one(Card, CARDS[0]).sequence_counter = 1
        audit.record(session, world.actor, world.station.now(), "test", CARDS[0])
    other = VersionedMaster(1, MasterKey(bytes(16)))
    with pytest.raises(StateConflict, match="batch B1 has another key already"):
        import_batch(world.station, world.actor, world.keystore, "B1", other)
    for version in (0x00, 0x10, 0x20):
        with pytest.raises(BadInput, match="between 01 and 0F"):
            import_batch(
                world.station,
                world.actor,
                world.keystore,
                "B2",
                VersionedMaster(version, MasterKey(bytes(16))),
            )
    with pytest.raises(BadInput, match="letters, digits"):
        import_batch(world.station, world.actor, world.keystore, "../B", other)


def test_the_kcv_is_the_published_one():
    key = bytes(range(16))
    assert VersionedMaster(1, MasterKey(key)).kcv() == "C35280"


# The life of a card


def test_scrapped_is_the_end_and_every_other_state_can_be_lost_or_quarantined():
    assert CARD_TRANSITIONS[S.SCRAPPED] == frozenset()
    for state in S:
        if state is not S.SCRAPPED:
            expected = {S.LOST, S.QUARANTINED} - {state}
            assert expected <= CARD_TRANSITIONS[state]


def test_a_card_reaches_a_holder_on_one_way_only():
    leads_to = {state: {s for s in S if state in CARD_TRANSITIONS[s]} for state in S}
    assert leads_to[S.SHIPPED] == {S.SECURED, S.LABELLED}
    assert leads_to[S.LABELLED] == {S.SECURED, S.SHIPPED}  # a shipment is undone
    assert leads_to[S.SECURED] == {S.VERIFIED, S.SHIPPED}
    assert leads_to[S.RESERVED] == {S.BLANK, S.PERSONALISED, S.VERIFIED, S.SECURED, S.LABELLED}
    assert leads_to[S.SCRAPPED] == {S.INSPECTED, S.QUARANTINED}


def test_cards_move_along_the_table_and_nowhere_else(world):
    world.stock(1)

    def stands_at():
        return listed(world.station, "cards")[0]["state"]

    for present in S:
        for following in S:
            with world.writing() as session:
                session.get_one(Card, CARDS[0]).state = present
                session.info["audited"] = True
            try:
                with world.writing() as session:
                    service.move_card(session, world.actor, world.moment, CARDS[0], following, "test")
            except StateConflict as refusal:
                assert following not in CARD_TRANSITIONS[present]
                assert f"is {present}: it cannot become {following}" in str(refusal)
                assert stands_at() is present
            else:
                assert following in CARD_TRANSITIONS[present]
                assert stands_at() is following


def test_a_card_that_is_not_in_stock(world):
    with pytest.raises(NotFound, match=f"no card {CARDS[0]}"), world.writing() as session:
        service.move_card(session, world.actor, world.moment, CARDS[0], S.RESERVED, "test")


# One live order a card, one live card an order


def test_the_schema_itself_refuses_two_live_orders_for_a_card(world):
    world.stock(2)
    world.place(order_values("O-1"), order_values("O-2"))
    world.reserve("O-1", CARDS[0])
    for order, card in (("O-2", CARDS[0]), ("O-1", CARDS[1])):
        with pytest.raises(IntegrityError, match=r"(?i)unique"), world.writing() as session:
            session.add(Binding(order_id=order, serial_number=card, bound_at=world.moment))
            session.flush()
        with pytest.raises(StateConflict, match=f"order O-1, card {CARDS[0]}"), world.writing() as session:
            bind(session, world.actor, world.moment, order, card)


def grab(url, actor, order, moment, gate):
    """Try to reserve every card for one order; gives what was had."""
    database = Database(url)
    had = []
    gate.wait(30)
    for serial in CARDS:
        try:
            with database.writing() as session:
                bind(session, actor, moment, order, serial)
                service.move_card(session, actor, moment, serial, S.RESERVED, order)
            had.append(serial)
        except StationError:
            continue
    database.close()
    return had


def check_bindings(world, orders):
    with world.station.database.reading() as session:
        bindings = list(session.scalars(select(Binding)))
        assert len({one.serial_number for one in bindings}) == len(bindings) == len(orders)
        assert {one.order_id for one in bindings} == set(orders)
        for order in orders:
            assert live_binding(session, order_id=order) is not None


def test_threads_that_grab_the_same_cards_never_double_book(world):
    world.stock(6)
    orders = [f"O-{n}" for n in range(6)]
    world.place(*(order_values(order, user=order) for order in orders))
    gate = threading.Barrier(len(orders))
    url = world.home.database_url
    threads = [
        threading.Thread(target=grab, args=(url, world.actor, order, world.moment, gate)) for order in orders
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    check_bindings(world, orders)


def test_processes_that_grab_the_same_cards_never_double_book(world):
    world.stock(6)
    orders = ["O-1", "O-2"]
    world.place(*(order_values(order, user=order) for order in orders))
    context = multiprocessing.get_context("spawn")
    gate = context.Barrier(len(orders))
    processes = [
        context.Process(target=grab, args=(world.home.database_url, world.actor, order, world.moment, gate))
        for order in orders
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    check_bindings(world, orders)
