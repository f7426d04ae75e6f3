"""R17: a temporary passcode, given on the telephone after an identity check."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dscplus_station import audit
from dscplus_station.actor import Actor, Role
from dscplus_station.clock import end_of_day
from dscplus_station.codes.rules import Passcode
from dscplus_station.devices.rules import DeviceType
from dscplus_station.devices.service import add_user
from dscplus_station.devices.tables import Assignment, Device
from dscplus_station.errors import NotPermitted
from dscplus_station.interim.rules import passcode_last_days, twice_in_a_row
from dscplus_station.interim.service import end_interim_access, new_number
from dscplus_station.interim.tables import IdentityCheck
from dscplus_station.keystore.interface import Keystore, codes_of
from dscplus_station.login.rules import Outcome
from dscplus_station.login.tables import Attempt
from dscplus_station.station import Station
from dscplus_station.users.identity import require_open
from dscplus_station.users.tables import User
from dscplus_station.words import require_words


@dataclass(frozen=True)
class IssuedPasscode:
    """A passcode, for the one time that it is shown; it hides itself from logs and reprs."""

    serial_number: str
    user: str
    passcode: Passcode
    portal_only_from: datetime
    expires_at: datetime


def issue_passcode(
    station: Station,
    actor: Actor,
    keystore: Keystore,
    user_name: str,
    identity_check: str,
    deliver: Callable[[IssuedPasscode], None],
) -> IssuedPasscode:
    """Give a user a temporary passcode, active at once; one that the user still has ends.

    Args:
        identity_check: how client services made sure who the caller is, without what was answered. It is
            recorded with the passcode.
        deliver: takes the passcode to where it is read, before anything is committed: if that fails, none
            was given. Afterwards it cannot be told again, and there is no second one in a row.

    Raises:
        NotFound: there is no such user.
        BadInput: no identity check is told.
        NotPermitted: the account is closed (R45); or the user's last passcode was followed by no other
            device (R17).
    """
    actor.require(Role.CLIENT_SERVICES, "give temporary passcodes")
    require_words(f"{user_name}: how the identity was checked", identity_check)
    passcode = Passcode.new()
    with station.database.writing() as session:
        now = station.now()
        require_open(session, user_name)
        session.execute(select(User.name).where(User.name == user_name).with_for_update())  # one at a time
        if not may_have_passcode(session, user_name):
            raise NotPermitted(
                f"{user_name} had a passcode, and neither an online card nor another device was activated or "
                "used since: no second one in a row"
            )
        end_interim_access(session, actor, now, user_name, "another passcode", DeviceType.PASSCODE)
        serial = new_number(session, DeviceType.PASSCODE)
        full, last = passcode_last_days(station.today())
        zone = station.settings.zone
        device = Device(
            type=DeviceType.PASSCODE,
            serial_number=serial,
            sealed_codes=keystore.seal(codes_of(serial), passcode.digest()),
            portal_only_from=end_of_day(zone, full),
            expires_at=end_of_day(zone, last),
            enrolled_at=now,
        )
        session.add(device)
        session.flush()
        add_user(session, actor, now, device, user_name, "temporary passcode")
        session.add(
            IdentityCheck(
                user_name=user_name,
                device_id=device.id,
                checked_at=now,
                checked_by=actor.operator,
                how=identity_check,
            )
        )
        audit.record(
            session, actor, now, "interim.passcode", serial, user=user_name, identity_check=identity_check
        )
        session.flush()
        issued = IssuedPasscode(serial, user_name, passcode, end_of_day(zone, full), end_of_day(zone, last))
        deliver(issued)
    return issued


def may_have_passcode(session: Session, user_name: str) -> bool:
    """Whether a passcode given now would not be the user's second one in a row (R17)."""
    return not twice_in_a_row(_last_issued_at(session, user_name), _other_device_at(session, user_name))


def _last_issued_at(session: Session, user_name: str) -> datetime | None:
    return session.scalar(
        select(func.max(Assignment.created_at))
        .join(Device, Device.id == Assignment.device_id)
        .where(Assignment.user_name == user_name, Device.type == DeviceType.PASSCODE)
    )


def _other_device_at(session: Session, user_name: str) -> datetime | None:
    """When another device of the user's was last activated or answered right."""
    others = (
        select(Assignment.id)
        .join(Device, Device.id == Assignment.device_id)
        .where(Assignment.user_name == user_name, Device.type != DeviceType.PASSCODE)
    )
    activated = session.scalar(select(func.max(Assignment.activated_at)).where(Assignment.id.in_(others)))
    answered = session.scalar(
        select(func.max(Attempt.at)).where(
            Attempt.assignment_id.in_(others), Attempt.outcome == Outcome.RIGHT
        )
    )
    return max((one for one in (activated, answered) if one is not None), default=None)
