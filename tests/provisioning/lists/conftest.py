"""A station with the records of two thousand cards, inserted in bulk once a test process."""

import shutil
from contextlib import contextmanager

import pytest

from dscplus_station.actor import ALL_ROLES, Actor
from dscplus_station.home import Home
from dscplus_station.opening import open_station
from tests.provisioning.many_cards import filled_home

CARDS = 2000


@contextmanager
def station_of(folder, cards):
    station = open_station(filled_home(folder, cards))
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
