"""Where the campaign's stations live."""

import tempfile
from pathlib import Path

import pytest


@pytest.fixture
def fast_folder(tmp_path):
    """A folder in memory where the system has one: thousands of commits need no disk."""
    memory = Path("/dev/shm")
    if not memory.is_dir():
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)
