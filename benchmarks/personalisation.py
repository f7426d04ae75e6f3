"""One personalisation by the station at 115,200 baud: what goes over the wire, and where the seconds go."""

from __future__ import annotations

import os
from time import process_time_ns

from dscplus_driver.card import Card, connect
from dscplus_driver.personalisation import Plan, personalise
from dscplus_driver.sensitive import KeySet, MasterKey, Pin, Seed

from .bench_station import BAUD, KEY_LENGTH, TRANSPORT_VERSION, bench_station
from .measure import NS, ROUNDS, ratios
from .memory_cards import WholeCard
from .records import Row, Section, at_most, duration
from .virtual_cards import virtual_cards

BITS_PER_BYTE = 10  # 8N1
BUDGET_BYTES = 1300
BUDGET_ROUND_TRIPS = 16
BYTES_LIMIT = 1.05
HOST_LIMIT = 0.05
SEED_LENGTH = 32
ISSUER_VERSION = 0x20


def measure() -> Section:
    """A fresh card and a fresh order each round; the first round is thrown away."""
    with bench_station() as station:
        rounds = [(station.personalise(1), _card_seconds(), _driver_seconds()) for _ in range(ROUNDS + 1)][1:]
    batches, card, driver = zip(*rounds, strict=True)
    meters = [batch.meters[0] for batch in batches]
    octets = tuple(float(meter.octets) for meter in meters)
    trips = tuple(float(meter.requests) for meter in meters)
    size = tuple(value / BUDGET_BYTES for value in octets)
    elapsed = [batch.elapsed for batch in batches]
    commits = [batch.transactions for batch in batches]
    wire = [value * BITS_PER_BYTE / BAUD for value in octets]
    host = [batch.host for batch in batches]
    beyond = [all_ - sum(parts) for all_, *parts in zip(elapsed, wire, card, host, commits, strict=True)]
    host_goal = at_most(HOST_LIMIT, ratios(host, wire), "≤ 0.05 × wire")
    return Section(
        "One personalisation at 115,200 baud",
        (
            Row("bytes", octets, "", {"budget": size}, at_most(BYTES_LIMIT, size, "≤ 1.05 × budget")),
            Row("round trips", trips, "", {"budget": tuple(value / BUDGET_ROUND_TRIPS for value in trips)}),
            duration("all", elapsed, {"wire": wire}),
            duration("wire", wire),
            duration("card", card, {"wire": wire}),
            duration("host", host, {"wire": wire}, host_goal),
            duration("  by the driver without a station", driver, {"wire": wire}),
            duration("commits", commits, {"wire": wire}),
            duration("  COMMIT itself", [batch.durable for batch in batches], {"wire": wire}),
            duration("beyond these", beyond, {"wire": wire}),
        ),
    )


def _card_seconds() -> float:
    """What a card computes over the same commands, in this process and without a wire."""
    transport_keys = _random_keys(TRANSPORT_VERSION)
    memory_card = WholeCard(transport_keys)
    with Card(memory_card) as card:
        personalise(card, _plan(transport_keys))
    return memory_card.busy_seconds


def _driver_seconds() -> float:
    """What the driver alone computes: the same personalisation on the same wire, without a journal."""
    master = MasterKey(os.urandom(KEY_LENGTH))
    with virtual_cards(1, batch_key=master.reveal(), baud=BAUD) as emulator:
        virtual = emulator.cards[0]
        start = process_time_ns()
        with connect(virtual.url) as card:
            personalise(card, _plan(KeySet.diversify(master, TRANSPORT_VERSION, virtual.serial_number)))
        return (process_time_ns() - start) * NS


def _random_keys(version: int) -> KeySet:
    return KeySet(version, *(os.urandom(KEY_LENGTH) for _ in range(3)))


def _plan(transport_keys: KeySet) -> Plan:
    return Plan(
        card_keys=(transport_keys,),
        issuer_keys=_random_keys(ISSUER_VERSION),
        seed=Seed(os.urandom(SEED_LENGTH)),
        pin=Pin("4711"),
        language="en",
    )
