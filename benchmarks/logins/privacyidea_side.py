"""privacyIDEA's side: its OCRA token behind gunicorn, in an environment of its own (`make bench-logins`).

What it does by default beyond our side is turned off: it signs no audit rows and no answers, and logs errors
only. Its token is named by serial number, so that it looks up no user, as our side must.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.servers import Server, free_port, running
from dscplus_driver import ocra
from dscplus_station.home import write_private
from dscplus_station.operators.hashing import PARAMETERS

from .traffic import CONNECTIONS, Answer, Login, LoginFailed, as_form

ENVIRONMENT = Path(__file__).parents[2] / "build" / "bench-logins" / "privacyidea"
VERSIONS = {"privacyIDEA": "3.14", "gunicorn": "27.0.1"}
TOKENS = 5_000
SUITE = "OCRA-1:HOTP-SHA256-8:QN06"
PIN = "4711"
SET_UP_SECONDS = 300
_CONFIGURATION = """\
import logging

SQLALCHEMY_DATABASE_URI = "sqlite:///{folder}/privacyidea.db"
SECRET_KEY = "{secret}"
PI_PEPPER = "{pepper}"
PI_ENCFILE = "{folder}/enckey"
PI_AUDIT_KEY_PRIVATE = "{folder}/private.pem"
PI_AUDIT_KEY_PUBLIC = "{folder}/public.pem"
PI_AUDIT_NO_SIGN = True
PI_NO_RESPONSE_SIGN = True
PI_LOGFILE = "{folder}/privacyidea.log"
PI_LOGLEVEL = logging.ERROR
PI_UUID_FILE = "{folder}/uuid.txt"
PI_HASH_ALGO_LIST = ["argon2"]
PI_HASH_ALGO_PARAMS = {{
    "argon2__rounds": {passes},
    "argon2__memory_cost": {memory_kib},
    "argon2__parallelism": {lanes},
}}
"""


class PrivacyIdeaSide:
    """An instance with SQLite and OCRA tokens of one known seed.

    Args:
        workers: processes of gunicorn.
    """

    def __init__(self, folder: Path, workers: int = 1) -> None:
        self.name = f"privacyIDEA, {workers} process" + ("es" if workers > 1 else "")
        self._workers = workers
        self._folder = folder / f"privacyidea-{workers}"
        self._folder.mkdir()
        self._configuration = self._folder / "pi.cfg"
        settings = _CONFIGURATION.format(
            folder=self._folder,
            secret=secrets.token_hex(32),
            pepper=secrets.token_hex(16),
            passes=PARAMETERS.passes,
            memory_kib=PARAMETERS.memory_kib,
            lanes=PARAMETERS.lanes,
        )
        write_private(self._configuration, settings.encode())
        self._seed = os.urandom(32)
        for step in ("create_enckey", "create_audit_keys", "create_tables"):
            self._manage("setup", step)
        asked = {"seed": self._seed.hex(), "pin": PIN, "suite": SUITE}
        script = Path(__file__).with_name("privacyidea_tokens.py")
        self._run([self._program("python"), str(script), str(self._configuration), str(TOKENS)], asked)
        created = self._manage("api", "createtoken", "--role", "admin", "--username", "bench", "--days", "1")
        self._headers = {"PI-Authorization": created.rpartition("Auth-Token:")[2].strip()}
        self._turn = 0

    @contextmanager
    def serving(self) -> Iterator[Server]:
        """gunicorn on loopback, with a thread for each connection."""
        port = free_port()
        app = "privacyidea.app:create_app(config_name='production', silent=True)"
        command = [self._program("gunicorn"), "--bind", f"127.0.0.1:{port}", "--no-control-socket"]
        command += ["--workers", str(self._workers), "--threads", str(CONNECTIONS), "--keep-alive", "60", app]
        with running(command, port, self._variables()) as server:
            yield server

    def logins(self, count: int, *, hashed: bool) -> list[Login]:
        """So many logins to be made, two requests each: the PIN first, or a challenge asked by a program."""
        return [self._login(hashed=hashed) for _ in range(count)]

    def close(self) -> None:
        """Nothing is open."""

    def _login(self, *, hashed: bool) -> Login:
        self._turn += 1
        serial = f"OCRA{self._turn % TOKENS:06d}"
        if hashed:
            asked = yield as_form("/validate/check", {}, {"serial": serial, "pass": PIN})
        else:
            asked = yield as_form("/validate/triggerchallenge", self._headers, {"serial": serial})
        detail = _accepted(asked, "CHALLENGE")["detail"]
        response = ocra.respond(SUITE, self._seed, detail["attributes"]["challenge"])
        given = {"serial": serial, "transaction_id": detail["transaction_id"], "pass": response}
        answered = yield as_form("/validate/check", {}, given)
        if _accepted(answered, "ACCEPT")["result"]["value"] is not True:
            raise LoginFailed(f"not accepted: {answered.body}")

    def _manage(self, *arguments: str) -> str:
        return self._run([self._program("pi-manage"), *arguments])

    def _run(self, command: list[str], asked: dict[str, str] | None = None) -> str:
        done = subprocess.run(
            command,
            input=json.dumps(asked or {}),
            env=os.environ | self._variables(),
            check=True,
            capture_output=True,
            text=True,
            timeout=SET_UP_SECONDS,
        )
        return done.stdout

    def _variables(self) -> dict[str, str]:
        return {"PRIVACYIDEA_CONFIGFILE": str(self._configuration)}

    def _program(self, name: str) -> str:
        return str(ENVIRONMENT / "bin" / name)


def _accepted(answer: Answer, authentication: str) -> dict[str, dict[str, object]]:
    body: dict[str, dict[str, object]] = answer.body
    if answer.status != 200 or body["result"].get("authentication") != authentication:
        raise LoginFailed(f"{answer.status}, not {authentication}: {body}")
    return body
