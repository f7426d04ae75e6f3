"""The station killed by SIGKILL: before and after each commit, and around some of the card's commands."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.campaign import faults
from tests.campaign.checker import findings
from tests.harness.loopback import LoopbackCard
from tests.provisioning.personalise.bench import PIN, SERIALS, Bench

ROOT = Path(__file__).parents[2]
SERIAL = SERIALS[0]
PUT_KEY, STORE_DATA, LAST_SET_STATUS = 5, 9, 15
POINTS = [
    (kind, at, when)
    for kind, places in (
        ("kill at commit", range(1, faults.COMMITS[faults.A] + 1)),
        ("kill at command", (PUT_KEY, STORE_DATA, LAST_SET_STATUS)),
    )
    for at in places
    for when in faults.WHEN
]


@pytest.mark.parametrize(("kind", "at", "when"), POINTS)
def test_a_killed_station_run_again_completes(kind, at, when, fast_folder):
    bench = Bench(fast_folder)
    bench.place("A")
    image = fast_folder / "card.flash"
    image.write_bytes(bench.cards[SERIAL].flash.image())
    station = [
        sys.executable,
        "-m",
        "tests.campaign.station_process",
        str(bench.station.home.path),
        SERIAL,
        str(image),
    ]
    killed = subprocess.run(
        [*station, kind, str(at), when], cwd=ROOT, timeout=60, capture_output=True, text=True
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr

    bench.cards[SERIAL] = LoopbackCard(SERIAL, None, image=image.read_bytes())
    last_commit_done = (kind, at, when) == ("kill at commit", faults.COMMITS[faults.A], "after")
    if not last_commit_done:
        assert bench.personalise(SERIAL, "A").verdict == "completed"
    images = {SERIAL: bench.cards[SERIAL].flash.image()}
    assert findings(bench.station.database, bench.keystore, images, {"A": PIN}) == []
    bench.close()
