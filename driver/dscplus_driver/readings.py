"""What can be read from the card by GET DATA, in the clear or, where it must be authentic, through a secure
session.
"""

from abc import ABC, abstractmethod

from . import model
from .model import Tag


class Readings(ABC):
    """Typed GET DATA; how the bytes travel is the subclass's concern.

    Every method raises what `get_data` raises, and ProtocolError for a value that is not what the protocol
    says.
    """

    @abstractmethod
    def get_data(self, tag: int) -> bytes:
        """Return the bare value of a data object; empty if the card has none.

        Raises StatusWordError for a tag that the card does not know or does not tell, and every CardError of
        the wire.
        """

    def life_cycle(self) -> model.LifeCycle:
        """Read the life cycle."""
        return model.life_cycle(self.get_data(Tag.LIFE_CYCLE))

    def key_information(self) -> model.KeyInformation | None:
        """Read key version and key length; None on a card without keys."""
        return model.key_information(self.get_data(Tag.KEY_INFORMATION))

    def sequence_counter(self) -> int:
        """Read SCP03's sequence counter: the secure channels that were begun in the card's life."""
        return model.number(model.fixed(Tag.SEQUENCE_COUNTER, self.get_data(Tag.SEQUENCE_COUNTER), 3))

    def personality(self) -> model.Personality | None:
        """Read profile and suite; None while no seed is stored."""
        return model.personality(self.get_data(Tag.PROFILE))

    def pin_tries(self) -> model.PinTries | None:
        """Read the PIN tries; None if the card keeps no PIN."""
        return model.pin_tries(self.get_data(Tag.PIN_TRIES))

    def firmware_version(self) -> str:
        """Read the firmware's version."""
        return model.text(Tag.FIRMWARE_VERSION, self.get_data(Tag.FIRMWARE_VERSION))

    def battery(self) -> model.Battery:
        """Read the battery voltage as last measured."""
        return model.battery(self.get_data(Tag.BATTERY))

    def counters(self) -> model.Counters:
        """Read the card's lifetime counters."""
        return model.counters(self.get_data(Tag.COUNTERS))

    def quota_left(self) -> int:
        """Read how many responses the card will still give over the wire."""
        return model.number(model.fixed(Tag.QUOTA, self.get_data(Tag.QUOTA), 2))

    def language(self) -> str:
        """Read the language tag; empty if none is stored."""
        return model.text(Tag.LANGUAGE, self.get_data(Tag.LANGUAGE))

    def text(self) -> str:
        """Read the stored text; empty if there is none."""
        return model.text(Tag.TEXT, self.get_data(Tag.TEXT))
