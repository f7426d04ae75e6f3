"""A PostgreSQL server for tests: on a unix socket in a folder of its own, as a user who is not root.

It does not wait for the disk (fsync off): what a power cut leaves behind is the server's concern, not ours.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from contextlib import closing, contextmanager
from pathlib import Path

SUPERUSER = "postgres"
STATION_USER = "station"
"""Owns the databases of the tests; no superuser."""
OPTIONS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_connections": "200",
    "shared_buffers": "64MB",
}
START_S = 60
MEMORY = Path("/dev/shm")
"""Where there is one, the databases are in memory: a hundred megabytes."""


_EMPTY = """
SET session_replication_role = replica;  -- no foreign keys are checked, so the order of tables is no matter
DO $$
DECLARE name text; is_filled boolean;
BEGIN
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %I)', name) INTO is_filled;
        IF is_filled THEN
            EXECUTE format('DELETE FROM %I', name);
        END IF;
    END LOOP;
    PERFORM setval(format('%I.%I', schemaname, sequencename)::regclass, 1, false)
        FROM pg_sequences WHERE last_value IS NOT NULL;
END $$
"""


def programs():
    """The folder of Debian's server programs (the newest), or of DSC_POSTGRESQL; None if there are none."""
    if named := os.environ.get("DSC_POSTGRESQL"):
        return Path(named)
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda file: int(file.parts[-3]))
    return found[-1].parent if found else None


class Server:
    """A running server; its databases are never removed: the whole folder goes."""

    def __init__(self, folder, programs, user):
        self._programs = programs
        self._user = user
        self.folder = folder
        self._made = 0
        self._free, self.lent = [], []

    def start(self):
        self._run("pg_ctl", "start", "--wait", f"--timeout={START_S}", f"--log={self.folder / 'log'}")

    def stop(self, mode="immediate"):
        self._run("pg_ctl", "stop", "--wait", f"--mode={mode}")

    def initialise(self):
        self._run(
            "initdb", f"--username={SUPERUSER}", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C"
        )
        settings = OPTIONS | {"unix_socket_directories": str(self.folder)}
        with (self.folder / "data/postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())

    def url(self, database, user=STATION_USER):
        return f"postgresql://{user}@/{database}?host={self.folder}"

    def execute(self, *statements, database="postgres", user=SUPERUSER):
        """Run statements as the superuser, and give the last one's rows, if it has some."""
        import psycopg  # comes with an extra: who has no server needs none

        with closing(psycopg.connect(self.url(database, user), autocommit=True)) as connection:
            for statement in statements:
                cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def make_database(self, template="template0"):
        """A new database, a copy of another; its name."""
        self._made += 1
        name = f"test_{self._made}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template} OWNER {STATION_USER}")
        return name

    def lend(self, template):
        """An empty database with the tables of another, until `take_back`; its name.

        Making one takes a hundred times as long as emptying one that was used.
        """
        if self._free:
            name = self._free.pop()
            self.execute(_EMPTY, database=name)
        else:
            name = self.make_database(template)
        self.lent.append(name)
        return name

    def take_back(self):
        """Take back all databases that were lent, and end what still speaks with them."""
        if self.lent:
            names = ", ".join(f"'{name}'" for name in self.lent)
            self.execute(
                f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN ({names})"  # noqa: S608
            )
        self._free += self.lent
        self.lent.clear()

    def _run(self, program, *arguments):
        subprocess.run(
            [self._programs / program, f"--pgdata={self.folder / 'data'}", *arguments],
            check=True,
            user=self._user,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # a pipe would stay open in the server that pg_ctl leaves
            timeout=START_S + 10,
        )


@contextmanager
def running_server(programs):
    """A server that runs while the block does."""
    user = "postgres" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="dsc-postgresql-", dir=MEMORY if MEMORY.is_dir() else None))
    try:
        if user is not None:  # the server refuses to run as root
            os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
        server = Server(folder, programs, user)
        server.initialise()
        server.start()
        try:
            server.execute(f"CREATE ROLE {STATION_USER} LOGIN")
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)
