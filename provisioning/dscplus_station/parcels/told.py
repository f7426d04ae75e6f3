"""What an operator is told: words to be translated, and what the screen shows beside them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from dscplus_station.catalogue import SOURCE_LANGUAGE, day
from dscplus_station.parcels.rules import Situation
from dscplus_station.shipping.labels import IssuedLabel


def N_(text: str) -> str:  # noqa: N802 (gettext's name for it)
    """Mark a text for translation, which happens where it is shown."""
    return text


@dataclass(frozen=True)
class Words:
    """A text with places, `{order}`, and what goes there; days as dates."""

    text: str
    values: Mapping[str, object] = field(default_factory=dict)

    def say(self, translate: Callable[[str], str] = str, language: str = SOURCE_LANGUAGE) -> str:
        """The text in a language; places that hold words themselves are translated, too."""
        values = {name: _said(value, translate, language) for name, value in self.values.items()}
        return translate(self.text).format(**values)

    def __str__(self) -> str:
        return self.say()


def _said(value: object, translate: Callable[[str], str], language: str) -> str:
    if isinstance(value, Words):
        return value.say(translate, language)
    if isinstance(value, date):
        return day(language, value)
    return str(value)


def words(text: str, **values: object) -> Words:
    """A text and what goes into its places."""
    return Words(text, values)


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

    `label` is to be printed by whoever asked. `situation` is how things stand after the scan.
    """

    tone: Tone
    what: Words
    now: Words
    situation: Situation
    expected: Words | None = None
    label: IssuedLabel | None = None
    auto_activates_on: date | None = None
    warning: str | None = None

    def lines(self, translate: Callable[[str], str] = str, language: str = SOURCE_LANGUAGE) -> list[str]:
        """What is said, a line each."""
        said = [self.what, self.expected, self.now]
        return [one.say(translate, language) for one in said if one is not None]
