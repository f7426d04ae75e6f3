"""Audit in every transaction, one owner a lock, holds and quarantines that end once, cancellation, faults."""

import errno
import multiprocessing
import os
import sqlite3

import pytest
from sqlalchemy import delete, insert, select, text, update

from dscplus_station import audit, locks
from dscplus_station.activation.service import revoke_card
from dscplus_station.actor import ALL_ROLES, Actor, Role
from dscplus_station.audit import AuditRow
from dscplus_station.cancellation.service import cancel
from dscplus_station.db import Database, UnauditedChange, run, table_of
from dscplus_station.desk import shelf
from dscplus_station.devices.rules import ASSIGNMENT_TRANSITIONS, AssignmentState
from dscplus_station.devices.tables import Device
from dscplus_station.errors import (
    BadInput,
    DatabaseFailed,
    HeldByAnother,
    NotFound,
    NotPermitted,
    StateConflict,
    StationError,
)
from dscplus_station.holds.rules import STATE_AFTER, HoldEnd, HoldState
from dscplus_station.holds.service import end_hold
from dscplus_station.holds.tables import Hold
from dscplus_station.orders.tables import Order
from dscplus_station.personalise.rules import RunState
from dscplus_station.personalise.tables import Run
from dscplus_station.quarantine import service as quarantine
from dscplus_station.quarantine.rules import Cause, Resolution
from dscplus_station.returns.rules import RETURN_TRANSITIONS, ReturnState
from dscplus_station.shipping.service import report_undelivered
from dscplus_station.stock.rules import CardState
from dscplus_station.stock.service import get_card
from dscplus_station.users.tables import User
from tests.provisioning.support import CARDS, listed, order_values

SECOND = Actor("susan", ALL_ROLES, "bench-1")


# Audit


@pytest.mark.parametrize(
    "change",
    [
        lambda session: session.add(User(name="bob")),
        lambda session: setattr(session.get_one(User, "alice"), "phone_tail", "1234"),
        lambda session: session.delete(session.get_one(User, "carol")),
        lambda session: session.execute(insert(User).values(name="bob")),
        lambda session: session.execute(update(User).values(phone_tail="1234")),
        lambda session: session.execute(delete(User).where(User.name == "carol")),
        lambda session: run(session, insert(table_of(User)), {"name": "bob"}),
        lambda session: run(session, update(table_of(User)), {"phone_tail": "1234"}),
        lambda session: run(session, delete(table_of(User)).where(User.name == "carol"), {}),
    ],
)
def test_no_change_is_committed_without_an_audit_row(world, change):
    world.place(order_values())
    with world.writing() as session:
        session.add(User(name="carol"))
        audit.record(session, world.actor, world.moment, "test", "carol")
    with pytest.raises(UnauditedChange), world.writing() as session:
        change(session)
    with world.station.database.reading() as session:
        assert sorted(session.scalars(select(User.name))) == ["alice", "carol"]
        assert session.scalars(select(User.phone_tail)).all() == [None, None]
    with world.writing() as session:
        change(session)
        audit.record(session, world.actor, world.moment, "test", "bob")
    with world.writing() as session:  # a condition that meets no row is no change
        session.execute(update(User).where(User.name == "nobody").values(phone_tail="1234"))
        run(session, update(table_of(User)).where(User.name == "nobody"), {"phone_tail": "1234"})


def test_audit_rows_are_numbered_without_gaps_and_canonical(world):
    world.stock(2)
    world.shipped()
    with pytest.raises(StateConflict):
        world.secure("O-1", CARDS[1])
    report_undelivered(world.station, world.actor, "O-1")
    with world.station.database.reading() as session:
        rows = session.scalars(select(AuditRow).order_by(AuditRow.number)).all()
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    assert {row.operator for row in rows} == {"olivia"}
    assert {row.station for row in rows} == {"bench-1"}
    assert rows[0].details == '{"kcv":"504A77","key_version":1}'
    assert audit.canonical({"b": "ü", "a": None}) == '{"a":null,"b":"ü"}'


