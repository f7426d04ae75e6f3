"""Texts are what they are on both databases: their order, what begins a text, what cannot be kept."""

import pytest

from dscplus_station import audit
from dscplus_station.actor import ALL_ROLES, Actor
from dscplus_station.db import load_by_name
from dscplus_station.errors import BadInput
from dscplus_station.lists.rules import write_cursor
from dscplus_station.lists.service import LISTINGS, look
from dscplus_station.users.tables import User
from tests.provisioning.support import listed

SUBJECTS = [
    "a",
    "a b",
    "a-c",
    "a_",
    "aB",
    "ab",
    "a%",
    "aé",
    "az",
    "a\U0001f600",
    "A",
    "Z",
    "b",
    "é",
    "-",
    "_",
]
"""Where languages sort otherwise than code points do: cases, blanks, hyphens, accents, signs of patterns."""


@pytest.fixture
def recorded(world):
    with world.writing() as session:
        for subject in SUBJECTS:
            audit.record(session, world.actor, world.moment, "test", subject)
    return world


def walked(world, **asked):
    """The subjects of all pages of two rows, by their cursors."""
    listing, found, after = LISTINGS["audit"], [], {}
    actor = Actor("olivia", ALL_ROLES, "bench-1")
    while True:
        page = look(world.station, actor, listing, {"rows": "2", "by": "subject"} | asked | after)
        found += [row.subject for row in page.rows]
        if page.next is None:
            return found
        after = {"after": write_cursor(listing.shape, page.view, page.next.place.keys)}


@pytest.mark.each_database
@pytest.mark.parametrize("beginning", ["a", "a-", "a%", "a_", "é", "A"])
def test_a_search_finds_what_begins_so_in_the_order_of_code_points(recorded, beginning):
    wanted = sorted(subject for subject in SUBJECTS if subject.startswith(beginning))
    assert wanted
    assert walked(recorded, q=beginning) == wanted
    assert [row["subject"] for row in listed(recorded.station, "audit", q=beginning)] == wanted


@pytest.mark.each_database
def test_what_no_database_keeps_is_not_found(world):
    with world.station.database.reading() as session:
        assert load_by_name(session, User, ["alice\0"]) == {}


def test_postgresql_keeps_no_nul_and_says_so_in_one_line(worlds_in_postgresql, world):
    with pytest.raises(BadInput, match="NUL") as refusal, world.writing() as session:
        session.add(User(name="alice\0"))
        session.flush()
    assert "\n" not in str(refusal.value)
