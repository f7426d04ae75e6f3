"""`dsc-station init`, `backup` and `restore` of stations that share their records in PostgreSQL."""

import shutil

import pytest

from dscplus_station import log
from tests.provisioning.command_bench import Bench


@pytest.fixture
def bench(tmp_path):
    yield Bench(tmp_path)
    log.close_log()


@pytest.fixture
def url(worlds_in_postgresql):
    """An empty database without tables."""
    return worlds_in_postgresql.url(worlds_in_postgresql.make_database())


def test_stations_share_their_records_and_agree_on_what_they_must(bench, url, tmp_path):
    first, second = tmp_path / "home", tmp_path / "second"
    made = bench.json("init", "--name", "bench-1", "--database", url)
    assert made["station"] == "bench-1"
    assert not (first / "station.db").exists()
    assert (first / "station.toml").stat().st_mode & 0o777 == 0o600
    copy = tmp_path / "copy.json"
    shutil.copy(first / "keystore.json", copy)

    def refused(*arguments, code=1):
        told = bench.run("init", "--home", second, "--database", url, *arguments, code=code).stderr
        assert not second.exists()
        assert told.count("\n") == 1
        return told

    assert "has a station bench-1 already" in refused("--name", "bench-1", "--keystore", copy)
    assert "the keystore (say --keystore" in refused("--name", "bench-2")
    assert "differ: the time zone" in refused("--name", "bench-2", "--keystore", copy, "--time-zone", "UTC")
    assert "differ: the issuer" in refused("--name", "bench-2", "--keystore", copy, "--issuer", "Other AG")

    bench.run("init", "--home", second, "--name", "bench-2", "--database", url, "--keystore", copy)
    key = bench.file("key", "C0FFEE00C0FFEE01C0FFEE02C0FFEE03")
    bench.run("keys", "import-batch", "B1", "--key-file", key)
    bench.run("stock", "receive", bench.file("cards.csv", "serial_number,batch\n0000000018,B1\n"))
    told = bench.json("stock", "list", "--home", second)
    assert [card["serial_number"] for card in told["cards"]] == ["0000000018"]
    deeds = bench.json("audit", "list", "--home", second)["deeds"]
    assert [(deed["station"], deed["number"]) for deed in deeds if deed["action"] == "init"] == [
        ("bench-2", 1),
        ("bench-1", 1),
    ]


def test_a_backup_without_the_records_says_so_and_is_restored_beside_them(bench, url, tmp_path):
    bench.run("init", "--database", url)
    file = tmp_path / "backup"
    told = bench.run("backup", file)
    assert "the records are in PostgreSQL; back them up with pg_dump" in told.stderr
    assert bench.json("backup", tmp_path / "second")["records"] is False
    restored = tmp_path / "restored"
    bench.run("restore", file, "--home", restored)
    assert sorted(part.name for part in restored.iterdir()) == [
        "keystore.json",
        "locks",
        "station.log",
        "station.toml",
    ]
    assert bench.json("audit", "list", "--home", restored)["deeds"][0]["action"] == "restore"


def test_a_backup_is_not_restored_while_its_records_are_not_reached(
    bench, url, worlds_in_postgresql, tmp_path
):
    bench.run("init", "--database", url)
    bench.run("backup", tmp_path / "backup")
    log.close_log()
    name = url.partition("?")[0].rpartition("/")[2]
    worlds_in_postgresql.execute(f"DROP DATABASE {name} WITH (FORCE)")
    restored = tmp_path / "restored"
    told = bench.run("restore", tmp_path / "backup", "--home", restored, code=1).stderr
    assert "does not exist" in told
    assert "Nothing was restored" in told
    assert not restored.exists()


def test_an_init_that_fails_at_the_server_leaves_nothing_behind(bench, tmp_path):
    told = bench.run("init", "--database", f"postgresql://station@/none?host={tmp_path}", code=1).stderr
    assert "its server is not reached" in told
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ('url = "sqlite:///elsewhere.db"', "holds one line"),
        ('uri = "postgresql://station@/dscplus"', "holds one line"),
        ("url = 5", "holds one line"),
        ('url = "postgresql://station:Sample-Passw0rd@/dscplus"', "a password stands in the database's URL"),
    ],
)
def test_a_wrong_setting_is_no_new_database(bench, tmp_path, caplog, line, complaint):
    bench.run("init")
    with (tmp_path / "home/station.toml").open("a") as settings:
        settings.write(f"[database]\n{line}\n")
    code = 4 if "password" in complaint else 1
    told = bench.run("stock", "count", code=code).stderr
    assert complaint in told
    assert "Sample-Passw0rd" not in told + caplog.text + (tmp_path / "home/station.log").read_text()


def test_a_keystore_of_others_goes_with_a_shared_database_only(bench, tmp_path):
    assert "goes with --database" in bench.run("init", "--keystore", tmp_path / "k", code=2).stderr
