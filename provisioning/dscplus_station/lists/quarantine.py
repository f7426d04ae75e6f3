"""The list of cards that were set aside, open cases and closed ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from dscplus_station.lists.cards import CARDS
from dscplus_station.lists.rules import Way
from dscplus_station.lists.walk import Listing, Trail
from dscplus_station.quarantine.rules import Cause, Resolution
from dscplus_station.quarantine.tables import Quarantine
from dscplus_station.station import Station


@dataclass(frozen=True)
class QuarantineRow:
    """A case: why a card was set aside, and how that ended. Its evidence is on the card's page."""

    case: int
    serial_number: str
    cause: Cause
    opened_at: datetime
    resolved_at: datetime | None
    resolution: Resolution | None
    resolved_by: str | None
    note: str | None


def quarantine_rows(session: Session, _station: Station, cases: Sequence[int]) -> list[QuarantineRow]:
    """These cases, in this order, by one query."""
    table = Quarantine
    found = {
        row[0]: row
        for row in session.execute(
            select(
                table.id,
                table.serial_number,
                table.cause,
                table.opened_at,
                table.resolved_at,
                table.resolution,
                table.resolved_by,
                table.note,
            ).where(table.id.in_(cases))
        )
    }
    return [QuarantineRow(*found[case]) for case in cases]


QUARANTINE = Listing(
    name="quarantine",
    row=QuarantineRow,
    columns=tuple(QuarantineRow.__dataclass_fields__),
    values={"state": frozenset({"open"}), "cause": frozenset(Cause)},
    conditions={
        "state": lambda _open: Quarantine.resolved_at.is_(None),
        "cause": lambda value: Quarantine.cause == value,
    },
    sorts={
        "opened": Trail(
            Way(
                (int,),
                frozenset(
                    {frozenset(), frozenset({"state"}), frozenset({"cause"}), frozenset({"state", "cause"})}
                ),
                newest_first=True,
            ),
            (Quarantine.id,),
            Quarantine.id,
        ),
    },
    searches={
        "serial": Trail(Way((str, int)), (Quarantine.serial_number, Quarantine.id), Quarantine.id),
    },
    facts=quarantine_rows,
    roles=CARDS.roles,
)
