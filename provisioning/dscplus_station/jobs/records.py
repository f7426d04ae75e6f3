"""What is on record of the jobs, and who runs them. It knows none of them, so pages may ask."""

from sqlalchemy import select

from dscplus_station import locks
from dscplus_station.jobs.tables import JobRecord
from dscplus_station.station import Station

OWNERSHIP = "job runner"
"""The lock of whoever runs the jobs, one process of a home."""


def owner(station: Station) -> str | None:
    """Who runs the jobs now ("serve, pid 4711"); None if nobody does."""
    return locks.holder(station.home.locks, OWNERSHIP)


def records(station: Station) -> dict[str, JobRecord]:
    """What is on record of the jobs of this station, by name."""
    with station.database.reading() as session:
        mine = select(JobRecord).where(JobRecord.station == station.settings.station)
        return {record.name: record for record in session.scalars(mine)}
