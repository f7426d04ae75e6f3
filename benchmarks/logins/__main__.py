"""`make bench-logins`: logins a second beside privacyIDEA's, in turn within each round."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import machine, table
from benchmarks.measure import median, ratios
from benchmarks.records import Goal, Row, Section, as_document, at_most, duration, rate
from benchmarks.servers import Server

from .durable import raw_syncs, syncs_per_login
from .privacyidea_side import VERSIONS, PrivacyIdeaSide
from .station_side import StationSide
from .traffic import CONNECTIONS, Load, drive

ROUNDS = 5
SECONDS = 6
"""Of a turn."""
SUPPLY = {True: 400, False: 4_000}
"""Logins that are ready for a turn, with and without hashing: more than anybody makes."""
WARM = CONNECTIONS
TRACED = 5
TIMES = 50
RATE = 300
DISTRIBUTIONS = {"dscplus": "dscplus", "fastapi": "FastAPI", "uvicorn": "uvicorn", "sqlalchemy": "SQLAlchemy"}
Side = StationSide | PrivacyIdeaSide


@dataclass
class Taken:
    """What one side took, a value a round."""

    loads: list[Load] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    """Seconds that the server computed for a login."""

    @property
    def seconds(self) -> tuple[float, ...]:
        """Of a login, as they come out of the server side by side: 1 / rate."""
        return tuple(1 / load.rate for load in self.loads)

    def percentile(self, share: float) -> tuple[float, ...]:
        """Seconds that this share of the logins took at most, from the first request to the last answer."""
        every = sorted(one for load in self.loads for one in load.seconds)
        return (every[min(len(every) - 1, int(share * len(every)))],)


def main() -> None:
    """Measure and print; progress goes to standard error. A login that is refused ends it without figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.logins", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON document instead of the table")
    arguments = parser.parse_args()
    started = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    with (
        tempfile.TemporaryDirectory(prefix=".bench-", dir=Path.cwd()) as scratch,  # on a disk, unlike /tmp
        ExitStack() as stack,
    ):
        folder = Path(scratch)
        tell("setting up …")
        station = StationSide(folder)
        stack.callback(station.close)
        sides: list[Side] = [station, PrivacyIdeaSide(folder), PrivacyIdeaSide(folder, workers=2)]
        servers = {side.name: stack.enter_context(side.serving()) for side in sides}
        tell("looking whether answers wait for the disk …")
        synced = {
            side.name: syncs_per_login(servers[side.name], side.logins(TRACED, hashed=False), folder)
            for side in sides
        }
        taken, raw = rounds(sides, servers, folder)
    plain = {side.name: taken[side.name, False] for side in sides}
    hashed = {side.name: taken[side.name, True] for side in sides}
    sections = [
        section("Logins: challenge and response, two requests", plain, Goal(f"≥ {RATE} /s", reached(plain))),
        section(f"Logins with the password or PIN before it, {station.hashing}", hashed, None),
        durability(synced, raw),
        Section("The load's own share of a core", tuple(share(name, of) for name, of in plain.items())),
    ]
    versions = machine.versions(DISTRIBUTIONS) | VERSIONS
    if arguments.json:
        print(json.dumps(as_document(sections, versions, started), indent=2, ensure_ascii=False))
    else:
        table.draw(sections, versions, started)


def rounds(
    sides: list[Side], servers: dict[str, Server], folder: Path
) -> tuple[dict[tuple[str, bool], Taken], list[float]]:
    """Each side once a round with hashing and without, another one first each time; the first round is thrown
    away. With them, what the disk took.
    """
    turns = [(side, hashed) for hashed in (False, True) for side in sides]
    taken = {(side.name, hashed): Taken() for side, hashed in turns}
    raw = []
    for turn in range(ROUNDS + 1):
        tell(f"round {turn} of {ROUNDS} …")
        raw.append(raw_syncs(folder))
        for i in range(len(turns)):
            side, hashed = turns[(turn + i) % len(turns)]
            server = servers[side.name]
            drive(server.port, side.logins(WARM, hashed=hashed))
            logins = side.logins(SUPPLY[hashed], hashed=hashed)
            cpu = server.cpu_seconds()
            load = drive(server.port, logins, seconds=SECONDS)
            if turn:
                taken[side.name, hashed].loads.append(load)
                taken[side.name, hashed].cpu.append((server.cpu_seconds() - cpu) / len(load.seconds))
    return taken, raw[1:]


def section(title: str, taken: dict[str, Taken], goal: Goal | None) -> Section:
    """Logins a second, how long one takes with CONNECTIONS side by side, what the server computes for it."""
    (ours, our), *others = taken.items()
    beside = {name: of.seconds for name, of in others}
    single = others[0][0]
    rows = [rate(ours, our.seconds, beside)]
    if goal is not None:
        rows = [Row(ours, rows[0].values, rows[0].unit, rows[0].ratios, goal)]
    goal = at_most(1 / TIMES, ratios(our.seconds, beside[single]), f"≥ {TIMES} times as many as {single}")
    rows += [Row(f"{name}", rate(name, of.seconds).values, "/s") for name, of in others]
    rows.append(duration(f"{ours}: one of these", our.seconds, {single: beside[single]}, goal))
    for name, of in taken.items():
        rows.append(duration(f"{name}: p50, {CONNECTIONS} side by side", of.percentile(0.5)))
        rows.append(duration(f"{name}: p99", of.percentile(0.99)))
        rows.append(duration(f"{name}: its computing for one", tuple(of.cpu)))
    return Section(title, tuple(rows))


def durability(synced: dict[str, float], raw: list[float]) -> Section:
    """How often each side waits for the disk when it has one client, and how often it could."""
    rows = [Row(f"{name}: syncs a login, one client", (of,), "") for name, of in synced.items()]
    return Section("The disk", (rate("appending 40 KiB and fdatasync, alone", raw), *rows))


def reached(plain: dict[str, Taken]) -> bool:
    """Whether our side made as many logins a second as the goal says."""
    ours = next(iter(plain.values()))
    return 1 / median(ours.seconds) >= RATE


def share(name: str, taken: Taken) -> Row:
    """How much of one core the load generator took."""
    return Row(name, tuple(load.generator / load.elapsed * 100 for load in taken.loads), "%")


def tell(progress: str) -> None:
    """Say how far it is."""
    print(progress, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
