"""Workers: one a port, side by side; what is wrong with a port is one line and leaves the records alone."""

import subprocess
import sys
import threading

import pytest
from sqlalchemy import select

from dscplus_driver import connect, errors
from dscplus_station import locks
from dscplus_station.errors import WrongUsage
from dscplus_station.orders.rules import OrderState
from dscplus_station.orders.tables import Order
from dscplus_station.personalise.rules import RunState
from dscplus_station.personalise.tables import Run
from dscplus_station.personalise.workers import Result, Workers, exit_code, slot_of
from dscplus_station.stock.rules import CardState
from dscplus_station.stock.tables import Card
from tests.harness.loopback import LoopbackCard
from tests.provisioning.personalise.bench import ACTOR, SERIALS, TRANSPORT, Bench

FIRST, SECOND, THIRD = SERIALS[:3]


@pytest.fixture
def bench(tmp_path):
    bench = Bench(tmp_path, cards=3)
    yield bench
    bench.close()


def workers(bench, ports=None, **options):
    """Workers whose ports are loopback cards: port "slot-1" has the first card, and so on."""
    cards = ports or {f"/slot-{number}": bench.cards[serial] for number, serial in enumerate(bench.cards, 1)}

    def open_port(port):
        card = cards[port]
        if isinstance(card, Exception):
            raise card
        return card.connect()

    return Workers(bench.station, bench.keystore, ACTOR, open_port=open_port, **options)


def serve(bench, *ports, order_id=None, at=None, **options):
    records = workers(bench, at, **options).serve(ports, order_id)
    return {record.port: record for record in records}


def test_two_ports_serve_two_orders_side_by_side(bench):
    bench.place("A")
    bench.place("B")
    both = threading.Barrier(2, timeout=20)

    def together(_port, _run, step):
        if step is RunState.SEED_STORED:
            both.wait()  # neither ends before the other has come so far

    records = serve(bench, "/slot-1", "/slot-2", on_step=together)
    assert {record.result for record in records.values()} == {Result.COMPLETED}
    assert {record.order for record in records.values()} == {"A", "B"}
    assert {record.serial_number for record in records.values()} == {FIRST, SECOND}
    assert exit_code(list(records.values())) == 0


def test_a_port_without_an_order_left_is_idle_and_no_failure(bench):
    bench.place("A")
    records = serve(bench, "/slot-1", "/slot-2", "/slot-3").values()
    assert sorted(record.result for record in records) == [Result.COMPLETED, Result.IDLE, Result.IDLE]
    assert all("no order is left" in record.told for record in records if record.result is Result.IDLE)
    assert exit_code(list(records)) == 0
    assert len([card for card in bench.all(select(Card)) if card.state is CardState.BLANK]) == 2


def test_a_named_order_is_served_at_the_named_port(bench):
    bench.place("A")
    bench.place("B")
    (record,) = serve(bench, "/slot-3", order_id="B").values()
    assert (record.order, record.serial_number, record.result) == ("B", THIRD, Result.COMPLETED)
    assert bench.get(Order, "A").state is OrderState.PLACED


def test_one_order_and_two_ports_is_wrong_usage(bench):
    with pytest.raises(WrongUsage, match="--order names one order"):
        serve(bench, "/slot-1", "/slot-2", order_id="A")


def test_a_port_named_twice_is_wrong_usage_also_by_its_link(bench, tmp_path):
    link = tmp_path / "link"
    link.symlink_to("/slot-1")
    with pytest.raises(WrongUsage, match="/slot-1 was named twice"):
        serve(bench, "/slot-1", f"serial:{link}")


def test_a_hid_node_is_one_slot_from_every_folder_and_by_its_link(tmp_path, monkeypatch):
    link = tmp_path / "0000000018-hid"
    link.symlink_to("/dev/hidraw7")
    monkeypatch.chdir(tmp_path)
    assert slot_of("hid:/dev/hidraw7") == slot_of(f"hid:{link}") == "/dev/hidraw7"
    assert slot_of("usb:1.4") == "usb:1.4"


