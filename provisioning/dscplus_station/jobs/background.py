"""Jobs beside something else: what serves a station's page runs its jobs, unless another process does."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from dscplus_station import log
from dscplus_station.errors import HeldByAnother, StationError
from dscplus_station.jobs.running import Ran, owning, run_until_stopped
from dscplus_station.notices.gateways import TIMEOUT
from dscplus_station.station import Station

ASK_AGAIN_S = 15.0
"""How often it is tried to become the owner: so long nobody runs the jobs after an owner has ended."""
END_TIMEOUT_S = TIMEOUT + 5.0
"""How long an end waits for the card or message that a job is at: killed there, a message that its gateway
has taken would go out again."""


@contextmanager
def jobs_beside(station: Station, owner: str) -> Iterator[None]:
    """Run the jobs in a thread while the block runs; stand by as long as another process owns them."""
    stopping = threading.Event()
    thread = threading.Thread(target=_run, args=(station, owner, stopping), name="jobs", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(END_TIMEOUT_S)


def _run(station: Station, owner: str, stopping: threading.Event) -> None:
    while not stopping.is_set():
        try:
            with owning(station, owner):
                run_until_stopped(station, stopping, _note)
        except HeldByAnother:
            pass  # it is stood by until that one has ended
        except StationError as trouble:
            log.error("jobs", told=str(trouble))
        stopping.wait(ASK_AGAIN_S)


def _note(ran: Ran) -> None:
    if ran.unrecorded:
        log.error(f"job {ran.job}", told=ran.unrecorded)
