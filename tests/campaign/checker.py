"""The checker: reads only flash images, the database and the keystore, and says what is not as it must be."""

from collections import Counter

from sqlalchemy import select

from dscplus_card import state
from dscplus_card.flash import MemoryFlash
from dscplus_card.hosts.image import SECTOR_COUNT, SECTOR_SIZE
from dscplus_card.store import NotManufactured
from dscplus_driver import Seed, ocra
from dscplus_driver.ocra import PinHash
from dscplus_station.devices.rules import Profile
from dscplus_station.devices.tables import Device
from dscplus_station.keystore.interface import pin_hash_of, seed_of
from dscplus_station.orders.tables import Binding, Order
from dscplus_station.personalise.rules import PIN_TRIES, RunResult
from dscplus_station.personalise.tables import Run
from dscplus_station.stock.rules import CardState
from dscplus_station.stock.tables import Card
from tests.harness.loopback import LoopbackCard

_IN_USE = (CardState.SECURED, CardState.SHIPPED)


def findings(database, keystore, images, pins):
    """Everything wrong with the cards and the records, one line each.

    Args:
        images: flash image by serial number.
        pins: what each order's holder will type.
    """
    with database.reading() as session:
        orders, cards, runs, bindings, devices = (
            session.scalars(select(table)).all() for table in (Order, Card, Run, Binding, Device)
        )
    memories, dead = {}, []
    for serial, image in images.items():
        try:
            memories[serial] = state.State(MemoryFlash(SECTOR_SIZE, SECTOR_COUNT, bytearray(image)))
        except NotManufactured:
            dead.append(f"card {serial}: its flash holds no card any more")
    if dead:
        return dead
    seeds = {
        device.serial_number: keystore.unseal(
            seed_of(device.serial_number, device.run_id), device.sealed_seed
        )
        for device in devices
        if device.ended_at is None
    }
    return [
        *_seeds_on_two_cards(memories, seeds),
        *_pins_kept(orders, cards, runs),
        *_orders_with_two_cards(bindings, runs),
        *_cards_and_records_that_differ(cards, devices, memories),
        *(
            wrong
            for device in devices
            if device.ended_at is None
            for wrong in _holder_cannot_log_in(device, seeds, keystore, images, memories, bindings, pins)
        ),
    ]


def _twice(values):
    return [value for value, times in Counter(values).items() if times > 1]


def _seeds_on_two_cards(memories, seeds):
    on_cards = [seed for memory in memories.values() if (seed := memory.get(state.SEED))]
    if _twice(on_cards):
        yield "one seed is on two cards"
    if _twice(seeds.values()):
        yield "one seed is on record for two cards"


def _pins_kept(orders, cards, runs):
    states = {card.serial_number: card.state for card in cards}
    served = {
        run.order_id
        for run in runs
        if run.result is RunResult.COMPLETED or states[run.serial_number] in _IN_USE
    }
    for order in orders:
        if order.sealed_pin is not None and order.id in served:
            yield f"{order.id}: its PIN is still sealed, though its card is SECURED"


def _orders_with_two_cards(bindings, runs):
    live = [binding for binding in bindings if binding.released_at is None]
    completed = [run for run in runs if run.result is RunResult.COMPLETED]
    for order in {*_twice(one.order_id for one in live), *_twice(run.order_id for run in completed)}:
        yield f"{order}: two cards"
    for serial in {
        *_twice(one.serial_number for one in live),
        *_twice(run.serial_number for run in completed),
    }:
        yield f"card {serial}: two orders"


def _cards_and_records_that_differ(cards, devices, memories):
    enrolled = {device.serial_number for device in devices if device.ended_at is None}
    for card in cards:
        memory = memories[card.serial_number]
        secured = memory.number(state.LIFE_CYCLE) == state.SECURED
        on_record = card.state in _IN_USE
        if not secured == on_record == (card.serial_number in enrolled):
            yield f"card {card.serial_number}: SECURED is {secured} on the card, {on_record} on record"
        if card.sequence_counter > memory.number(state.SEQUENCE_COUNTER):
            yield f"card {card.serial_number}: its sequence counter is behind the record's"
        if secured and not memory.issuer_keys():
            yield f"card {card.serial_number}: SECURED under keys that are not the issuer's"


def _holder_cannot_log_in(device, seeds, keystore, images, memories, bindings, pins):
    """Boot the card from its image, press its keys, and judge the response as the verifier does."""
    serial = device.serial_number
    pin = pins[
        next(one.order_id for one in bindings if one.serial_number == serial and one.released_at is None)
    ]
    pin_hash = None
    if device.profile is Profile.SERVER_PIN:
        pin_hash = PinHash(keystore.unseal(pin_hash_of(serial, device.run_id), device.sealed_pin_hash))
    elif memories[serial].number(state.TRIES_LEFT) != PIN_TRIES.limit:
        yield f"card {serial}: it leaves with {memories[serial].number(state.TRIES_LEFT)} PIN tries"
    card = LoopbackCard(serial, None, image=images[serial]).virtual
    question = ocra.new_question()
    for key in ["press", *pin, "OK", *question, "OK"]:
        shown = card.press(key)
    if not ocra.verify(device.suite, Seed(seeds[serial]), question, shown, pin=pin_hash).matched:
        yield f"card {serial}: the right PIN is answered by {shown!r}, not what the verifier expects"
