"""Backup and restore of a home: settings, keystore and a consistent snapshot of the database.

Records in PostgreSQL are several stations', and their server's to back up: of a home that has them there,
settings and keystore are kept.

Lose the issuer master and no card can be managed again: make backups, and try a restore into a new directory.
"""

import errno
import os
import shutil
import sqlite3
import tarfile
import tempfile
from contextlib import closing
from datetime import datetime
from pathlib import Path

from dscplus_station import audit, locks, schema
from dscplus_station.actor import Actor, Role
from dscplus_station.backup.sealed_stream import SealedWriter, open_stream
from dscplus_station.db import Database
from dscplus_station.errors import BadInput, NotPermitted, StateConflict, StationError
from dscplus_station.home import Home
from dscplus_station.keystore.file import FileKeystore
from dscplus_station.station import Station

SETTINGS, KEYSTORE, DATABASE = "station.toml", "keystore.json", "station.db"
MEMBERS = (SETTINGS, KEYSTORE, DATABASE)
MEMBERS_WITHOUT_RECORDS = (SETTINGS, KEYSTORE)
RECORDS_ELSEWHERE = "the records are in PostgreSQL; back them up with pg_dump, at the same time"

_SNAPSHOT = ".backup-"
"""What a snapshot's folder in the home begins with."""
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.ENOSYS})
"""How a file system says that it has no hard links: FAT, as on most memory sticks."""


def write_backup(station: Station, actor: Actor, passphrase: str, target: Path) -> bool:
    """Write an encrypted backup; the file appears whole or not at all, and replaces none.

    Args:
        passphrase: the keystore's (checked): one passphrase opens the home, the backup, the restored home.

    Returns:
        whether the records are in it: they are if the home has them.

    Raises:
        NotPermitted: not a key custodian, or the passphrase is wrong.
        StateConflict: the file is there already.
        HeldByAnother: another backup is under way.
        StationError: it cannot be written.
    """
    actor.require(Role.KEY_CUSTODIAN, "make backups")
    home = station.home
    FileKeystore.open(home.keystore_file, passphrase)
    if target.exists():
        raise StateConflict(f"{target} is there already: name a new file")
    with locks.hold(home.locks, "job backup", "backup"):
        with station.database.writing() as session:
            audit.record(session, actor, station.now(), "backup", target.name[:64])
        with_records = not station.settings.database
        _write(home, passphrase, target, with_records=with_records)
    return with_records


