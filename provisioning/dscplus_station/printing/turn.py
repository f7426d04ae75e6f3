"""One at a time speaks to the printer, of all processes and threads of this home."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from dscplus_station import locks
from dscplus_station.errors import HeldByAnother
from dscplus_station.station import Station

PATIENCE_S = 30.0
"""Four slots that end together, and a printer that takes its time with each."""
LOOK_S = 0.02


@contextmanager
def printers_turn(station: Station) -> Iterator[None]:
    """Wait for the printer's turn, and have it while the block runs.

    Raises:
        HeldByAnother: somebody else had it all the time.
    """
    deadline = time.monotonic() + PATIENCE_S
    with ExitStack() as turn:
        while True:
            try:
                turn.enter_context(locks.hold(station.home.locks, "printer", "printing"))
                break
            except HeldByAnother:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(LOOK_S)
        yield
