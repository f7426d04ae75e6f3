"""`python -m benchmarks.kernel [--json]`: measures in the guest of the kernel tests."""

from __future__ import annotations

import argparse
import json
import sys
import time
from datetime import UTC, datetime
from typing import Any

from benchmarks import table
from benchmarks.records import Goal, Row, Section, as_document
from tests.kernel.rig import bridge, packages, qemu


def main() -> int:
    """Measures; progress goes to standard error."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.kernel", description="Measures the ways to a card over USB."
    )
    parser.add_argument("--json", action="store_true", help="one JSON document instead of the table")
    arguments = parser.parse_args()
    started = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    began = time.monotonic()
    try:
        machine = qemu.machine()
    except packages.RigUnavailable as error:
        print(f"the benchmarks on a kernel cannot run here: {error}", file=sys.stderr)
        return 1
    guest = qemu.Guest(machine, "benchmarks")
    guest.channel.settimeout(bridge.SILENCE)
    sections: list[Section] = []
    versions: dict[str, str] = {}
    try:
        for message in map(json.loads, bridge.lines(guest)):
            if "hello" in message:
                booted = time.monotonic() - began
                guest.channel.sendall(json.dumps({"benchmarks": True, "environment": {}}).encode() + b"\n")
            elif "measuring" in message:
                print(f"measuring {message['measuring']} …", file=sys.stderr, flush=True)
            elif "section" in message:
                sections.append(_section(message["section"]))
            elif "versions" in message:
                versions = message["versions"]
    except TimeoutError:
        print(f"the guest was silent for {bridge.SILENCE:g} s", file=sys.stderr)
    finally:
        guest.stop()
    if not versions:
        print(f"the guest ended before it was done:\n{guest.console_tail()}", file=sys.stderr)
        return 1
    sections.append(Section("The rig", (Row("kernel built or found, guest up", (booted,), "s"),)))
    if arguments.json:
        print(json.dumps(as_document(sections, versions, started), indent=2, ensure_ascii=False))
    else:
        table.draw(sections, versions, started)
    return 0


def _section(data: dict[str, Any]) -> Section:
    rows = []
    for row in data["rows"]:
        ratios = {name: tuple(values) for name, values in row["ratios"].items()}
        goal = Goal(**row["goal"]) if row["goal"] else None
        rows.append(Row(row["name"], tuple(row["values"]), row["unit"], ratios, goal))
    return Section(data["title"], tuple(rows))


sys.exit(main())
