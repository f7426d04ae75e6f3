"""Opening a station: its settings, and its database at this release's schema."""

from dscplus_station import schema
from dscplus_station.clock import Clock, system_clock
from dscplus_station.db import Database
from dscplus_station.home import Home
from dscplus_station.moved_clock import moved_clock
from dscplus_station.station import Station


def open_station(home: Home, clock: Clock | None = None) -> Station:
    """Open a home, bringing its database to this release's schema.

    Args:
        clock: the machine's by default; a demo home's may have been moved ahead of it.

    Raises:
        NotFound: no station lives there.
        DatabaseFailed: made by a newer release, locked, damaged, not writable or not reached.
    """
    settings = home.settings()
    database = Database(home.url_of(settings))
    try:
        schema.bring_up_to_date(database)
    except BaseException:
        database.close()
        raise
    if clock is None:
        clock = moved_clock(home) if settings.demo else system_clock
    return Station(home, settings, database, clock)
