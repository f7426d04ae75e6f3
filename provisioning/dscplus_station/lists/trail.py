"""The audit trail as a list, for those who may read it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from dscplus_station.actor import Role
from dscplus_station.audit import AuditRow
from dscplus_station.lists.rules import Way
from dscplus_station.lists.walk import Listing, Trail
from dscplus_station.station import Station


@dataclass(frozen=True)
class TrailRow:
    """One deed. `details` is canonical JSON, and holds no secret."""

    station: str
    number: int
    at: datetime
    operator: str
    action: str
    subject: str
    details: str


def trail_rows(session: Session, _station: Station, rows: Sequence[int]) -> list[TrailRow]:
    """These rows of the trail, in this order, by one query."""
    table = AuditRow
    found = {
        row[0]: row[1:]
        for row in session.execute(
            select(
                table.id,
                table.station,
                table.number,
                table.at,
                table.operator,
                table.action,
                table.subject,
                table.details,
            ).where(table.id.in_(rows))
        )
    }
    return [TrailRow(*found[number]) for number in rows]


AUDIT = Listing(
    name="audit",
    row=TrailRow,
    columns=tuple(TrailRow.__dataclass_fields__),
    values={"operator": None, "action": None},
    conditions={
        "operator": lambda value: AuditRow.operator == value,
        "action": lambda value: AuditRow.action == value,
    },
    sorts={
        "at": Trail(
            Way(
                (datetime, int),
                frozenset({frozenset(), frozenset({"operator"}), frozenset({"action"})}),
                ranged=True,
                newest_first=True,
            ),
            (AuditRow.at, AuditRow.id),
            AuditRow.id,
        ),
    },
    searches={
        "subject": Trail(Way((str, int)), (AuditRow.subject, AuditRow.id), AuditRow.id),
    },
    facts=trail_rows,
    roles=frozenset({Role.AUDIT, Role.SUPERVISOR}),
)
