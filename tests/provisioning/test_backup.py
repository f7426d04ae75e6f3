"""Backup and restore: encrypted, checked whole before anything is touched, nothing overwritten."""

import errno
import io
import os
import sqlite3
import stat
import tarfile

import pytest
from sqlalchemy import text

from dscplus_station.actor import Actor, Role
from dscplus_station.backup import sealed_stream, service
from dscplus_station.backup.sealed_stream import CHUNK, SealedWriter, open_stream
from dscplus_station.backup.service import restore, write_backup
from dscplus_station.errors import BadInput, DatabaseFailed, NotPermitted, StateConflict, StationError
from dscplus_station.home import Home
from dscplus_station.keystore.file import FileKeystore
from dscplus_station.keystore.interface import pin_of
from dscplus_station.opening import open_station
from dscplus_station.orders.tables import Order
from tests.provisioning.support import CARDS, PASSPHRASE, listed, order_values

pytestmark = pytest.mark.sqlite  # of records in the home; of others: postgresql/test_shared_home.py


@pytest.fixture
def kept(world, tmp_path):
    """A world with something worth keeping, and its backup."""
    world.stock(2)
    world.place(order_values("O-1", pin="7391"))
    world.file = tmp_path / "station.backup"
    write_backup(world.station, world.actor, PASSPHRASE, world.file)
    return world


def test_a_restored_home_has_everything(kept, tmp_path):
    home = Home(tmp_path / "new" / "home")
    assert restore(kept.file, home, PASSPHRASE, kept.moment) is None
    station = open_station(home, lambda: kept.moment)
    for name in ("orders", "cards"):
        assert listed(station, name) == listed(kept.station, name) != []
    assert station.settings == kept.station.settings
    keystore = FileKeystore.open(home.keystore_file, PASSPHRASE)
    with station.database.reading() as session:
        assert keystore.unseal(pin_of("O-1"), session.get_one(Order, "O-1").sealed_pin) == b"7391"
    assert keystore.batch_master("B1") == kept.keystore.batch_master("B1")
    station.database.close()
    assert stat.S_IMODE(home.path.stat().st_mode) == 0o700
    for name in service.MEMBERS:
        assert stat.S_IMODE((home.path / name).stat().st_mode) == 0o600


def test_the_file_is_encrypted_and_private(kept):
    content = kept.file.read_bytes()
    for secret in (b"alice", b"SQLite format", CARDS[0].encode(), b"issuer", b"sealed_pin"):
        assert secret not in content
    assert stat.S_IMODE(kept.file.stat().st_mode) == 0o600


def test_a_backup_is_a_snapshot_while_others_write(kept, tmp_path):
    with kept.writing() as session:
        session.execute(text("UPDATE orders SET name = 'half done'"))
        session.info["audited"] = True
        service._snapshot(kept.home.database_file, tmp_path / "snapshot.db")
    connection = sqlite3.connect(tmp_path / "snapshot.db")
    assert connection.execute("SELECT name FROM orders").fetchall() == [("Alice Sample",)]
    connection.close()


def test_no_file_is_replaced_and_nothing_is_left_behind(kept):
    before = kept.file.read_bytes()
    with pytest.raises(StateConflict, match="is there already"):
        write_backup(kept.station, kept.actor, PASSPHRASE, kept.file)
    assert kept.file.read_bytes() == before


def test_a_file_system_without_hard_links_takes_a_backup_too(kept, tmp_path, monkeypatch):
    def no_links(*_args):
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(service.os, "link", no_links)
    write_backup(kept.station, kept.actor, PASSPHRASE, tmp_path / "stick")
    assert restore(tmp_path / "stick", Home(tmp_path / "new"), PASSPHRASE, kept.moment) is None
    assert not list(tmp_path.glob(".stick*"))


def test_what_a_killed_backup_left_is_removed_by_the_next(kept, tmp_path):
    left = kept.home.path / ".backup-killed"
    left.mkdir()
    (left / "station.db").write_bytes(b"a snapshot with a PIN that was erased since")
    write_backup(kept.station, kept.actor, PASSPHRASE, tmp_path / "second")
    assert not left.exists()


