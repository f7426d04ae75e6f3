"""The API's ten most used calls over HTTP, at ten thousand and at a million cards: how long they take.

A login asks three calls; the portal's pages after it ask for devices, limits, orders; then come the calls
that change something for many clients: a withdrawal, another order, a return.
"""

from __future__ import annotations

import http.client
import json
import statistics
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

from dscplus_station.actor import ALL_ROLES, Actor
from dscplus_station.home import Home
from dscplus_station.opening import open_station
from dscplus_station.tokens import service as tokens
from dscplus_station.tokens.rules import Scope

from .api_holders import PASSWORD, Holder, holders
from .bench_station import PASSPHRASE
from .bulk_stations import copied_home
from .measure import median
from .records import Row, Section, at_most, duration

SIZES = (10_000, 1_000_000)
VISITS = 300
"""Each by another holder, whose ten calls are made one after the other."""
FLAT = 1.5
TIMEOUT_S = 60
_STATION = str(Path(sys.executable).parent / "dsc-station")
_PACE = "\n[api]\nrequests_per_second = 100000\nburst = 100000\n"


@dataclass
class Visit:
    """One holder at the portal, and what the portal was told so far."""

    holder: Holder
    known: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """One call: how it is asked, the status of its answer, and what is kept of that for the next one."""

    method: str
    path: Callable[[Visit], str]
    status: int
    body: Callable[[Visit], dict[str, object]] | None = None
    keep: str | None = None


CALLS: dict[str, Call] = {
    "begin a login (a password hashed)": Call(
        "POST",
        lambda _v: "/v1/logins",
        201,
        lambda v: {"user": v.holder.user, "password": PASSWORD},
        keep="login",
    ),
    "ask its device": Call(
        "POST",
        lambda _v: "/v1/logins/challenge",
        201,
        lambda v: {"login": v.known["login"], "device": v.holder.serial},
        keep="challenge",
    ),
    "judge the answer": Call(
        "POST",
        lambda _v: "/v1/logins/answer",
        200,
        lambda v: {
            "login": v.known["login"],
            "device": v.holder.serial,
            "challenge": v.known["challenge"],
            "answer": v.holder.respond(v.known["challenge"]),
        },
    ),
    "devices of a user": Call("GET", lambda v: f"/v1/users/{v.holder.user}/devices", 200),
    "limits of a user": Call("GET", lambda v: f"/v1/users/{v.holder.user}/limits", 200),
    "orders of a user": Call("GET", lambda v: f"/v1/users/{v.holder.user}/orders", 200),
    "one order": Call("GET", lambda v: f"/v1/orders/{v.holder.order}", 200),
    "a withdrawal": Call(
        "POST",
        lambda v: f"/v1/users/{v.holder.user}/withdrawals",
        201,
        lambda v: {"device": "DSC+", "amount_cents": 5_000, "reference": f"bench-{v.holder.serial}"},
    ),
    "begin an order": Call(
        "POST",
        lambda _v: "/v1/orders",
        201,
        lambda v: {
            "order": f"N-{v.holder.serial}",
            "user": v.holder.user,
            "purpose": "additional",
            "equity_cents": 200_000_000,
        },
    ),
    "announce a return": Call(
        "POST", lambda _v: "/v1/returns", 201, lambda v: {"device": v.holder.serial, "reason": "breakage"}
    ),
}


def measure() -> Section:
    """The same visit at each size in turns, another one first each time; every answer's status is checked."""
    seconds: dict[int, dict[str, list[float]]] = {size: {name: [] for name in CALLS} for size in SIZES}
    with ExitStack() as stack:
        portals = {size: stack.enter_context(_portal(size)) for size in SIZES}
        for turn in range(VISITS + 1):
            for size in SIZES if turn % 2 else reversed(SIZES):
                taken = portals[size].visit(turn)
                for name, elapsed in taken.items() if turn else ():
                    seconds[size][name].append(elapsed)
    return Section(f"API, one client, of {SIZES[-1]:,} cards", tuple(_rows(seconds)))


def _rows(seconds: dict[int, dict[str, list[float]]]) -> Iterator[Row]:
    for name in CALLS:
        few, many = (seconds[size][name] for size in SIZES)
        among = f"{SIZES[0]:,} cards"
        # Medians apart: pairs of visits are of different holders.
        goal = at_most(FLAT, [median(many) / median(few)], f"≤ {FLAT} × {among}")
        yield duration(f"{name}, p50", [median(many)], {among: [median(few)]}, goal)
        yield duration(f"{name}, p99", [_p99(many)], {among: [_p99(few)]})


def _p99(values: list[float]) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[-1]


class Portal:
    """A client portal: one connection that stays open while a holder is there."""

    def __init__(self, address: str, token: str, visitors: list[Holder]) -> None:
        self._connection = http.client.HTTPConnection(address, timeout=TIMEOUT_S)
        self._token = token
        self._visitors = visitors

    def visit(self, turn: int) -> dict[str, float]:
        """Seconds of each call of a holder's visit."""
        self._connection.close()  # the server may have given up one that waited for the other portal's turn
        self._connection.connect()
        visit, taken = Visit(self._visitors[turn]), {}
        for name, call in CALLS.items():
            path, body = call.path(visit), json.dumps(call.body(visit)).encode() if call.body else None
            began = perf_counter()
            status, answer = self._ask(call.method, path, body)
            taken[name] = perf_counter() - began
            if status != call.status:
                raise AssertionError(f"{name}: {status} {answer[:300]!r}, not {call.status}")
            if call.keep is not None:
                visit.known[call.keep] = json.loads(answer)[call.keep]
        return taken

    def _ask(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        if method == "POST" and not path.startswith("/v1/logins"):
            headers["Idempotency-Key"] = str(uuid.uuid4())
        self._connection.request(method, path, body, headers)
        response = self._connection.getresponse()
        return response.status, response.read()


@contextmanager
def _portal(size: int) -> Iterator[Portal]:
    """A portal of a station with so many cards, whose API is a process of its own."""
    with copied_home(size) as home:
        with home.settings_file.open("a", encoding="utf-8") as settings:
            settings.write(_PACE)
        visitors = holders(home, PASSPHRASE, size, VISITS + 1)
        token = _token(home)
        passphrase = home.path / "passphrase"
        passphrase.write_text(PASSPHRASE + "\n", encoding="utf-8")
        passphrase.chmod(0o600)
        command = [_STATION, "api", "serve", "--port", "0", "--json", "--home", str(home.path)]
        command += ["--passphrase-file", str(passphrase)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as server:
            try:
                yield Portal(_address(server), token, visitors)
            finally:
                server.terminate()
                server.wait(TIMEOUT_S)


def _token(home: Home) -> str:
    station = open_station(home)
    try:
        return tokens.add(station, Actor("bench", ALL_ROLES, "bench-1"), "portal-1", Scope.PORTAL)
    finally:
        station.database.close()


def _address(server: subprocess.Popen[bytes]) -> str:
    """Where it serves: the document that it prints once it listens."""
    if server.stdout is None or not (line := server.stdout.readline()):
        raise AssertionError("the API did not start: see above")
    return str(json.loads(line)["url"]).removeprefix("http://")
