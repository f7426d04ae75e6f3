"""Records of many cards, inserted in bulk: what years of work leave behind, without the work.

Every row keeps the schema's constraints (they are checked at the end), so that what is measured on it is
measured on something that can be. Which cards: `bulk_cards`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from .bulk_cards import BATCHES, CARRIERS, MADE, OPERATORS, Card, Rows, account_of, cards_of, insert
from .bulk_holders import HOLDERS

_ORDER_OF = {
    "RESERVED": "IN_PROVISIONING",
    "PERSONALISED": "IN_PROVISIONING",
    "VERIFIED": "IN_PROVISIONING",
    "SECURED": "IN_PROVISIONING",
}


def fill(path: Path, count: int) -> None:
    """Fill an empty station's database with the records of `count` cards, and check its constraints."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("PRAGMA cache_size = -500000")  # 500 MB: indexes are built without reading back
        connection.execute("BEGIN")
        indexes = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        ).fetchall()
        for name, _ in indexes:
            connection.execute(f"DROP INDEX {name}")
        connection.executemany("INSERT INTO batch(name) VALUES (?)", [(f"B{i}",) for i in range(BATCHES)])
        for cards in cards_of(count):
            for statement, rows in _INSERTS:
                connection.executemany(statement, rows(cards))
        for _, sql in indexes:
            connection.execute(sql)
        if fault := connection.execute("PRAGMA foreign_key_check").fetchone():
            raise AssertionError(f"the records contradict the schema: {fault}")
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()


def _cards(cards: Sequence[Card]) -> Iterator[tuple[object, ...]]:
    for one in cards:
        yield one.serial, f"B{one.number % BATCHES}", one.state, 5, one.moment, one.moment


def _users(cards: Sequence[Card]) -> Iterator[tuple[object, ...]]:
    for name in {one.user for one in cards if one.ordered}:
        yield name, account_of(name), True


def _order_state(one: Card) -> str:
    if one.state == "QUARANTINED":
        return "PLACED"
    return _ORDER_OF.get(one.state, "FULFILLED" if one.active or one.state != "SHIPPED" else "SHIPPED")


def _orders(cards: Sequence[Card]) -> Iterator[tuple[object, ...]]:
    for one in cards:
        if one.ordered:
            yield (
                one.order, one.user, one.kind, one.replaced.serial if one.replaced else None, "A", "en",
                "Sample Holder", "1 Sample Road, Sampletown", "US", account_of(one.user), _order_state(one),
                one.moment, one.moment,
            )  # fmt: skip


def _bindings(cards: Sequence[Card]) -> Iterator[tuple[object, ...]]:
    for one in cards:
        if one.ordered and one.state != "QUARANTINED":
            yield one.order, one.serial, one.moment


def _runs(cards: Sequence[Card]) -> Iterator[tuple[object, ...]]:
    for one in cards:
        if one.state in MADE:
            yield (
                f"{one.number:032x}", one.order, one.serial, "00" * 8, "SECURED", one.moment, one.moment,
                "COMPLETED",
            )  # fmt: skip


def _devices(cards: Sequence[Card]) -> Iterator[tuple[object, ...]]:
    for one in cards:
        if one.state in MADE:
            yield (
                one.number, "DSC+", one.serial, f"{one.number:032x}", "A", "OCRA-1:HOTP-SHA256-8:QN06", b"-",
                one.moment,
            )  # fmt: skip


def _assignments(cards: Sequence[Card]) -> Iterator[tuple[object, ...]]:
    for one in cards:
        if one.state in MADE:
            revoked = one.state not in ("SHIPPED", "SECURED")
            state = "REVOKED" if revoked else "ACTIVE" if one.active else "PENDING"
            yield (
                one.number, one.number, one.user, state, 0, one.moment, one.moment if one.active else None,
                "USER" if one.active else None, one.moment if revoked else None,
            )  # fmt: skip


def _pairs(cards: Sequence[Card]) -> Iterator[tuple[object, ...]]:
    for one in cards:
        if one.out:
            yield one.number, one.order, one.serial, OPERATORS[one.number % 3], "bench-1", one.moment


