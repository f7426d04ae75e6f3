"""A station enters its database, as the first one or beside others.

Stations that share a database share the keys: what one sealed, the others open. So another one is made with a
copy of their keystore. The audit row of each one's beginning says what all must agree on.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from dscplus_station import audit
from dscplus_station.actor import Actor
from dscplus_station.errors import StateConflict
from dscplus_station.home import Settings
from dscplus_station.keystore.interface import Keystore

_INIT = "init"
_AGREED = {
    "issuer": "the issuer",
    "time_zone": "the time zone",
    "demo": "whether it is a demo",
    "issuer_kcv": "the keystore (say --keystore with a copy of theirs)",
}
"""What stations of one database have in common, and how people call it."""


@dataclass(frozen=True)
class Shared:
    """Records that are not in the home, but in a database that other stations may be using.

    Args:
        url: of PostgreSQL, as `databases.where` reads it.
        keystore: a copy of those stations' keystore; None for the first station.
    """

    url: str
    keystore: Path | None = None


def enter(session: Session, actor: Actor, at: datetime, settings: Settings, keystore: Keystore) -> None:
    """Record a station's beginning, if it goes with the others in its database.

    Raises:
        StateConflict: there is one of that name, or the others have another issuer, zone or keystore.
    """
    facts: dict[str, audit.Detail] = {
        "issuer": settings.issuer,
        "time_zone": settings.time_zone,
        "demo": settings.demo,
        "issuer_kcv": keystore.issuer_master().kcv(),
    }
    others = session.scalars(
        select(audit.AuditRow).where(audit.AuditRow.action == _INIT).order_by(audit.AuditRow.id)
    ).all()
    if settings.station in {other.station for other in others}:
        raise StateConflict(f"this database has a station {settings.station} already: choose another --name")
    for other in others:
        theirs = json.loads(other.details)
        differing = [told for fact, told in _AGREED.items() if theirs.get(fact) != facts[fact]]
        if differing:
            raise StateConflict(
                f"this database is shared with station {other.station}, and these differ: "
                f"{', '.join(differing)}. No station was made."
            )
    audit.record(session, actor, at, _INIT, settings.station, **facts)