def test_a_disk_that_is_full_leaves_no_half_backup(kept, tmp_path, monkeypatch):
    def full(*_args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(SealedWriter, "finish", full)
    before = sorted(kept.home.path.iterdir())
    with pytest.raises(StationError, match=r"No space left on device\. No backup was made"):
        write_backup(kept.station, kept.actor, PASSPHRASE, tmp_path / "second")
    assert not [file for file in tmp_path.iterdir() if "second" in file.name]
    assert sorted(kept.home.path.iterdir()) == before


def test_only_a_key_custodian_with_the_right_passphrase(kept, tmp_path):
    clerk = Actor("carl", frozenset({Role.STOCK}), "bench-1")
    with pytest.raises(NotPermitted, match="carl may not make backups"):
        write_backup(kept.station, clerk, PASSPHRASE, tmp_path / "second")
    with pytest.raises(NotPermitted, match="wrong passphrase"):
        write_backup(kept.station, kept.actor, "wrong", tmp_path / "second")
    assert not (tmp_path / "second").exists()


def refused(kept, home, kind, match, passphrase=PASSPHRASE):
    parent = sorted(home.path.parent.iterdir()) if home.path.parent.exists() else None
    with pytest.raises(kind, match=match) as refusal:
        restore(kept.file, home, passphrase, kept.moment)
    assert "\n" not in str(refusal.value)
    if parent is not None:
        assert sorted(home.path.parent.iterdir()) == parent


def test_a_wrong_passphrase_restores_nothing(kept, tmp_path):
    refused(kept, Home(tmp_path / "new"), NotPermitted, "wrong passphrase", "wrong")


def test_a_home_that_is_not_empty_is_not_touched(kept, tmp_path):
    refused(kept, kept.home, NotPermitted, "is not empty")
    other = tmp_path / "other"
    other.mkdir()
    (other / "letter.txt").write_text("keep me")
    refused(kept, Home(other), NotPermitted, "is not empty")
    assert (other / "letter.txt").read_text() == "keep me"


def test_replacing_puts_the_former_home_aside(kept):
    kept.place(order_values("O-2"))
    kept.station.database.close()
    aside = restore(kept.file, kept.home, PASSPHRASE, kept.moment, replace=True)
    assert aside is not None
    for path, orders in ((kept.home.path, {"O-1"}), (aside, {"O-1", "O-2"})):
        station = open_station(Home(path), lambda: kept.moment)
        assert {order["order"] for order in listed(station, "orders")} == orders
        station.database.close()


def test_if_the_new_home_cannot_come_the_former_one_comes_back(kept, monkeypatch):
    kept.station.database.close()
    rename = type(kept.home.path).rename

    def failing(self, target):
        if ".restore-" in self.name:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return rename(self, target)

    monkeypatch.setattr(type(kept.home.path), "rename", failing)
    with pytest.raises(StationError, match="Nothing was restored"):
        restore(kept.file, kept.home, PASSPHRASE, kept.moment, replace=True)
    monkeypatch.undo()
    station = open_station(kept.home)
    assert [order["order"] for order in listed(station, "orders")] == ["O-1"]
    station.database.close()


def test_every_kind_of_damage_is_noticed(kept, tmp_path):
    content = kept.file.read_bytes()
    home = Home(tmp_path / "new")
    header = len(sealed_stream.MAGIC) + 17
    for cut in (0, 1, header - 1, header, header + 3, header + 100, len(content) // 2, len(content) - 1):
        kept.file.write_bytes(content[:cut])
        refused(kept, home, StationError, "Nothing was restored")
    for position in (0, header - 20, header - 1, header, header + 4, len(content) // 2, len(content) - 1):
        changed = bytearray(content)
        changed[position] ^= 1
        kept.file.write_bytes(changed)
        refused(kept, home, StationError, "Nothing was restored")
    kept.file.write_bytes(content + b"\0")
    refused(kept, home, BadInput, "added to its end")


def test_chunks_cannot_be_dropped_swapped_or_cut_at_their_borders():
    plaintext = os.urandom(3 * CHUNK + 5)
    target = io.BytesIO()
    writer = SealedWriter(target, "sesame")
    for start in range(0, len(plaintext), 100_000):
        writer.write(plaintext[start : start + 100_000])
    writer.finish()
    sealed = target.getvalue()
    opened = io.BytesIO()
    open_stream(io.BytesIO(sealed), opened, "sesame")
    assert opened.getvalue() == plaintext

    header = len(sealed_stream.MAGIC) + 17
    whole = 4 + CHUNK + 16
    chunks = [sealed[header + n * whole : header + (n + 1) * whole] for n in range(4)]
    for broken in (chunks[:3], chunks[1:], [chunks[1], chunks[0], *chunks[2:]], chunks[:2] + chunks[3:], []):
        with pytest.raises((BadInput, NotPermitted)):
            open_stream(io.BytesIO(sealed[:header] + b"".join(broken)), io.BytesIO(), "sesame")


def seal_archive(kept, members):
    with kept.file.open("wb") as file:
        writer = SealedWriter(file, PASSPHRASE)
        with tarfile.open(fileobj=writer, mode="w|") as archive:
            for name, content in members.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
        writer.finish()


def members_of(kept):
    kept.station.database.close()
    return {name: (kept.home.path / name).read_bytes() for name in service.MEMBERS}


def test_content_that_does_not_hold_together_is_refused(kept, tmp_path):
    home = Home(tmp_path / "new")
    members = members_of(kept)
    page = bytearray(members["station.db"])
    page[4096 * 3 : 4096 * 5] = bytes(4096 * 2)
    for changed, match in (
        ({"../evil": b"x"}, "does not hold a station"),
        ({"station.db": bytes(page)}, "damaged"),
        (
            {"station.db": b"no database at all, but long enough to be read as one" * 100},
            "its database is damaged",
        ),
        ({"keystore.json": b"{}"}, "is no keystore"),
        ({"station.toml": b"format = 9"}, "format 9"),
    ):
        seal_archive(kept, members | changed)
        refused(kept, home, StationError, match)
    seal_archive(kept, {"station.db": members["station.db"]})
    refused(kept, home, BadInput, "does not hold a station")


def test_a_backup_of_a_newer_release_is_refused(kept, tmp_path):
    connection = sqlite3.connect(kept.home.database_file)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    seal_archive(kept, members_of(kept))
    refused(kept, Home(tmp_path / "new"), DatabaseFailed, "newer release")


def test_no_such_file(kept, tmp_path):
    with pytest.raises(StationError, match=r"No such file or directory\. Nothing was restored"):
        restore(tmp_path / "none", Home(tmp_path / "new"), PASSPHRASE, kept.moment)