def test_two_ports_that_are_one_card_are_refused_by_name(bench):
    bench.place("A")
    bench.place("B")
    card = bench.cards[FIRST]
    again = LoopbackCard(FIRST, TRANSPORT.keys_of(FIRST), image=card.flash.image())
    records = serve(bench, "/slot-1", "/slot-2", at={"/slot-1": card, "/slot-2": again}).values()
    (failed,) = (record for record in records if record.result is Result.FAILED)
    assert FIRST in failed.told and "/slot-1" in failed.told and "/slot-2" in failed.told
    assert sorted(record.result for record in records) == [Result.COMPLETED, Result.FAILED]
    assert exit_code(list(records)) == 1
    assert len(bench.all(select(Run))) == 1


HOLDER = """
import sys, pathlib
from dscplus_station import locks
with locks.hold(pathlib.Path(sys.argv[1]), sys.argv[2], "serve"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("name", ["slot /slot-1", f"card {FIRST}"])
def test_a_slot_or_card_held_by_another_process_is_told_with_its_pid_exit_5(bench, name):
    bench.place("A")
    arguments = [sys.executable, "-c", HOLDER, str(bench.station.home.locks), name]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        (record,) = serve(bench, "/slot-1").values()
        holder.stdin.close()
        assert holder.wait(20) == 0
    assert f"{name} is held by serve, pid {holder.pid}" in record.told
    assert (record.result, record.exit_code, exit_code([record])) == (Result.FAILED, 5, 5)
    assert bench.get(Order, "A").state is OrderState.PLACED
    assert serve(bench, "/slot-1")["/slot-1"].result is Result.COMPLETED


def test_the_locks_are_free_again_after_the_turn(bench):
    bench.place("A")
    serve(bench, "/slot-1")
    with (
        locks.hold(bench.station.home.locks, "slot /slot-1", "test"),
        locks.hold(bench.station.home.locks, f"card {FIRST}", "test"),
    ):
        pass


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.PortNotFound("there is no /slot-1", where="serial:/slot-1"), 3),
        (errors.CardBusy("the port is in use by process 4711", where="serial:/slot-1"), 5),
        (errors.CardTimeout("no answer", where="serial:/slot-1"), 1),
    ],
)
def test_a_port_that_cannot_be_used_is_one_line_with_its_exit_code(bench, error, code):
    bench.place("A")
    (record,) = serve(bench, "/slot-1", at={"/slot-1": error}).values()
    assert (record.result, record.exit_code) == (Result.FAILED, code)
    assert record.told == str(error)
    assert bench.get(Order, "A").state is OrderState.PLACED


def test_a_port_that_is_not_there_is_exit_3_with_the_real_transport(bench, tmp_path):
    bench.place("A")
    (record,) = Workers(bench.station, bench.keystore, ACTOR, open_port=connect).serve(
        (str(tmp_path / "none"),)
    )
    assert (record.result, record.exit_code) == (Result.FAILED, 3)
    assert "\n" not in record.told


def test_a_lost_card_is_an_open_run_and_the_other_port_goes_on(bench):
    bench.place("A")
    bench.place("B")
    bench.cards[FIRST].set_faults("unplug=700")
    records = serve(bench, "/slot-1", "/slot-2")
    lost = records["/slot-1"]
    assert (lost.result, lost.serial_number, lost.exit_code) == (Result.INTERRUPTED, FIRST, 1)
    assert lost.order is not None
    assert records["/slot-2"].result is Result.COMPLETED
    bench.cards[FIRST].replug()
    again = serve(bench, "/slot-1")["/slot-1"]
    assert (again.result, again.order) == (Result.COMPLETED, lost.order)


def test_stopping_ends_each_card_at_its_next_step_and_they_go_on_later(bench):
    bench.place("A")
    bench.place("B")
    crew = workers(
        bench, on_step=lambda _port, _run, step: crew.stop() if step is RunState.SEED_STORED else None
    )
    records = list(crew.serve(("/slot-1", "/slot-2")))
    assert {record.result for record in records} <= {Result.INTERRUPTED}
    assert exit_code(records) == 1
    assert {run.ended_at for run in bench.all(select(Run))} == {None}
    assert {run.state for run in bench.all(select(Run))} <= {
        RunState.RESERVED,
        RunState.KEYS_ROTATED,
        RunState.SEED_STORED,
    }
    again = serve(bench, "/slot-1", "/slot-2")
    assert {record.result for record in again.values()} == {Result.COMPLETED}


def test_a_hid_port_named_twice_by_two_links_is_told(bench, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "hidraw0")
    with pytest.raises(WrongUsage, match="named twice"):
        serve(bench, f"hid:{tmp_path}/hidraw0", f"hid:{tmp_path}/link")
