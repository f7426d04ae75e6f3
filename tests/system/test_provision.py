"""`dsc-station provision` from outside: real processes, real ptys, and what goes wrong with ports."""

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import tty
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent
TIMEOUT = 120
"""Seconds; a laden machine takes several for what takes one."""
ORDERS = """order,user,kind,replaces,pin,profile,language,name,address,country
A,user-a,new,,4711,A,en,Sample Person,1 Sample Street,US
B,user-b,new,,0815,B,en,Sample Person,2 Sample Street,US
"""
HOLDER = """
import sys
from dscplus_driver import connect
card = connect(sys.argv[1])
print(flush=True)
sys.stdin.read()
"""
STOCK = "serial_number,batch\n0000000018,SAMPLE\n0000000026,SAMPLE\n"


class Station:
    """Runs `dsc-station` in a folder that has the home, the passphrase and the files."""

    def __init__(self, folder):
        self.folder = folder
        self._environment = os.environ | {
            "DSC_STATION_HOME": str(folder / "home"),
            "DSC_STATION_PASSPHRASE_FILE": str(folder / "passphrase"),
        }

    def start(self, *arguments):
        return subprocess.Popen(
            [BIN / "dsc-station", *map(str, arguments)],
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *arguments):
        with self.start(*arguments) as process:
            out, err = process.communicate(timeout=TIMEOUT)
        return process.returncode, out, err


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A folder with a station that has two cards in stock and two orders; tests work on copies."""
    folder = tmp_path_factory.mktemp("prepared")
    (folder / "passphrase").write_text("sample passphrase\n")
    (folder / "key").write_text("404142434445464748494A4B4C4D4E4F\n")
    (folder / "stock.csv").write_text(STOCK)
    (folder / "orders.csv").write_text(ORDERS)
    station = Station(folder)
    for command in (
        ["init"],
        ["keys", "import-batch", "SAMPLE", "--key-file", "key"],
        ["stock", "receive", "stock.csv"],
        ["orders", "import", "orders.csv"],
    ):
        code, _, err = station(*command)
        assert code == 0, err
    return folder


@pytest.fixture
def station(prepared, tmp_path):
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    return Station(tmp_path)


@pytest.fixture
def emulator(tmp_path):
    """Starts an emulator and gives its cards' paths."""
    running = []

    def start(*options):
        folder = tmp_path / "cards"
        command = [BIN / "dsc-emulate", "--count", "3", "--dir", folder, *options]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, text=True
        )
        running.append(process)
        return [process.stdout.readline().split()[1] for _ in range(3)]

    yield start
    for process in running:
        process.terminate()
        process.wait(TIMEOUT)
        process.stdout.close()


def records(out):
    return [json.loads(line) for line in out.splitlines()]


def test_two_ports_two_orders_as_json_lines(station, emulator):
    first, second, _ = emulator()
    code, out, err = station("provision", "--port", first, "--port", second, "--json")
    assert code == 0, err
    told = records(out)
    assert {record["order"] for record in told} == {"A", "B"}
    assert {record["serial_number"] for record in told} == {"0000000018", "0000000026"}
    assert all(record["result"] == "completed" and record["seconds"] > 0 for record in told)
    assert all(record["steps"][0] == "RESERVED" and record["steps"][-1] == "SECURED" for record in told)


def test_a_card_that_is_bound_and_one_that_is_not_in_stock_are_one_line_each(station, emulator):
    first, _, stranger = emulator()
    assert station("provision", "--order", "A", "--port", first)[0] == 0
    code, out, err = station("provision", "--order", "B", "--port", first)
    assert (code, out, len(err.splitlines())) == (1, "", 1)
    assert "card 0000000018 is SECURED and serves order A" in err
    code, out, err = station("provision", "--order", "B", "--port", stranger)
    assert (code, out, len(err.splitlines())) == (3, "", 1)
    assert "no card 0000000034 in this station's stock" in err
    assert records(station("orders", "list", "--json")[1])[0]["orders"][1]["state"] == "PLACED"


def test_a_port_that_is_not_there_no_card_or_in_use_is_one_line_with_its_exit_code(
    station, emulator, tmp_path
):
    code, _, err = station("provision", "--port", tmp_path / "none")
    assert (code, len(err.splitlines())) == (3, 1)

    controller, silent = pty.openpty()
    tty.setraw(silent)
    code, _, err = station("provision", "--port", os.ttyname(silent))
    os.close(controller)
    os.close(silent)
    assert (code, len(err.splitlines())) == (1, 1)
    assert "Check that this port is a DSC+" in err

    first, *_ = emulator()
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, first], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        process.stdout.readline()
        code, _, err = station("provision", "--port", first)
        process.stdin.close()
    assert (code, len(err.splitlines())) == (5, 1), err


def test_ctrl_c_ends_at_a_step_and_running_it_again_goes_on(station, emulator):
    first, *_ = emulator("--baud", "9600")  # a second and more for the whole card
    with station.start("provision", "--port", first, "--json") as process:
        for line in process.stderr:
            if "issuer keys on the card" in line:
                break
        process.send_signal(signal.SIGINT)
        (stopped,) = records(process.stdout.read())
        assert process.wait(TIMEOUT) == 1
    assert stopped["result"] == "interrupted"
    assert stopped["steps"][:2] == ["RESERVED", "KEYS_ROTATED"] and "SECURED" not in stopped["steps"]
    code, out, err = station("provision", "--port", first, "--json")
    assert code == 0, err
    (again,) = records(out)
    assert (again["order"], again["result"]) == (stopped["order"], "completed")
    assert "RESERVED" not in again["steps"]


def test_killed_with_its_emulator_alive_it_goes_on_when_run_again(station, emulator):
    """SIGKILL of the station while the card is spoken to; the card's channel lapses by itself."""
    first, *_ = emulator("--baud", "9600")
    with station.start("provision", "--port", first) as process:
        for line in process.stderr:
            if "seed on the card" in line:
                break
        process.kill()
        assert process.wait(TIMEOUT) == -signal.SIGKILL
    code, out, err = station("provision", "--port", first, "--json")
    assert code == 0, err
    assert records(out)[0]["result"] == "completed"
