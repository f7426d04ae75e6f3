"""The day's page in a browser: figures, plots with tables, days chosen, both languages and sizes."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from dscplus_station import audit
from dscplus_station.personalise.rules import RunState
from dscplus_station.personalise.tables import Run, RunStep
from tests.provisioning.support import CARDS, World, order_values
from tests.web.conftest import SIZES


@pytest.fixture
def world(tmp_path):
    """A day with five cards in two slots: one needed its seed stored twice, one was shipped."""
    world = World(tmp_path, demo=True)
    world.stock(5)
    world.shipped("O-0", CARDS[0])
    for n in range(1, 5):
        world.at(minutes=25)
        world.place(order_values(f"O-{n}", user=f"user{n}"))
        world.secure(f"O-{n}", CARDS[n])
    with world.writing() as session:
        for n, run in enumerate(session.scalars(select(Run).order_by(Run.started_at))):
            steps = list(RunState) + ([RunState.SEED_STORED] if n == 2 else [])
            for turn, step in enumerate(steps):
                at = run.started_at + timedelta(seconds=turn * (2 + n))
                session.add(RunStep(run_id=run.id, step=step, at=at, slot=n % 2 + 1, evidence="{}"))
            run.ended_at = run.started_at + timedelta(seconds=len(steps) * (2 + n))
        audit.record(session, world.actor, world.moment, "test", "runs")
    yield world
    world.close()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", ["en", "es"])
def test_the_day_is_told_in_figures_and_plots_that_everybody_can_read(
    signed_in, accessible, screenshot, language
):
    signed_in.goto("/day")
    numbers = signed_in.locator(".day-numbers dd").all_inner_texts()
    assert numbers[0] == "5"
    assert numbers[1].startswith("80.0 %")
    assert signed_in.locator("svg.plot").count() == 5
    assert signed_in.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    accessible(signed_in)
    screenshot(signed_in, f"day {language}")
    for summary in signed_in.locator(".day-figures summary").all():
        summary.click()
    accessible(signed_in)
    assert signed_in.locator(".day-figures table").count() == 5


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_channel_that_is_not_set_up_is_shown_with_what_waits_for_it(
    signed_in, accessible, monkeypatch, language
):
    monkeypatch.setattr("dscplus_station.notices.overview.set_up", lambda _: set())
    signed_in.goto("/day")
    told = {"en": "This station sends no e-mail.", "es": "Esta estación no envía correo electrónico."}
    shown = signed_in.locator(".banner-wait").inner_text()
    assert told[language] in shown and "[notices.email]" in shown and ": 1." in shown
    accessible(signed_in)


def test_a_plot_has_a_name_and_says_what_it_shows(signed_in):
    signed_in.goto("/day")
    assert signed_in.get_by_role("img", name="Failures by step").count() == 1
    assert signed_in.get_by_role("img", name="Cards an hour").count() == 1


def test_another_day_is_chosen_by_date_and_by_arrows(signed_in):
    signed_in.goto("/day")
    today = signed_in.locator("#on").input_value()
    signed_in.locator("#on").fill("2026-11-01")
    with signed_in.expect_navigation():
        signed_in.get_by_role("button", name="Show").click()
    assert "on=2026-11-01" in signed_in.url
    assert signed_in.locator("svg.plot").count() == 1
    with signed_in.expect_navigation():
        signed_in.get_by_role("link", name="The day after").click()
    assert "on=2026-11-02" in signed_in.url
    assert today > "2026-11-02"


@pytest.mark.parametrize("asked", ["tomorrow", "2026-13-01", "%00", "0001-01-01", "9" * 400])
def test_what_is_no_day_is_one_message(signed_in, asked):
    answer = signed_in.goto(f"/day?on={asked}")
    assert answer.status == 422
    assert "no day" in signed_in.locator("main").inner_text()
