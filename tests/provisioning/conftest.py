"""Fixtures of the station's tests."""

import os

import pytest

from dscplus_station import log
from dscplus_station.keystore import file as keystore_file
from dscplus_station.operators import hashing
from tests.harness.postgresql import programs, running_server
from tests.provisioning.command_bench import Bench
from tests.provisioning.support import World


@pytest.fixture(scope="session", autouse=True)
def cheap_passphrases():
    """scrypt and Argon2id at their real costs would take most of the tests' time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keystore_file, "SCRYPT_COST", 2**4)
        patch.setattr(hashing, "PARAMETERS", hashing.Argon2id(passes=1, memory_kib=8, lanes=1))
        yield


@pytest.fixture(scope="session")
def postgresql():
    """A PostgreSQL server of the tests' own. In CI a missing one fails; elsewhere its tests are skipped."""
    found = programs()
    if found is None:
        pytest.skip(
            "PostgreSQL is missing: apt-get install postgresql, or set DSC_POSTGRESQL to its programs"
        )
    with running_server(found) as server:
        yield server


EVERY_STATION_IN_POSTGRESQL = os.environ.get("DSC_TEST_DATABASE") == "postgresql"
"""For a run by hand (docs/postgresql.md)."""


def pytest_configure(config):
    config.addinivalue_line("markers", "each_database: tests of a world run on SQLite, then on PostgreSQL")
    config.addinivalue_line("markers", "sqlite: about SQLite itself")


def pytest_generate_tests(metafunc):
    if EVERY_STATION_IN_POSTGRESQL or not metafunc.definition.get_closest_marker("each_database"):
        return
    if "world" in metafunc.fixturenames:  # tests of rules alone need no second run
        metafunc.parametrize("database", ["sqlite", "postgresql"], indirect=True)


def pytest_runtest_setup(item):
    if EVERY_STATION_IN_POSTGRESQL and item.get_closest_marker("sqlite"):
        pytest.skip("about SQLite itself")


@pytest.fixture(autouse=True)
def database(request):
    """Where the test's stations keep their records."""
    chosen = getattr(request, "param", None)
    if chosen == "postgresql" or EVERY_STATION_IN_POSTGRESQL:
        server = request.getfixturevalue("worlds_in_postgresql")
        yield "postgresql"
        assert server.lent or chosen is None, "this test did not run on PostgreSQL"
    else:
        yield "sqlite"


@pytest.fixture
def worlds_in_postgresql(postgresql, monkeypatch):
    """The test's stations keep their records in PostgreSQL."""
    monkeypatch.setattr(World, "server", postgresql)
    yield postgresql
    postgresql.take_back()


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    yield world
    world.close()


@pytest.fixture
def demo_world(tmp_path):
    world = World(tmp_path, demo=True)
    yield world
    world.close()


@pytest.fixture
def bench(tmp_path):
    """A bench with a home that has a batch and two cards."""
    bench = Bench(tmp_path)
    world = World(tmp_path, demo=True)
    world.stock(2)
    bench.world = world
    yield bench
    world.close()
    log.close_log()
