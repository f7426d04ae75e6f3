"""Every job as it stands, whether it ever ran or not."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from dscplus_station.jobs.catalogue import JOBS, Job
from dscplus_station.jobs.records import records
from dscplus_station.jobs.rules import Outcome
from dscplus_station.jobs.tables import JobRecord
from dscplus_station.station import Station


@dataclass(frozen=True)
class Standing:
    """A job as it stands; without `last_at` it never ran. `told`: what it did, or why it failed."""

    name: str
    does: str
    rules: str
    every: timedelta
    last_at: datetime | None
    outcome: Outcome | None
    told: str | None
    failures: int
    done_at: datetime | None
    next_at: datetime | None


def standings(station: Station) -> list[Standing]:
    """Every job as it stands, in the order in which they run."""
    known = records(station)
    return [_standing(job, known.get(job.name)) for job in JOBS]


def _standing(job: Job, record: JobRecord | None) -> Standing:
    return Standing(
        name=job.name,
        does=job.does,
        rules=job.rules,
        every=job.every,
        last_at=record.ended_at if record else None,
        outcome=record.outcome if record else None,
        told=record.told if record else None,
        failures=record.failures if record else 0,
        done_at=record.done_at if record else None,
        next_at=record.next_at if record else None,
    )
