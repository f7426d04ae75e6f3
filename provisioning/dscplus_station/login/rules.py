"""How an attempt to answer a challenge ended."""

from enum import StrEnum


class Outcome(StrEnum):
    """One word for the operator; the holder is told less (R6)."""

    RIGHT = "RIGHT"
    WRONG = "WRONG"
    REPLAYED = "REPLAYED"
    EXPIRED = "EXPIRED"
    FOREIGN = "FOREIGN"
    """The challenge was never issued, or not to this card and user."""


class Purpose(StrEnum):
    """What a response was given for."""

    LOGIN = "LOGIN"
    ACTIVATION = "ACTIVATION"
