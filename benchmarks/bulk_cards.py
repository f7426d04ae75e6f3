"""The cards that the bulk records are of: what each one of a number is, and whose.

Days, users and carriers spread evenly; a card in a hundred is rare in its state. One in five was ordered to
replace another; while it is on its way, its user has an online card, and the card before it in number is
the one replaced, if that one was ever made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

Rows = Callable[[Sequence["Card"]], Iterator[tuple[object, ...]]]
"""The rows of a table for some cards."""

FIRST = datetime(2023, 1, 2, 9, 0, tzinfo=UTC)
DAYS = 1000
PART = 50_000
BATCHES = 20
CARRIERS = ("Sample Post", "Sample Express", "Example Couriers")
OPERATORS = ("olivia", "oscar", "otto")

_STATES = (
    ["BLANK"] * 20
    + ["RESERVED", "PERSONALISED", "VERIFIED", "SECURED", "RETURNED", "INSPECTED", "SCRAPPED", "QUARANTINED"]
    + ["LOST"] * 2
    + ["SHIPPED"] * 70
)
OUT = frozenset({"SHIPPED", "LOST", "RETURNED", "INSPECTED"})
"""States of cards that were shipped."""
MADE = OUT | {"SECURED"}
"""States of cards that somebody may log in with."""


@dataclass(frozen=True)
class Card:
    """Everything about the card of a number."""

    number: int
    serial: str
    state: str
    moment: str
    day: date

    @property
    def order(self) -> str:
        """The order that it serves, if it is `ordered`."""
        return f"O-{self.number:08d}"

    @property
    def user(self) -> str:
        """Whose it is; a replacement has the user of the card before it."""
        return user_of(self.number)

    @property
    def kind(self) -> str:
        """The kind of its order."""
        return "replacement" if _replaces(self.number) else "new"

    @property
    def replaced(self) -> Card | None:
        """What it replaces; None for a first card, for one that is active, and where there was none."""
        if not (_replaces(self.number) and self.pending):
            return None
        before = card_of(self.number - 1)
        return before if before.state in MADE else None

    @property
    def tracking(self) -> str:
        """Its shipment's."""
        return f"RR{self.number * 104_729 % 1_000_000_000:09d}US"

    @property
    def ordered(self) -> bool:
        """Whether it has an order."""
        return self.state not in ("BLANK", "SCRAPPED")

    @property
    def out(self) -> bool:
        """Whether it was shipped."""
        return self.state in OUT

    @property
    def active(self) -> bool:
        """Whether its user logs in with it."""
        return self.state == "SHIPPED" and self.number % 10 < 8

    @property
    def pending(self) -> bool:
        """Whether its timer runs."""
        return self.state == "SHIPPED" and not self.active


def card_of(number: int) -> Card:
    """The card of a number, from 1."""
    moment = FIRST + timedelta(days=number * 611 % DAYS, seconds=number * 37 % 28_800)
    return Card(
        number,
        serial_of(number),
        _STATES[number * 31 % 100],
        moment.strftime("%Y-%m-%d %H:%M:%S.000000"),
        moment.date(),
    )


def cards_of(count: int) -> Iterator[list[Card]]:
    """The cards of the first so many numbers, a part at a time."""
    for first in range(1, count + 1, PART):
        yield [card_of(number) for number in range(first, min(first + PART, count + 1))]


def user_of(number: int) -> str:
    """The user of the card of a number."""
    return f"user{(number - _replaces(number)) * 7919 % 10_000_000:07d}"


def account_of(user: str) -> str:
    """A user's account: each has one of the own."""
    return f"U{user.removeprefix('user')}"


def serial_of(number: int) -> str:
    """The serial number whose first nine digits are this number; the tenth is Luhn's."""
    digits = f"{number:09d}"
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return digits + str(-total % 10)


def _replaces(number: int) -> bool:
    return number % 5 == 3


def insert(table: str, columns: str) -> str:
    """The statement that adds a row to a table."""
    places = ", ".join("?" * len(columns.split(",")))
    return f"INSERT INTO {table}({columns}) VALUES ({places})"  # noqa: S608 (names of ours)
