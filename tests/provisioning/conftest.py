"""Fixtures of the station's tests."""

import pytest

from dscplus_station import log
from dscplus_station.keystore import file as keystore_file
from dscplus_station.operators import hashing
from tests.provisioning.command_bench import Bench
from tests.provisioning.support import World


@pytest.fixture(scope="session", autouse=True)
def cheap_passphrases():
    """scrypt and Argon2id at their real costs would take most of the tests' time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keystore_file, "SCRYPT_COST", 2**4)
        patch.setattr(hashing, "PARAMETERS", hashing.Argon2id(passes=1, memory_kib=8, lanes=1))
        yield


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
