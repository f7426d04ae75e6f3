"""Homes with the records of many cards, inserted in bulk: in SQLite, or moved from there into PostgreSQL."""

import shutil

from sqlalchemy import Integer, create_engine, func, insert, select, text

from benchmarks.bulk_records import fill
from dscplus_station.db import Base
from dscplus_station.home import Home
from tests.harness.postgresql import SUPERUSER
from tests.provisioning.support import _migrated, _template


def filled_home(folder, cards):
    """A home in SQLite with so many cards."""
    home = Home(folder / "home")
    shutil.copytree(_template(False, "America/New_York"), home.path)
    fill(home.database_file, cards)
    return home


def move_to_postgresql(home, server):
    """Move a home's records into a database of a server, which then knows how many there are."""
    name = server.make_database(_migrated(server))
    source = create_engine(f"sqlite:///{home.database_file}")
    target = create_engine(server.url(name, SUPERUSER).replace("postgresql:", "postgresql+psycopg:"))
    with source.connect() as before, target.begin() as after:
        after.execute(text("SET session_replication_role = replica"))  # no foreign keys are checked
        for table in Base.metadata.sorted_tables:
            if rows := [dict(row) for row in before.execute(select(table)).mappings()]:
                after.execute(insert(table), rows)
            number = table.autoincrement_column
            if rows and number is not None and isinstance(number.type, Integer):
                counter = func.pg_get_serial_sequence(table.name, number.name)
                after.execute(select(func.setval(counter, func.max(number))))
        after.execute(text("ANALYZE"))
    source.dispose()
    target.dispose()
    home.database_file.unlink()
    with home.settings_file.open("a") as settings:
        settings.write(f'[database]\nurl = "{server.url(name)}"\n')
