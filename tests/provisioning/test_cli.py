"""`dsc-station`: exit codes, one line a failure, JSON by the contract's names, no secret anywhere."""

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from dscplus_station import log
from dscplus_station.cli import COMMANDS, cli
from dscplus_station.clock import system_clock
from dscplus_station.errors import StationError
from dscplus_station.founding import found
from dscplus_station.home import Home
from dscplus_station.keystore.file import FileKeystore
from dscplus_station.orders.rules import COLUMNS
from dscplus_station.quarantine.rules import Cause
from dscplus_station.quarantine.service import set_aside
from tests.provisioning.support import CARDS, PASSPHRASE, World, order_values, other_response

CANARY_PIN = "7391"


class Bench:
    """Runs commands against a station's home."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.passphrase_file = folder / "passphrase"
        self.passphrase_file.write_text(PASSPHRASE + "\n")
        self.environment = {
            "DSC_STATION_HOME": str(folder / "home"),
            "DSC_STATION_PASSPHRASE_FILE": str(self.passphrase_file),
        }

    def run(self, *arguments, code=0, **environment):
        result = CliRunner().invoke(cli, [str(a) for a in arguments], env=self.environment | environment)
        assert result.exit_code == code, (arguments, result.output, result.exception)
        if code:
            last = result.stderr.strip().splitlines()[-1]
            assert last.startswith(("dsc-station: ", "Error: ")), result.stderr
        assert "Traceback" not in result.output
        return result

    def json(self, *arguments, code=0):
        document = json.loads(self.run(*arguments, "--json", code=code).stdout)
        assert document["format"].startswith("dsc-station.") and document["format"].endswith("/1")
        return document

    def file(self, name, content):
        path = self.folder / name
        path.write_text(content, encoding="utf-8")
        return path

    def orders_file(self, *orders, name="orders.csv"):
        lines = [",".join(f'"{order[column]}"' for column in COLUMNS) for order in orders]
        return self.file(name, "\n".join([",".join(COLUMNS), *lines]) + "\n")


@pytest.fixture
def bench(tmp_path):
    """A bench with a home that has a batch and two cards."""
    bench = Bench(tmp_path)
    world = World(tmp_path, demo=True)
    world.stock(2)
    bench.world = world
    yield bench
    world.close()
    log.close_log()


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
    shipped = bench.json("ship", "O-1", "--carrier", "Post", "--tracking", "T1")
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
    due_on = bench.json("ship", "O-1", "--carrier", "Post", "--tracking", "T1")["auto_activates_on"]
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
    bench.run("ship", "O-1", "--carrier", "Post", "--tracking", "T1")
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


def test_an_older_program_meets_a_newer_database(bench):
    connection = sqlite3.connect(Home(bench.folder / "home").database_file)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    assert "newer release" in bench.run("stock", "count", code=1).stderr


def test_every_command_and_subcommand_has_help():
    for name in COMMANDS:
        command = cli.get_command(None, name)
        for words in [[name], *([name, sub] for sub in getattr(command, "commands", {}))]:
            result = CliRunner().invoke(cli, [*words, "--help"])
            assert result.exit_code == 0, words
            assert result.stdout.startswith("Usage:")


# In processes of their own


def station(bench, *arguments, wrapper=(), stdout=subprocess.PIPE, **environment):
    program = [sys.executable, "-c", "from dscplus_station.cli import main; main()"]
    return subprocess.run(
        [*wrapper, *program, *map(str, arguments)],
        env=os.environ | bench.environment | environment,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
    )


def test_version_and_help_load_neither_database_nor_cryptography(tmp_path):
    probe = (
        "import sys\nfrom dscplus_station.cli import cli\n"
        "try: cli(['{}'])\nexcept SystemExit as end: code = end.code\n"
        "heavy = {{'sqlalchemy', 'alembic', 'cryptography', 'pycountry', 'rich'}} & set(sys.modules)\n"
        "assert not code and not heavy, (code, heavy)"
    )
    for option in ("--version", "--help"):
        done = subprocess.run([sys.executable, "-c", probe.format(option)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("missing", ["sqlalchemy", "alembic", "pycountry"])
def test_a_missing_extra_is_one_line(bench, missing):
    hide = bench.folder / "hide"
    (hide / missing).mkdir(parents=True)
    (hide / missing / "__init__.py").write_text(
        f"raise ModuleNotFoundError({f'No module named {missing}'!r}, name={missing!r})"
    )
    arguments = {
        "sqlalchemy": ("stock", "count"),
        "alembic": ("init", "--home", bench.folder / "new"),
        "pycountry": ("orders", "import", bench.orders_file(order_values())),
    }[missing]
    done = station(bench, *arguments, PYTHONPATH=str(hide))
    assert (done.returncode, done.stderr) == (
        1,
        "dsc-station: this needs the station extra: pip install 'dscplus[station]'\n",
    )


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (("orders", "show", "O-9"), 3, "NotFound"),
        (("orders", "import", "none.csv"), 3, "NotFound"),
        (("orders", "cancel", "O-9"), 2, "WrongUsage"),
        (("orders", "show"), 2, "UsageError"),
        (("ship", "O-1", "--carrier", "C", "--tracking", "T", "--on", "soon"), 2, "UsageError"),
        (("nonsense",), 2, "UsageError"),
    ],
)
def test_a_failure_is_one_json_document_and_one_line(bench, arguments, code, error):
    done = station(bench, *arguments, "--json")
    document = json.loads(done.stdout)
    assert document == {
        "format": "dsc-station.error/1",
        "error": error,
        "message": document["message"],
        "exit_code": code,
    }
    assert (done.returncode, done.stderr) == (code, f"dsc-station: {document['message']}\n")


def test_a_command_that_told_its_refusals_gives_no_second_document(bench):
    file = bench.orders_file(order_values(country="XX"))
    done = station(bench, "orders", "import", file, "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["format"] == "dsc-station.orders-import/1"


def test_a_reader_that_leaves_is_no_failure_to_tell(bench):
    reading, writing = os.pipe()
    os.close(reading)
    done = station(bench, "stock", "list", stdout=writing)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


def test_closed_standard_streams_are_no_crash(bench):
    bench.run("orders", "import", bench.orders_file(order_values()))
    script = 'exec <&- >&-; exec "$@"'
    done = station(bench, "orders", "cancel", "O-1", wrapper=("sh", "-c", script, "sh"))
    assert (done.returncode, done.stderr) == (2, "dsc-station: Cancel order O-1? Say --yes to do it\n")


def test_without_a_command_the_help_is_told():
    done = subprocess.run(
        [sys.executable, "-c", "from dscplus_station.cli import main; main()"], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert done.stderr.startswith("Usage: dsc-station")


def test_a_home_that_cannot_be_written_is_one_line(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    bench = Bench(tmp_path)
    bench.environment["DSC_STATION_HOME"] = str(blocked / "home")
    told = bench.run("init", code=1).stderr
    assert told.count("\n") == 1


def test_a_full_log_disk_does_not_stop_the_station(bench):
    (bench.folder / "home" / "station.log").unlink(missing_ok=True)
    (bench.folder / "home" / "station.log").symlink_to("/dev/full")
    assert bench.json("stock", "count")["counts"]


def test_no_secret_is_anywhere_after_a_whole_run(bench):
    canary_key = "C0FFEE00C0FFEE01C0FFEE02C0FFEE03"
    key = bench.file("key", canary_key)
    outputs = [bench.run("keys", "import-batch", "B2", "--key-file", key).output]
    file = bench.orders_file(
        order_values(pin=CANARY_PIN), order_values("O-2", user="bob", pin=CANARY_PIN, country="XX")
    )
    outputs.append(bench.run("orders", "import", file, code=1).output)
    outputs.append(bench.run("orders", "import", file, "--partial", code=1).output)
    changed = bench.orders_file(order_values(pin="7392"), name="changed.csv")
    outputs.append(bench.run("orders", "import", changed, code=1).output)
    bench.world.moment = system_clock()
    bench.world.secure(pin=CANARY_PIN)
    outputs.append(bench.run("ship", "O-1", "--carrier", "Post", "--tracking", "T1").output)
    for command in (
        ("orders", "show", "O-1"),
        ("cards", "show", CARDS[0]),
        ("cards", "list"),
        ("stock", "list"),
    ):
        outputs += [bench.run(*command).output, bench.run(*command, "--json").output]
    question = bench.json("challenge", CARDS[0])["challenge"]
    response = bench.world.response(CARDS[0], question)
    outputs.append(bench.run("activate", CARDS[0], question, response).output)
    outputs.append(bench.run("backup", bench.folder / "backup").output)

    seed = bench.world.seeds[CARDS[0]].reveal()
    secrets = {
        "key": [canary_key.encode(), canary_key.lower().encode(), bytes.fromhex(canary_key)],
        "seed": [seed, seed.hex().encode(), seed.hex().upper().encode()],
        "passphrase": [PASSPHRASE.encode()],
    }
    places = {path.name: path.read_bytes() for path in (bench.folder / "home").rglob("*") if path.is_file()}
    assert {"station.db", "station.db-wal", "station.log", "keystore.json"} <= set(places)
    places |= {"backup": (bench.folder / "backup").read_bytes(), "outputs": "".join(outputs).encode()}
    for name, spellings in secrets.items():
        for place, content in places.items():
            assert not any(spelling in content for spelling in spellings), (name, place)

    # Four digits occur by chance in microseconds, process numbers and challenges: those are left out.
    told = [json.loads(line) for line in places["station.log"].splitlines()]
    texts = [str({name: line[name] for name in line if name not in ("at", "pid")}) for line in told]
    texts += [*outputs, *stored_values(bench.folder / "home" / "station.db")]
    for pin in (CANARY_PIN, "7392"):
        assert not [text for text in texts if pin in text]


def stored_values(path):
    """Every value in the database but moments and challenges, as text."""
    connection = sqlite3.connect(path)
    for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        columns = connection.execute(f"PRAGMA table_info({table})").fetchall()
        wanted = [c[1] for c in columns if c[2] != "DATETIME" and c[1] != "question"]
        for row in connection.execute(f"SELECT {', '.join(wanted)} FROM {table}"):  # noqa: S608
            yield from (value.decode("latin-1") if isinstance(value, bytes) else str(value) for value in row)
    connection.close()


def test_the_log_hides_what_looks_like_a_secret(tmp_path):
    log.open_log(tmp_path / "log")
    log.info(
        "seed 31323334353637383930313233343536373839303132 stored",
        pin="7391",
        seed="x",
        order="O-1",
        kcv="C35280",
    )
    log.close_log()
    (line,) = (tmp_path / "log").read_text().splitlines()
    record = json.loads(line)
    assert record["event"] == "seed [hidden] stored"
    assert (record["pin"], record["seed"], record["order"], record["kcv"]) == (
        "[hidden]",
        "[hidden]",
        "O-1",
        "C35280",
    )
