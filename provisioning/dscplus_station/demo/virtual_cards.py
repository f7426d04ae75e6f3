"""The demo's cards: an emulator in a process of its own, spoken to by ports and control sockets only."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dscplus_station.errors import StationError

READY_TIMEOUT = 30.0
"""Seconds for the emulator to start; it takes about one, and a laden machine several."""
STOP_TIMEOUT = 5.0


@dataclass(frozen=True)
class VirtualCard:
    """A card at its port, with the control socket that presses its keys."""

    serial_number: str
    port: str
    control: Path


@contextmanager
def virtual_cards(folder: Path, count: int, *options: str) -> Iterator[list[VirtualCard]]:
    """Run an emulator while the block runs; its cards' images stay in `folder`.

    Args:
        options: further ones of `dsc-emulate`.

    Raises:
        StationError: it did not come up.
    """
    command = [sys.executable, "-m", "dscplus_card.hosts.emulate"]
    command += ["--count", str(count), "--dir", str(folder), "--json", *options]
    # In a session of its own: Ctrl-C is for the station, which first ends its cards' steps.
    with subprocess.Popen(  # noqa: S603 (our own program, our own arguments)
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as emulator:
        try:
            yield _ready(emulator, count)
        finally:
            emulator.terminate()
            try:
                emulator.wait(STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                emulator.kill()


def _ready(emulator: subprocess.Popen[str], count: int) -> list[VirtualCard]:
    watchdog = threading.Timer(READY_TIMEOUT, emulator.kill)
    watchdog.start()
    try:
        lines = [] if emulator.stdout is None else [emulator.stdout.readline() for _ in range(count)]
    finally:
        watchdog.cancel()
    if not all(lines):
        raise StationError("the virtual cards did not start: try `dsc-emulate --dir cards` to see why")
    cards = [json.loads(line) for line in lines]
    return [VirtualCard(card["serial_number"], card["url"], Path(card["control"])) for card in cards]
