"""A station with the records of two thousand cards, inserted in bulk once a test process."""

import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks.bulk_records import fill
from dscplus_station.actor import ALL_ROLES, Actor
from dscplus_station.home import Home
from dscplus_station.opening import open_station
from tests.provisioning.support import _template

CARDS = 2000


@contextmanager
def station_of(folder, cards):
    home = Home(folder / "home")
    shutil.copytree(_template(False, "America/New_York"), home.path)
    station = open_station(home)
    fill(Path(home.database_url.removeprefix("sqlite:///")), cards)
    yield station
    station.database.close()


@pytest.fixture(scope="session")
def full(tmp_path_factory):
    """Read only: whoever changes something takes `own`."""
    with station_of(tmp_path_factory.mktemp("full"), CARDS) as station:
        yield station


@pytest.fixture(scope="session")
def quarter(tmp_path_factory):
    """A quarter as many cards, read only."""
    with station_of(tmp_path_factory.mktemp("quarter"), CARDS // 4) as station:
        yield station


@pytest.fixture
def own(full, tmp_path):
    home = Home(tmp_path / "home")
    shutil.copytree(full.home.path, home.path)
    station = open_station(home)
    yield station
    station.database.close()


@pytest.fixture(scope="session")
def everybody():
    return Actor("olivia", ALL_ROLES, "bench-1")
