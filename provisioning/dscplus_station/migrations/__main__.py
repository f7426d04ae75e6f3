"""For developers: write the next migration from the difference between the tables and the newest migration.

python -m dscplus_station.migrations 0002 "what changes"
"""

import sys
import tempfile
from pathlib import Path

from alembic import command

from dscplus_station import schema
from dscplus_station.db import Database

revision, message = sys.argv[1:]
with tempfile.TemporaryDirectory() as folder:
    database = Database(f"sqlite:///{Path(folder) / 'empty.db'}")
    with database.migrating() as connection:
        config = schema.alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        command.revision(config, message=message, autogenerate=True, rev_id=revision)
    database.close()
