"""Stations with many cards: each size is built once a run, and copied for whoever changes it."""

from __future__ import annotations

import atexit
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from time import perf_counter

from dscplus_station.founding import found
from dscplus_station.home import Home

from .bench_station import PASSPHRASE
from .bulk_records import fill


def home_of(cards: int) -> Home:
    """A station's home with so many cards, to look at only."""
    return _built(cards)


@contextmanager
def copied_home(cards: int) -> Iterator[Home]:
    """A copy of it, to be changed."""
    with tempfile.TemporaryDirectory(prefix="copy-", dir=_folder()) as folder:
        home = Home(Path(folder) / "home")
        shutil.copytree(_built(cards).path, home.path)
        yield home


@cache
def _folder() -> Path:
    """Beside the sources, not in a temporary file system: a million cards take 3.5 GB."""
    folder = tempfile.mkdtemp(prefix=".bench-", dir=Path.cwd())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


@cache
def _built(cards: int) -> Home:
    began = perf_counter()
    home = Home(_folder() / str(cards))
    found(home, "Sample Issuer", "bench-1", "America/New_York", lambda: PASSPHRASE, demo=True)
    fill(home.database_file, cards)
    print(f"  made {cards:,} cards in {perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    return home
