"""The closed list of causes for which a card is set aside, and how that ends."""

from enum import StrEnum

from dscplus_station.stock.rules import CardState


class Cause(StrEnum):
    """Why a card is quarantined; "cannot happen" is not on the list."""

    FOREIGN_KEYS = "FOREIGN_KEYS"
    CHECK_VALUE_UNKNOWN = "CHECK_VALUE_UNKNOWN"
    SELF_TEST_FAILED = "SELF_TEST_FAILED"
    TERMINATED = "TERMINATED"
    COUNTER_BACKWARDS = "COUNTER_BACKWARDS"
    WRONG_RESPONSE = "WRONG_RESPONSE"
    LIFE_CYCLE = "LIFE_CYCLE"
    UNKNOWN_SERIAL = "UNKNOWN_SERIAL"
    NO_ANSWER = "NO_ANSWER"
    NOT_PROVEN = "NOT_PROVEN"
    """It did not prove that it is wiped, or terminated."""
    BY_HAND = "BY_HAND"
    """The one cause that no program finds: a person did, for a card that is dead or not to be trusted."""


CAUSE_TOLD: dict[Cause, str] = {
    Cause.FOREIGN_KEYS: "no key of ours opens it",
    Cause.CHECK_VALUE_UNKNOWN: "the check value of its seed fits nothing we wrote",
    Cause.SELF_TEST_FAILED: "its self-test failed",
    Cause.TERMINATED: "it is terminated",
    Cause.COUNTER_BACKWARDS: "its counters ran backwards",
    Cause.WRONG_RESPONSE: "it answers otherwise than its seed demands",
    Cause.LIFE_CYCLE: "it is not in the life cycle state that it left in",
    Cause.UNKNOWN_SERIAL: "its serial number is not on record",
    Cause.NO_ANSWER: "it does not answer",
    Cause.NOT_PROVEN: "it did not prove what was done to it",
    Cause.BY_HAND: "it was set aside by hand",
}


class Resolution(StrEnum):
    """What a supervisor decided."""

    SCRAP = "scrap"
    RELEASE = "release"


STATE_AFTER: dict[Resolution, CardState] = {
    Resolution.SCRAP: CardState.SCRAPPED,
    Resolution.RELEASE: CardState.BLANK,
}
"""A released card is stock again; the next run reads what is on it before it trusts it."""
