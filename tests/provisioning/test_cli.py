"""`dsc-station` in this process: exit codes, one line a failure, JSON by the contract's names."""

import os
import sqlite3
from pathlib import Path

import pytest

from dscplus_station import log
from dscplus_station.clock import system_clock
from dscplus_station.errors import StationError
from dscplus_station.founding import found
from dscplus_station.home import Home
from dscplus_station.keystore.file import FileKeystore
from dscplus_station.quarantine.rules import Cause
from dscplus_station.quarantine.service import set_aside
from tests.provisioning.command_bench import Bench
from tests.provisioning.support import CARDS, World, order_values, other_response

CANARY_PIN = "7391"


def test_init_makes_a_private_home_and_never_twice(tmp_path):
    bench = Bench(tmp_path)
    made = bench.json("init", "--time-zone", "Europe/Zurich", "--issuer", "Muster AG")
    assert (made["time_zone"], made["demo"]) == ("Europe/Zurich", False)
    home = tmp_path / "home"
    assert home.stat().st_mode & 0o777 == 0o700
    assert {path.name: path.stat().st_mode & 0o777 for path in home.iterdir()} == {
        "station.toml": 0o600,
        "station.db": 0o600,
        "keystore.json": 0o600,
        "station.log": 0o600,
        "locks": 0o700,
    }
    assert "is not empty" in bench.run("init", code=1).stderr
    log.close_log()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--time-zone", "Mars/Base"), "unknown time zone"),
        (("--time-zone", "../etc"), "unknown time zone"),
        (("--name", 'a"b'), "without quotes"),
    ],
)
def test_a_failed_init_leaves_nothing_behind(tmp_path, arguments, complaint):
    bench = Bench(tmp_path)
    assert complaint in bench.run("init", *arguments, code=1).stderr
    assert not (tmp_path / "home").exists()


def test_of_two_inits_at_once_one_wins_and_keeps_its_station(tmp_path):
    home = Home(tmp_path / "home")

    def meanwhile():
        found(home, "Sample Issuer", "first", "UTC", lambda: "sesame", demo=False)
        return "sesame"

    with pytest.raises(StationError, match="No station was made"):
        found(home, "Sample Issuer", "second", "UTC", meanwhile, demo=False)
    assert home.settings().station == "first"
    FileKeystore.open(home.keystore_file, "sesame")


def test_init_without_a_passphrase_leaves_nothing_behind(tmp_path):
    bench = Bench(tmp_path)
    bench.run("init", code=3, DSC_STATION_PASSPHRASE_FILE=str(tmp_path / "none"))
    bench.file("empty", "\n")
    bench.run("init", code=1, DSC_STATION_PASSPHRASE_FILE=str(tmp_path / "empty"))
    del bench.environment["DSC_STATION_PASSPHRASE_FILE"]
    assert "--passphrase-file" in bench.run("init", code=2).stderr
    assert not (tmp_path / "home").exists()


def test_no_home(tmp_path):
    bench = Bench(tmp_path)
    assert "dsc-station init" in bench.run("stock", "count", code=3).stderr
    del bench.environment["DSC_STATION_HOME"]
    assert "--home" in bench.run("stock", "count", code=2).stderr


def test_batch_keys(bench):
    key = bench.file("key", "000102030405060708090A0B0C0D0E0F")
    imported = bench.json("keys", "import-batch", "B2", "--key-file", key, "--kvn", "0A")
    assert (imported["kvn"], imported["kcv"], imported["imported"]) == ("0A", "C35280", True)
    assert bench.json("keys", "import-batch", "B2", "--key-file", key, "--kvn", "0A")["imported"] is False
    assert bench.json("keys", "import-batch", "B2", "--key-file", key, "--kvn", "02")["imported"] is True
    bench.run("keys", "import-batch", "B3", "--key-file", key, "--kvn", "xy", code=2)
    bench.run("keys", "import-batch", "B3", "--key-file", key, "--kvn", "10", code=1)
    bench.run("keys", "import-batch", "B3", "--key-file", bench.folder / "none", code=3)


