"""Scans and cards that come at the very same moment: one wins, the others are told."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from dscplus_station.actor import ALL_ROLES, Actor
from dscplus_station.errors import StationError
from dscplus_station.parcels.claiming import Claims
from dscplus_station.parcels.rules import Phase
from dscplus_station.parcels.service import scan, situation
from dscplus_station.parcels.told import Tone
from dscplus_station.scans.rules import order_code
from dscplus_station.shipping.rules import Scanned
from dscplus_station.shipping.service import ship
from dscplus_station.shipping.tables import Shipment
from dscplus_station.slots.claims import NOTHING_YET, Claim, Refused
from tests.provisioning.parcels.packing_world import BENCH, OLIVIA, tracking, waits
from tests.provisioning.support import CARDS

MANY = 4
CROWD = [Actor(f"operator-{number}", ALL_ROLES, f"bench-{number % 2 + 1}") for number in range(MANY)]


def all_at_once(*deeds):
    """Do all of these, each in a thread of its own, from one moment on; their results in order."""
    start = threading.Barrier(len(deeds), timeout=10)

    def one(deed):
        start.wait()
        return deed()

    with ThreadPoolExecutor(len(deeds)) as threads:
        return [future.result(30) for future in [threads.submit(one, deed) for deed in deeds]]


def test_of_several_who_scan_one_order_one_has_it(packing):
    text = order_code("O-1")
    told = all_at_once(*(lambda who=who: scan(packing.station, who, text) for who in CROWD))
    assert sorted(one.tone for one in told) == [Tone.DONE] + [Tone.REFUSED] * (MANY - 1)
    assert [situation(packing.station, who).phase for who in CROWD].count(Phase.WAITING) == 1


def test_of_several_who_scan_one_card_one_opens_its_parcel(packing):
    label = packing.made()
    scans = zip(CROWD, [CARDS[0], label] * 2, strict=True)
    told = all_at_once(*(lambda one=one: scan(packing.station, *one) for one in scans))
    assert [one.tone for one in told].count(Tone.DONE) == 1


def test_a_double_scan_by_one_operator_is_one(packing):
    text = order_code("O-1")
    told = all_at_once(*(lambda: scan(packing.station, OLIVIA, text) for _ in range(MANY)))
    assert sorted(one.tone for one in told) == [Tone.DONE] + [Tone.NOTHING] * (MANY - 1)


def test_one_tracking_number_is_on_one_parcel(packing):
    """Two parcels, and the same number scanned for both at the same moment."""
    pair = CROWD[:2]
    for who, order, card in zip(pair, ("O-1", "O-2"), CARDS, strict=False):
        label = packing.made(order, card)
        packing.accepted(card, label, by=who)
    told = all_at_once(*(lambda who=who: scan(packing.station, who, tracking(1)) for who in pair))
    assert sorted(one.tone for one in told) == [Tone.DONE, Tone.REFUSED]


def test_a_parcel_is_shipped_once_by_page_and_command(packing):
    label = packing.made()
    packing.accepted(CARDS[0], label)

    def by_command():
        try:
            return ship(packing.station, packing.actor, "O-1", "Post", "T-1", Scanned(CARDS[0], label))
        except StationError:
            return None

    all_at_once(by_command, lambda: scan(packing.station, OLIVIA, tracking(1)))
    with packing.station.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Shipment)) == 1


def test_two_cards_that_go_in_at_the_same_moment_bind_neither(packing):
    """Both slots' threads are between noting and binding when the other one's comes."""
    waits(packing)
    both_in = threading.Barrier(2, timeout=10)

    claims = Claims(packing.station, packing.keystore, settle=both_in.wait)

    def second():
        answer = packing.claims()(2, CARDS[1])
        both_in.wait()
        return answer

    with ThreadPoolExecutor(2) as threads:
        one = threads.submit(claims, 1, CARDS[0])
        while situation(packing.station, OLIVIA).waiting.slot is None:
            assert not one.done()
        other = threads.submit(second)
        answers = [one.result(30), other.result(30)]
    assert all(isinstance(answer, Refused) for answer in answers)
    assert situation(packing.station, OLIVIA).phase is Phase.STOPPED


@pytest.mark.parametrize("orders", [1, 2])
def test_four_cards_at_the_same_moment_bind_at_most_one_each(packing, orders):
    """Whatever the threads' order: an order has one card, and no card two orders."""
    for number in range(orders):
        who = Actor(f"operator-{number}", ALL_ROLES, BENCH)
        waits(packing, f"O-{number + 1}", by=who)
        packing.accepted(CARDS[number], by=who)
    answers = all_at_once(*(lambda n=n: packing.claims()(n + 1, CARDS[n]) for n in range(4)))
    claimed = [answer.order for answer in answers if isinstance(answer, Claim)]
    assert len(set(claimed)) == len(claimed) <= orders
    assert all(isinstance(answer, (Claim, Refused)) or answer is NOTHING_YET for answer in answers)
