"""Running jobs: each by itself, so that one that fails holds up no other."""

import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Event

from dscplus_station import locks, log
from dscplus_station.actor import Actor, Role
from dscplus_station.errors import DatabaseFailed, HeldByAnother, StationError
from dscplus_station.jobs.catalogue import JOBS, Job, Stop
from dscplus_station.jobs.records import OWNERSHIP, records
from dscplus_station.jobs.rules import Outcome, is_due, next_run
from dscplus_station.jobs.tables import JobRecord
from dscplus_station.station import Station

LOOK_EVERY_S = 5.0
"""How often it is looked whether a job is due: a demo's clock may have been moved on, the machine's set."""
MAX_TOLD = 400
TOLD_TROUBLES = 3
"""How many troubles of one run are told; the others are in the lists of the rooms."""


@dataclass(frozen=True)
class Ran:
    """A run that is over: what came of it, and when the next one is due."""

    job: str
    outcome: Outcome
    told: str
    started_at: datetime
    ended_at: datetime
    next_at: datetime
    unrecorded: str | None
    """Why it is not on record, if the database could not take it."""


class Runner:
    """Runs jobs, and remembers what the database could not take when it was full or held."""

    def __init__(self, station: Station, jobs: Sequence[Job] = JOBS) -> None:
        self._station = station
        self._jobs = jobs
        self._unrecorded: dict[str, tuple[int, datetime]] = {}
        """Failures in a row, and the next run, of jobs whose last run is not on record."""
        self._logged: dict[str, tuple[Outcome, str]] = {}

    def run_due(self, stop: Stop) -> Iterator[Ran]:
        """Run each job that is due, one after the other, until `stop` says so.

        Raises:
            DatabaseFailed: what is on record cannot be read.
        """
        known = records(self._station)
        for job in self._jobs:
            if stop():
                return
            record = known.get(job.name)
            _, kept = self._unrecorded.get(job.name, (0, None))
            next_at = kept or (record.next_at if record else None)
            if is_due(self._station.now(), next_at, job.every):
                yield self.run(job, stop)

    def run(self, job: Job, stop: Stop) -> Ran:
        """Run one job now, due or not. What it raises is its outcome."""
        started_at = self._station.now()
        outcome, told = _carry_out(self._station, job, stop)
        ended_at = self._station.now()
        try:
            next_at = self._record(job, outcome, told, started_at, ended_at)
            self._unrecorded.pop(job.name, None)
            unrecorded = None
        except DatabaseFailed as trouble:
            failures = self._unrecorded.get(job.name, (0, None))[0] + 1
            # What cannot be put on record is done again: later and later, as if it had failed.
            next_at = next_run(ended_at, job.every, Outcome.FAILED, failures)
            self._unrecorded[job.name] = (failures, next_at)
            unrecorded = str(trouble)
        if outcome not in (Outcome.DONE, Outcome.STOPPED) and self._logged.get(job.name) != (outcome, told):
            log.error(f"job {job.name}", outcome=outcome, told=told)
        self._logged[job.name] = (outcome, told)
        return Ran(job.name, outcome, told, started_at, ended_at, next_at, unrecorded)

    def _record(
        self, job: Job, outcome: Outcome, told: str, started_at: datetime, ended_at: datetime
    ) -> datetime:
        with self._station.database.noting() as session:
            key = (self._station.settings.station, job.name)
            record = session.get(JobRecord, key, with_for_update=True)
            failures = (record.failures if record else 0) + 1 if outcome is Outcome.FAILED else 0
            next_at = next_run(ended_at, job.every, outcome, failures)
            if outcome is Outcome.HELD:  # whoever holds it does the work, and its record stands
                if record is not None:
                    record.next_at = next_at
                return next_at
            if record is None:
                record = JobRecord(station=key[0], name=key[1])
                session.add(record)
            record.started_at, record.ended_at, record.next_at = started_at, ended_at, next_at
            record.outcome, record.told, record.failures = outcome, told, failures
            if outcome in (Outcome.DONE, Outcome.IN_PART):
                record.done_at = ended_at
            return next_at


def run_until_stopped(station: Station, stopping: Event, tell: Callable[[Ran], None]) -> None:
    """Run what is due whenever it is, until `stopping` is set: a job that runs ends before.

    Each run is handed to `tell` as it ends. Whoever calls this owns the jobs (`owning`).
    """
    runner = Runner(station)
    while not stopping.is_set():
        try:
            for ran in runner.run_due(stopping.is_set):
                try:
                    tell(ran)
                except OSError as gone:  # nobody reads it any more: the other jobs run all the same
                    log.error(f"job {ran.job}", told=f"its run could not be told: {gone.strerror}")
        except DatabaseFailed as trouble:  # it is held, and may not be the next time
            log.error("jobs", told=str(trouble))
        except Exception as mistake:  # noqa: BLE001 (without this loop no job would run again)
            log.error("jobs", told=_place_of(mistake))
        stopping.wait(LOOK_EVERY_S)


@contextmanager
def owning(station: Station, owner: str) -> Iterator[None]:
    """Own the jobs of a home while the block runs.

    Raises:
        HeldByAnother: another process runs them, told with its pid.
    """
    with locks.hold(station.home.locks, OWNERSHIP, owner):
        yield


def _carry_out(station: Station, job: Job, stop: Stop) -> tuple[Outcome, str]:
    actor = Actor(f"job:{job.name}", frozenset({Role.CLIENT_SERVICES}), station.settings.station)
    try:
        did = job.deed(station, actor, stop)
    except HeldByAnother as held:
        return Outcome.HELD, str(held)[:MAX_TOLD]
    except (StationError, OSError) as failure:
        return Outcome.FAILED, str(failure)[:MAX_TOLD]
    except Exception as mistake:  # noqa: BLE001 (a mistake in one job must not end the others)
        return Outcome.FAILED, _place_of(mistake)
    outcome = Outcome.STOPPED if did.stopped else Outcome.IN_PART if did.trouble else Outcome.DONE
    told = f"{did.told}, stopped before the rest" if did.stopped else did.told
    more = len(did.trouble) - TOLD_TROUBLES
    troubles = "; ".join(did.trouble[:TOLD_TROUBLES]) + (f"; and {more} more" if more > 0 else "")
    return outcome, (f"{told}: {troubles}" if troubles else told)[:MAX_TOLD]


def _place_of(mistake: Exception) -> str:
    """Where a mistake of the program shows. Its message stays untold: nobody knows what it would quote."""
    frame = traceback.extract_tb(mistake.__traceback__)[-1]
    place = f"{Path(frame.filename).name}, line {frame.lineno}"
    return f"{type(mistake).__name__} in {place}: a mistake of this release, please report it"
