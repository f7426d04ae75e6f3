"""R11: a draft that its client left is closed after a while, and its sealed PIN destroyed."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from dscplus_station.errors import StateConflict
from dscplus_station.jobs.catalogue import job_named
from dscplus_station.jobs.running import Runner
from dscplus_station.ordering import left as left_module
from dscplus_station.ordering.left import Closed, close_left
from dscplus_station.orders.tables import Order
from tests.provisioning.ordering_world import OrderingWorld
from tests.provisioning.test_figures import settle

pytestmark = pytest.mark.each_database


@pytest.fixture
def world(tmp_path):
    world = OrderingWorld(tmp_path)
    yield world
    world.close()


A_LITTLE = timedelta(microseconds=1)


def left(world):
    with world.station.database.reading() as session:
        return {
            order.id: (order.state, order.sealed_pin is not None) for order in session.scalars(select(Order))
        }


@pytest.mark.parametrize("state", ["DRAFT", "REVIEW"])
def test_r11_a_draft_that_was_left_is_closed_to_the_moment_and_its_pin_destroyed(world, state):
    world.draft()
    world.pin()
    if state == "REVIEW":
        world.step("review")
    world.moment += timedelta(days=30) - A_LITTLE
    assert close_left(world.station, world.actor) == Closed(0)
    assert left(world) == {"O-1": (state, True)}
    world.moment += A_LITTLE
    assert close_left(world.station, world.actor) == Closed(1)
    assert left(world) == {"O-1": ("CANCELLED", False)}
    assert close_left(world.station, world.actor) == Closed(0)
    with pytest.raises(StateConflict, match="CANCELLED"):
        world.step("place")
    world.ordered("O-2")  # nothing is under way any more


@pytest.mark.parametrize("change", ["pin", "review", "back"])
def test_r11_each_change_of_a_draft_begins_its_time_anew(world, change):
    world.draft()
    world.pin()
    if change == "back":
        world.step("review")
    world.at(days=29)
    world.pin() if change == "pin" else world.step(change)
    world.at(days=29)
    assert close_left(world.station, world.actor) == Closed(0)
    world.at(days=1)
    assert close_left(world.station, world.actor) == Closed(1)


def test_r11_what_was_placed_is_never_closed_and_its_pin_stays(world):
    world.ordered()
    world.at(days=366)
    assert close_left(world.station, world.actor) == Closed(0)
    assert left(world) == {"O-1": ("PLACED", True)}


def test_r11_closing_ends_between_two_drafts_and_goes_on(world):
    for user, order in (("alice", "O-1"), ("bob", "O-2")):
        world.draft(order, user=user)
    world.at(days=30)
    asked = iter((False, True))
    assert close_left(world.station, world.actor, lambda: next(asked)) == Closed(1, stopped=True)
    assert close_left(world.station, world.actor) == Closed(1)


def test_r11_a_client_who_comes_back_in_the_last_moment_keeps_the_draft(world, monkeypatch):
    world.draft()
    world.at(days=30)
    found = left_module._left

    def found_then_changed(*arguments):
        orders = found(*arguments)
        if orders:
            world.pin()
        return orders

    monkeypatch.setattr(left_module, "_left", found_then_changed)
    assert close_left(world.station, world.actor) == Closed(0)
    assert left(world) == {"O-1": ("DRAFT", True)}


@pytest.mark.parametrize(("days", "outcome"), [(6, "DRAFT"), (7, "CANCELLED")])
def test_r11_the_issuer_says_how_long_and_the_job_does_it(world, days, outcome):
    settle(world, "[drafts]\ndays_without_change = 7")
    world.draft()
    world.pin()
    world.at(days=days)
    ran = Runner(world.station).run(job_named("drafts"), lambda: False)
    assert ran.told == f"{int(outcome == 'CANCELLED')} drafts closed"
    assert left(world) == {"O-1": (outcome, outcome == "DRAFT")}
