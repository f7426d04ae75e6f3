"""R9 to R11: who may order which card, and what an order must have before it can be reviewed and placed."""

from dataclasses import dataclass
from enum import StrEnum

from dscplus_station.devices.rules import AssignmentState
from dscplus_station.orders.rules import OrderKind, OrderState


class Purpose(StrEnum):
    """What a client orders a card for."""

    FIRST = "first"
    """R9: by a user without a DSC+."""
    ADDITIONAL = "additional"
    """R10: by a user whose DSC+ works: no interim steps."""
    REPLACEMENT = "replacement"
    """R9, R10: in place of one that was lost, stolen or stopped working."""


KIND_OF: dict[Purpose, OrderKind] = {
    Purpose.FIRST: OrderKind.NEW,
    Purpose.ADDITIONAL: OrderKind.NEW,
    Purpose.REPLACEMENT: OrderKind.REPLACEMENT,
}

NEEDS_EQUITY = frozenset({Purpose.FIRST, Purpose.ADDITIONAL})
"""R9: a replacement is not a question of equity."""


class EquityRule(StrEnum):
    """R9: the articles differ; the issuer says which it is."""

    ABOVE = "above"
    AT_LEAST = "at-least"


@dataclass(frozen=True)
class Terms:
    """The issuer's terms: `[ordering]` in the settings. The defaults are the domain's, R9.

    `business_days_to_ship`: after the day of the order, by the warehouse's calendar.
    """

    equity_cents: int = 1_000_000 * 100
    equity_rule: EquityRule = EquityRule.ABOVE
    business_days_to_ship: int = 3


@dataclass(frozen=True)
class Standing:
    """What is on record of a user when a card is ordered.

    Args:
        cards: the states of the user's DSC+ that are not revoked.
        way_in: the user holds interim access, or has another active device.
        under_way: another order of this user for a further card that is not in the post yet, or still there.
        replaced: the present state of the card to be replaced, for this user; None: not issued to the user.
        reported: what happened to that card is on record.
    """

    cards: frozenset[AssignmentState]
    way_in: bool
    under_way: str | None
    replaced: AssignmentState | None
    reported: bool


def equity_fault(purpose: Purpose, equity_cents: int | None, terms: Terms) -> str | None:
    """Why the equity does not do for this purpose, or None (R9)."""
    if purpose not in NEEDS_EQUITY:
        return None
    if equity_cents is None:
        return "a card that replaces none is a question of equity: say how much there is"
    enough = equity_cents > terms.equity_cents
    if terms.equity_rule is EquityRule.AT_LEAST:
        enough = equity_cents >= terms.equity_cents
    if enough:
        return None
    word = "above" if terms.equity_rule is EquityRule.ABOVE else "of at least"
    return f"a DSC+ is for clients with equity {word} {terms.equity_cents // 100:,} USD"


def standing_fault(purpose: Purpose, standing: Standing) -> str | None:
    """Why this user cannot order for this purpose at present, or None (R9, R10)."""
    if purpose is Purpose.REPLACEMENT:
        return _replacement_fault(standing)
    if standing.under_way is not None:
        return f"order {standing.under_way} is under way already"
    if purpose is Purpose.FIRST and standing.cards:
        return "there is a DSC+ already: is this an additional card, or a replacement?"
    if purpose is Purpose.ADDITIONAL and AssignmentState.ACTIVE not in standing.cards:
        return "there is no active DSC+ to add another one to: is this a first card, or a replacement?"
    return None


def placing_fault(kind: OrderKind, standing: Standing) -> str | None:
    """Why an order that was allowed when it began cannot be placed any more, or None."""
    if kind is OrderKind.REPLACEMENT:
        return _replacement_fault(standing)
    return f"order {standing.under_way} is under way already" if standing.under_way is not None else None


def _replacement_fault(standing: Standing) -> str | None:
    if standing.replaced is None:
        return "the card to be replaced was not issued to this user"
    if standing.replaced is not AssignmentState.REVOKED or not standing.reported:
        return f"the card to be replaced is {standing.replaced}: report first what happened to it"
    if not standing.way_in:
        return "a replacement begins with a call: temporary passcode, online card, then the order (R10)"
    return None


UNDER_WAY = frozenset({OrderState.DRAFT, OrderState.REVIEW, OrderState.PLACED, OrderState.IN_PROVISIONING})
"""An order that has not led to a card yet."""


def missing(*, has_pin: bool, account: str | None) -> list[str]:
    """What must be chosen before an order can be reviewed (R11)."""
    return [told for told, there in (("PIN", has_pin), ("account", account is not None)) if not there]
