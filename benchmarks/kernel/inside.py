"""What is measured in the guest, and sent to the host section by section."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks import machine, reports
from benchmarks.kernel import hotplug, round_trips
from benchmarks.records import Section

DISTRIBUTIONS = {
    name: name for name in ("dscplus", "hidapi", "pyusb", "libusb-package", "pyserial", "pyudev")
}
SECTIONS: dict[str, Callable[[], Section]] = {
    **{f"round trips over {way}": partial(round_trips.measure, way) for way in round_trips.WAYS},
    "reports": reports.measure,
    "unplugging under a reader": hotplug.measure_typed_errors,
    "watch": hotplug.measure_watch,
}


def run_benchmarks(channel: Any) -> int:
    """Measures everything; the versions come last, and tell the host that all went well."""
    for name, measure in SECTIONS.items():
        channel.send(measuring=name)
        channel.send(section=dataclasses.asdict(measure()))
    channel.send(versions=machine.versions(DISTRIBUTIONS))
    return 0
