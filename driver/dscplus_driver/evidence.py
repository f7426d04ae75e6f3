"""What a card's state was, read under R-MAC: the only ground for decisions after a lost answer."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import model

if TYPE_CHECKING:
    from .session import SecureSession

FULL_QUOTA = 32


@dataclass(frozen=True, slots=True)
class CardEvidence:
    """A card's state. Key version and sequence counter are proven by the channel itself; ``check_value`` is
    empty without a seed.
    """

    serial_number: str
    key_version: int
    life_cycle: model.LifeCycle
    check_value: bytes
    personality: model.Personality | None
    pin_tries: model.PinTries | None
    quota_left: int
    sequence_counter: int

    @classmethod
    def read(cls, session: "SecureSession") -> "CardEvidence":
        """Read it all through a secure session."""
        return cls(
            serial_number=model.serial_number(session.get_data(model.Tag.SERIAL_NUMBER)),
            key_version=session.key_version,
            life_cycle=session.life_cycle(),
            check_value=session.seed_check_value(),
            personality=session.personality(),
            pin_tries=session.pin_tries(),
            quota_left=session.quota_left(),
            sequence_counter=session.sequence_counter_at_opening,
        )

    @classmethod
    def of_blank(cls, session: "SecureSession", serial_number: str) -> "CardEvidence":
        """What a card that says it is OP_READY is taken to be, without reading it.

        So a fresh personalisation reads nothing twice: were it a lie, its first command would be refused, and
        evidence read.
        """
        return cls(
            serial_number=serial_number,
            key_version=session.key_version,
            life_cycle=model.LifeCycle.OP_READY,
            check_value=b"",
            personality=None,
            pin_tries=None,
            quota_left=FULL_QUOTA,
            sequence_counter=session.sequence_counter_at_opening,
        )

    @property
    def is_wiped(self) -> bool:
        """Whether nothing of a holder is left: OP_READY, no seed, no profile, no PIN, full quota."""
        return (
            self.life_cycle is model.LifeCycle.OP_READY
            and not self.check_value
            and self.personality is None
            and self.pin_tries is None
            and self.quota_left == FULL_QUOTA
        )
