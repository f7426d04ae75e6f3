"""Making a station: home, keystore, database; all of it, or nothing is left behind."""

import shutil
from collections.abc import Callable
from contextlib import closing

from dscplus_station import schema
from dscplus_station.db import Database
from dscplus_station.home import Home, Settings
from dscplus_station.keystore.file import FileKeystore


def found(
    home: Home, issuer: str, station: str, time_zone: str, passphrase: Callable[[], str], *, demo: bool
) -> Settings:
    """Make a station in a directory that is new or empty.

    Args:
        passphrase: asked for only when everything else is in order.

    Raises:
        StationError: the directory is not empty or cannot be made, or a setting cannot be used.
    """
    settings = Settings(station, issuer, time_zone, demo)
    was_there = home.path.exists()
    home.check_new(settings)
    secret = passphrase()
    home.claim()  # what goes wrong up to here is not ours to remove
    try:
        home.furnish(settings)
        FileKeystore.create(home.keystore_file, secret)
        with closing(Database(home.database_url)) as database:
            schema.bring_up_to_date(database)
    except BaseException:
        shutil.rmtree(home.path, ignore_errors=True)
        if was_there:
            home.path.mkdir(mode=0o700)
        raise
    return settings
