"""The figures of the rules that an issuer may set otherwise, in `station.toml`; these are the usual ones.

[activation]
replacement_days = 21            # R13: from shipment until a replacement is active by itself
first_card_days = 14             # R14: the same for a first or additional card
approaching_days = 7             # R13: so many days before, the first notice
imminent_days = 1                #      and the second one

[login]
challenge_minutes = 5            # R6: how long a challenge can be answered
wrong_responses = 5              # R6: so many wrong ones in a row lock

[drafts]
days_without_change = 30         # R11: then a client's draft is closed, and its PIN destroyed

They are read with the settings, so that no command works by nonsense.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from dscplus_station.errors import BadInput

_DAYS = range(1, 367)
_MINUTES = range(1, 16)
WRONG_RESPONSES = range(2, 11)
"""At most as many as one login of the portal may try over all its devices."""


@dataclass(frozen=True)
class ActivationDays:
    """Calendar days in the issuer's zone (R13, R14)."""

    replacement: int = 21
    first_card: int = 14
    approaching: int = 7
    imminent: int = 1


@dataclass(frozen=True)
class LoginFigures:
    """What a challenge admits (R6)."""

    challenge_lifetime: timedelta = timedelta(minutes=5)
    wrong_responses: int = 5


@dataclass(frozen=True)
class DraftFigures:
    """How long a client's order may lie before it is placed (R11)."""

    days_without_change: int = 30


USUAL_DAYS = ActivationDays()
USUAL_LOGIN = LoginFigures()
USUAL_DRAFTS = DraftFigures()


def read_activation_days(part: Mapping[str, Any]) -> ActivationDays:
    """The part `[activation]`.

    Raises:
        BadInput: no whole numbers of days, or the notices do not come one after the other before the day.
    """
    usual = {
        "replacement_days": USUAL_DAYS.replacement,
        "first_card_days": USUAL_DAYS.first_card,
        "approaching_days": USUAL_DAYS.approaching,
        "imminent_days": USUAL_DAYS.imminent,
    }
    days = ActivationDays(*_numbers("activation", part, usual, dict.fromkeys(usual, _DAYS)))
    if days.imminent >= days.approaching:
        raise BadInput(
            f"[activation] imminent_days ({days.imminent}) is to be less than approaching_days "
            f"({days.approaching}): the second notice comes nearer to the day"
        )
    shortest = min(days.replacement, days.first_card)
    if days.approaching >= shortest:
        raise BadInput(
            f"[activation] approaching_days ({days.approaching}) is to be less than replacement_days and "
            f"first_card_days ({shortest}): no notice comes before the card is posted"
        )
    return days


def read_login_figures(part: Mapping[str, Any]) -> LoginFigures:
    """The part `[login]`.

    Raises:
        BadInput: no whole numbers, or out of their ranges.
    """
    usual = {
        "challenge_minutes": USUAL_LOGIN.challenge_lifetime // timedelta(minutes=1),
        "wrong_responses": USUAL_LOGIN.wrong_responses,
    }
    admitted = {"challenge_minutes": _MINUTES, "wrong_responses": WRONG_RESPONSES}
    minutes, wrong = _numbers("login", part, usual, admitted)
    return LoginFigures(timedelta(minutes=minutes), wrong)


def read_draft_figures(part: Mapping[str, Any]) -> DraftFigures:
    """The part `[drafts]`.

    Raises:
        BadInput: no whole number of days, or out of its range.
    """
    usual = {"days_without_change": USUAL_DRAFTS.days_without_change}
    return DraftFigures(*_numbers("drafts", part, usual, dict.fromkeys(usual, _DAYS)))


def _numbers(
    name: str, part: Mapping[str, Any], usual: Mapping[str, int], admitted: Mapping[str, range]
) -> list[int]:
    if unknown := set(part) - set(admitted):
        raise BadInput(f"[{name}] has {', '.join(admitted)}, not {', '.join(sorted(unknown))}")
    numbers = []
    for key, among in admitted.items():
        value = part.get(key, usual[key])
        if type(value) is not int or value not in among:
            raise BadInput(f"[{name}] {key} is a whole number from {among[0]} to {among[-1]}, not {value!r}")
        numbers.append(value)
    return numbers
