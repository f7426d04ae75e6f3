"""One personalisation at 115,200 baud: what goes over the wire, and where the seconds go."""

from __future__ import annotations

import os
from dataclasses import dataclass
from time import perf_counter_ns

from dscplus_driver.card import Card
from dscplus_driver.personalisation import Plan, personalise
from dscplus_driver.sensitive import KeySet, MasterKey, Pin, Seed
from dscplus_driver.transport.url import open_transport

from .measure import NS, ROUNDS, ratios
from .memory_cards import SERIAL_NUMBER, WholeCard
from .metered_transport import Meter, MeteredTransport
from .records import Row, Section, at_most, duration
from .virtual_cards import virtual_cards

BAUD = 115_200
BITS_PER_BYTE = 10  # 8N1
BUDGET_BYTES = 1300
BUDGET_ROUND_TRIPS = 16
BYTES_LIMIT = 1.05
HOST_LIMIT = 0.05
KEY_LENGTH = 32
SEED_LENGTH = 64
TRANSPORT_VERSION, ISSUER_VERSION = 0x01, 0x20


@dataclass(frozen=True)
class _Run:
    """One personalisation: what passed, and seconds."""

    octets: int
    round_trips: int
    total: float
    waiting: float
    card: float

    @property
    def wire(self) -> float:
        """What the bytes take on a line of this speed, whatever else happens."""
        return self.octets * BITS_PER_BYTE / BAUD

    @property
    def host(self) -> float:
        """All but waiting for the card."""
        return self.total - self.waiting

    @property
    def beyond(self) -> float:
        """Waiting that neither the bytes nor the card's computing explains."""
        return self.waiting - self.wire - self.card


def measure() -> Section:
    """The driver alone, no journal; a fresh card each round."""
    runs = [_run() for _ in range(ROUNDS + 1)][1:]
    octets = tuple(float(run.octets) for run in runs)
    trips = tuple(float(run.round_trips) for run in runs)
    wire = [run.wire for run in runs]
    host = [run.host for run in runs]
    host_goal = at_most(HOST_LIMIT, ratios(host, wire), "≤ 0.05 × wire")
    size = tuple(value / BUDGET_BYTES for value in octets)
    return Section(
        "One personalisation at 115,200 baud (AES-256, seed of 64 bytes)",
        (
            Row("bytes", octets, "", {"budget": size}, at_most(BYTES_LIMIT, size, "≤ 1.05 × budget")),
            Row("round trips", trips, "", {"budget": tuple(value / BUDGET_ROUND_TRIPS for value in trips)}),
            duration("all", [run.total for run in runs], {"wire": wire}),
            duration("wire", wire),
            duration("card", [run.card for run in runs], {"wire": wire}),
            duration("host", host, {"wire": wire}, host_goal),
            duration("beyond these", [run.beyond for run in runs], {"wire": wire}),
        ),
    )


def _run() -> _Run:
    batch_master = MasterKey(os.urandom(KEY_LENGTH))
    with virtual_cards(1, batch_key=batch_master.reveal(), baud=BAUD) as (virtual,):
        meter = Meter()
        plan = _plan(batch_master, virtual.serial_number)
        with Card(MeteredTransport(open_transport(virtual.url), meter)) as card:
            start = perf_counter_ns()
            personalise(card, plan)
            total = (perf_counter_ns() - start) * NS
    return _Run(meter.octets, meter.requests, total, meter.waiting, _card_seconds(batch_master))


def _card_seconds(batch_master: MasterKey) -> float:
    """What such a card computes over the same commands."""
    plan = _plan(batch_master, SERIAL_NUMBER)
    whole = WholeCard(plan.card_keys[0])
    with Card(whole) as card:
        personalise(card, plan)
    return whole.busy_seconds


def _plan(batch_master: MasterKey, serial_number: str) -> Plan:
    return Plan(
        card_keys=(KeySet.diversify(batch_master, TRANSPORT_VERSION, serial_number),),
        issuer_keys=KeySet(ISSUER_VERSION, *(os.urandom(KEY_LENGTH) for _ in range(3))),
        seed=Seed(os.urandom(SEED_LENGTH)),
        pin=Pin("4711"),
    )
