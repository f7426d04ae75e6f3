"""The audit trail, for auditors."""

import json
from datetime import datetime
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from dscplus_station import audit
from dscplus_station.api.calls import Call
from dscplus_station.api.context import Auditor, Cursor, Limit, Page, after_cursor, answers, page

router = APIRouter(route_class=Call, prefix="/v1", tags=["audit"])


class Deed(BaseModel):
    """One row: who, where, when, what, on which thing. `number` has no gaps within a station."""

    id: int
    station: str
    number: int
    at: datetime
    operator: str
    action: str
    subject: str
    details: dict[str, Any]


@router.get("/audit", responses=answers(), summary="The audit trail")
def rows(caller: Auditor, limit: Limit = 50, cursor: Cursor = None) -> Page[Deed]:
    """Oldest first; no secret is in it."""
    with caller.station.database.reading() as session:
        found = audit.trail(session, caller.actor, after_cursor(cursor, int) or 0, limit + 1)
    deeds = [
        Deed(
            id=row.id,
            station=row.station,
            number=row.number,
            at=row.at,
            operator=row.operator,
            action=row.action,
            subject=row.subject,
            details=json.loads(row.details),
        )
        for row in found
    ]
    return page(deeds, limit, lambda one: one.id)
