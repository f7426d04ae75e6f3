"""The keystore: sealed by a passphrase, bound to places, replaced whole, silent."""

import json
import pickle
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dscplus_driver.sensitive import MasterKey
from dscplus_station.errors import BadInput, NotFound, NotPermitted, StateConflict, StationError
from dscplus_station.home import write_private
from dscplus_station.keystore.file import FileKeystore, make_sealed, open_sealed
from dscplus_station.keystore.interface import (
    KeystoreError,
    VersionedMaster,
    pin_hash_of,
    pin_of,
    seed_of,
)
from dscplus_station.keystore.key_file import read_key_file

BATCH = VersionedMaster(1, MasterKey(bytes(range(0x40, 0x50))))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "keystore.json"


@pytest.fixture
def keystore(path):
    return FileKeystore.create(path, "sesame")


def test_what_was_kept_is_there_again(path, keystore):
    keystore.import_batch("B1", BATCH)
    sealed = keystore.seal(pin_of("O-1"), b"7391")
    again = FileKeystore.open(path, "sesame")
    assert again.unseal(pin_of("O-1"), sealed) == b"7391"
    assert again.issuer_master() == keystore.issuer_master()
    assert again.restock_master() == keystore.restock_master()
    assert again.batch_master("B1") == BATCH
    assert (again.issuer_master().version, again.restock_master().version) == (0x20, 0x10)
    assert again.issuer_master().key != again.restock_master().key


def test_two_stations_have_different_keys(tmp_path, keystore):
    other = FileKeystore.create(tmp_path / "other.json", "sesame")
    assert other.issuer_master().key != keystore.issuer_master().key
    with pytest.raises(KeystoreError):
        other.unseal(pin_of("O-1"), keystore.seal(pin_of("O-1"), b"7391"))


def test_a_wrong_passphrase_is_one_line_and_not_permitted(path, keystore):
    with pytest.raises(NotPermitted, match="wrong passphrase") as refusal:
        FileKeystore.open(path, "Sesame")
    assert refusal.value.exit_code == 4
    assert "\n" not in str(refusal.value)
    assert "Sesame" not in str(refusal.value)


@pytest.mark.parametrize("field", ["sealed", "salt", "cost"])
def test_an_altered_file_does_not_open(path, keystore, field):
    document = json.loads(path.read_text())
    value = document[field]
    document[field] = value * 2 if field == "cost" else ("0" if value[0] != "0" else "1") + value[1:]
    path.write_text(json.dumps(document))
    with pytest.raises(KeystoreError, match="wrong passphrase"):
        FileKeystore.open(path, "sesame")


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b'{"format": 1}', b"null", b'{"sealed": 1}'])
def test_something_else_is_no_keystore(path, content):
    path.write_bytes(content)
    with pytest.raises(KeystoreError, match="is no keystore"):
        FileKeystore.open(path, "sesame")


@pytest.mark.parametrize("cost", [0, 1, 3, 2**30, -4])
def test_a_cost_that_cannot_be_is_refused_before_it_is_computed(path, keystore, cost):
    path.write_text(json.dumps(json.loads(path.read_text()) | {"cost": cost}))
    with pytest.raises(KeystoreError, match="is no keystore"):
        FileKeystore.open(path, "sesame")


def test_a_keystore_is_never_overwritten(path, keystore):
    before = path.read_bytes()
    with pytest.raises(StationError, match="is there already"):
        FileKeystore.create(path, "other")
    assert path.read_bytes() == before


def test_no_file_and_no_passphrase(path):
    with pytest.raises(NotFound, match="dsc-station init"):
        FileKeystore.open(path, "sesame")
    with pytest.raises(BadInput, match="empty"):
        FileKeystore.create(path, "")


def test_only_the_owner_reads_it(path, keystore):
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_batch_key_stays(keystore):
    keystore.import_batch("B1", BATCH)
    keystore.import_batch("B1", BATCH)
    for other in (VersionedMaster(2, BATCH.key), VersionedMaster(1, MasterKey(bytes(16)))):
        with pytest.raises(StateConflict, match="another key already"):
            keystore.import_batch("B1", other)
    with pytest.raises(NotFound, match="no key of batch B2"):
        keystore.batch_master("B2")


def test_two_processes_batches_are_both_kept(path, keystore):
    other = FileKeystore.open(path, "sesame")
    keystore.import_batch("B1", BATCH)
    other.import_batch("B2", BATCH)
    assert FileKeystore.open(path, "sesame").batch_master("B1") == BATCH


def test_a_failed_write_leaves_the_old_file(path, keystore, monkeypatch):
    before = path.read_bytes()

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StationError, match=r"No space left on device\. The keystore was not changed"):
        keystore.import_batch("B1", BATCH)
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    with pytest.raises(NotFound):
        keystore.batch_master("B1")


def test_no_secret_shows_itself(path, keystore):
    keystore.import_batch("B1", BATCH)
    for thing in (keystore, BATCH, keystore.issuer_master()):
        shown = repr(thing) + str(thing)
        assert BATCH.key.reveal().hex() not in shown
        assert "40414243" not in shown
        assert keystore.issuer_master().key.reveal().hex() not in shown
    with pytest.raises(TypeError):
        pickle.dumps(BATCH)
    assert "40414243" not in path.read_text()


texts = st.text(max_size=20)


@given(texts, texts, texts, texts)
def test_different_places_have_different_contexts(a, b, c, d):
    contexts = {pin_of(a), pin_of(b), seed_of(a, b), seed_of(c, d), pin_hash_of(a, b)}
    wanted = {("pin", a), ("pin", b), ("seed", a, b), ("seed", c, d), ("hash", a, b)}
    assert len(contexts) == len(wanted)


@given(st.binary(max_size=80), st.binary(max_size=40), st.data())
def test_any_changed_byte_of_a_sealed_record_is_noticed(plaintext, context, data):
    from cryptography.exceptions import InvalidTag

    key = bytes(32)
    sealed = make_sealed(key, plaintext, context)
    assert open_sealed(key, sealed, context) == plaintext
    position = data.draw(st.integers(0, len(sealed) - 1))
    changed = bytearray(sealed)
    changed[position] ^= data.draw(st.integers(1, 255))
    for broken in (bytes(changed), sealed[:position]):
        with pytest.raises(InvalidTag):
            open_sealed(key, broken, context)


def test_the_same_plaintext_is_sealed_differently_each_time(keystore):
    assert len({keystore.seal(pin_of("O-1"), b"7391") for _ in range(50)}) == 50


@pytest.mark.parametrize(
    "text",
    [
        "404142434445464748494A4B4C4D4E4F\n",
        "40:41:42:43:44:45:46:47:48:49:4a:4b:4c:4d:4e:4f",
        "40 41 4243\n4445464748494A4B4C4D4E4F",
    ],
)
def test_a_key_file_is_hex(tmp_path, text):
    file = tmp_path / "key"
    file.write_text(text)
    assert read_key_file(file) == BATCH.key


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"40 41", "32 or 64 hex digits, not 4"),
        (b"xyz", "hex digits only"),
        (b"", "not 0"),
        (b"\xff", "hex digits"),
    ],
)
def test_another_key_file_is_refused_without_repeating_it(tmp_path, content, complaint):
    file = tmp_path / "key"
    file.write_bytes(content)
    with pytest.raises(BadInput, match=complaint) as refusal:
        read_key_file(file)
    assert "xyz" not in str(refusal.value)


def test_a_private_file_replaces_the_old_one_whole(tmp_path):
    file = tmp_path / "file"
    write_private(file, b"one")
    write_private(file, b"two")
    assert file.read_bytes() == b"two"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]