def test_only_auditors_read_the_audit_trail(world):
    reader = Actor("audrey", frozenset({Role.AUDIT}), "bench-1")
    world.stock()
    with world.station.database.reading() as session:
        rows = audit.trail(session, reader, 0, 2)
        assert audit.trail(session, reader, rows[0].id, 1) == rows[1:]
        with pytest.raises(NotPermitted, match="needs the role audit"):
            audit.trail(session, Actor("mallory", ALL_ROLES - {Role.AUDIT}, "bench-1"), 0, 1)


def test_the_story_of_a_card_is_in_the_audit_trail(world):
    world.stock()
    world.shipped()
    revoke_card(world.station, world.actor, CARDS[0], "lost")
    with world.station.database.reading() as session:
        story = session.scalars(
            select(AuditRow.action).where(AuditRow.subject == CARDS[0]).order_by(AuditRow.number)
        ).all()
    assert story == [
        "stock.receive",
        "card.RESERVED",
        "card.PERSONALISED",
        "card.VERIFIED",
        "card.SECURED",
        "device.enrol",
        "card.LABELLED",
        "card.SHIPPED",
        "activation.timer",
        "assignment.REVOKED",
        "activation.timer.STOPPED",
    ]


# Locks


def hold_and_tell(folder, held, done):
    with locks.hold(folder, "slot 2", "serve"):
        held.set()
        done.wait(30)


def test_a_second_process_hears_who_holds_the_slot(tmp_path):
    context = multiprocessing.get_context("spawn")
    held, done = context.Event(), context.Event()
    process = context.Process(target=hold_and_tell, args=(tmp_path, held, done))
    process.start()
    assert held.wait(30)
    with (
        pytest.raises(HeldByAnother, match=f"slot 2 is held by serve, pid {process.pid}:") as refusal,
        locks.hold(tmp_path, "slot 2", "provision"),
    ):
        pass
    assert refusal.value.exit_code == 5
    with locks.hold(tmp_path, "slot 3", "provision"):
        pass
    process.kill()  # the kernel frees the lock of a process that dies
    process.join(30)
    with locks.hold(tmp_path, "slot 2", "provision"):
        pass


def test_within_one_process_a_slot_has_one_owner_too(tmp_path):
    with (
        locks.hold(tmp_path, "job activation", "first"),
        pytest.raises(HeldByAnother, match=f"held by first, pid {os.getpid()}"),
        locks.hold(tmp_path, "job activation", "second"),
    ):
        pass


def test_an_owner_that_cannot_be_named_on_a_full_disk_is_refused_and_holds_nothing(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "pwrite", full)
    told = "job-runner.lock: No space left on device; job runner was not started"
    with pytest.raises(StationError, match=told), locks.hold(tmp_path, "job runner", "serve"):
        pass
    monkeypatch.undo()
    with locks.hold(tmp_path, "job runner", "serve"):
        pass


# Holds, quarantine, other tables of transitions


def open_hold(world, order="O-1"):
    with world.writing() as session:
        session.add(
            Hold(
                order_id=order,
                account="U-1",
                amount_cents=2000,
                currency="USD",
                state=HoldState.HELD,
                opened_at=world.moment,
            )
        )
        audit.record(session, world.actor, world.moment, "hold.test", order)


def test_r12_what_captures_and_what_releases():
    assert {end for end, state in STATE_AFTER.items() if state is HoldState.CAPTURED} == {
        HoldEnd.LOST,
        HoldEnd.STOLEN,
        HoldEnd.INTENTIONALLY_DAMAGED,
        HoldEnd.CLOSED_WITHOUT_RETURN,
    }
    assert set(STATE_AFTER) == set(HoldEnd)


@pytest.mark.parametrize("first", HoldEnd)
@pytest.mark.parametrize("then", [HoldEnd.RETURNED, HoldEnd.LOST])
def test_r12_a_hold_ends_exactly_once(world, first, then):
    world.place(order_values())
    open_hold(world)
    ended = []
    for end in (first, then):
        with world.writing() as session:
            ended.append(end_hold(session, SECOND, world.moment, "O-1", end, "olivia"))
    assert ended == [True, False]
    with world.station.database.reading() as session:
        hold = session.scalars(select(Hold)).one()
    assert (hold.state, hold.end_reason) == (STATE_AFTER[first], first)


