"""R29: the refusals of a sharing that have names, as people are told them."""

from dscplus_station.errors import NotPermitted
from dscplus_station.sharing.rules import DIFFERENT_IDENTIFICATION, LESS_SECURE_DEVICE


class HoldsInterimAccess(NotPermitted):
    """One of the two users holds a temporary passcode or an online card (R25)."""


class LessSecureDevice(NotPermitted):
    """One of the two users holds a device of a higher level than the one to be shared (R26)."""

    def __init__(self, detail: str) -> None:
        super().__init__(f"{LESS_SECURE_DEVICE}: {detail}")


class DifferentIdentification(NotPermitted):
    """By what is on record the two users are not one person (R24)."""

    def __init__(self, detail: str) -> None:
        super().__init__(
            f"{DIFFERENT_IDENTIFICATION}: {detail}. If they are one person, have client services correct "
            "the record (dsc-station users import), then ask again"
        )
