"""Records of many cards, inserted in bulk: what years of work leave behind, without the work.

Every row keeps the schema's constraints (they are checked at the end), so that what is measured on it is
measured on something that can be. Days, users and carriers spread evenly; a card in a hundred is rare in its
state.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

FIRST = datetime(2023, 1, 2, 9, 0, tzinfo=UTC)
DAYS = 1000
BATCHES = 20
CARRIERS = ("Sample Post", "Sample Express", "Example Couriers")
OPERATORS = ("olivia", "oscar", "otto")

_STATES = (
    ["BLANK"] * 20
    + ["RESERVED", "PERSONALISED", "VERIFIED", "SECURED", "RETURNED", "INSPECTED", "SCRAPPED", "QUARANTINED"]
    + ["LOST"] * 2
    + ["SHIPPED"] * 70
)
_ORDER_OF = {
    "RESERVED": "IN_PROVISIONING",
    "PERSONALISED": "IN_PROVISIONING",
    "VERIFIED": "IN_PROVISIONING",
    "SECURED": "IN_PROVISIONING",
}
_OUT = frozenset({"SHIPPED", "LOST", "RETURNED", "INSPECTED"})
_MADE = _OUT | {"SECURED"}


@dataclass(frozen=True)
class _One:
    """Everything about the card of a number."""

    number: int
    serial: str
    state: str
    moment: str
    day: date

    @property
    def order(self) -> str:
        return f"O-{self.number:08d}"

    @property
    def user(self) -> str:
        return f"user{self.number * 7919 % 10_000_000:07d}"

    @property
    def kind(self) -> str:
        return "replacement" if self.number % 5 == 0 else "new"

    @property
    def tracking(self) -> str:
        return f"RR{self.number * 104_729 % 1_000_000_000:09d}US"

    @property
    def ordered(self) -> bool:
        return self.state not in ("BLANK", "SCRAPPED")

    @property
    def out(self) -> bool:
        return self.state in _OUT

    @property
    def active(self) -> bool:
        return self.state == "SHIPPED" and self.number % 10 < 8


def fill(path: Path, count: int) -> None:
    """Fill an empty station's database with the records of `count` cards, and check its constraints."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("BEGIN")
        indexes = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        ).fetchall()
        for name, _ in indexes:
            connection.execute(f"DROP INDEX {name}")
        connection.executemany("INSERT INTO batch(name) VALUES (?)", [(f"B{i}",) for i in range(BATCHES)])
        for statement, rows in _INSERTS.items():
            connection.executemany(statement, rows(count))
        for _, sql in indexes:
            connection.execute(sql)
        if fault := connection.execute("PRAGMA foreign_key_check").fetchone():
            raise AssertionError(f"the records contradict the schema: {fault}")
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()


def serial_of(number: int) -> str:
    """The serial number whose first nine digits are this number; the tenth is Luhn's."""
    digits = f"{number:09d}"
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return digits + str(-total % 10)


def _all(count: int) -> Iterator[_One]:
    for number in range(1, count + 1):
        moment = FIRST + timedelta(days=number * 611 % DAYS, seconds=number * 37 % 28_800)
        yield _One(
            number,
            serial_of(number),
            _STATES[number * 31 % 100],
            moment.strftime("%Y-%m-%d %H:%M:%S.000000"),
            moment.date(),
        )


def _cards(count: int) -> Iterator[tuple[object, ...]]:
    for one in _all(count):
        yield one.serial, f"B{one.number % BATCHES}", one.state, 5, one.moment, one.moment


def _users(count: int) -> Iterator[tuple[object, ...]]:
    for name in {one.user for one in _all(count) if one.ordered}:
        yield name, False


def _order_state(one: _One) -> str:
    if one.state == "QUARANTINED":
        return "PLACED"
    return _ORDER_OF.get(one.state, "FULFILLED" if one.active or one.state != "SHIPPED" else "SHIPPED")


def _orders(count: int) -> Iterator[tuple[object, ...]]:
    for one in _all(count):
        if one.ordered:
            yield (
                one.order, one.user, one.kind, "A", "en", "Sample Holder", "1 Sample Road, Sampletown", "US",
                _order_state(one), one.moment, one.moment,
            )  # fmt: skip


def _bindings(count: int) -> Iterator[tuple[object, ...]]:
    for one in _all(count):
        if one.ordered and one.state != "QUARANTINED":
            yield one.order, one.serial, one.moment


def _runs(count: int) -> Iterator[tuple[object, ...]]:
    for one in _all(count):
        if one.state in _MADE:
            yield (
                f"{one.number:032x}", one.order, one.serial, "00" * 8, "SECURED", one.moment, one.moment,
                "COMPLETED",
            )  # fmt: skip


