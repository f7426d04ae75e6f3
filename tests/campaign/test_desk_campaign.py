"""Whatever goes wrong at whichever point of a restock or a scrap: run again, it ends, and truthfully."""

import shutil
from dataclasses import dataclass

import pytest
from sqlalchemy import event, select

from dscplus_card import state as on_card
from dscplus_driver.card import Card as DriverCard
from dscplus_driver.errors import CardError
from dscplus_station.desk.journal import Journal
from dscplus_station.desk.rules import Outcome
from dscplus_station.desk.runner import Verdict
from dscplus_station.desk.tables import Disposal
from dscplus_station.devices.tables import Device
from dscplus_station.errors import NotFound
from dscplus_station.quarantine.rules import Cause
from dscplus_station.quarantine.service import open_cases
from dscplus_station.returns.rules import Condition, ReturnState
from dscplus_station.returns.tables import Return
from dscplus_station.stock.rules import CardState
from dscplus_station.stock.tables import Card
from tests.campaign.faults import A, Fault, Killed, _killed_at, happening
from tests.harness.loopback import LoopbackCard
from tests.provisioning.desk.returned import ReturnsBench
from tests.provisioning.personalise.bench import SERIALS

FIRST = SERIALS[0]
MOST_ATTEMPTS = 6
BYTES = {Outcome.RESTOCK: 1365, Outcome.SCRAP: 302}
"""What an undisturbed one carries, both directions together."""
REQUESTS = {Outcome.RESTOCK: 20, Outcome.SCRAP: 5}
COMMITS = {Outcome.RESTOCK: 4, Outcome.SCRAP: 2}
FLASH_OPERATIONS = {Outcome.RESTOCK: 11, Outcome.SCRAP: 6}
JOURNAL = {
    Outcome.RESTOCK: {"begin": 1, "record": 2, "complete": 1},
    Outcome.SCRAP: {"begin": 1, "complete": 1},
}
CONDITION = {Outcome.RESTOCK: Condition.INTACT, Outcome.SCRAP: Condition.DAMAGED}
PARTS = 6


@dataclass
class Prepared:
    """A station whose card came back and was inspected: copied for every trial."""

    bench: ReturnsBench
    database: bytes
    image: bytes

    def trial(self, kind):
        """The same station again, and the same card."""
        bench = self.bench
        bench.station.database.close()  # the engine connects anew, and keeps its compiled queries
        for left in bench.station.home.path.glob("station.db*"):
            left.unlink()
        bench.station.home.database_file.write_bytes(self.database)
        bench.cards[FIRST] = LoopbackCard(FIRST, None, image=self.image)
        return bench


@pytest.fixture(params=[Outcome.RESTOCK, Outcome.SCRAP])
def prepared(request, fast_folder):
    kind = request.param
    bench = ReturnsBench(fast_folder)
    bench.back()
    bench.inspect(condition=CONDITION[kind])
    bench.station.database.close()  # folds the write-ahead log into the file
    yield (
        kind,
        Prepared(bench, bench.station.home.database_file.read_bytes(), bench.cards[FIRST].flash.image()),
    )
    bench.close()
    shutil.rmtree(fast_folder, ignore_errors=True)


def faults(kind):
    """Every point at which something can go wrong once; of the two-fault ones every few."""
    requests = range(1, REQUESTS[kind] + 1)
    yield from (Fault("unplug", A, at) for at in range(BYTES[kind]))
    yield from (
        Fault("unplug twice", A, at, f"again={then}")
        for at in range(0, BYTES[kind], 60)
        for then in (40, 200, 400)
    )
    yield from (Fault("noise", A, seed) for seed in range(20))
    yield from (
        Fault("power cut", A, at, f"tear={tear}")
        for at in range(1, FLASH_OPERATIONS[kind] + 1)
        for tear in range(4)
    )
    yield from (Fault("answer lost for good", A, at) for at in requests)
    yield from (Fault("answer forged", A, at, word) for at in requests for word in ("9000", "6985", "6A88"))
    yield from (Fault("kill at command", A, at, when) for at in requests for when in ("before", "after"))
    yield from (
        Fault("kill at commit", A, at, when)
        for at in range(1, COMMITS[kind] + 1)
        for when in ("before", "after")
    )
    yield from (
        Fault("kill at desk", A, at, f"{method} {when}")
        for method, times in JOURNAL[kind].items()
        for at in range(1, times + 1)
        for when in ("before", "after")
    )


