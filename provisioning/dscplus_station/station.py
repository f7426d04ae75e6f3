"""The station as its services see it: settings, database, clock. The keystore is handed only where needed."""

from dataclasses import dataclass
from datetime import date, datetime

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
