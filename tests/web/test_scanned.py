"""What a scanner's burst meant: half of a scan that stalled is a burst, too; check characters decide."""

import pytest

from dscplus_station.scans.rules import (
    Command,
    Unreadable,
    card_code,
    command_code,
    label_code,
    order_code,
    parse,
)
from dscplus_station.web.scanned import meant

CARD = "0000000018"
CHECKED = [
    order_code("O-1"),
    label_code("O-1", CARD, 1),
    CARD,
    card_code(CARD),
    command_code(Command.REPRINT),
    "RR123456785US",
    "TRK.12345678",
]
FREE = "123456789012"
"""A carrier's number without check characters."""


@pytest.mark.parametrize("code", CHECKED)
def test_a_scan_that_stalled_anywhere_is_taken_whole(code):
    for at in range(1, len(code)):
        assert meant(code, code[at:]) == code


@pytest.mark.parametrize("code", CHECKED)
@pytest.mark.parametrize("left", ["1", "12", "cancel", "OR.O-1", CARD])
def test_what_stood_in_the_field_is_no_part_of_a_scan_on_top_of_it(left, code):
    assert meant(left + code, code) == code


@pytest.mark.parametrize("at", range(1, len(FREE)))
def test_a_number_without_check_characters_is_scanned_again(at):
    """Half of it, or it with what stood there, would be booked as another one."""
    assert isinstance(parse(meant(FREE, FREE[at:])), Unreadable)
    assert isinstance(parse(meant("12" + FREE, FREE)), Unreadable)


@pytest.mark.parametrize("typed", ["cancel", "nonsense", FREE])
def test_what_came_without_a_burst_on_top_is_taken_as_it_is(typed):
    assert meant(typed, "") == typed