def _devices(count: int) -> Iterator[tuple[object, ...]]:
    for one in _all(count):
        if one.state in _MADE:
            yield (
                one.number, "DSC+", one.serial, f"{one.number:032x}", "A", "OCRA-1:HOTP-SHA256-8:QN06", b"-",
                one.moment,
            )  # fmt: skip


def _assignments(count: int) -> Iterator[tuple[object, ...]]:
    for one in _all(count):
        if one.state in _MADE:
            revoked = one.state not in ("SHIPPED", "SECURED")
            state = "REVOKED" if revoked else "ACTIVE" if one.active else "PENDING"
            yield (
                one.number, one.user, state, 0, one.moment, one.moment if one.active else None,
                "USER" if one.active else None, one.moment if revoked else None,
            )  # fmt: skip


def _pairs(count: int) -> Iterator[tuple[object, ...]]:
    for one in _all(count):
        if one.out:
            yield one.number, one.order, one.serial, OPERATORS[one.number % 3], "bench-1", one.moment


def _shipments(count: int) -> Iterator[tuple[object, ...]]:
    for one in _all(count):
        if one.out:
            yield (
                one.number, one.order, one.serial, CARRIERS[one.number % 3], one.tracking,
                one.day.isoformat(), one.moment, one.number,
            )  # fmt: skip


def _timers(count: int) -> Iterator[tuple[object, ...]]:
    for one in _all(count):
        if one.out:
            due = one.day + timedelta(days=21 if one.kind == "replacement" else 14)
            running = one.state == "SHIPPED" and not one.active
            yield (
                one.number, one.order, one.serial, due.isoformat(), "RUNNING" if running else "DONE",
                None if running else one.moment,
            )  # fmt: skip


def _cases(count: int) -> Iterator[tuple[object, ...]]:
    for one in _all(count):
        if one.state in ("QUARANTINED", "SCRAPPED"):
            ended = one.state == "SCRAPPED"
            yield (
                one.serial, "FOREIGN_KEYS" if one.number // 100 % 2 else "BY_HAND", "{}", one.moment,
                OPERATORS[0],
                one.moment if ended else None, "scrap" if ended else None, "susan" if ended else None,
            )  # fmt: skip


def _notices(count: int) -> Iterator[tuple[object, ...]]:
    for one in _all(count):
        if one.out:
            yield one.number, "CARD_SHIPPED", one.order, one.user, "en", "{}", one.moment


def _deliveries(count: int) -> Iterator[tuple[object, ...]]:
    for one in _all(count):
        if one.out:
            waits = one.number % 50 == 0
            yield (
                one.number, "EMAIL", f"{one.number:032x}", "WAITING" if waits else "SENT", 0 if waits else 1,
                one.moment if waits else None, None if waits else one.moment,
            )  # fmt: skip


def _audit(count: int) -> Iterator[tuple[object, ...]]:
    for one in _all(count):
        for turn, action in enumerate(("stock.receive", "card.RESERVED" if one.ordered else "stock.count")):
            yield (
                "bench-1", one.number * 2 + turn, one.moment, OPERATORS[one.number % 3], action, one.serial,
                "{}",
            )  # fmt: skip


def _insert(table: str, columns: str) -> str:
    places = ", ".join("?" * len(columns.split(",")))
    return f"INSERT INTO {table}({columns}) VALUES ({places})"  # noqa: S608 (names of ours)


_INSERTS = {
    _insert("card", "serial_number, batch, state, sequence_counter, received_at, changed_at"): _cards,
    _insert("user_name", "name, is_primary"): _users,
    _insert(
        "orders",
        "id, user_name, kind, profile, language, name, address, country, state, placed_at, changed_at",
    ): _orders,
    _insert("binding", "order_id, serial_number, bound_at"): _bindings,
    _insert("run", "id, order_id, serial_number, check_value, state, started_at, ended_at, result"): _runs,
    _insert("device", "id, type, serial_number, run_id, profile, suite, sealed_seed, enrolled_at"): _devices,
    _insert(
        "assignment",
        "device_id, user_name, state, wrong_responses, created_at, activated_at, activated_by, revoked_at",
    ): _assignments,
    _insert("scanned_pair", "id, order_id, serial_number, operator, station, scanned_at"): _pairs,
    _insert(
        "shipment", "id, order_id, serial_number, carrier, tracking, shipped_on, recorded_at, pair_id"
    ): _shipments,
    _insert("activation_timer", "shipment_id, order_id, serial_number, due_on, state, ended_at"): _timers,
    _insert(
        "quarantine",
        "serial_number, cause, evidence, opened_at, opened_by, resolved_at, resolution, resolved_by",
    ): _cases,
    _insert("notice", "id, kind, order_id, user_name, language, facts, queued_at"): _notices,
    _insert("delivery", "notice_id, channel, reference, state, attempts, due_at, sent_at"): _deliveries,
    _insert("audit", "station, number, at, operator, action, subject, details"): _audit,
}
