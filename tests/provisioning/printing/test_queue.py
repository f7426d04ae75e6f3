"""The queue of labels: on record before the printer is spoken to, each sent once or told."""

import dataclasses
import sqlite3
import threading

import pytest
from sqlalchemy import select

from dscplus_station.actor import Actor, Role
from dscplus_station.audit import AuditRow
from dscplus_station.cancellation.service import cancel
from dscplus_station.desk.shelf import resolve
from dscplus_station.errors import BadInput, HeldByAnother, NotFound, NotPermitted, StateConflict
from dscplus_station.orders.service import bind, release
from dscplus_station.printing import service, turn
from dscplus_station.printing.doubtful import doubtful_labels
from dscplus_station.printing.printers import PrinterOut
from dscplus_station.printing.rules import JOB_TRANSITIONS, JobState
from dscplus_station.printing.service import NOT_WANTED, STOPPED_MEANWHILE
from dscplus_station.quarantine.rules import Cause, Resolution
from dscplus_station.quarantine.service import set_aside
from dscplus_station.scans.rules import card_code, label_code
from dscplus_station.stock.rules import CardState
from dscplus_station.stock.service import get_card
from dscplus_station.typesetting.plan import Code
from tests.provisioning.printing.fake_printer import FakePrinter, status
from tests.provisioning.support import CARDS, order_values

OUT = "printer is out of labels"


class Paper:
    """A printer that keeps what it got; `before` happens at each label, and may fail."""

    def __init__(self, before=lambda: None):
        self.printed = []
        self.before = before

    def send(self, printout):
        self.before()
        self.printed.append(printout)

    @property
    def codes(self):
        return [item.text for one in self.printed for item in one.plan.items if isinstance(item, Code)]


def out(*, reached):
    def fail():
        raise PrinterOut(OUT, reached=reached)

    return fail


@pytest.fixture
def made(world):
    """An order whose card is made."""
    world.stock(3)
    world.place(order_values("O-1"))
    world.secure("O-1")
    return world


def act(world, what, *arguments, printer=None, actor=None):
    return what(world.station, actor or world.actor, printer or Paper(), *arguments)


def states(world):
    return [(job.copy, job.state) for job in reversed(service.jobs(world.station, open_only=False))]


def state_of(world, serial_number=CARDS[0]):
    with world.station.database.reading() as session:
        return get_card(session, serial_number).state


def test_a_label_is_printed_and_on_record_with_who_when_and_which(made):
    paper = Paper()
    job = act(made, service.print_label, "O-1", "2", printer=paper)
    assert paper.codes == [label_code("O-1", CARDS[0], 1)]
    assert (job.state, job.copy, job.slot, job.operator, job.station, job.asked_at, job.because) == (
        JobState.SENT, 1, "2", "olivia", "bench-1", made.moment, None,
    )  # fmt: skip
    assert any(getattr(item, "text", "") == "SLOT 2" for item in paper.printed[0].plan.items)
    assert state_of(made) is CardState.LABELLED