def _write(home: Home, passphrase: str, target: Path, *, with_records: bool) -> None:
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        for left in home.path.glob(f"{_SNAPSHOT}*"):  # by a backup that was killed: erased PINs are in it
            shutil.rmtree(left)
        with tempfile.TemporaryDirectory(dir=home.path, prefix=_SNAPSHOT) as folder:
            snapshot = Path(folder) / DATABASE
            if with_records:
                _snapshot(home.database_file, snapshot)
            descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                sealed = SealedWriter(file, passphrase)
                with tarfile.open(fileobj=sealed, mode="w|") as archive:  # type: ignore[call-overload]
                    archive.add(home.settings_file, SETTINGS)
                    archive.add(home.keystore_file, KEYSTORE)
                    if with_records:
                        archive.add(snapshot, DATABASE)
                sealed.finish()
                file.flush()
                os.fsync(file.fileno())
        _appear(unfinished, target)
    except (OSError, sqlite3.Error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise StationError(f"{target}: {reason}. No backup was made.") from error
    finally:
        unfinished.unlink(missing_ok=True)


def _appear(unfinished: Path, target: Path) -> None:
    """Give a finished file its name, rather failing than replacing a file that came meanwhile."""
    try:
        os.link(unfinished, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if target.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from None
        unfinished.rename(target)
    _sync(target.absolute().parent)


def restore(
    source: Path, home: Home, passphrase: str, now: datetime, *, replace: bool = False
) -> Path | None:
    """Make a home from a backup. All is decrypted and checked beside the home before the home is touched.

    Args:
        replace: put a home that is there aside, under a new name.

    Returns:
        where the former home is now, if there was one.

    Raises:
        BadInput: no backup, cut short or altered; or its content does not hold together.
        NotPermitted: wrong passphrase; or the home is not empty and `replace` was not asked for.
        DatabaseFailed: made by a newer release.
        StationError: it cannot be read or written.
    """
    occupied = not home.is_empty()
    if occupied and not replace:
        raise NotPermitted(
            f"{home.path} is not empty: name a new directory, or say --replace to put it aside"
        )
    parent = home.path.absolute().parent
    try:
        parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(dir=parent, prefix=f".{home.path.name}.restore-"))
    except OSError as error:
        raise StationError(f"{parent}: {error.strerror}. Nothing was restored.") from error
    try:
        _unpack(source, staging, passphrase)
        _check(Home(staging), source, passphrase)
        (staging / "locks").mkdir(mode=0o700, exist_ok=True)
        _sync(staging)
        return _put_in_place(staging, home.path, now, occupied)
    except OSError as error:
        raise StationError(f"{error.filename or source}: {error.strerror}. Nothing was restored.") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _snapshot(database_file: Path, target: Path) -> None:
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    with (
        closing(sqlite3.connect(f"{database_file.absolute().as_uri()}?mode=ro", uri=True)) as live,
        closing(sqlite3.connect(target)) as copy,
    ):
        live.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")


def _unpack(source: Path, staging: Path, passphrase: str) -> None:
    archive_file = staging / "archive"
    try:
        with source.open("rb") as file, archive_file.open("xb") as plain:
            open_stream(file, plain, passphrase)
    except (BadInput, NotPermitted) as error:
        raise type(error)(f"{source}: {error}. Nothing was restored.") from None
    try:
        with tarfile.open(archive_file, mode="r:") as archive:
            names = sorted(archive.getnames())
            if names not in (sorted(MEMBERS), sorted(MEMBERS_WITHOUT_RECORDS)):
                raise BadInput(f"{source}: it does not hold a station. Nothing was restored.")
            for name in names:
                member = archive.extractfile(name)
                if member is None:
                    raise BadInput(f"{source}: it does not hold a station. Nothing was restored.")
                descriptor = os.open(staging / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(descriptor, "wb") as file:
                    shutil.copyfileobj(member, file)
                    file.flush()
                    os.fsync(file.fileno())
    except tarfile.TarError as error:
        raise BadInput(f"{source}: it does not hold a station ({error}). Nothing was restored.") from None
    archive_file.unlink()


def _check(home: Home, source: Path, passphrase: str) -> None:
    """Check that the unpacked parts are a station that this release can run."""
    try:
        settings = home.settings()
        FileKeystore.open(home.keystore_file, passphrase)
        if bool(settings.database) is home.database_file.exists():
            raise BadInput("its settings and its records do not belong together")
        if not settings.database:
            _check_file(home.database_file)
        with closing(Database(home.url_of(settings))) as database:
            schema.bring_up_to_date(database)
    except sqlite3.DatabaseError:
        raise BadInput(f"{source}: its database is damaged. Nothing was restored.") from None
    except StationError as error:
        told = str(error).replace(f"{home.path}/", "")
        raise type(error)(f"{source}: {told}. Nothing was restored.") from None


def _check_file(database_file: Path) -> None:
    with closing(sqlite3.connect(database_file)) as connection:
        verdict = connection.execute("PRAGMA integrity_check").fetchone()[0]
        orphans = connection.execute("PRAGMA foreign_key_check").fetchall()
    if verdict != "ok" or orphans:
        raise BadInput("its database is damaged")


def _put_in_place(staging: Path, path: Path, now: datetime, occupied: bool) -> Path | None:
    """Rename the staged home to its place; a former one is put aside, and back again if that fails."""
    if not occupied:
        if path.exists():
            path.rmdir()
        staging.rename(path)
        _sync(path.absolute().parent)
        return None
    aside = path.with_name(f"{path.name}.before-restore-{now:%Y%m%dT%H%M%S}")
    path.rename(aside)
    try:
        staging.rename(path)
    except OSError:
        aside.rename(path)
        raise
    _sync(path.absolute().parent)
    return aside


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
