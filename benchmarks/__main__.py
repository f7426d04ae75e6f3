"""`python -m benchmarks [--json] [SECTION…]`: measures, then prints one table."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime

from . import (
    activation,
    api_calls,
    bench_page,
    channel,
    lists,
    machine,
    ocra,
    parallel,
    personalisation,
    reports,
    round_trips,
    startup,
    table,
)
from .records import Section, as_document

SECTIONS: dict[str, Callable[[], Section]] = {
    "ocra": ocra.measure,
    "channel": channel.measure,
    "round-trips": round_trips.measure,
    "personalisation": personalisation.measure,
    "reports": reports.measure,
    "parallel": parallel.measure,
    "lists": lists.measure,
    "startup": startup.measure,
    "bench-page": bench_page.measure,
    "activation": activation.measure,
    "api": api_calls.measure,
}


def main() -> None:
    """Measures the sections named, or all; progress goes to standard error."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measures dscplus beside others."
    )
    parser.add_argument("--json", action="store_true", help="one JSON document instead of the table")
    parser.add_argument(
        "sections", nargs="*", metavar="SECTION", help=f"of {', '.join(SECTIONS)}; default: all"
    )
    arguments = parser.parse_args()
    if unknown := sorted(set(arguments.sections) - set(SECTIONS)):
        parser.error(f"no section {', '.join(unknown)}; there are {', '.join(SECTIONS)}")

    started = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    sections = []
    for name in arguments.sections or SECTIONS:
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        sections.append(SECTIONS[name]())
    if arguments.json:
        print(json.dumps(as_document(sections, machine.versions(), started), indent=2, ensure_ascii=False))
    else:
        table.draw(sections, machine.versions(), started)


main()