@pytest.mark.sqlite
def test_it_is_on_record_and_no_transaction_is_open_while_the_printer_is_spoken_to(made):
    seen = []

    def look():
        other = sqlite3.connect(made.home.database_file, timeout=0, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        seen.extend(other.execute("SELECT state, copy FROM print_job").fetchall())
        other.execute("ROLLBACK")
        other.close()

    act(made, service.print_label, "O-1", printer=Paper(look))
    assert seen == [("SENDING", 1)]


def test_what_did_not_reach_the_printer_waits_and_is_sent_as_it_is(made):
    with pytest.raises(PrinterOut, match=rf"{OUT}. Label 1 of order O-1 waits: .*labels print") as told:
        act(made, service.print_label, "O-1", "2", printer=Paper(out(reached=False)))
    assert not told.value.reached
    assert states(made) == [(1, JobState.WAITING)]
    assert service.jobs(made.station, open_only=True)[0].trouble == OUT
    paper = Paper()
    (job,) = act(made, service.send_waiting, printer=paper)
    assert job.state is JobState.SENT
    assert job.trouble is None
    assert paper.codes == [label_code("O-1", CARDS[0], 1)]
    assert act(made, service.send_waiting, printer=paper) == []
    assert len(paper.printed) == 1


def test_what_may_have_reached_the_printer_is_never_sent_again_but_printed_with_the_next_number(made):
    with pytest.raises(PrinterOut, match=r"may have come out: look. If not: .*labels reprint O-1"):
        act(made, service.print_label, "O-1", "2", printer=Paper(out(reached=True)))
    paper = Paper()
    assert act(made, service.send_waiting, printer=paper) == []
    job = act(made, service.reprint_label, "O-1", "it did not come out", printer=paper)
    assert paper.codes == [label_code("O-1", CARDS[0], 2)]
    assert (job.slot, job.because) == ("2", "it did not come out")
    assert states(made) == [(1, JobState.UNCERTAIN), (2, JobState.SENT)]


def test_a_station_that_was_killed_under_the_label_leaves_it_uncertain(made):
    class Killed(BaseException):
        pass

    def die():
        raise Killed

    with pytest.raises(Killed):
        act(made, service.print_label, "O-1", printer=Paper(die))
    assert states(made) == [(1, JobState.SENDING)]
    paper = Paper()
    act(made, service.reprint_label, "O-1", "killed", printer=paper)
    assert states(made) == [(1, JobState.UNCERTAIN), (2, JobState.SENT)]
    assert service.jobs(made.station, open_only=True)[0].trouble == STOPPED_MEANWHILE


def doubtful(world, at="bench-1"):
    station = dataclasses.replace(
        world.station, settings=dataclasses.replace(world.station.settings, station=at)
    )
    return [(one.order, one.serial_number, one.copy) for one in doubtful_labels(station)]


def test_a_label_that_a_crash_left_in_doubt_is_told_until_it_is_printed_again(made):
    with pytest.raises(KeyboardInterrupt):
        act(made, service.print_label, "O-1", printer=Paper(_interrupt))
    assert doubtful(made) == []  # as far as anybody knows, it is being sent
    service.settle_cut_off(made.station, made.actor)
    assert states(made) == [(1, JobState.UNCERTAIN)]
    assert doubtful(made) == [("O-1", CARDS[0], 1)]
    act(made, service.reprint_label, "O-1", "it did not come out", printer=Paper())
    assert doubtful(made) == []


def test_a_label_in_doubt_is_nobodys_business_once_its_order_is_gone_or_at_another_station(made):
    with pytest.raises(PrinterOut):
        act(made, service.print_label, "O-1", printer=Paper(out(reached=True)))
    assert doubtful(made) == [("O-1", CARDS[0], 1)]
    assert doubtful(made, at="bench-2") == []
    cancel(made.station, made.actor, "O-1")
    assert doubtful(made) == []


def test_another_stations_label_under_way_is_left_alone(made):
    with pytest.raises(KeyboardInterrupt):
        act(made, service.print_label, "O-1", printer=Paper(_interrupt))
    made.place(order_values("O-2", user="bea"))
    made.secure("O-2", CARDS[1])
    there = Actor("otto", frozenset(Role), "bench-2")
    act(made, service.print_label, "O-2", actor=there)
    assert states(made) == [(1, JobState.SENDING), (1, JobState.SENT)]


def _interrupt():
    raise KeyboardInterrupt


def test_a_slot_prints_once_however_often_it_says_pass(made):
    paper = Paper()
    first = act(made, service.print_passed, "O-1", "2", printer=paper)
    again = act(made, service.print_passed, "O-1", "2", printer=paper)
    assert first == again
    assert len(paper.printed) == 1


def test_a_card_that_is_made_again_for_the_same_order_has_a_label_of_its_own(made):
    """Set aside, released and taken for that order again: the first label is not of this making."""
    paper = Paper()
    first = act(made, service.print_passed, "O-1", "2", printer=paper)
    made.at(minutes=5)
    with made.writing() as session:
        release(session, made.actor, made.moment, "O-1", "set aside")
        bind(session, made.actor, made.moment, "O-1", CARDS[0])
    second = act(made, service.print_passed, "O-1", "2", printer=paper)
    assert (first.copy, second.copy) == (1, 2)
    assert len(paper.printed) == 2


def test_a_slot_that_says_pass_again_tries_again_what_waits(made):
    with pytest.raises(PrinterOut):
        act(made, service.print_passed, "O-1", "2", printer=Paper(out(reached=False)))
    paper = Paper()
    assert act(made, service.print_passed, "O-1", "2", printer=paper).state is JobState.SENT
    assert len(paper.printed) == 1


def test_a_slot_never_tries_again_what_may_have_come_out(made):
    with pytest.raises(PrinterOut):
        act(made, service.print_passed, "O-1", "2", printer=Paper(out(reached=True)))
    paper = Paper()
    assert act(made, service.print_passed, "O-1", "2", printer=paper).state is JobState.UNCERTAIN
    assert paper.printed == []


def test_a_station_without_labels_prints_none(made):
    made.station.settings.labels["printed"] = False
    assert act(made, service.print_passed, "O-1", "2") is None
    with pytest.raises(StateConflict, match="prints no labels"):
        act(made, service.print_label, "O-1")


def test_a_label_that_was_asked_for_waits_until_it_is_sent_as_after_a_crash(made):
    act(made, service.print_label, "O-1", "2")
    number = service.ask_again(made.station, made.actor, "O-1", "torn")
    assert states(made) == [(1, JobState.SENT), (2, JobState.WAITING)]
    paper = Paper()
    (job,) = act(made, service.send_waiting, printer=paper)
    assert paper.codes == [label_code("O-1", CARDS[0], 2)]
    assert (job.number, job.slot, job.because) == (number, "2", "torn")
    assert service.send(made.station, made.actor, paper, number).state is JobState.SENT
    assert len(paper.printed) == 1


def test_a_second_first_label_is_refused(made):
    act(made, service.print_label, "O-1")
    with pytest.raises(StateConflict, match=r"order O-1 has label 1, SENT: .*labels reprint O-1"):
        act(made, service.print_label, "O-1")
    assert states(made) == [(1, JobState.SENT)]


def test_a_name_that_cannot_be_printed_leaves_nothing_behind(world):
    world.stock()
    world.place(order_values("O-1", name="שרה Sample"))
    world.secure("O-1")
    with pytest.raises(BadInput, match=r"order O-1: 'ש'.*Nothing was printed"):
        act(world, service.print_label, "O-1")
    with pytest.raises(BadInput, match=r"order O-1: 'ש'.*Nothing was printed"):
        service.ask_again(world.station, world.actor, "O-1", "torn")
    assert states(world) == []
    assert state_of(world) is CardState.SECURED


def test_a_label_that_nobody_wants_any_more_is_dropped(made):
    with pytest.raises(PrinterOut):
        act(made, service.print_label, "O-1", printer=Paper(out(reached=False)))
    cancel(made.station, made.actor, "O-1")
    paper = Paper()
    (job,) = act(made, service.send_waiting, printer=paper)
    assert (job.state, job.trouble) == (JobState.DROPPED, NOT_WANTED)
    assert paper.printed == []


def test_a_label_is_dropped_when_a_later_one_counts(made):
    with pytest.raises(PrinterOut):
        act(made, service.print_label, "O-1", printer=Paper(out(reached=False)))
    act(made, service.reprint_label, "O-1", "sample")
    act(made, service.send_waiting)
    assert states(made) == [(1, JobState.DROPPED), (2, JobState.SENT)]


def test_what_waits_is_sent_oldest_first_until_the_printer_is_out_again(made):
    made.place(order_values("O-2", user="bea"), order_values("O-3", user="carl"))
    made.secure("O-2", CARDS[1])
    made.secure("O-3", CARDS[2])
    for order in ("O-1", "O-2", "O-3"):
        with pytest.raises(PrinterOut):
            act(made, service.print_label, order, printer=Paper(out(reached=False)))
    paper = Paper()
    paper.before = lambda: out(reached=False)() if len(paper.printed) == 2 else None
    with pytest.raises(PrinterOut, match="order O-3"):
        act(made, service.send_waiting, printer=paper)
    assert [one.name for one in paper.printed] == [f"label-O-{n + 1}-{CARDS[n]}-1" for n in (0, 1)]
    assert [state for _, state in states(made)] == [JobState.SENT, JobState.SENT, JobState.WAITING]


def test_one_at_a_time_speaks_to_the_printer(made, monkeypatch):
    made.place(order_values("O-2", user="bea"))
    made.secure("O-2", CARDS[1])
    inside, most = [], []
    there, go_on = threading.Event(), threading.Event()

    def slow():
        inside.append(1)
        most.append(len(inside))
        there.set()
        assert go_on.wait(10)
        inside.pop()

    paper = Paper(slow)
    threads = [
        threading.Thread(target=act, args=(made, service.print_label, order), kwargs={"printer": paper})
        for order in ("O-1", "O-2")
    ]
    for thread in threads:
        thread.start()
    assert there.wait(10)
    monkeypatch.setattr(turn, "PATIENCE_S", 0.0)
    with pytest.raises(HeldByAnother, match="printer is held by printing, pid"):
        _take_turn(made)
    monkeypatch.setattr(turn, "PATIENCE_S", 10.0)
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert most == [1, 1]
    assert sorted(state for _, state in states(made)) == [JobState.SENT, JobState.SENT]


def _take_turn(world):
    with turn.printers_turn(world.station):
        pass


def test_a_tag_is_printed_while_its_card_is_set_aside(made):
    with pytest.raises(NotFound, match="not in quarantine"):
        act(made, service.print_tag, CARDS[1])
    with made.writing() as session:
        set_aside(session, made.actor, made.moment, CARDS[1], Cause.FOREIGN_KEYS, {})
    paper = Paper()
    act(made, service.print_tag, CARDS[1], printer=paper)
    assert paper.codes == [card_code(CARDS[1])]
    with pytest.raises(PrinterOut, match=f"tag of card {CARDS[1]} waits"):
        act(made, service.print_tag, CARDS[1], printer=Paper(out(reached=False)))
    resolve(made.station, made.actor, CARDS[1], Resolution.RELEASE, "sample")
    assert [job.state for job in act(made, service.send_waiting)] == [JobState.DROPPED]


@pytest.mark.parametrize(
    "what",
    [
        (service.print_label, "O-1"),
        (service.print_passed, "O-1", "2"),
        (service.reprint_label, "O-1", "sample"),
        (service.send_waiting,),
    ],
    ids=lambda what: what[0].__name__,
)
def test_printing_takes_its_role(made, what):
    with pytest.raises(NotPermitted, match="provisioning"):
        act(made, *what, actor=Actor("rita", frozenset(Role) - {Role.PROVISIONING}, "bench-1"))


def test_a_reprint_takes_a_reason(made):
    act(made, service.print_label, "O-1")
    with pytest.raises(BadInput, match="a reason"):
        act(made, service.reprint_label, "O-1", " ")


def test_every_step_is_in_the_audit_trail_without_name_and_address(made):
    act(made, service.print_label, "O-1", "2")
    with made.station.database.reading() as session:
        rows = session.scalars(
            select(AuditRow).where(AuditRow.action.like("printing.%")).order_by(AuditRow.id)
        ).all()
    assert [row.action for row in rows] == ["printing.label", "printing.SENDING", "printing.SENT"]
    assert {(row.operator, row.station) for row in rows} == {("olivia", "bench-1")}
    assert not any("Sample" in row.details for row in rows)


def test_each_state_leads_somewhere_or_is_an_end():
    reachable = {JobState.WAITING}.union(*JOB_TRANSITIONS.values())
    assert reachable == set(JobState) == set(JOB_TRANSITIONS)


def test_on_the_command_line_with_a_network_printer(bench):
    world = bench.world
    world.place(order_values("O-1"))
    world.secure("O-1")
    with FakePrinter() as printer:
        with world.home.settings_file.open("a") as file:
            file.write(f'[printer]\nhost = "{printer.host}"\nport = {printer.port}\n')
        printer.answers = [status(paper_out=1), status()]
        refused = bench.run("labels", "print", "O-1", "--slot", "2", code=1)
        assert "out of labels: put a new roll in. Label 1 of order O-1 waits" in refused.stderr
        (waiting,) = bench.json("labels", "queue")["labels"]
        assert (waiting["order"], waiting["state"], waiting["copy"]) == ("O-1", "WAITING", 1)
        (sent,) = bench.json("labels", "print")["labels"]
        assert sent["state"] == "SENT"
        assert bench.json("labels", "queue")["labels"] == []
        (again,) = bench.json("labels", "reprint", "O-1", "--because", "torn")["labels"]
        assert (again["copy"], again["because"]) == (2, "torn")
        assert len(bench.json("labels", "queue", "--all")["labels"]) == 2
        bench.run("quarantine", "add", CARDS[1], "--note", "sample", "--yes")
        bench.json("labels", "tag", CARDS[1])
        assert len(printer.labels) == 3
    assert "cannot be reached" in bench.run("labels", "tag", CARDS[1], code=1).stderr