def test_a_wrong_passphrase_is_exit_4(bench):
    bench.passphrase_file.write_text("wrong")
    told = bench.run("orders", "import", bench.orders_file(order_values()), code=4).stderr
    assert "wrong passphrase" in told
    assert bench.json("orders", "list")["orders"] == []


def test_stock(bench):
    deliveries = bench.file("cards.csv", f"serial_number,batch\n{CARDS[2]},B1\n")
    assert bench.json("stock", "receive", deliveries)["received"] == [CARDS[2]]
    assert bench.json("stock", "receive", deliveries)["already_here"] == [CARDS[2]]
    assert bench.json("stock", "count")["counts"] == [{"batch": "B1", "state": "BLANK", "cards": 3}]
    assert [card["serial_number"] for card in bench.json("stock", "list")["cards"]] == CARDS[:3]
    bad = bench.file("bad.csv", f"serial_number,batch\n{CARDS[3]},B1\n0000000019,B1\n")
    refused = bench.json("stock", "receive", bad, code=1)
    assert [one["line"] for one in refused["refused"]] == [3]
    bench.run("stock", "receive", bench.folder / "none.csv", code=3)


def test_orders_are_imported_all_or_partly(bench):
    file = bench.orders_file(
        order_values("O-1"), order_values("O-2", country="XX"), order_values("O-3", pin="1234")
    )
    refused = bench.json("orders", "import", file, code=1)
    assert refused["placed"] == []
    assert [(one["line"], one["subject"]) for one in refused["refused"]] == [(3, "O-2"), (4, "O-3")]
    told = bench.run("orders", "import", file, "--partial", code=1)
    assert "line 4: O-3: refused PIN: a straight sequence is refused" in told.stderr
    assert "1234" not in told.output
    assert bench.json("orders", "import", file, "--partial", code=1)["unchanged"] == ["O-1"]
    order = bench.json("orders", "show", "O-1")
    assert (order["order"], order["state"], order["pin_kept"]) == ("O-1", "PLACED", True)
    bench.run("orders", "show", "O-9", code=3)


def test_an_orders_file_is_plaintext_and_is_shredded_when_asked(bench):
    file = bench.orders_file(order_values(pin=CANARY_PIN))
    told = bench.run("orders", "import", file)
    assert "holds PINs in the clear" in told.stderr
    assert file.exists()
    inode = os.open(file, os.O_RDONLY)
    assert bench.json("orders", "import", file, "--shred")["shredded"] is True
    assert not file.exists()
    assert CANARY_PIN.encode() not in os.pread(inode, 1000, 0)
    os.close(inode)


def test_an_orders_file_with_refused_rows_is_not_shredded(bench):
    file = bench.orders_file(order_values("O-1"), order_values("O-2", country="XX"))
    bench.run("orders", "import", file, "--partial", "--shred", code=1)
    assert file.exists()


def test_cancel_asks_or_takes_yes(bench):
    bench.run("orders", "import", bench.orders_file(order_values()))
    assert "Say --yes" in bench.run("orders", "cancel", "O-1", code=2).stderr
    assert bench.json("orders", "cancel", "O-1", "--yes")["serial_number"] is None
    bench.run("orders", "cancel", "O-1", "--yes", code=1)


