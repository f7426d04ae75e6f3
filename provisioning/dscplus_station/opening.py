"""Opening a station: its settings, and its database at this release's schema."""

from dscplus_station import schema
from dscplus_station.clock import Clock, system_clock
from dscplus_station.db import Database
from dscplus_station.home import Home
from dscplus_station.station import Station


def open_station(home: Home, clock: Clock = system_clock) -> Station:
    """Open a home, bringing its database to this release's schema.

    Raises:
        NotFound: no station lives there.
        DatabaseFailed: made by a newer release, locked, damaged or not writable.
    """
    settings = home.settings()
    database = Database(home.database_url)
    try:
        schema.bring_up_to_date(database)
    except BaseException:
        database.close()
        raise
    return Station(home, settings, database, clock)
