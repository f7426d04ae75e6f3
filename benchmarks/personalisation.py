"""One personalisation by the station at 115,200 baud: what goes over the wire, and where the seconds go."""

from __future__ import annotations

import os

from dscplus_driver.card import Card
from dscplus_driver.personalisation import Plan, personalise
from dscplus_driver.sensitive import KeySet, Pin, Seed

from .bench_station import BAUD, KEY_LENGTH, TRANSPORT_VERSION, bench_station
from .measure import ROUNDS, ratios
from .memory_cards import WholeCard
from .records import Row, Section, at_most, duration

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
        batches = [station.personalise(1) for _ in range(ROUNDS + 1)][1:]
    meters = [batch.meters[0] for batch in batches]
    card = [_card_seconds() for _ in range(ROUNDS + 1)][1:]
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
        "One personalisation at 115,200 baud (AES-256, profile A)",
        (
            Row("bytes", octets, "", {"budget": size}, at_most(BYTES_LIMIT, size, "≤ 1.05 × budget")),
            Row("round trips", trips, "", {"budget": tuple(value / BUDGET_ROUND_TRIPS for value in trips)}),
            duration("all", elapsed, {"wire": wire}),
            duration("wire", wire),
            duration("card", card, {"wire": wire}),
            duration("host", host, {"wire": wire}, host_goal),
            duration("commits", commits, {"wire": wire}),
            duration("beyond these", beyond, {"wire": wire}),
        ),
    )


def _card_seconds() -> float:
    """What a card computes over the same commands, in this process and without a wire."""
    transport_keys, issuer_keys = (
        KeySet(version, *(os.urandom(KEY_LENGTH) for _ in range(3)))
        for version in (TRANSPORT_VERSION, ISSUER_VERSION)
    )
    plan = Plan((transport_keys,), issuer_keys, Seed(os.urandom(SEED_LENGTH)), Pin("4711"), language="en")
    memory_card = WholeCard(transport_keys)
    with Card(memory_card) as card:
        personalise(card, plan)
    return memory_card.busy_seconds
