"""Whatever goes wrong at whichever point, on an intact card running it again completes."""

import pytest
from sqlalchemy import event

from dscplus_driver.card import Card
from dscplus_driver.link.interface import LinkKind
from tests.campaign import faults
from tests.campaign.keypad import free_guesses
from tests.campaign.trials import Campaign
from tests.provisioning.personalise.bench import Bench

PARTS = 24
STEP_OF_PROFILE_B = 3
"""Profile B's bytes are every third one here; `python -m tests.campaign` tries them all."""


@pytest.fixture
def bench(fast_folder):
    bench = Bench(fast_folder, cards=0)
    yield bench
    bench.close()


@pytest.mark.parametrize("part", range(PARTS))
def test_running_it_again_completes_and_the_checker_finds_nothing(part, bench, record_property):
    campaign = Campaign(bench).run(faults.everything(STEP_OF_PROFILE_B)[part::PARTS])
    for (kind, ending), number in campaign.endings.items():
        record_property("campaign", [kind, ending, number])
    assert campaign.check() == []


@pytest.mark.parametrize("profile", [faults.A, faults.B])
def test_over_hid_its_points_are_the_reports_of_a_whole_personalisation(profile, bench):
    campaign = Campaign(bench).run([faults.Fault("none", profile, 0, link=LinkKind.HID)])
    (card,) = bench.cards.values()
    farewell = 1
    assert card.virtual.bytes_in + card.virtual.bytes_out == 64 * (faults.REPORTS[profile] + farewell)
    assert campaign.check() == []


@pytest.mark.parametrize("profile", [faults.A, faults.B])
def test_the_campaigns_points_are_those_of_a_whole_personalisation(profile, bench, monkeypatch):
    commits, requests = [], []
    exchange = Card.exchange
    monkeypatch.setattr(Card, "exchange", lambda *args: requests.append(1) or exchange(*args))
    campaign = Campaign(bench)
    event.listen(bench.station.database.engine, "commit", commits.append)
    campaign.run([faults.Fault("none", profile, 0)])
    (card,) = bench.cards.values()
    assert card.virtual.bytes_in + card.virtual.bytes_out == faults.BYTES[profile]
    assert len(requests) == faults.REQUESTS[profile]
    assert card.virtual.flash_operations - 1 == faults.FLASH_OPERATIONS[profile]  # the boot's own is not one
    arranged = 2
    assert len(commits) == arranged + faults.COMMITS[profile]
    assert campaign.check() == []


def test_r5_cutting_the_power_at_the_keypad_gains_no_guess(bench):
    campaign = Campaign(bench).run([faults.Fault("none", faults.A, 0)])
    ((serial, card),) = bench.cards.items()
    assert list(free_guesses(serial, card.flash.image(), campaign.pins[f"order-of-{serial}"])) == []
