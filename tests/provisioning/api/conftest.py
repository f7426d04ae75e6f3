"""A station behind its API."""

import pytest

from tests.provisioning.api.api_world import ApiWorld


@pytest.fixture
def api(tmp_path):
    world = ApiWorld(tmp_path)
    yield world
    world.close()


@pytest.fixture
def alice(api):
    return api.with_alice()
