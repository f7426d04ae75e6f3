"""`make run`: the demo from outside, as one command, without a terminal."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = [Path(sys.executable).with_name("dsc-station"), "demo", "--home"]
TIMEOUT = 120
ORDERS = {"SAMPLE-1", "SAMPLE-2", "SAMPLE-4", "SAMPLE-5"}


def demo(home, *options):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DSC_STATION")}
    return subprocess.run(
        [*COMMAND, str(home), *options],
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        stdin=subprocess.DEVNULL,
        env=environment,
    )


def emulators(home):
    """Process ids of emulators that serve cards in this home."""
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            arguments = process.read_bytes().decode(errors="replace")
        except OSError:
            continue  # it ended meanwhile
        if "dscplus_card.hosts.emulate" in arguments and str(home) in arguments:
            found.append(process.parent.name)
    return found


def test_the_demo_ends_by_itself_with_a_table_and_a_proof(tmp_path):
    home = tmp_path / "demo-home"
    done = demo(home)
    assert done.returncode == 0, done.stderr
    assert "6 of 8 sample orders are placed, 2 refused" in done.stdout
    assert "line 4: SAMPLE-3: refused PIN" in done.stderr
    assert "line 7: SAMPLE-6: unknown country" in done.stderr
    for heading in ("order", "user", "serial number", "shipped", "auto-activates"):
        assert heading in done.stdout
    for order in ORDERS:
        assert f"{order}, card" in done.stderr or f"order {order}" in done.stdout
    assert "accepted" in done.stdout and "WRONG  4" in done.stdout
    assert "not as it should be" not in done.stdout
    assert "4711" not in done.stdout + done.stderr, "a PIN was shown"
    assert emulators(home) == []


def test_as_records_and_afresh_each_time(tmp_path):
    home = tmp_path / "demo-home"
    for _ in range(2):
        done = demo(home, "--json")
        assert done.returncode == 0, done.stderr
        documents = [json.loads(line) for line in done.stdout.splitlines()]
        assert all(document["format"].endswith("/1") for document in documents)
        by_kind = {document["format"].split(".")[1].split("/")[0]: document for document in documents}
        provisioned = [one for one in documents if one["format"] == "dsc-station.provision/1"]
        assert {one["order"] for one in provisioned} == ORDERS
        assert {one["result"] for one in provisioned} == {"completed"}
        assert all(one["seconds"] > 0 and one["steps"][-1] == "SECURED" for one in provisioned)
        cards = by_kind["demo-cards"]["cards"]
        assert {card["order"] for card in cards} == ORDERS
        assert all(card["auto_activates_on"] > card["shipped_on"] for card in cards)
        assert [proof["accepted"] for proof in by_kind["demo-proof"]["proofs"]] == [True, False, False, True]
        assert len(by_kind["demo-orders"]["refused"]) == 2


def test_what_is_no_demo_home_is_not_touched(tmp_path):
    precious = tmp_path / "precious.txt"
    precious.write_text("mine")
    done = demo(tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "is not a demo home: it was not touched" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert precious.read_text() == "mine"


def test_a_real_station_is_not_touched(tmp_path):
    home, passphrase = tmp_path / "home", tmp_path / "passphrase"
    passphrase.write_text("sample passphrase\n")
    init = [
        Path(sys.executable).with_name("dsc-station"),
        "init",
        "--home",
        home,
        "--passphrase-file",
        passphrase,
    ]
    subprocess.run(init, check=True, capture_output=True, timeout=TIMEOUT)
    before = (home / "station.db").read_bytes()
    done = demo(home)
    assert done.returncode == 1
    assert "is not a demo home" in done.stderr
    assert (home / "station.db").read_bytes() == before


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_ended_by_a_signal_it_leaves_no_emulator_behind(tmp_path, how):
    home = tmp_path / "demo-home"
    with subprocess.Popen(
        [*COMMAND, str(home), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
        text=True,
    ) as running:
        running.stdout.readline()
        assert len(emulators(home)) == 1
        running.send_signal(how)
        running.stdout.read()
        assert running.wait(TIMEOUT) != 0
    assert emulators(home) == []
