"""Canaries: after a whole run, from orders file to login, no secret is found where it has no business.

Searched: all output, the home's files (database, WAL, keystore, log, locks), the encrypted backup, and the
command line and environment of every process while the run went on. The cards' flash images hold the
secrets by nature.
"""

import base64
import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from dscplus_driver.emulator import VirtualCardControl
from dscplus_station.devices.tables import Device
from dscplus_station.home import Home
from dscplus_station.keystore.file import FileKeystore
from dscplus_station.keystore.interface import seed_of
from dscplus_station.opening import open_station
from tests.firmware_ref.hosts.emulate_process import Emulator, environment

PATIENCE_S = 60.0
BATCH_MASTER = bytes.fromhex("c0ffee00112233445566778899aabbccc0ffee00112233445566778899aabbcc")
PASSPHRASE = "sample passphrase of the canary run"
CARDS = 2


def unlikely_pins(count: int) -> list[str]:
    """PINs that the policy admits and that no process id of the next minutes looks like."""
    usual = ("7359", "4816", "2947", "8062", "5173", "9405")
    near = range(os.getpid() - 100, os.getpid() + 2000)
    return [pin for pin in usual if int(pin) not in near][:count]


class ProcessWatch:
    """Collects what every process of this machine shows of itself while the run goes on."""

    def __init__(self) -> None:
        self.seen: set[bytes] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def _watch(self) -> None:
        while not self._over.wait(0.02):
            for process in Path("/proc").glob("[0-9]*"):
                for name in ("cmdline", "environ"):
                    try:
                        self.seen.add((process / name).read_bytes())
                    except OSError:
                        continue  # ended meanwhile, or another user's

    def __enter__(self) -> "ProcessWatch":
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._over.set()
        self._thread.join()


class StationRun:
    """`dsc-station` as a process, all of whose output is kept."""

    def __init__(self, home: Path, passphrase_file: Path) -> None:
        self.output = ""
        self._environment = {
            **environment(),
            "DSC_STATION_HOME": str(home),
            "DSC_STATION_PASSPHRASE_FILE": str(passphrase_file),
        }

    def __call__(self, *arguments: object, expect: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-c", "from dscplus_station.cli import main; main()", *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            env=self._environment,
        )
        self.output += done.stdout + done.stderr
        assert done.returncode == expect, done.stderr
        return done.stdout


def forms(secret: bytes) -> list[bytes]:
    """A secret as it is, in hexadecimal and in base64 (at each of the three alignments)."""
    encoded = [base64.b64encode(b"\0" * shift + secret)[4 if shift else 0 : -4] for shift in range(3)]
    return [secret, secret.hex().encode(), secret.hex().upper().encode(), *encoded]


def found(secret: bytes, where: dict[str, bytes]) -> list[str]:
    """Names of the places that hold a key or seed in any form."""
    return [name for name, content in where.items() if any(form in content for form in forms(secret))]


