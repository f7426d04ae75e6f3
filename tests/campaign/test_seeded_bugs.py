"""Tests of the test: a small campaign notices each deliberate mistake, and finds nothing without one."""

import re

import pytest

from tests.campaign import faults
from tests.campaign.keypad import free_guesses
from tests.campaign.seeded_bugs import NOTICED
from tests.campaign.trials import Campaign
from tests.provisioning.personalise.bench import Bench


def small_campaign(folder):
    """Some of every kind of fault, profile A; what is wrong, kind after kind."""
    a = faults.A
    for part in (
        faults.power_cuts(a, tears=3),
        faults.lost_answers(a),
        faults.forged_answers(a),
        faults.lost_frames(a)[::3],
        faults.kills(a)[::5],
        faults.double_cuts(a, step=5),
        faults.unplugs(a, step=97),
        [fault for fault in faults.over_hid(a) if fault.kind.startswith("answer lost")],
    ):
        folder.mkdir()
        bench = Bench(folder, cards=0)
        try:
            campaign = Campaign(bench).run(part)
            yield from campaign.check()
            serial, card = next(iter(bench.cards.items()))
            yield from free_guesses(serial, card.flash.image(), campaign.pins[f"order-of-{serial}"])
        finally:
            bench.close()
        folder = folder.with_name(folder.name + "+")


def test_without_a_mistake_the_small_campaign_finds_nothing(fast_folder):
    assert list(small_campaign(fast_folder / "station")) == []


@pytest.mark.parametrize("mistake", NOTICED, ids=lambda mistake: mistake.__name__)
def test_each_seeded_mistake_is_noticed(mistake, fast_folder):
    found = []
    with mistake():
        for finding in small_campaign(fast_folder / "station"):
            found.append(finding)
            if re.search(NOTICED[mistake], finding):
                return
    pytest.fail(f"not noticed; the campaign said only: {found[:5]}")
