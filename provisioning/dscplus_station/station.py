"""The station as its services see it: settings, database, clock. The keystore is handed only where needed."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime

from dscplus_station import locks
from dscplus_station.clock import Clock, day_in
from dscplus_station.db import Database
from dscplus_station.errors import NotPermitted
from dscplus_station.home import Home, Settings


@dataclass(frozen=True)
class Station:
    """An open station."""

    home: Home
    settings: Settings
    database: Database
    clock: Clock

    def now(self) -> datetime:
        """The present moment, aware and in UTC."""
        return self.clock()

    def today(self) -> date:
        """The present day in the issuer's zone (R13)."""
        return day_in(self.settings.zone, self.clock())

    @contextmanager
    def owning(self, job: str, owner: str) -> Iterator[None]:
        """Own a job ("job activation") while the block runs; `owner` is told to whoever comes second.

        Raises:
            HeldByAnother: another process has it, or another station that shares the records.
        """
        with locks.hold(self.home.locks, job, owner), self.database.owning(job):
            yield

    def day(self, asked: date | None) -> date:
        """The day a command is to act for: today unless asked otherwise.

        Raises:
            NotPermitted: a day that is still to come, outside a demo home.
        """
        today = self.today()
        if asked is None:
            return today
        if asked > today and not self.settings.demo:
            raise NotPermitted(
                "{asked} is still to come (today is {today} in {time_zone}): only a demo home looks into "
                "the future",
                asked=str(asked),
                today=str(today),
                time_zone=self.settings.time_zone,
            )
        return asked