def found_pin(pin: str, where: dict[str, bytes]) -> list[str]:
    """Names of the places where the four digits stand by themselves: not within a longer number."""
    alone = re.compile(rb"(?<![0-9A-Za-z.])" + pin.encode() + rb"(?![0-9A-Za-z])")
    return [name for name, content in where.items() if alone.search(content)]


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory):
    """Two cards from stock to a login, one profile each; everything that was left behind."""
    place = tmp_path_factory.mktemp("canaries")
    pins = unlikely_pins(CARDS)
    (place / "pass").write_text(PASSPHRASE + "\n")
    (place / "batch.key").write_text(BATCH_MASTER.hex() + "\n")
    (place / "orders.csv").write_text(
        "order,user,kind,replaces,pin,profile,language,name,address,country\n"
        f"S-1,sample1,new,,{pins[0]},A,en,Ann Sample,1 Sample Street,US\n"
        f"S-2,sample2,new,,{pins[1]},B,es,Ben Sample,2 Sample Street,ES\n"
    )
    station = StationRun(place / "home", place / "pass")
    watch = ProcessWatch()
    with watch, Emulator(place / "cards", "--count", CARDS, "--batch-key", place / "batch.key") as emulator:
        stock = "".join(f"{card['serial_number']},SAMPLE\n" for card in emulator.cards)
        (place / "stock.csv").write_text("serial_number,batch\n" + stock)
        station("init")
        station("keys", "import-batch", "SAMPLE", "--key-file", place / "batch.key", "--kvn", "1")
        station("stock", "receive", place / "stock.csv")
        station("orders", "import", place / "orders.csv", "--shred")
        (place / "batch.key").unlink()
        ports = [option for card in emulator.cards for option in ("--port", card["url"])]
        records = [json.loads(line) for line in station("provision", *ports, "--json").splitlines()]
        assert [record["result"] for record in records] == ["completed"] * CARDS
        served = {record["order"]: record["serial_number"] for record in records}
        for order in ("S-1", "S-2"):
            label = json.loads(station("parcels", "label", order, "--json"))
            scanned = ["--card", served[order], "--label", label["barcode"]]
            station("ship", order, "--carrier", "Sample Post", "--tracking", f"TRACK-{order}", *scanned)
        log_in(station, emulator, served["S-1"], pins[0])
        station("activate", served["S-2"], "123457", "00000000", expect=1)
        station("backup", place / "backup")
        station("cards", "show", served["S-1"], "--json")
        station("orders", "show", "S-1", "--json")
        left = {
            str(path.relative_to(place)): path.read_bytes()
            for top in (place / "home", place / "backup")
            for path in ([top] if top.is_file() else top.rglob("*"))
            if path.is_file()
        }
        _, emulator_words = emulator.end()
    left["output of dsc-station"] = station.output.encode()
    left["output of dsc-emulate"] = emulator_words.encode()
    left["processes"] = b"\n".join(watch.seen)
    return place, pins, served, left


def log_in(station, emulator, serial_number, pin):
    """The holder activates the card: a fresh challenge on its keypad, the response to the station."""
    control = next(card["control"] for card in emulator.cards if card["serial_number"] == serial_number)
    challenge = json.loads(station("challenge", serial_number, "--json"))["challenge"]
    with VirtualCardControl(control) as hands:
        response = hands.press(f"press {pin} OK {challenge} OK")[-1]
    station("activate", serial_number, challenge, response)


def test_the_search_finds_what_is_there(whole_run):
    """A secret put on purpose into a copy of what was left is found in each form: the search can fail."""
    _, pins, _, left = whole_run
    assert len(left["processes"]) > 1000
    assert {"home/station.db", "backup", "output of dsc-station"} <= set(left)
    for form in forms(BATCH_MASTER):
        assert found(BATCH_MASTER, {"spoilt": left["backup"] + b"\n" + form + b"\n"}) == ["spoilt"]
    for spoilt in (b'{"pin": "%s"}', b"pin=%s\n", b"\x04%s\x00", b"--pin\0%s\0"):
        assert found_pin(pins[0], {"spoilt": spoilt % pins[0].encode()}) == ["spoilt"]


def test_no_pin_outside_the_cards(whole_run):
    _, pins, _, left = whole_run
    for pin in pins:
        assert found_pin(pin, left) == []


def test_no_seed_and_no_key_outside_the_cards(whole_run):
    place, _, served, left = whole_run
    keystore = FileKeystore.open(Home(place / "home").keystore_file, PASSPHRASE)
    masters = (keystore.issuer_master(), keystore.restock_master(), keystore.batch_master("SAMPLE"))
    secrets = [PASSPHRASE.encode(), *(master.key.reveal() for master in masters)]
    for serial_number in served.values():
        for master in masters:
            keys = master.keys_of(serial_number)
            secrets += [key.reveal() for key in (keys.enc, keys.mac, keys.dek)]
    station = open_station(Home(place / "home"))
    with station.database.reading() as session:
        for device in session.query(Device):
            assert device.sealed_seed is not None
            secrets.append(keystore.unseal(seed_of(device.serial_number, device.run_id), device.sealed_seed))
    station.database.close()
    assert len(secrets) == len(set(secrets)) == 1 + 3 + 9 * CARDS + CARDS
    for secret in secrets:
        assert found(secret, left) == []


def test_the_orders_file_was_shredded(whole_run):
    place, *_ = whole_run
    assert not (place / "orders.csv").exists()
