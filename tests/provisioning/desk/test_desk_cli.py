"""`dsc-station returns inspect|restock|scrap|quarantine|shelf count` with a virtual card at the port."""

import functools
import json

import pytest

from dscplus_station import log
from dscplus_station.cli import desk as commands
from dscplus_station.desk.working import on_the_desk
from dscplus_station.stock.rules import CardState
from tests.provisioning.command_bench import Bench as Commands
from tests.provisioning.desk.returned import ReturnsBench
from tests.provisioning.personalise.bench import PASSPHRASE, SERIALS, virtual_card

FIRST, SECOND = SERIALS[:2]


@pytest.fixture
def bench(tmp_path, monkeypatch):
    bench = ReturnsBench(tmp_path)
    at_port = functools.partial(on_the_desk, open_port=lambda url: bench.plugged(bench.cards[url]))
    monkeypatch.setattr(commands, "on_the_desk", at_port)
    bench.commands = Commands(tmp_path)
    bench.commands.passphrase_file.write_text(PASSPHRASE + "\n")
    yield bench
    bench.close()
    log.close_log()


def test_a_card_is_inspected_and_restocked(bench):
    bench.sent()
    told = bench.commands.json("returns", "inspect", FIRST, "--port", FIRST)
    assert (told["recommendation"], told["deviations"]) == ("restock", ["scrap", "quarantine"])
    assert told["revoked_for"] == ["user-of-O-1"]
    assert {one["result"] for one in told["findings"]} == {"passed"}
    assert "address" not in json.dumps(told)
    said = bench.commands.run("returns", "inspect", FIRST, "--port", FIRST).output
    assert "recommended: RESTOCK" in said
    assert "It is this card, sound" in said
    bench.commands.run("returns", "restock", FIRST, "--port", FIRST, code=2)  # nobody to ask
    done = bench.commands.run("returns", "restock", FIRST, "--port", FIRST, "--yes")
    assert "is wiped, proven so, and stock again" in done.output
    assert "keys rotated" in done.stderr
    assert bench.state() is CardState.BLANK


def test_a_damaged_card_is_scrapped(bench):
    bench.sent()
    told = bench.commands.json("returns", "inspect", FIRST, "--port", FIRST, "--condition", "damaged")
    assert told["recommendation"] == "scrap"
    bench.commands.run("returns", "restock", FIRST, "--port", FIRST, "--yes", code=4)
    assert bench.commands.json("returns", "scrap", FIRST, "--port", FIRST, "--yes")["verdict"] == "scrapped"


def test_a_dead_card_goes_onto_the_shelf_which_is_counted(bench):
    bench.sent()
    bench.commands.run("returns", "inspect", FIRST, code=2)
    bench.commands.run("returns", "inspect", FIRST, "--port", FIRST, "--no-answer", code=2)
    assert bench.commands.json("returns", "inspect", FIRST, "--no-answer")["recommendation"] == "quarantine"
    bench.commands.run("returns", "scrap", FIRST, "--port", FIRST, "--yes", code=4)
    bench.commands.run("returns", "quarantine", FIRST, "--yes")
    assert bench.state() is CardState.QUARANTINED
    assert bench.commands.json("returns", "shelf", "count", FIRST)["missing"] == []
    scanned = bench.commands.file("scans.txt", f"{SECOND}\n")
    differing = bench.commands.run("returns", "shelf", "count", "--file", scanned, code=1)
    assert f"{FIRST}: in quarantine by the records, and not there" in differing.output
    assert f"{SECOND}: there, and unknown by the records" in differing.output


def test_the_wrong_card_and_a_card_that_was_not_inspected_are_refused(bench):
    bench.sent()
    bench.cards[SECOND] = virtual_card(SECOND)
    refused = bench.commands.run("returns", "inspect", FIRST, "--port", SECOND, code=1)
    assert f"the card there is {SECOND}, and {FIRST} was scanned" in refused.stderr
    bench.commands.run("returns", "restock", FIRST, "--port", FIRST, "--yes", code=3)
    assert bench.state() is CardState.SHIPPED


def test_a_quarantine_by_the_saga_is_told_and_fails(bench, monkeypatch):
    bench.sent()
    bench.commands.run("returns", "inspect", FIRST, "--port", FIRST)
    monkeypatch.setattr("dscplus_driver.session.SecureSession.quota_left", lambda _session: 31)
    told = bench.commands.run("returns", "restock", FIRST, "--port", FIRST, "--yes", code=1)
    assert "is quarantined: the card is not wiped" in told.stderr
