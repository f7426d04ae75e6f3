"""Holders among the bulk records who can really log in: a seed of their own, a password."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass

from dscplus_driver.model import Profile
from dscplus_driver.ocra import respond
from dscplus_driver.sensitive import Seed
from dscplus_station.home import Home
from dscplus_station.keystore.file import FileKeystore
from dscplus_station.keystore.interface import seed_of
from dscplus_station.operators.hashing import hash_secret

from .bulk_cards import card_of

PASSWORD = "a pass phrase of sample holders"  # noqa: S105 (of a home that is thrown away)


@dataclass(frozen=True)
class Holder:
    """A user with an active card, the only one."""

    user: str
    serial: str
    order: str
    seed: Seed

    def respond(self, challenge: str) -> str:
        """What the card shows."""
        return respond(Profile.CARD_PIN.suite, self.seed, challenge)


def holders(home: Home, passphrase: str, cards: int, wanted: int) -> list[Holder]:
    """So many holders, spread over the first so many cards, who get their seeds and the one password here.

    The password's hash is one and the same, since each takes a good part of a second.
    """
    suitable = [
        number for number in range(1, cards + 1) if number % 5 in (0, 1, 4) and card_of(number).active
    ]
    numbers = [suitable[i * len(suitable) // wanted] for i in range(wanted)]
    keystore = FileKeystore.open(home.keystore_file, passphrase)
    found, sealed, password = [], [], hash_secret(PASSWORD)
    for number in numbers:
        card = card_of(number)
        found.append(Holder(card.user, card.serial, card.order, Seed(os.urandom(32))))
        context = seed_of(card.serial, f"{number:032x}")
        sealed.append((keystore.seal(context, found[-1].seed.reveal()), number))
    with sqlite3.connect(home.database_file) as connection:
        connection.executemany("UPDATE device SET sealed_seed = ? WHERE id = ?", sealed)
        connection.executemany(
            "INSERT INTO user_password(user_name, password_hash, changed_at) VALUES (?, ?, ?)",
            [(one.user, password, "2025-01-01 00:00:00.000000") for one in found],
        )
    connection.close()
    return found
