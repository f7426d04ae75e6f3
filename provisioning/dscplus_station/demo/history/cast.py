"""Who lives which life, and since when: the same every time, so that a test can count what comes of it."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

from dscplus_station.demo.history import lives, sharing
from dscplus_station.demo.history.holder import Holder
from dscplus_station.demo.history.people import Person, people
from dscplus_station.demo.history.world import World
from dscplus_station.personalise.rules import RunState

FIRST_DAY = 75
"""Days ago on which the sample data begin."""


@dataclass(frozen=True)
class Part:
    """A life that `count` people live. They begin `first` to `last` days ago, evenly spread."""

    life: lives.Life
    count: int
    first: int
    last: int


@dataclass(frozen=True)
class SharedPart:
    """A life of two user names. `one_entity`: the records know that it is one person."""

    life: sharing.SharedLife
    count: int
    first: int
    last: int
    one_entity: bool


PARTS = (
    Part(lives.in_use, 36, 68, 9),
    Part(lives.in_use_server_pin, 8, 60, 9),
    Part(lives.in_use_with_deposit, 18, 55, 7),
    Part(lives.activated_by_its_timer, 18, 66, 24),
    Part(lives.activated_by_its_timer, 12, 19, 2),
    Part(lives.in_the_post, 14, 12, 1),
    Part(lives.in_the_post_with_deposit, 6, 11, 1),
    Part(lives.mistypes_until_locked, 4, 34, 12),
    Part(lives.locked_and_released, 3, 40, 15),
    Part(lives.loses_the_card, 4, 30, 12),
    Part(lives.lost_and_captured, 3, 50, 20),
    Part(lives.lost_and_found, 2, 36, 22),
    Part(lives.stolen_and_replaced, 3, 58, 30),
    Part(lives.lost_and_replacement_in_the_post, 4, 26, 14),
    Part(lives.pin_blocked_and_returned, 3, 48, 24),
    Part(lives.waits_for_the_online_card, 2, 11, 10),
    Part(lives.announces_a_return, 3, 16, 10),
    Part(lives.on_its_way_back, 4, 18, 11),
    Part(lives.received, 5, 30, 15),
    Part(lives.undelivered, 3, 32, 12),
    Part(lives.undelivered_and_back, 3, 28, 11),
    Part(lives.revoked_in_the_post, 2, 20, 9),
    Part(lives.closes_the_account, 2, 22, 14),
    Part(lives.closes_and_sends_back, 3, 44, 20),
    Part(lives.closes_and_keeps_the_card, 2, 54, 30),
    Part(lives.cancels_early, 4, 45, 3),
    Part(lives.cancels_late, 2, 2, 1),
    Part(lives.dies_on_the_bench, 2, 17, 5),
    Part(lives.dies_and_is_scrapped, 2, 41, 13),
    Part(lives.gets_a_foreign_card_first, 2, 23, 6),
    Part(lives.suspected_and_released, 2, 25, 8),
    Part(lives.waits_in_quarantine, 2, 6, 2),
    Part(lives.inspected, 2, 26, 19),
    Part(lives.restocked, 3, 52, 24),
    Part(lives.scrapped, 2, 38, 16),
    Part(lives.ready_to_ship, 6, 0, 0),
    Part(lives.pulled_out_at(RunState.RESERVED), 2, 0, 0),
    Part(lives.pulled_out_at(RunState.SEED_STORED), 2, 0, 0),
    Part(lives.pulled_out_at(RunState.VERIFIED), 2, 0, 0),
    Part(lives.wants_a_card, 10, 0, 0),
    Part(lives.wants_a_card_by_portal, 4, 0, 0),
    Part(lives.still_drafts, 3, 0, 0),
    Part(lives.looks_at_the_summary, 2, 0, 0),
)

SHARED_PARTS = (
    SharedPart(sharing.share, 3, 46, 16, one_entity=True),
    SharedPart(sharing.share_and_stop, 1, 33, 33, one_entity=True),
    SharedPart(sharing.wait_for_compliance, 2, 13, 9, one_entity=False),
    SharedPart(sharing.refused_by_compliance, 1, 21, 21, one_entity=False),
)


@dataclass(frozen=True)
class Entrance:
    """A life that begins. `day`: in days from today, so not above 0."""

    day: int
    persons: tuple[Person, ...]
    life: Iterator[int]


def entrances(world: World) -> list[Entrance]:
    """Everybody's lives, in the order in which they begin."""
    persons = people()
    found: list[Entrance] = []
    for part in PARTS:
        for day in _days(part.first, part.last, part.count):
            person = next(persons)
            found.append(Entrance(day, (person,), part.life(Holder(world, person))))
    for shared in SHARED_PARTS:
        for day in _days(shared.first, shared.last, shared.count):
            owner = next(persons)
            entity = owner.entity if shared.one_entity else next(persons).entity
            second = dataclasses.replace(
                next(persons), entity=entity, identity=owner.identity, name=owner.name, country=owner.country
            )
            life = shared.life(Holder(world, owner), Holder(world, second))
            found.append(Entrance(day, (owner, second), life))
    return sorted(found, key=lambda entrance: entrance.day)


def _days(first: int, last: int, count: int) -> list[int]:
    step = (first - last) / (count - 1) if count > 1 else 0
    return [-round(first - step * number) for number in range(count)]
