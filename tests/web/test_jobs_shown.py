"""A job that fails is seen by those who can see to it: on the day's page, and on the supervisor's."""

import pytest
from playwright.sync_api import expect

from dscplus_station.errors import StationError
from dscplus_station.jobs.catalogue import JOBS, Did, Job
from dscplus_station.jobs.running import Runner
from dscplus_station.operators.rules import Position
from dscplus_station.web.jobs import DOES
from tests.web.conftest import SIZES, sign_in

PAGES = pytest.mark.parametrize("path", ["/day", "/bench/supervisor"])
PASSFILE = "/run/keys/smtp: no such mail password file"


def run(world, name, deed):
    every = next(one.every for one in JOBS if one.name == name)
    Runner(world.station).run(Job(name, "a test's", "-", every, deed), lambda: False)


def fail(_station, _actor, _stop):
    raise StationError(PASSFILE)


def told(page):
    return page.locator("section", has=page.locator("#jobs-head"))


def test_each_job_is_told_by_what_it_does():
    assert list(DOES) == [one.name for one in JOBS]


@PAGES
def test_as_long_as_all_is_well_nothing_is_said_of_jobs(signed_in, world, path):
    for one in JOBS:
        run(world, one.name, lambda *_: Did("fine"))
    signed_in.goto(path)
    expect(signed_in.locator("h1")).to_be_visible()
    expect(told(signed_in)).to_have_count(0)


@PAGES
def test_a_job_that_fails_is_shown_until_it_does_its_work(signed_in, world, path):
    run(world, "notices", lambda *_: Did("1 sent"))
    world.at(minutes=1)
    for _ in range(2):
        run(world, "notices", fail)
    signed_in.goto(path)
    expect(told(signed_in)).to_contain_text("Notices to holders")
    expect(told(signed_in)).to_contain_text(
        "(notices) failed 2 times in a row; it is tried again at 22 Nov 2026"
    )
    expect(told(signed_in).locator("q")).to_have_text(PASSFILE)
    expect(told(signed_in)).to_contain_text("It did its work last at 22 Nov 2026, 10:00")
    run(world, "notices", lambda *_: Did("1 sent"))
    signed_in.reload()
    expect(told(signed_in)).to_have_count(0)


def test_what_was_held_back_is_shown_with_its_reason(signed_in, world):
    run(world, "activation", lambda *_: Did("0 cards activated", ("order O-1 has no card",)))
    signed_in.goto("/day")
    expect(told(signed_in)).to_contain_text("(activation) could not do all of it at 22 Nov 2026, 10:00")
    expect(told(signed_in).locator("q")).to_contain_text("order O-1 has no card")


def test_jobs_that_nobody_runs_are_shown(tab, kiosk, world):
    run(world, "activation", lambda *_: Did("0 cards activated"))
    run(world, "sessions", lambda *_: Did("0 sessions ended"))
    world.at(hours=1, minutes=11)
    sign_in(tab, kiosk.add_operator())
    tab.goto("/day")
    late = "(activation) should have run at 22 Nov 2026, 10:10, and nobody runs it"
    expect(told(tab)).to_contain_text(late)
    expect(told(tab)).not_to_contain_text("(sessions)")


def test_at_the_bench_who_is_no_supervisor_is_not_troubled_with_it(tab, kiosk, world):
    run(world, "notices", fail)
    kiosk.add_operator()
    sign_in(tab, kiosk.add_operator("wanda", {Position.WAREHOUSE}))
    tab.goto("/bench/supervisor")
    expect(tab.locator("h1")).to_be_visible()
    expect(told(tab)).to_have_count(0)


@PAGES
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", ["en", "es"])
def test_everybody_can_read_it(signed_in, world, path, language, accessible, screenshot):
    for name in ("activation", "notices"):
        run(world, name, fail)
    run(world, "sessions", lambda *_: Did("1 session ended", ("one is stuck",)))
    world.at(minutes=1)
    signed_in.goto(path)
    words = {"en": "never did its work here", "es": "nunca ha hecho su trabajo"}
    expect(told(signed_in)).to_contain_text(words[language])
    assert signed_in.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    accessible(signed_in)
    screenshot(signed_in, f"jobs {path.strip('/').replace('/', '-')} {language}")


def test_a_trouble_with_markup_in_it_is_text(signed_in, world):
    def markup(_station, _actor, _stop):
        raise StationError("<b id='x'>down</b>")

    run(world, "notices", markup)
    signed_in.goto("/day")
    expect(told(signed_in).locator("q")).to_have_text("<b id='x'>down</b>")
    expect(signed_in.locator("#x")).to_have_count(0)
