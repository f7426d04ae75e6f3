"""The database's URL: no password in it, no connection in the clear, a passfile that is its owner's alone."""

import pytest

from dscplus_station.databases.where import check_passfile, read_url
from dscplus_station.db import Database
from dscplus_station.errors import BadInput, NotPermitted

CANARY = "Sample-Passw0rd"


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://station:{CANARY}@db.sample/dscplus",
        f"postgresql://station@db.sample/dscplus?password={CANARY}",
        f"postgresql://station@db.sample/dscplus?sslpassword={CANARY}",
        f"postgresql://station:{CANARY}@/dscplus?host=/run/postgresql",
    ],
)
def test_a_password_in_the_url_is_refused_and_not_repeated(url):
    with pytest.raises(NotPermitted, match="passfile=") as refusal:
        Database(url)
    assert CANARY not in str(refusal.value)
    assert refusal.value.__cause__ is None


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://station@db.sample",
        "postgresql://station@db.sample:port/dscplus",
        "postgresql+psycopg2://station@db.sample/dscplus",
        "postgres://station@db.sample/dscplus",
        "postgresql://station@/dscplus?options=-c%20fsync=off",
        "postgresql://station@/dscplus?service=sample",
        "postgresql://station@/dscplus?host=a&host=b",
        "postgresql:",
    ],
)
def test_what_is_no_url_of_a_database_is_refused(url):
    with pytest.raises(BadInput, match="database's URL") as refusal:
        Database(url)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("url", "query"),
    [
        ("postgresql://station@/dscplus", {}),
        ("postgresql:///dscplus?host=/run/postgresql", {"host": "/run/postgresql"}),
        ("postgresql://station@localhost/dscplus", {}),
        ("postgresql://station@[::1]:5433/dscplus", {}),
        ("postgresql://station@db.sample/dscplus", {"sslmode": "verify-full", "sslrootcert": "system"}),
        ("postgresql://station@192.0.2.7/dscplus?sslmode=require", {"sslmode": "require"}),
        (
            "postgresql://station@/dscplus?host=db.sample&sslrootcert=/srv/ca.pem",
            {"host": "db.sample", "sslmode": "verify-full", "sslrootcert": "/srv/ca.pem"},
        ),
        (
            "postgresql://station@127.0.0.1,db.sample/dscplus",
            {"sslmode": "verify-full", "sslrootcert": "system"},
        ),
    ],
)
def test_another_machine_is_reached_by_tls_with_its_certificate_checked(url, query):
    read = read_url(url)
    assert (read.drivername, read.database, dict(read.query)) == ("postgresql+psycopg", "dscplus", query)


@pytest.mark.parametrize("mode", ["disable", "allow", "prefer"])
def test_another_machine_is_not_reached_in_the_clear(mode):
    with pytest.raises(NotPermitted, match=f"sslmode={mode}"):
        read_url(f"postgresql://station@db.sample/dscplus?sslmode={mode}")


def test_a_passfile_is_its_owners_alone(tmp_path):
    file = tmp_path / "pass"
    url = read_url(f"postgresql://station@/dscplus?passfile={file}")
    with pytest.raises(BadInput, match="No such file"):
        check_passfile(url)
    file.write_text(f"*:*:*:station:{CANARY}\n")
    for mode in (0o640, 0o604, 0o620, 0o602):
        file.chmod(mode)
        with pytest.raises(NotPermitted, match="chmod 600") as refusal:
            check_passfile(url)
        assert CANARY not in str(refusal.value)
    file.chmod(0o600)
    check_passfile(url)


def test_a_passfile_is_named_by_its_whole_path():
    with pytest.raises(BadInput, match="whole path"):
        check_passfile(read_url("postgresql://station@/dscplus?passfile=pass"))
