"""An operator's way from an order to a closed parcel: what each scan does, as one table.

An operator has at a station at most one order that waits for a card, and at most one open parcel. An open
parcel comes first: until it is closed, or laid aside by CANCEL, only what belongs to it counts. A finished
card opens its parcel by itself, whichever slot it came from and whatever order waits: what it is for is read
from its own printed serial number and its label, never from the order of events.

A scan that is not in the table changes nothing. It is told what it was, and what was expected.
"""

from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    """What an operator is at."""

    IDLE = "IDLE"
    WAITING = "WAITING"
    """An order waits for a card."""
    STOPPED = "STOPPED"
    """Two cards were plugged in for the order: neither is bound to it."""
    CARD_SEEN = "CARD_SEEN"
    """A parcel is open: its card was scanned, its label not yet."""
    LABEL_SEEN = "LABEL_SEEN"
    """A parcel is open: its label was scanned, its card not yet."""
    PAIRED = "PAIRED"
    """A parcel is open: card and label are one pair; its tracking number is expected."""


class Meaning(StrEnum):
    """What a scan means, by the records, before it is known whether it is in place."""

    NEW_ORDER = "NEW_ORDER"
    """An order that waits to be provisioned."""
    FREE_CARD = "FREE_CARD"
    """A card that can serve an order."""
    MADE_CARD = "MADE_CARD"
    """A card that is ready to be shipped."""
    LABEL = "LABEL"
    """The label of a card that is ready; without labels, the order of one."""
    TRACKING = "TRACKING"
    OK = "OK"
    CANCEL = "CANCEL"
    REPRINT = "REPRINT"


class Deed(StrEnum):
    """What a scan in place does."""

    TAKE_ORDER = "TAKE_ORDER"
    EXPECT_CARD = "EXPECT_CARD"
    GIVE_BACK = "GIVE_BACK"
    GO_ON = "GO_ON"
    OPEN_BY_CARD = "OPEN_BY_CARD"
    OPEN_BY_LABEL = "OPEN_BY_LABEL"
    PAIR = "PAIR"
    REPRINT = "REPRINT"
    SHIP = "SHIP"
    LAY_ASIDE = "LAY_ASIDE"


_OPENING = {Meaning.MADE_CARD: Deed.OPEN_BY_CARD, Meaning.LABEL: Deed.OPEN_BY_LABEL}

TABLE: dict[Phase, dict[Meaning, Deed]] = {
    Phase.IDLE: {Meaning.NEW_ORDER: Deed.TAKE_ORDER, **_OPENING},
    Phase.WAITING: {
        Meaning.FREE_CARD: Deed.EXPECT_CARD,
        Meaning.CANCEL: Deed.GIVE_BACK,
        **_OPENING,
    },
    Phase.STOPPED: {Meaning.OK: Deed.GO_ON, Meaning.CANCEL: Deed.GIVE_BACK},
    Phase.CARD_SEEN: {
        Meaning.LABEL: Deed.PAIR,
        Meaning.REPRINT: Deed.REPRINT,
        Meaning.CANCEL: Deed.LAY_ASIDE,
    },
    Phase.LABEL_SEEN: {Meaning.MADE_CARD: Deed.PAIR, Meaning.CANCEL: Deed.LAY_ASIDE},
    Phase.PAIRED: {
        Meaning.TRACKING: Deed.SHIP,
        Meaning.REPRINT: Deed.REPRINT,
        Meaning.CANCEL: Deed.LAY_ASIDE,
    },
}
"""From what an operator is at and what was scanned to what is done. Whatever is not here changes nothing."""


class WaitEnd(StrEnum):
    """How an order ended waiting for a card."""

    BOUND = "BOUND"
    """A card was plugged in for it."""
    GIVEN_BACK = "GIVEN_BACK"
    """By CANCEL."""
    GONE = "GONE"
    """The order was cancelled meanwhile, or served elsewhere."""


class ParcelEnd(StrEnum):
    """How an open parcel ended."""

    SHIPPED = "SHIPPED"
    LAID_ASIDE = "LAID_ASIDE"
    """By CANCEL; its card and its label are scanned again when it is packed."""
    GONE = "GONE"
    """The order was cancelled meanwhile, shipped elsewhere, lost its card, or has a later label."""


@dataclass(frozen=True)
class Waiting:
    """An order that waits, as the screen may show it: no street address, no family name."""

    order: str
    first_name: str
    country: str
    expected: str | None
    slot: int | None
    stopped: bool


@dataclass(frozen=True)
class Open:
    """An open parcel, as the screen may show it."""

    order: str
    first_name: str
    country: str
    serial_number: str
    card_seen: bool
    label_seen: bool
    paired: bool


@dataclass(frozen=True)
class Situation:
    """All that an operator has at hand at a station."""

    waiting: Waiting | None = None
    parcel: Open | None = None

    @property
    def phase(self) -> Phase:
        """What the operator is at: an open parcel comes first."""
        if self.parcel is not None:
            if self.parcel.paired:
                return Phase.PAIRED
            return Phase.CARD_SEEN if self.parcel.card_seen else Phase.LABEL_SEEN
        if self.waiting is not None:
            return Phase.STOPPED if self.waiting.stopped else Phase.WAITING
        return Phase.IDLE


def first_name(name: str) -> str:
    """What of a holder's name may be on the screen: its first word."""
    return name.split()[0] if name.split() else ""
