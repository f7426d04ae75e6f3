"""A bench with four orders and blank cards."""

import pytest

from tests.provisioning.parcels.packing_world import Packing


@pytest.fixture
def packing(tmp_path):
    world = Packing(tmp_path)
    yield world
    world.close()


@pytest.fixture
def without_labels(tmp_path):
    world = Packing(tmp_path, settings="\n[labels]\nprinted = false\n")
    yield world
    world.close()
