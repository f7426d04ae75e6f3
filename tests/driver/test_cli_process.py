"""`dsc` as a process, against virtual cards on ptys."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

DSC = [sys.executable, "-c", "from dscplus_driver.cli import main; main()"]
EMULATE = [sys.executable, "-c", "from dscplus_card.hosts.emulate import main; main()"]


def dsc(*arguments, **options):
    return subprocess.run([*DSC, *arguments], capture_output=True, text=True, timeout=60, **options)


def start(*arguments):
    return subprocess.Popen([*DSC, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def loaded_after(arguments, *modules):
    """Run `dsc` in a fresh interpreter; return its output, and which of the modules it then has."""
    script = (
        f"import sys; sys.argv[1:] = {arguments!r}\n"
        "from dscplus_driver.cli import main\n"
        "try:\n    main()\nexcept SystemExit: pass\n"
        f"print(sorted({set(modules)!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    *output, loaded = done.stdout.splitlines()
    return output, loaded


@pytest.fixture(scope="module")
def cards(tmp_path_factory):
    """Two virtual cards; the second is used by the test that takes it away."""
    directory = tmp_path_factory.mktemp("cards")
    command = [*EMULATE, "--count", "2", "--dir", str(directory)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as emulator:
        ready = [emulator.stdout.readline().split() for _ in range(2)]
        yield emulator, [line[1] for line in ready], [line[2] for line in ready]
        emulator.terminate()


def test_version_imports_nothing_heavy():
    output, loaded = loaded_after(["--version"], "click", "cryptography", "serial", "json")
    assert output[0].startswith("dsc 0.") and loaded == "[]"


def test_help_imports_no_command():
    output, loaded = loaded_after(["--help"], "cryptography", "serial", "dscplus_driver.card")
    assert "  Exit codes:" in output and loaded == "[]"


@pytest.mark.parametrize("arguments", [[], ["keys"]])
def test_without_a_command_the_help_is_told(arguments):
    done = dsc(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("Usage: dsc") and "Try `dsc" not in done.stderr


def test_a_character_that_the_terminal_lacks_is_no_crash(cards):
    _, (port, _), _ = cards
    done = dsc("info", "--port", port, env=os.environ | {"PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, "")
    assert "suite           ?\n" in done.stdout


def test_closed_standard_streams_are_no_crash(cards):
    _, (port, _), _ = cards
    for closed in ("<&-", ">&-", "<&- >&-"):
        command = ["sh", "-c", f'exec {closed}; exec "$@"', "sh", *DSC]
        command += ["info", "--port", port]
        done = subprocess.run(command, stderr=subprocess.PIPE, text=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, ""), closed
    command = ["sh", "-c", 'exec <&-; exec "$@"', "sh", *DSC, "keys", "terminate", "--port", port]
    done = subprocess.run([*command, "--test-keys"], stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 2 and done.stderr.endswith("Say --yes.\n")


def test_personalise_test_and_wipe_without_a_station(cards, tmp_path):
    _, (port, _), (serial_number, _) = cards
    files = {"issuer.key": "80" * 32, "seed": "5e" * 32, "pin": "0042"}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o600)
    keys = ["--port", port, "--issuer-key-file", str(tmp_path / "issuer.key")]
    seed = ["--seed-file", str(tmp_path / "seed")]
    pin = ["--pin-file", str(tmp_path / "pin")]
    made = dsc("keys", "inject", *keys, "--test-keys", *seed, *pin, "--json")
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["serial_number"] == serial_number
    answer = json.loads(dsc("keys", "respond", "000123", *keys, "--json").stdout)["response"]
    suite = ["--suite", "OCRA-1:HOTP-SHA256-8:QN06"]
    computed = dsc("ocra", *suite, "--key-file", str(tmp_path / "seed"), "--question", "000123")
    assert answer == computed.stdout.strip()
    assert json.loads(dsc("info", "--port", port, "--json").stdout)["life_cycle"] == "SECURED"
    assert dsc("keys", "wipe", *keys, "--yes").returncode == 0
    assert json.loads(dsc("info", "--port", port, "--json").stdout)["life_cycle"] == "OP_READY"


def test_apdus_are_piped_through_one_session(cards):
    _, (port, _), (serial_number, _) = cards
    done = dsc("apdu", "--port", port, "-", input="80CA0045\n80CADF09\n")
    first, second = done.stdout.splitlines()
    assert first == serial_number.encode().hex().upper() + " 9000" and second.endswith(" 9000")


def test_an_interrupt_stops_the_wink_and_a_port_in_use_is_exit_5(cards):
    _, (port, _), _ = cards
    with start("traffic", "wink", "--port", port) as winking:
        while "WINK" not in (line := winking.stdout.readline()):
            assert line, winking.stderr.read()
        refused = dsc("info", "--port", port)
        assert refused.returncode == 5
        assert f"in use by process {winking.pid}" in refused.stderr and "Traceback" not in refused.stderr
        winking.send_signal(signal.SIGINT)
        _, complaint = winking.communicate(timeout=20)
    assert winking.returncode == 1 and "stopped" in complaint
    assert dsc("info", "--port", port).returncode == 0


def test_a_reader_that_leaves_is_no_traceback(cards):
    _, (port, _), _ = cards
    command = " ".join(["exec", *map(repr, [*DSC, "apdu", "--port", port, "-"]), "|", "head", "-n1"])
    done = subprocess.run(
        ["bash", "-c", command], input="80CA0045\n" * 5000, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.count("\n") == 1 and done.stderr == ""


def test_a_reader_that_has_left_before_a_failure_is_told_is_no_traceback():
    reader, writer = os.pipe()
    os.close(reader)
    command = [*DSC, "info", "--port", "usb:x", "--json"]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, timeout=60)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.parametrize("arguments", [["--help"], ["list", "--json"], ["info", "--port", "usb:x", "--json"]])
def test_output_that_the_disk_has_no_room_for_is_one_line(arguments):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*DSC, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    *_, complaint = done.stderr.splitlines()
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert complaint.startswith("dsc: what this had to tell could not be written: No space left")


def test_complaints_that_nobody_takes_leave_the_exit_code():
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*DSC, "info", "--port", "usb:x"], stderr=full, timeout=60)
    assert done.returncode == 2


def test_a_card_that_goes_away_is_exit_1_with_advice(cards):
    emulator, (_, port), _ = cards
    with start("traffic", "ping", "--port", port, "--count", "100000") as pinging:
        while "PING" not in (line := pinging.stdout.readline()):
            assert line, pinging.stderr.read()
        emulator.terminate()
        emulator.wait(timeout=20)
        _, complaint = pinging.communicate(timeout=20)
    assert pinging.returncode == 1
    assert "was removed. Plug the card in again" in complaint and "Traceback" not in complaint
    assert dsc("info", "--port", port).returncode == 3