def test_r46_a_capture_needs_a_second_person(world):
    world.place(order_values())
    open_hold(world)
    nobody = Actor("nils", frozenset({Role.STOCK}), "bench-1")
    for second, proposed_by in ((SECOND, None), (SECOND, SECOND.operator), (nobody, "olivia")):
        with pytest.raises(NotPermitted), world.writing() as session:
            end_hold(session, second, world.moment, "O-1", HoldEnd.LOST, proposed_by)


def test_r12_cancelling_an_order_releases_its_hold(world):
    world.place(order_values())
    open_hold(world)
    cancel(world.station, world.actor, "O-1")
    with world.station.database.reading() as session:
        assert session.scalars(select(Hold.state)).one() is HoldState.RELEASED


def test_assignments_and_returns_go_along_their_tables():
    assert ASSIGNMENT_TRANSITIONS[AssignmentState.REVOKED] == frozenset()
    assert AssignmentState.REVOKED in ASSIGNMENT_TRANSITIONS[AssignmentState.DORMANT]
    assert AssignmentState.ACTIVE not in ASSIGNMENT_TRANSITIONS[AssignmentState.REVOKED]
    way = [ReturnState.ANNOUNCED]
    while RETURN_TRANSITIONS[way[-1]]:
        (following,) = RETURN_TRANSITIONS[way[-1]]
        way.append(following)
    assert way == list(ReturnState)


@pytest.mark.parametrize(
    ("resolution", "state"),
    [(Resolution.SCRAP, CardState.SCRAPPED), (Resolution.RELEASE, CardState.BLANK)],
)
def test_a_quarantine_ends_once_by_a_supervisor(world, resolution, state):
    world.stock()
    with world.writing() as session:
        quarantine.set_aside(
            session, world.actor, world.moment, CARDS[0], Cause.FOREIGN_KEYS, {"key_version": "21"}
        )
    (case,) = quarantine.open_cases(world.station)
    assert (case.cause, case.evidence) == (Cause.FOREIGN_KEYS, '{"key_version":"21"}')
    clerk = Actor("carl", ALL_ROLES - {Role.SUPERVISOR}, "bench-1")
    with pytest.raises(NotPermitted, match="carl may not resolve"):
        shelf.resolve(world.station, clerk, CARDS[0], resolution, "checked")
    with pytest.raises(BadInput, match="a note has 1 to 200 printable characters"):
        shelf.resolve(world.station, world.actor, CARDS[0], resolution, "")
    if resolution is Resolution.SCRAP:
        with pytest.raises(NotPermitted, match="was set aside by olivia: scrapping it needs another person"):
            shelf.resolve(world.station, world.actor, CARDS[0], resolution, "checked")
    susan = Actor("susan", ALL_ROLES, "bench-1")
    shelf.resolve(world.station, susan, CARDS[0], resolution, "checked")
    assert listed(world.station, "cards")[0]["state"] is state
    with pytest.raises(NotFound, match="is not in quarantine"):
        shelf.resolve(world.station, susan, CARDS[0], resolution, "checked")
    assert quarantine.history(world.station, CARDS[0])[0].resolved_by == "susan"


# Cancellation


def test_cancelling_before_a_key_was_written_gives_the_card_back(world):
    world.stock()
    world.place(order_values())
    run = world.reserve()
    done = cancel(world.station, world.actor, "O-1")
    assert (done.serial_number, done.must_be_wiped) == (CARDS[0], False)
    with world.station.database.reading() as session:
        assert get_card(session, CARDS[0]).state is CardState.BLANK
        assert session.get_one(Run, run).sealed_seed is None
        assert session.get_one(Order, "O-1").sealed_pin is None