def _shipments(cards: Sequence[Card]) -> Iterator[tuple[object, ...]]:
    for one in cards:
        if one.out:
            yield (
                one.number, one.order, one.serial, CARRIERS[one.number % 3], one.tracking,
                one.day.isoformat(), one.moment, one.number,
            )  # fmt: skip


def _timers(cards: Sequence[Card]) -> Iterator[tuple[object, ...]]:
    for one in cards:
        if one.out:
            due = one.day + timedelta(days=21 if one.kind == "replacement" else 14)
            yield (
                one.number, one.order, one.serial, due.isoformat(), "RUNNING" if one.pending else "DONE",
                None if one.pending else one.moment,
            )  # fmt: skip


def _cases(cards: Sequence[Card]) -> Iterator[tuple[object, ...]]:
    for one in cards:
        if one.state in ("QUARANTINED", "SCRAPPED"):
            ended = one.state == "SCRAPPED"
            yield (
                one.serial, "FOREIGN_KEYS" if one.number // 100 % 2 else "BY_HAND", "{}", one.moment,
                OPERATORS[0],
                one.moment if ended else None, "scrap" if ended else None, "susan" if ended else None,
            )  # fmt: skip


def _notices(cards: Sequence[Card]) -> Iterator[tuple[object, ...]]:
    for one in cards:
        if one.out:
            yield one.number, "CARD_SHIPPED", one.order, one.number, one.user, "en", "{}", one.moment


def _deliveries(cards: Sequence[Card]) -> Iterator[tuple[object, ...]]:
    for one in cards:
        if one.out:
            waits = one.number % 50 == 0
            yield (
                one.number, "EMAIL", f"{one.number:032x}", "WAITING" if waits else "SENT", 0 if waits else 1,
                one.moment if waits else None, None if waits else one.moment,
            )  # fmt: skip


def _audit(cards: Sequence[Card]) -> Iterator[tuple[object, ...]]:
    for one in cards:
        for turn, action in enumerate(("stock.receive", "card.RESERVED" if one.ordered else "stock.count")):
            yield (
                "bench-1", one.number * 2 + turn, one.moment, OPERATORS[one.number % 3], action, one.serial,
                "{}",
            )  # fmt: skip


_INSERTS: tuple[tuple[str, Rows], ...] = (
    (insert("card", "serial_number, batch, state, sequence_counter, received_at, changed_at"), _cards),
    (insert("user_name", "name, account, is_primary"), _users),
    (
        insert(
            "orders",
            "id, user_name, kind, replaces, profile, language, name, address, country, hold_account, state,"
            " placed_at, changed_at",
        ),
        _orders,
    ),
    (insert("binding", "order_id, serial_number, bound_at"), _bindings),
    (insert("run", "id, order_id, serial_number, check_value, state, started_at, ended_at, result"), _runs),
    (insert("device", "id, type, serial_number, run_id, profile, suite, sealed_seed, enrolled_at"), _devices),
    (
        insert(
            "assignment",
            "id, device_id, user_name, state, wrong_responses, created_at, activated_at, activated_by,"
            " revoked_at",
        ),
        _assignments,
    ),
    (insert("scanned_pair", "id, order_id, serial_number, operator, station, scanned_at"), _pairs),
    (
        insert(
            "shipment", "id, order_id, serial_number, carrier, tracking, shipped_on, recorded_at, pair_id"
        ),
        _shipments,
    ),
    (insert("activation_timer", "shipment_id, order_id, serial_number, due_on, state, ended_at"), _timers),
    (
        insert(
            "quarantine",
            "serial_number, cause, evidence, opened_at, opened_by, resolved_at, resolution, resolved_by",
        ),
        _cases,
    ),
    (insert("notice", "id, kind, order_id, shipment_id, user_name, language, facts, queued_at"), _notices),
    (insert("delivery", "notice_id, channel, reference, state, attempts, due_at, sent_at"), _deliveries),
    (insert("audit", "station, number, at, operator, action, subject, details"), _audit),
    *HOLDERS,
)
