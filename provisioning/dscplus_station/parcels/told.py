"""What an operator is told: words to be translated, and what the screen shows beside them."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from dscplus_station.parcels.rules import Situation
from dscplus_station.shipping.labels import IssuedLabel
from dscplus_station.wording import SOURCE_LANGUAGE, Translate, Words, say


class Tone(StrEnum):
    """How a scan came out."""

    DONE = "done"
    NOTHING = "nothing"
    """It was in place and changed nothing: scanned twice."""
    REFUSED = "refused"
    """It changed nothing; to be shown large, until it is acknowledged or the right thing is scanned."""


@dataclass(frozen=True)
class Told:
    """The answer to a scan: what it was, what was expected (where it was out of place), what to do now.

    `label` is to be printed by whoever asked; `printing` is what it put on record for that (`Printing`).
    `situation` is how things stand after the scan.
    """

    tone: Tone
    what: Words
    now: Words
    situation: Situation
    expected: Words | None = None
    label: IssuedLabel | None = None
    printing: int | None = None
    auto_activates_on: date | None = None
    warning: str | None = None

    def lines(self, translate: Translate = str, language: str = SOURCE_LANGUAGE) -> list[str]:
        """What is said, a line each."""
        said = [self.what, self.expected, self.now]
        return [say(one, translate, language) for one in said if one is not None]