@pytest.mark.parametrize("step", [RunState.KEYS_ROTATED, RunState.SEED_STORED])
def test_a_card_that_has_keys_is_not_stock_after_cancelling(world, step):
    world.stock()
    world.place(order_values())
    run = world.reserve()
    with world.writing() as session:
        session.get_one(Run, run).state = step
        audit.record(session, world.actor, world.moment, "test", run)
    assert cancel(world.station, world.actor, "O-1").must_be_wiped
    assert listed(world.station, "cards")[0]["state"] is CardState.RESERVED


def test_cancelling_a_secured_card_revokes_it(world):
    world.stock()
    world.place(order_values())
    world.secure()
    assert cancel(world.station, world.actor, "O-1").must_be_wiped
    with pytest.raises(NotFound, match="not a personalised card"):
        revoke_card(world.station, world.actor, CARDS[0], "again")
    with pytest.raises(StateConflict, match="was cancelled before"):
        cancel(world.station, world.actor, "O-1")


def test_r5_cancelling_a_card_of_profile_b_erases_seed_and_pin_hash(world):
    world.stock()
    world.place(order_values(profile="B"))
    world.secure()
    cancel(world.station, world.actor, "O-1")
    with world.station.database.reading() as session:
        device = session.scalars(select(Device)).one()
    assert (device.ended_at, device.sealed_seed, device.sealed_pin_hash) == (world.moment, None, None)


def test_a_shipped_order_is_not_cancelled(world):
    world.stock()
    world.shipped()
    with pytest.raises(StateConflict, match="is SHIPPED: it cannot become CANCELLED"):
        cancel(world.station, world.actor, "O-1")
    assert listed(world.station, "cards")[0]["state"] is CardState.SHIPPED


def test_nothing_is_cancelled_while_its_card_is_being_made(world):
    world.stock()
    world.place(order_values())
    world.reserve()
    with (
        locks.hold(world.home.locks, f"card {CARDS[0]}", "provision"),
        pytest.raises(HeldByAnother, match=f"card {CARDS[0]} is held by provision, pid"),
    ):
        cancel(world.station, world.actor, "O-1")


# Faults of the machine: one line, nothing half written


def told(refusal):
    assert "\n" not in str(refusal.value)
    assert "Nothing was changed" in str(refusal.value)


@pytest.mark.sqlite
def test_a_locked_database_is_told(world, monkeypatch):
    monkeypatch.setattr("dscplus_station.db.BUSY_TIMEOUT_MS", 20)
    database = Database(world.home.database_url)
    other = sqlite3.connect(world.home.database_file)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DatabaseFailed, match="another process holds it") as refusal, database.writing():
        pass
    told(refusal)
    other.rollback()
    other.close()
    database.close()


@pytest.mark.sqlite
def test_a_full_disk_is_told_and_nothing_is_half_written(world):
    world.stock()
    with world.station.database.reading() as session:
        pages = session.scalar(text("PRAGMA page_count"))
    engine = world.station.database.engine
    raw = engine.raw_connection()
    raw.cursor().execute(f"PRAGMA max_page_count = {pages}")
    raw.close()  # back to the pool, with its limit: the disk is full now
    orders = [order_values(f"O-{n}", user=f"user{n}") for n in range(500)]
    with pytest.raises(DatabaseFailed, match="the disk is full") as refusal:
        world.place(*orders)
    told(refusal)
    with world.station.database.reading() as session:
        assert session.scalars(select(Order.id)).all() == []
    engine.dispose()
    assert len(world.place(*orders).placed) == 500


@pytest.mark.sqlite
def test_a_read_only_database_is_told(world):
    world.station.database.close()
    database = Database(f"sqlite:///file:{world.home.database_file}?mode=ro&uri=true")
    with pytest.raises(DatabaseFailed, match="read-only") as refusal, database.writing() as session:
        session.add(User(name="bob"))
        audit.record(session, world.actor, world.moment, "test", "bob")
    told(refusal)
    database.close()


def test_something_else_than_a_database_is_told(tmp_path):
    (tmp_path / "station.db").write_bytes(b"no database at all" * 100)
    database = Database(f"sqlite:///{tmp_path / 'station.db'}")
    with pytest.raises(DatabaseFailed, match="not a database") as refusal, database.reading() as session:
        session.connection()
    told(refusal)
    database.close()
