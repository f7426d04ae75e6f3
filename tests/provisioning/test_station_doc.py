"""docs/station.md is true: its tables of states are the code's, its commands exist."""

import re
from pathlib import Path

import pytest

import dscplus_station
from dscplus_station.cli import COMMANDS
from dscplus_station.devices.rules import ASSIGNMENT_TRANSITIONS
from dscplus_station.orders.rules import COLUMNS, ORDER_TRANSITIONS
from dscplus_station.returns.rules import RETURN_TRANSITIONS
from dscplus_station.sharing.rules import SHARING_TRANSITIONS
from dscplus_station.stock.rules import CARD_TRANSITIONS

PAGE = (Path(__file__).parents[2] / "docs" / "station.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("heading", "transitions"),
    [
        ("A card's physical life", CARD_TRANSITIONS),
        ("An order", ORDER_TRANSITIONS),
        ("An assignment, of a user to a device", ASSIGNMENT_TRANSITIONS),
        ("A return", RETURN_TRANSITIONS),
        ("A sharing", SHARING_TRANSITIONS),
    ],
)
def test_the_tables_of_states_are_the_codes(heading, transitions):
    section = PAGE.split(f"### {heading}\n")[1].split("\n#")[0]
    rows = re.findall(r"^\| ([A-Z_]+) \| (.+) \|$", section, re.MULTILINE)
    written = {state: set(re.findall("[A-Z_]+", after)) for state, after in rows}
    assert written == {state.value: {s.value for s in after} for state, after in transitions.items()}


def test_every_command_is_on_the_page_and_every_column():
    for name in COMMANDS:
        assert re.search(rf"`(dsc-station )?{name}[ `]", PAGE) or name == "demo", name
    assert f"`{','.join(COLUMNS)}`" in PAGE


def test_every_room_is_in_the_table_of_rooms():
    package = Path(dscplus_station.__file__).parent
    rooms = {entry.parent.name for entry in package.glob("*/__init__.py")} - {"migrations"}
    modules = {entry.stem for entry in package.glob("*.py")}
    table = PAGE.split("## Rooms\n")[1].split("\n## ")[0]
    named = set(re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (`.+?) \|", table, re.MULTILINE))))
    assert rooms <= named <= rooms | modules
