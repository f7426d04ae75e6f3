"""A station for the measurements: real home, database and workers; it tells what its time went into."""

from __future__ import annotations

import dataclasses
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter_ns, process_time_ns, thread_time_ns
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session

from dscplus_driver.card import Card
from dscplus_driver.sensitive import MasterKey
from dscplus_driver.transport.url import open_transport
from dscplus_station.actor import ALL_ROLES, Actor
from dscplus_station.csvfile import Row
from dscplus_station.db import Database
from dscplus_station.founding import found
from dscplus_station.home import Home
from dscplus_station.keystore.file import FileKeystore
from dscplus_station.keystore.interface import VersionedMaster
from dscplus_station.opening import open_station
from dscplus_station.orders.importing import import_orders
from dscplus_station.personalise.workers import Result, Workers
from dscplus_station.stock.batches import import_batch
from dscplus_station.stock.receiving import receive

from .measure import NS
from .metered_transport import Meter, MeteredTransport
from .virtual_cards import virtual_cards

BAUD = 115_200
KEY_LENGTH = 32
TRANSPORT_VERSION = 0x01
SYNCHRONOUS_FULL = 2
BATCH = "BENCH"
PASSPHRASE = "a passphrase of the benchmarks"  # noqa: S105 - of a home that is thrown away


@dataclass(frozen=True)
class Batch:
    """Cards that were personalised side by side. Times in seconds."""

    elapsed: float
    """From the first port opened to the last card done, by the clock."""
    meters: tuple[Meter, ...]
    """One a card."""
    transactions: float
    """Inside transactions, from asking for the write lock to the commit on the disk, summed over all."""
    durable: float
    """The part of `transactions` in COMMIT itself, which returns when the disk has it."""
    host: float
    """What this process computed outside of transactions, by its CPU clock: free of anybody else's load."""
    emulator: float
    """Computing of the process that is all the cards, wires included."""


@dataclass(frozen=True)
class _Transaction:
    elapsed: float
    computing: float


class _TimedDatabase(Database):
    """Adds up the time of writing transactions; refuses connections whose commits are not on the disk."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.transactions: list[_Transaction] = []
        self.commits: list[float] = []
        commit = self.engine.dialect.do_commit

        def timed_commit(connection: Any) -> None:
            start = perf_counter_ns()
            commit(connection)
            self.commits.append((perf_counter_ns() - start) * NS)

        self.engine.dialect.do_commit = timed_commit  # type: ignore[assignment,method-assign]

        @event.listens_for(self.engine, "checkout")
        def _check(connection: Any, _record: object, _proxy: object) -> None:
            (synchronous,) = connection.execute("PRAGMA synchronous").fetchone()
            if synchronous != SYNCHRONOUS_FULL:
                raise RuntimeError(f"synchronous is {synchronous}, not FULL: its commits prove nothing")

    @contextmanager
    def writing(self) -> Iterator[Session]:
        start, cpu = perf_counter_ns(), thread_time_ns()
        with super().writing() as session:
            yield session
        self.transactions.append(
            _Transaction((perf_counter_ns() - start) * NS, (thread_time_ns() - cpu) * NS)
        )


class BenchStation:
    """A station with one batch's key; each `personalise` takes in new cards and new orders."""

    def __init__(self, home: Home) -> None:
        found(home, "Sample Issuer", "bench", "America/New_York", lambda: PASSPHRASE, demo=True)
        opened = open_station(home)
        opened.database.close()
        self._database = _TimedDatabase(home.database_url)
        self._station = dataclasses.replace(opened, database=self._database)
        self._actor = Actor("bench", ALL_ROLES, "bench")
        self._keystore = FileKeystore.open(home.keystore_file, PASSPHRASE)
        self._batch_key = os.urandom(KEY_LENGTH)
        self._cards = 0
        master = VersionedMaster(TRANSPORT_VERSION, MasterKey(self._batch_key))
        import_batch(self._station, self._actor, self._keystore, BATCH, master)

    def personalise(self, count: int) -> Batch:
        """Personalise `count` blank cards side by side, each on its own wire of 115,200 baud."""
        meters: list[Meter] = []

        def open_port(url: str) -> Card:
            meters.append(Meter())
            return Card(MeteredTransport(open_transport(url), meters[-1]))

        first, self._cards = self._cards + 1, self._cards + count
        with virtual_cards(count, batch_key=self._batch_key, baud=BAUD, serial_from=first) as emulator:
            self._stock([card.serial_number for card in emulator.cards])
            self._order(range(first, first + count))
            workers = Workers(self._station, self._keystore, self._actor, open_port=open_port)
            self._database.transactions.clear()
            self._database.commits.clear()
            emulator_before = emulator.cpu_seconds()
            start, cpu = perf_counter_ns(), process_time_ns()
            records = list(workers.serve(tuple(card.url for card in emulator.cards)))
            elapsed, computing = (perf_counter_ns() - start) * NS, (process_time_ns() - cpu) * NS
            emulator_seconds = emulator.cpu_seconds() - emulator_before
        failed = [record.told for record in records if record.result is not Result.COMPLETED]
        if failed:
            raise RuntimeError(f"{len(failed)} of {count} cards were not personalised: {failed[0]}")
        transactions = self._database.transactions
        return Batch(
            elapsed,
            tuple(meters),
            transactions=sum(transaction.elapsed for transaction in transactions),
            durable=sum(self._database.commits),
            host=computing - sum(transaction.computing for transaction in transactions),
            emulator=emulator_seconds,
        )

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def _stock(self, serial_numbers: list[str]) -> None:
        rows = [Row(i, {"serial_number": number, "batch": BATCH}) for i, number in enumerate(serial_numbers)]
        receipt = receive(self._station, self._actor, rows, [])
        if receipt.refused:
            raise RuntimeError(f"cards refused: {receipt.refused}")

    def _order(self, numbers: range) -> None:
        rows = [Row(number, _order_row(number)) for number in numbers]
        result = import_orders(self._station, self._actor, self._keystore, rows, [], {"US"})
        if result.refused:
            raise RuntimeError(f"orders refused: {result.refused}")


@contextmanager
def bench_station() -> Iterator[BenchStation]:
    """A station beside the sources, so that its commits go to a disk and not to a /tmp in memory."""
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=Path.cwd()) as scratch:
        station = BenchStation(Home(Path(scratch) / "home"))
        try:
            yield station
        finally:
            station.close()


def _order_row(number: int) -> dict[str, str]:
    return {
        "order": f"B-{number:05d}",
        "user": f"sample{number:05d}",
        "kind": "new",
        "replaces": "",
        "pin": "4711",
        "profile": "A",
        "language": "en",
        "name": "Sample Holder",
        "address": "1 Sample Street, Sampletown",
        "country": "US",
    }
