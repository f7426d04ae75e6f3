"""`dsc-station` in processes of its own: start-up, streams, disks, and no secret anywhere."""

import json
import os
import sqlite3
import subprocess
import sys

import pytest

from dscplus_station import log
from dscplus_station.clock import system_clock
from tests.provisioning.command_bench import Bench
from tests.provisioning.support import CARDS, PASSPHRASE, order_values

CANARY_PIN = "7391"


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


def test_the_page_loads_nothing_that_makes_documents():
    """A fifth of a second and 30 MiB, which the first page would have to wait for."""
    probe = (
        "import gc, sys\n"
        "from dscplus_station.cli import cli\n"
        "cli.get_command(None, 'serve')\n"
        "assert gc.isenabled() and gc.get_freeze_count() > 100_000, gc.get_freeze_count()\n"
        "from dscplus_station.web import app, kiosk\n"
        "found = [area.__name__.rpartition('.')[2] for area in app.areas()]\n"
        "assert {'documents', 'returns', 'sign_in'} <= set(found), found\n"
        "late = {'fpdf', 'fontTools', 'PIL', 'zxingcpp', 'alembic', 'pycountry', 'holidays', 'serial'}\n"
        "assert not late & set(sys.modules), late & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True)
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


@pytest.mark.sqlite
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
    outputs.append(
        bench.run("ship", "O-1", "--carrier", "Post", "--tracking", "T1", *bench.scanned_back("O-1")).output
    )
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
