"""The demo's acts, each by the services that the commands use; showing them is the command line's."""

import importlib.resources
import shutil
from collections.abc import Container
from dataclasses import dataclass

from dscplus_driver.emulator import VirtualCardControl
from dscplus_driver.sensitive import MasterKey
from dscplus_station import locks
from dscplus_station.activation.by_user import activate
from dscplus_station.actor import Actor
from dscplus_station.csvfile import Row, read_rows
from dscplus_station.demo.packing import pack_and_ship
from dscplus_station.demo.virtual_cards import VirtualCard
from dscplus_station.errors import StationError
from dscplus_station.founding import found
from dscplus_station.home import Home, write_private
from dscplus_station.keystore.file import FileKeystore
from dscplus_station.keystore.interface import VersionedMaster
from dscplus_station.login.rules import OUTCOME_TOLD, Outcome
from dscplus_station.login.service import Issued, check_login, issue_challenge
from dscplus_station.orders.importing import ImportResult, import_orders
from dscplus_station.orders.rules import COLUMNS
from dscplus_station.personalise.workers import Record
from dscplus_station.shipping.service import Shipped
from dscplus_station.station import Station
from dscplus_station.stock.batches import import_batch
from dscplus_station.stock.receiving import receive

BATCH = "SAMPLE-BATCH"
BATCH_MASTER = VersionedMaster(0x01, MasterKey(bytes(range(0x40, 0x50))))
"""The test key that GlobalPlatform published, which virtual cards carry unless told otherwise."""
PASSPHRASE = "sample passphrase"  # noqa: S105 (a demo home holds sample data only)
CARRIER = "Sample Post"


@dataclass(frozen=True)
class Proof:
    """One thing tried with a card in hand: what was shown or given, and how it was judged."""

    tried: str
    challenge: str | None
    shown: str
    accepted: bool
    told: str
    as_it_should_be: bool


def fresh_home(home: Home) -> FileKeystore:
    """Make a demo home, in place of a former one.

    Raises:
        StationError: something else is there; it was not touched.
    """
    if not home.is_empty():
        try:
            demo = home.settings().demo
        except StationError:
            demo = False
        if not demo:
            raise StationError(f"{home.path} is not a demo home: it was not touched; name another --home")
        with locks.hold(home.locks, "slot 1", "demo"):  # nobody serves it now
            shutil.rmtree(home.path)
    found(home, "Sample Issuer", "demo-1", "America/New_York", lambda: PASSPHRASE, demo=True)
    write_private(home.path / "passphrase", f"{PASSPHRASE}\n".encode())
    return FileKeystore.open(home.keystore_file, PASSPHRASE)


def receive_cards(
    station: Station, actor: Actor, keystore: FileKeystore, cards: list[VirtualCard]
) -> list[str]:
    """Import the batch's key and take the cards into stock."""
    import_batch(station, actor, keystore, BATCH, BATCH_MASTER)
    rows = [
        Row(line, {"serial_number": card.serial_number, "batch": BATCH}) for line, card in enumerate(cards, 2)
    ]
    return receive(station, actor, rows, ()).received


def place_orders(
    station: Station, actor: Actor, keystore: FileKeystore, countries: Container[str]
) -> ImportResult:
    """Import the sample orders, of which two have mistakes."""
    return import_orders(station, actor, keystore, _sample_orders(), (), countries, partial=True)


def ship_cards(station: Station, actor: Actor, records: list[Record]) -> list[Shipped]:
    """Label every card that is ready, scan both back, and ship it with a tracking number of its own."""
    ready = sorted(record.order for record in records if record.order and not record.exit_code)
    return [
        pack_and_ship(station, actor, order, CARRIER, f"SP{number:09d}XX")
        for number, order in enumerate(ready, 1)
    ]


def prove(
    station: Station, actor: Actor, keystore: FileKeystore, card: VirtualCard, order: str
) -> list[Proof]:
    """Take the card in hand: activate it, log in with it, then with a wrong PIN and with a wrong response."""
    serial = card.serial_number
    pin = next(row.values["pin"] for row in _sample_orders() if row.values["order"] == order)
    challenge = issue_challenge(station, actor, serial)
    with VirtualCardControl(card.control) as control:

        def type_in(digits: str, question: str) -> str:
            return control.press(f"press {digits} ok {question} ok")[-1].strip()

        shown = type_in(pin, challenge.challenge)
        activation = activate(station, actor, keystore, serial, challenge.challenge, shown)
        outcome = activation.answer.outcome if activation.answer is not None else None
        proofs = [_judged("first response, to activate the card", challenge, shown, outcome, good=True)]

        refused = control.press(f"press {_other(pin)} ok")[-1].strip()
        told = "the card takes no challenge"
        proofs.append(Proof("wrong PIN", None, refused, False, told, refused.startswith("WRONG")))

        challenge = issue_challenge(station, actor, serial)
        wrong = _other(type_in(pin, challenge.challenge))
        answer = check_login(station, actor, keystore, serial, challenge.challenge, wrong)
        proofs.append(_judged("one digit mistyped", challenge, wrong, answer.outcome, good=False))

        challenge = issue_challenge(station, actor, serial)
        shown = type_in(pin, challenge.challenge)
        answer = check_login(station, actor, keystore, serial, challenge.challenge, shown)
        proofs.append(_judged("login", challenge, shown, answer.outcome, good=True))
    return proofs


def card_to_prove(cards: list[VirtualCard], records: list[Record]) -> tuple[VirtualCard, str]:
    """The first card that is ready and checks its PIN itself (profile A), with its order."""
    profiles = {row.values["order"]: row.values["profile"] for row in _sample_orders()}
    ready = {record.serial_number: record.order for record in records if not record.exit_code}
    for card in cards:
        order = ready.get(card.serial_number)
        if order and profiles[order] == "A":
            return card, order
    raise StationError("no card of profile A came out: nothing to prove; look at the records above")


def _judged(tried: str, challenge: Issued, given: str, outcome: Outcome | None, *, good: bool) -> Proof:
    accepted = outcome is Outcome.RIGHT
    told = "accepted" if outcome is None or accepted else OUTCOME_TOLD[outcome]
    return Proof(tried, challenge.challenge, given, accepted, told, accepted == good)


def _other(digits: str) -> str:
    """The same digits but for the last one."""
    return digits[:-1] + str((int(digits[-1]) + 1) % 10)


def _sample_orders() -> list[Row]:
    with importlib.resources.as_file(importlib.resources.files(__package__) / "sample_orders.csv") as path:
        rows, _ = read_rows(path, COLUMNS)
    return rows
