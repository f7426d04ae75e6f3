"""`dsc-station story`: one client's life; each fact is read from the records, and one that fails ends it."""

import json
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from dscplus_station.home import Home
from dscplus_station.story import cast
from dscplus_station.story.play import play
from dscplus_station.story.stage import Fact, Stage, StoryBroken
from tests.system.test_demo import emulators

COMMAND = [Path(sys.executable).with_name("dsc-station"), "story", "--json", "--home"]
ACTIVATES = "nobody does anything: the card activates itself"


def story(home):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DSC_STATION")}
    return subprocess.run(
        [*COMMAND, str(home)],
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
        env=environment,
    )


def test_the_story_goes_from_the_order_to_the_released_deposit(tmp_path):
    """R1 to R3, R6, R9 to R18, R23 to R30, R41 to R43: each in its place in one life."""
    home = tmp_path / "story-home"
    done = story(home)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    happenings = document["happenings"]
    told = [f"{one['who']} {one['what']}" for one in happenings]
    days = [datetime.fromisoformat(one["at"]) for one in happenings]
    assert document["format"] == "dsc-station.story/1"
    assert days == sorted(days) and (days[-1] - days[0]).days > 180
    assert document["facts"] == sum(len(one["facts"]) for one in happenings) >= 80
    assert all(one["facts"] for one in happenings)
    positions = [
        next(index for index, words in enumerate(told) if step in words)
        for step in (
            "confirms",
            "becomes Anna's",
            "letter box",
            "Anna logs in",
            "the card is lost",
            "temporary passcode",
            "online code card",
            "orders a replacement",
            "captures the deposit",
            ACTIVATES,
            "submits the request",
            "opens the envelope",
        )
    ]
    assert positions == sorted(positions)
    for secret in (cast.PIN, cast.OTHER_PIN):
        assert secret not in done.stdout + done.stderr
    assert emulators(home) == []


# What a service would do is left out, one at a time: the story must break, and where.
LEFT_OUT = [
    ("dscplus_station.story.stage.send_due", "Anna was told by e-mail"),
    ("dscplus_station.story.stage.run_timers", "seven days before, by e-mail"),
    ("dscplus_station.activation.service.end_interim_access", "interim access has ended with it"),
    ("dscplus_station.returns.service.take_out_of_use", "taken from both user names at once"),
]


@pytest.mark.parametrize(("service", "fact"), LEFT_OUT, ids=[fact for _, fact in LEFT_OUT])
def test_a_step_that_does_not_happen_ends_the_story(tmp_path, monkeypatch, service, fact):
    monkeypatch.setattr(service, lambda *_arguments, **_options: [])
    happened = []
    with pytest.raises(StoryBroken, match=fact):
        play(Home(tmp_path / "home"), happened.append)
    assert happened, "it broke before it began"
    assert fact not in {told for one in happened for told in one.facts}
    assert emulators(tmp_path / "home") == []


def test_a_broken_fact_is_told_with_what_was_found(world):
    told = []
    stage = Stage(world.station, world.keystore, world.station.clock, [], told.append)
    with pytest.raises(StoryBroken, match="the moon rises: it is full: found half, not full"):
        stage.happens("the moon", "rises", Fact("it is full", "half", "full"))
    assert told == []
    stage.happens("the moon", "rises", Fact("it is full", "full", "full"))
    assert [one.facts for one in told] == [["it is full"]]


def test_a_home_that_is_no_demo_home_is_not_touched(tmp_path):
    (tmp_path / "precious").write_text("x")
    done = story(tmp_path)
    assert done.returncode == 1
    assert "not a demo home" in json.loads(done.stdout)["message"]
    assert (tmp_path / "precious").read_text() == "x"
