"""Our side: `dsc-station api serve` with ten thousand cards on its records."""

from __future__ import annotations

import os
import secrets
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from benchmarks.bench_station import PASSPHRASE
from benchmarks.bulk_records import fill
from benchmarks.servers import Server, free_port, running
from dscplus_driver import ocra
from dscplus_station.actor import ALL_ROLES, Actor
from dscplus_station.clock import system_clock
from dscplus_station.founding import found
from dscplus_station.home import Home, write_private
from dscplus_station.keystore.file import FileKeystore
from dscplus_station.keystore.interface import seed_of
from dscplus_station.opening import open_station
from dscplus_station.operators.hashing import PARAMETERS, digest, hash_secret
from dscplus_station.passwords.tables import UserPassword
from dscplus_station.portal.tables import PortalLogin
from dscplus_station.tokens import service as tokens
from dscplus_station.tokens.rules import Scope

from .traffic import Answer, Login, LoginFailed, as_json

CARDS = 10_000
SEED_BYTES = 32
SUITE = "OCRA-1:HOTP-SHA256-8:QN06"
PASSWORD = "a password of the benchmarks"  # noqa: S105 - of sample users
FASTER_THAN_ANY_LOAD = "\n[api]\nrequests_per_second = 100000\nburst = 100000\n"


class StationSide:
    """A home whose users have cards with seeds that are known here, so that their responses can be made."""

    name = "dsc-station"

    def __init__(self, folder: Path) -> None:
        self._home = Home(folder / "home")
        found(self._home, "Sample Issuer", "bench", "America/New_York", lambda: PASSPHRASE, demo=False)
        fill(self._home.database_file, CARDS)
        self._passphrase = folder / "passphrase"
        write_private(self._passphrase, f"{PASSPHRASE}\n".encode())
        with self._home.settings_file.open("a", encoding="utf-8") as settings:
            settings.write(FASTER_THAN_ANY_LOAD)
        self._station = open_station(self._home)
        token = tokens.add(self._station, Actor("bench", ALL_ROLES, "bench"), "bench", Scope.LOGIN)
        self._headers = {"Authorization": f"Bearer {token}"}
        self._seeds = self._give_seeds()
        self._users = list(self._seeds)
        self._turn = 0
        self._set_passwords()

    @property
    def hashing(self) -> str:
        """How the password is hashed."""
        return f"Argon2id, t={PARAMETERS.passes}, m={PARAMETERS.memory_kib // 1024} MiB, p={PARAMETERS.lanes}"

    @contextmanager
    def serving(self) -> Iterator[Server]:
        """The API's process, on loopback."""
        port = free_port()
        command = [str(Path(sys.executable).parent / "dsc-station"), "api", "serve", "--scope", "login"]
        command += ["--home", str(self._home.path), "--passphrase-file", str(self._passphrase)]
        with running([*command, "--port", str(port)], port) as server:
            yield server

    def logins(self, count: int, *, hashed: bool) -> list[Login]:
        """So many logins to be made: from the password on (three requests), or from there (two)."""
        users = [self._next_user() for _ in range(count)]
        if hashed:
            return [self._from_password(user) for user in users]
        begun = [secrets.token_urlsafe(24) for _ in users]
        with self._station.database.noting() as session:
            now = system_clock()
            session.add_all(
                PortalLogin(token_hash=digest(login), user_name=user, begun_at=now, tries=0)
                for user, login in zip(users, begun, strict=True)
            )
        return [self._from_challenge(user, login) for user, login in zip(users, begun, strict=True)]

    def close(self) -> None:
        """Close the database."""
        self._station.database.close()

    def _next_user(self) -> str:
        self._turn += 1
        return self._users[self._turn % len(self._users)]

    def _from_password(self, user: str) -> Login:
        begun = yield as_json("/v1/logins", self._headers, {"user": user, "password": PASSWORD})
        yield from self._from_challenge(user, _expect(begun, 201)["login"])

    def _from_challenge(self, user: str, login: str) -> Login:
        card, seed = self._seeds[user]
        picked = {"login": login, "device": card}
        asked = yield as_json("/v1/logins/challenge", self._headers, picked)
        challenge = _expect(asked, 201)["challenge"]
        response = ocra.respond(SUITE, seed, challenge)
        answered = yield as_json(
            "/v1/logins/answer", self._headers, {**picked, "challenge": challenge, "answer": response}
        )
        if _expect(answered, 200)["device"] != "DSC+":
            raise LoginFailed(f"no session by a card: {answered.body}")

    def _give_seeds(self) -> dict[str, tuple[str, bytes]]:
        """Seal a seed for each card in use; gives card and seed by user."""
        keystore = FileKeystore.open(self._home.keystore_file, PASSPHRASE)
        found: dict[str, tuple[str, bytes]] = {}
        with closing(sqlite3.connect(self._home.database_file)) as connection, connection:
            active = connection.execute(
                "SELECT device.id, device.serial_number, device.run_id, assignment.user_name"
                " FROM device JOIN assignment ON assignment.device_id = device.id"
                " WHERE device.type = 'DSC+' AND assignment.state = 'ACTIVE' AND device.ended_at IS NULL"
            ).fetchall()
            for device, card, run, user in active:
                seed = os.urandom(SEED_BYTES)
                found[user] = (card, seed)
                connection.execute(
                    "UPDATE device SET sealed_seed = ? WHERE id = ?",
                    (keystore.seal(seed_of(card, run), seed), device),
                )
        return found

    def _set_passwords(self) -> None:
        """One password for all; its hash is computed once here, and verified at each login."""
        encoded = hash_secret(PASSWORD)
        with self._station.database.noting() as session:
            now = system_clock()
            session.add_all(
                UserPassword(user_name=user, password_hash=encoded, changed_at=now) for user in self._users
            )


def _expect(answer: Answer, status: int) -> dict[str, str]:
    if answer.status != status:
        raise LoginFailed(f"{answer.status} instead of {status}: {answer.body}")
    body: dict[str, str] = answer.body
    return body