def until_ended(bench, kind):
    """Run it again until it ends, as a clerk does; the last verdict."""
    for _ in range(MOST_ATTEMPTS):
        try:
            return bench.dispose(kind).verdict
        except CardError:
            continue
        except Killed:
            bench.station.database.engine.dispose()  # a dead process has no connections
        except NotFound:
            return None  # killed after its last commit: all was done
    return "stuck"


def wrong(bench, kind, verdict):
    """What is not as it must be, from the card's flash and the records alone."""
    card, memory = bench.get(Card, FIRST), bench.cards[FIRST].memory()
    seeds = [one for one in bench.all(select(Device.sealed_seed)) if one is not None]
    disposals = bench.all(select(Disposal))
    if [one for one in disposals if one.ended_at is None] or len(disposals) != 1:
        yield f"{len(disposals)} disposals, and one is open"
    if card.sequence_counter > memory.number(on_card.SEQUENCE_COUNTER):
        yield "the record's counter is ahead of the card's"
    if card.state is CardState.QUARANTINED:
        if (kind, verdict) != (Outcome.SCRAP, Verdict.QUARANTINED):
            yield "an intact card of ours was set aside"
        if memory.number(on_card.LIFE_CYCLE) != on_card.TERMINATED:
            yield "it was set aside as terminated, and it is not"
        if [one.cause for one in open_cases(bench.station)] != [Cause.TERMINATED]:
            yield "it was set aside for another cause"
        return
    if seeds:
        yield "its sealed seed is still there"
    if [one.state for one in bench.all(select(Return))] != [ReturnState.DISPOSED]:
        yield "its return is not disposed of"
    if kind is Outcome.RESTOCK:
        if card.state is not CardState.BLANK:
            yield f"restocked, it is {card.state}"
        if memory.get(on_card.SEED) or memory.get(on_card.PIN):
            yield "restocked, it still has a seed or a PIN"
        if memory.number(on_card.KEY_VERSION) != 0x10:
            yield "restocked, it has other keys than the station's restock keys"
    elif (card.state, memory.number(on_card.LIFE_CYCLE)) != (CardState.SCRAPPED, on_card.TERMINATED):
        yield f"scrapped, it is {card.state}, and lives"


def arm(fault, bench):
    if fault.kind == "kill at desk":
        method, when = fault.detail.split()
        return _killed_at(Journal, method, fault.at, when)
    return happening(fault, bench.station.database.engine, bench.cards[FIRST])


@pytest.mark.parametrize("part", range(PARTS))
def test_r46_running_it_again_ends_it_and_the_card_is_what_the_records_say(part, prepared):
    kind, station = prepared
    found = []
    for fault in list(faults(kind))[part::PARTS]:
        bench = station.trial(kind)
        with arm(fault, bench):
            verdict = until_ended(bench, kind)
        found += [f"{fault}: {what}" for what in wrong(bench, kind, verdict)]
    assert found == []


def test_the_points_are_those_of_a_whole_restock_or_scrap(prepared, monkeypatch):
    kind, station = prepared
    bench = station.trial(kind)
    commits, requests = [], []
    exchange = DriverCard.exchange
    monkeypatch.setattr(DriverCard, "exchange", lambda *args: requests.append(1) or exchange(*args))
    event.listen(bench.station.database.engine, "commit", commits.append)
    card = bench.cards[FIRST]
    before = card.virtual.flash_operations
    bench.dispose(kind)
    carried = card.virtual.bytes_in + card.virtual.bytes_out
    operations = card.virtual.flash_operations - before
    assert (carried, len(requests), len(commits), operations) == (
        BYTES[kind],
        REQUESTS[kind],
        COMMITS[kind],
        FLASH_OPERATIONS[kind],
    )