def test_a_card_from_the_post_to_a_login(bench):
    bench.world.moment = system_clock()
    bench.world.place(order_values())
    bench.world.secure()
    shipped = bench.json("ship", "O-1", "--carrier", "Post", "--tracking", "T1", *bench.scanned_back("O-1"))
    card = bench.json("cards", "show", CARDS[0])
    assert {name: card[name] for name in ("state", "order", "user", "assignment")} == {
        "state": "SHIPPED",
        "order": "O-1",
        "user": "alice",
        "assignment": "PENDING",
    }
    assert card["shipped_on"] == shipped["shipped_on"]
    assert card["auto_activates_on"] == shipped["auto_activates_on"]
    assert [run["result"] for run in card["runs"]] == ["COMPLETED"]
    assert bench.json("activation", "due")["timers"][0]["due"] is False

    def answer(wrong=False):
        question = bench.json("challenge", CARDS[0])["challenge"]
        response = bench.world.response(CARDS[0], question)
        return CARDS[0], question, other_response(response) if wrong else response

    bench.run("verify", *answer(), code=4)
    assert bench.json("activate", *answer(wrong=True), code=1)["outcome"] == "WRONG"
    assert bench.json("activate", *answer())["activated"] is True
    assert bench.json("cards", "show", CARDS[0])["auto_activates_on"] is None
    right = answer()
    assert bench.json("verify", *right)["verified"] is True
    assert bench.json("verify", *right, code=1)["outcome"] == "REPLAYED"
    for _ in range(5):
        last = bench.json("verify", *answer(wrong=True), code=1)
    assert last["locked"] is True
    bench.run("challenge", CARDS[0], code=4)
    assert bench.json("cards", "release", CARDS[0])["assignment"] == "ACTIVE"
    assert bench.json("cards", "revoke", CARDS[0], "--reason", "lost", "--yes")["users"] == ["alice"]
    bench.run("verify", *right, code=3)


def test_the_timer_runs_from_the_command_line(bench):
    bench.world.moment = system_clock()
    bench.world.place(order_values())
    bench.world.secure()
    due_on = bench.json("ship", "O-1", "--carrier", "Post", "--tracking", "T1", *bench.scanned_back("O-1"))[
        "auto_activates_on"
    ]
    assert bench.json("activation", "run")["activated"] == []
    assert bench.json("activation", "run", "--on", due_on)["activated"] == [CARDS[0]]
    assert bench.json("activation", "run", "--on", due_on)["activated"] == []
    bench.run("activation", "run", "--on", "soon", code=2)


def test_a_day_to_come_is_refused_outside_a_demo_home(tmp_path):
    bench = Bench(tmp_path)
    World(tmp_path).close()
    for arguments in (("activation", "run"), ("activation", "due")):
        assert "is still to come" in bench.run(*arguments, "--on", "2199-01-01", code=4).stderr
    log.close_log()


def test_undelivered(bench):
    bench.world.moment = system_clock()
    bench.world.place(order_values())
    bench.world.secure()
    bench.run("undelivered", "O-1", "--yes", code=1)
    bench.run("ship", "O-1", "--carrier", "Post", "--tracking", "T1", *bench.scanned_back("O-1"))
    assert bench.json("undelivered", "O-1", "--yes")["serial_number"] == CARDS[0]
    assert bench.json("activation", "due")["timers"] == []
    bench.run("undelivered", "O-9", "--yes", code=3)


def test_quarantine(bench):
    with bench.world.writing() as session:
        evidence = {"key_version": "21"}
        set_aside(session, bench.world.actor, bench.world.moment, CARDS[0], Cause.FOREIGN_KEYS, evidence)
    assert bench.json("quarantine", "list")["cases"][0]["serial_number"] == CARDS[0]
    assert "no key of ours opens it" in bench.run("quarantine", "show", CARDS[0]).stdout
    bench.run("quarantine", "show", CARDS[1], code=3)
    bench.run("quarantine", "resolve", CARDS[0], "release", "--note", "x", code=2)
    bench.run("quarantine", "resolve", CARDS[0], "scrap", "--note", "foreign", "--yes")
    assert bench.json("quarantine", "list")["cases"] == []
    assert bench.json("cards", "show", CARDS[0])["state"] == "SCRAPPED"


@pytest.mark.sqlite
def test_backup_and_restore(bench):
    file = bench.folder / "b"
    bench.run("backup", file)
    bench.run("backup", file, code=1)
    bench.run("restore", file, code=4)
    restored = bench.json("restore", file, "--home", bench.folder / "other")
    assert restored["former_home"] is None
    assert bench.json("stock", "count") == bench.json("stock", "count", "--home", bench.folder / "other")
    aside = bench.json("restore", file, "--replace", "--yes")["former_home"]
    assert Path(aside, "station.db").exists()


@pytest.mark.sqlite
def test_an_older_program_meets_a_newer_database(bench):
    connection = sqlite3.connect(Home(bench.folder / "home").database_file)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    assert "newer release" in bench.run("stock", "count", code=1).stderr
