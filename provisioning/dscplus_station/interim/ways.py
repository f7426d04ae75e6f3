"""R10, R19: how a user whose card is gone comes back in, as client services offers it on the telephone."""

from dataclasses import dataclass

from dscplus_station.devices.rules import DeviceType
from dscplus_station.interim.passcode import may_have_passcode
from dscplus_station.limits.service import device_types_of
from dscplus_station.station import Station
from dscplus_station.users.identity import get_user


@dataclass(frozen=True)
class WaysBack:
    """What can be offered.

    Args:
        phone_app: activate the phone app: the mobile number is confirmed (R19).
        passcode: a temporary passcode, then an online card; False if it would be the second in a row (R17).
    """

    user: str
    phone_app: bool
    passcode: bool


def ways_back(station: Station, user_name: str) -> WaysBack:
    """What can be offered to a user.

    Raises:
        NotFound: there is no such user.
    """
    with station.database.reading() as session:
        get_user(session, user_name)
        kinds = device_types_of(session, user_name, station.now())
        return WaysBack(user_name, DeviceType.SMS in kinds, may_have_passcode(session, user_name))
