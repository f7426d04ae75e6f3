"""Pieces of work that one thread does in a row: one commit, and each is told what became of its own."""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import event, func, select, text
from sqlalchemy.exc import DBAPIError, OperationalError

from dscplus_station import audit
from dscplus_station.errors import DatabaseFailed, NotPermitted
from dscplus_station.turns import MAX_SHARING

PATIENCE = 20
"""Seconds."""
pytestmark = pytest.mark.each_database


class Row:
    """Does pieces that each leave a row in the audit trail; counts the commits."""

    def __init__(self, world):
        self._world = world
        self.database = world.station.database
        self.commits = []
        self.before = self.kept()
        event.listen(
            self.database.engine, "commit", lambda _connection: self.commits.append(len(self.kept()))
        )

    def kept(self):
        """The subjects of our rows, as another reader sees them."""
        with self.database.reading() as session:
            found = select(audit.AuditRow.subject).where(audit.AuditRow.action == "test.row")
            return list(session.scalars(found.order_by(audit.AuditRow.id)))

    def piece(self, name, then=None):
        """A piece: its row, and what it does then, within its turn."""

        def work():
            with self.database.writing() as session:
                audit.record(session, self._world.actor, self._world.station.now(), "test.row", name)
                if then is not None:
                    then(session)
            return name

        return work

    def do(self, *pieces):
        return self.database.in_a_row(pieces)


@pytest.fixture
def row(world):
    return Row(world)


def refuses(_session):
    raise NotPermitted("no")


def breaks(session):
    session.execute(text("SELECT nothing FROM nowhere"))


def test_pieces_share_one_commit_and_nobody_saw_them_before_it(row):
    assert row.do(*[row.piece(name) for name in "abc"]) == ["a", "b", "c"]
    assert row.commits == [0]
    assert row.kept() == ["a", "b", "c"]


def test_a_piece_sees_in_its_turn_what_those_before_it_wrote(row):
    seen = []

    def looks(session):
        seen.append(session.scalar(select(func.count()).where(audit.AuditRow.action == "test.row")))

    row.do(row.piece("a"), row.piece("b", looks))
    assert seen == [2]


def test_a_refusal_undoes_its_own_work_alone(row):
    first, refused, last = row.do(row.piece("a"), row.piece("b", refuses), row.piece("c"))
    assert (first, last) == ("a", "c")
    assert isinstance(refused, NotPermitted)
    assert row.kept() == ["a", "c"] and len(row.commits) == 1


def test_a_failure_of_the_database_is_told_to_those_whose_work_it_undid_and_to_no_others(row):
    before, broken, after = row.do(row.piece("a"), row.piece("b", breaks), row.piece("c"))
    assert isinstance(before, DatabaseFailed) and "another writer's failure undid this" in str(before)
    assert isinstance(broken, DBAPIError)
    assert after == "c"
    assert row.kept() == ["c"]


def test_a_piece_that_fails_in_its_second_turn_hears_of_its_own_failure(row):
    def writes_then_breaks():
        row.piece("a")()
        row.piece("b", breaks)()

    told, after = row.do(writes_then_breaks, row.piece("c"))
    assert isinstance(told, DBAPIError) and after == "c"
    assert row.kept() == ["c"]


def test_a_refusal_that_rests_on_undone_work_is_no_verdict(row):
    refused, _broken = row.do(row.piece("a", refuses), row.piece("b", breaks))
    assert isinstance(refused, DatabaseFailed)


def test_a_commit_that_fails_is_told_to_all(row):
    def full(_connection):
        raise OperationalError("COMMIT", None, sqlite3.OperationalError("database or disk is full"))

    event.listen(row.database.engine, "commit", full, once=True)
    told = row.do(row.piece("a"), lambda: "wrote nothing", row.piece("b"))
    assert [type(one) for one in told] == [DatabaseFailed, str, DatabaseFailed]
    assert row.kept() == []
    assert row.do(row.piece("after")) == ["after"]


def test_a_piece_may_write_twice_or_not_at_all(row):
    def twice():
        return row.piece("a")() + row.piece("b")()

    assert row.do(twice, lambda: "nothing") == ["ab", "nothing"]
    assert row.kept() == ["a", "b"] and len(row.commits) == 1
    assert row.do(lambda: "nothing") == ["nothing"] and len(row.commits) == 1


def test_a_piece_that_raises_outside_its_turn_keeps_what_it_wrote(row):
    def raises():
        row.piece("a")()
        raise NotPermitted("afterwards")

    told, after = row.do(raises, row.piece("b"))
    assert isinstance(told, NotPermitted) and after == "b"
    assert row.kept() == ["a", "b"]


def test_a_long_row_has_several_commits(row):
    names = [str(number) for number in range(2 * MAX_SHARING + 1)]
    assert row.do(*map(row.piece, names)) == names
    assert row.kept() == names
    assert row.commits == [0, MAX_SHARING, 2 * MAX_SHARING]


def test_after_a_row_a_writer_of_the_same_thread_has_its_own_commit(row):
    row.do(row.piece("a"))
    row.piece("b")()
    assert row.kept() == ["a", "b"] and len(row.commits) == 2


def _waits_for_a_turn(database):
    return database._turns._waiting > 0


def test_whoever_waits_behind_a_row_goes_on_in_its_transaction(row):
    def until_somebody_waits(_session):
        done = threading.Event()
        for _ in range(PATIENCE * 100):
            if _waits_for_a_turn(row.database):
                return
            done.wait(0.01)
        raise AssertionError("nobody came")

    with ThreadPoolExecutor(1) as pool:
        began = threading.Event()

        def behind():
            assert began.wait(PATIENCE)
            return row.piece("behind")()

        other = pool.submit(behind)
        first = row.piece("a", lambda session: (began.set(), until_somebody_waits(session)))
        assert row.do(first, row.piece("b")) == ["a", "b"]
        assert other.result(PATIENCE) == "behind"
    assert row.kept() == ["a", "b", "behind"] and len(row.commits) == 1


def test_if_those_behind_a_row_do_not_end_in_time_nobody_knows_what_became_of_it(row, monkeypatch):
    monkeypatch.setattr(row.database._turns, "_seconds", 0.5)
    began, over = threading.Event(), threading.Event()

    def while_somebody_waits(_session):
        began.set()
        while not _waits_for_a_turn(row.database):
            over.wait(0.005)

    def behind():
        assert began.wait(PATIENCE)
        return row.piece("behind", lambda _session: over.wait(PATIENCE))()

    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(behind)
        try:
            told, none = row.do(row.piece("a", while_somebody_waits), lambda: "wrote nothing")
        finally:
            over.set()
        assert isinstance(told, DatabaseFailed) and "nobody knows whether it will be" in str(told)
        assert none == "wrote nothing"
        other.result(PATIENCE)
    assert row.kept() == ["a", "behind"]


def test_rows_beside_one_another_lose_nothing(row):
    def one_row(number):
        names = [f"{number}-{one}" for one in range(12)]
        works = [None, refuses, None, breaks] if number % 2 else [None]
        done = row.do(*[row.piece(name, works[one % len(works)]) for one, name in enumerate(names)])
        return [name for name, told in zip(names, done, strict=True) if told == name]

    with ThreadPoolExecutor(6) as pool:
        told = [name for names in pool.map(one_row, range(6)) for name in names]
    assert sorted(row.kept()) == sorted(told)
    with row.database.reading() as session:
        numbers = session.scalars(select(audit.AuditRow.number).order_by(audit.AuditRow.number)).all()
    assert numbers == list(range(1, len(numbers) + 1))
