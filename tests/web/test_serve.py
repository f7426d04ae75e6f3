"""`dsc-station serve` as a process: one line, loopback, a clean end."""

import json
import signal
import socket
import subprocess
import sys
import time

import httpx
import pytest

from dscplus_station import locks
from dscplus_station.jobs.records import OWNERSHIP
from tests.provisioning.support import PASSPHRASE

TIMEOUT = 30


@pytest.fixture
def start(world, tmp_path):
    passphrase = tmp_path / "passphrase"
    passphrase.write_text(PASSPHRASE + "\n")
    processes = []

    def start(*options):
        command = [sys.executable, "-c", "from dscplus_station.cli import main; main()", "serve"]
        command += ["--home", str(world.home.path), "--passphrase-file", str(passphrase), *options]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate(timeout=TIMEOUT)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_tells_its_address_in_one_line_serves_runs_the_jobs_and_ends_cleanly(world, start, number):
    process = start("--port", "0", "--json")
    told = json.loads(process.stdout.readline())
    assert told["format"] == "dsc-station.serve/1" and told["url"].startswith("http://127.0.0.1:")
    assert httpx.get(told["url"] + "sign-in", timeout=TIMEOUT).status_code == 200
    deadline = time.monotonic() + TIMEOUT
    while locks.holder(world.home.locks, OWNERSHIP) != f"serve, pid {process.pid}":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(number)
    output, errors = process.communicate(timeout=TIMEOUT)
    assert (process.returncode, output, errors) == (0, "", "")


def test_a_port_in_use_is_told_in_one_line(start):
    with socket.create_server(("127.0.0.1", 0)) as other:
        process = start("--port", str(other.getsockname()[1]))
        _, errors = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 5 and errors.count("\n") == 1 and "--port" in errors


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--bind", "::"), "in the clear"),
        (("--certificate", "nowhere.pem"), "goes with its key"),
        (("--certificate", "nowhere.pem", "--certificate-key", "nowhere.pem"), "nowhere.pem"),
    ],
)
def test_what_would_send_pins_in_the_clear_is_refused(start, options, said):
    process = start("--port", "0", *options)
    output, errors = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 1 and output == ""
    assert errors.count("\n") == 1 and said in errors
