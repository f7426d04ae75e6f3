"""R23: the devices that a user can log in with, side by side; the user picks one."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from dscplus_station.devices.held import Held, held, held_by
from dscplus_station.devices.rules import AssignmentState, DeviceType, only_portal
from dscplus_station.errors import NotFound, NotPermitted
from dscplus_station.login.kinds import Asks, Kind
from dscplus_station.login.service import require_usable
from dscplus_station.station import Station
from dscplus_station.users.identity import get_user


@dataclass(frozen=True)
class LoginDevice:
    """A device of a user's: what it is asked for, or why it cannot be picked now (for the operator)."""

    serial_number: str
    type: DeviceType
    assignment: AssignmentState
    asks: Asks | None
    because: str | None
    portal_only: bool
    expires_at: datetime | None


def login_devices(station: Station, user_name: str) -> list[LoginDevice]:
    """A user's devices, oldest first; one can be picked if it asks for something.

    Raises:
        NotFound: there is no such user.
    """
    with station.database.reading() as session:
        now = station.now()
        get_user(session, user_name)
        found = []
        for one in held_by(session, user_name):
            asks = because = None
            try:
                asks = require_usable(one, now, AssignmentState.ACTIVE).asks
            except NotPermitted as refusal:
                because = str(refusal)
            found.append(
                LoginDevice(
                    serial_number=one.serial_number,
                    type=one.type,
                    assignment=one.state,
                    asks=asks,
                    because=because,
                    portal_only=only_portal(one.portal_only_from, now),
                    expires_at=one.expires_at,
                )
            )
        return found


def device_to_pick(
    session: Session, now: datetime, user_name: str, serial_number: str
) -> tuple[Held, Kind] | None:
    """A device that the user can pick now, with how it is asked; None if it is none, within a transaction."""
    try:
        one = held(session, serial_number, user_name)
        return one, require_usable(one, now, AssignmentState.ACTIVE)
    except (NotFound, NotPermitted):
        return None
