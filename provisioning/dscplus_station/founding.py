"""Making a station: home, keystore, database; all of it, or nothing is left behind."""

import shutil
from collections.abc import Callable
from contextlib import closing

from dscplus_station import schema
from dscplus_station.actor import Actor
from dscplus_station.clock import system_clock
from dscplus_station.db import Database
from dscplus_station.home import Home, Settings, write_private
from dscplus_station.joining import Shared, enter
from dscplus_station.keystore.file import FileKeystore


def found(
    home: Home,
    issuer: str,
    station: str,
    time_zone: str,
    passphrase: Callable[[], str],
    *,
    demo: bool,
    founder: Actor | None = None,
    shared: Shared | None = None,
) -> Settings:
    """Make a station in a directory that is new or empty.

    Args:
        passphrase: asked for only when everything else is in order.
        founder: who is recorded as having made it; None: nobody is.
        shared: where the records are, if not in the home.

    Raises:
        StationError: the directory is not empty or cannot be made, or a setting cannot be used; the other
            stations of a shared database differ.
    """
    settings = Settings(station, issuer, time_zone, demo, database={"url": shared.url} if shared else {})
    was_there = home.path.exists()
    home.check_new(settings)
    if shared is not None:
        Database(shared.url).close()  # refuses what cannot be used
    secret = passphrase()
    home.claim()  # what goes wrong up to here is not ours to remove
    try:
        home.furnish(settings)
        if shared is not None and shared.keystore is not None:
            keystore = FileKeystore.open(shared.keystore, secret)
            write_private(home.keystore_file, shared.keystore.read_bytes())
        else:
            keystore = FileKeystore.create(home.keystore_file, secret)
        with closing(Database(home.url_of(settings))) as database:
            schema.bring_up_to_date(database)
            if founder is not None:
                with database.writing() as session:
                    enter(session, founder, system_clock(), settings, keystore)
    except BaseException:
        shutil.rmtree(home.path, ignore_errors=True)
        if was_there:
            home.path.mkdir(mode=0o700)
        raise
    return settings
