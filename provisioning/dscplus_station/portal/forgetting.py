"""What is left of logins when they are over: nothing, but the audit trail."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, select

from dscplus_station.db import affected
from dscplus_station.portal.rules import WINDOW
from dscplus_station.portal.tables import PortalLogin, WrongPasswords
from dscplus_station.station import Station

KEEP_LOGINS = timedelta(hours=24)
"""Long after a login can be answered, or shows who is there."""
AT_ONCE = 1000
"""Rows in one transaction: a login waits no longer than that takes."""


@dataclass(frozen=True)
class Forgotten:
    """How many logins and counts of wrong passwords are gone; `stopped`: before the last of them."""

    number: int
    stopped: bool = False


def forget_old(station: Station, stop: Callable[[], bool]) -> Forgotten:
    """Forget logins that began a day ago, and wrong passwords that no longer count.

    Args:
        stop: asked between two transactions; true: the rest waits for another run.
    """
    with station.database.noting() as session:
        window = station.now() - WINDOW
        forgotten = affected(session, delete(WrongPasswords).where(WrongPasswords.first_failure_at <= window))
    while True:
        with station.database.noting() as session:
            until = station.now() - KEEP_LOGINS
            # Numbers rise with time, so the first ones tell whether there are more to forget.
            first = session.execute(
                select(PortalLogin.id, PortalLogin.begun_at).order_by(PortalLogin.id).limit(AT_ONCE)
            ).all()
            old = [number for number, begun_at in first if begun_at <= until]
            if old:
                forgotten += affected(session, delete(PortalLogin).where(PortalLogin.id.in_(old)))
        if len(old) < AT_ONCE:
            return Forgotten(forgotten)
        if stop():
            return Forgotten(forgotten, stopped=True)
