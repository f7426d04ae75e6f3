"""What a slot is, what it can be doing, and how what happened in it is told. No I/O here.

A slot is a physical place for a card. What happens in it is told by an `Outcome`: a stable code, what is
wrong, what to do now, and the facts behind it, none of them secret. The words are templates, so that a page
translates them before it fills them in.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from dscplus_driver.model import Profile as CardProfile
from dscplus_station.devices.rules import Profile
from dscplus_station.personalise.rules import CARD_PROFILE, RunState
from dscplus_station.wording import words


class SlotUse(StrEnum):
    """What a slot is for."""

    PROVISIONING = "provisioning"
    """A card that is plugged in is asked for, and personalised."""
    RETURNS = "returns"
    """A card that is plugged in says who it is, and waits for what the returns desk wants of it."""


class Phase(StrEnum):
    """What a slot is doing."""

    EMPTY = "empty"
    """No card. `outcome` may still tell of a run that was interrupted by taking its card out."""
    ON_HOLD = "on-hold"
    """A card is there; nothing is done with it before the slot's alarm is acknowledged."""
    IDENTIFYING = "identifying"
    WAITING = "waiting"
    """The card said who it is, and nothing is to be done with it yet."""
    WORKING = "working"
    ENDED = "ended"
    """The verdict stays until the card is taken out."""


class Verdict(StrEnum):
    """How the work on a card ended."""

    PASS = "pass"  # noqa: S105 (no password)
    FAIL = "fail"
    """The card is bad: quarantined."""
    REFUSED = "refused"
    """Nothing was begun, or nothing was changed on the card."""
    INTERRUPTED = "interrupted"
    """The run is open: with the same card, it goes on."""


class Code(StrEnum):
    """What happened in a slot; stable, for programs. `WORDS` has the words."""

    PASSED = "PASSED"
    WRONG_CARD = "WRONG_CARD"
    TWO_CARDS = "TWO_CARDS"
    TWO_ORDERS = "TWO_ORDERS"
    SAME_NUMBER = "SAME_NUMBER"
    NOT_IN_STOCK = "NOT_IN_STOCK"
    CARD_BOUND = "CARD_BOUND"
    CARD_STATE = "CARD_STATE"
    QUARANTINED = "QUARANTINED"
    NO_SUCH_ORDER = "NO_SUCH_ORDER"
    ORDER_CANCELLED = "ORDER_CANCELLED"
    ORDER_SERVED = "ORDER_SERVED"
    ORDER_STATE = "ORDER_STATE"
    PIN_REFUSED = "PIN_REFUSED"
    BATCH_KEY_WRONG = "BATCH_KEY_WRONG"
    BATCH_KEY_MISSING = "BATCH_KEY_MISSING"
    NOT_PERMITTED = "NOT_PERMITTED"
    REMOVED = "REMOVED"
    SWAPPED = "SWAPPED"
    LOST_CONTACT = "LOST_CONTACT"
    STOPPED = "STOPPED"
    NO_ANSWER = "NO_ANSWER"
    NOT_A_CARD = "NOT_A_CARD"
    PORT_HELD = "PORT_HELD"
    CARD_HELD = "CARD_HELD"
    PORT_CLOSED = "PORT_CLOSED"
    RECORDS = "RECORDS"
    REFUSED = "REFUSED"
    MISTAKE = "MISTAKE"


@dataclass(frozen=True)
class Told:
    """What is wrong and what to do now; `{name}` stands for a fact."""

    what: str
    now: str


_AGAIN = "Plug card {serial_number} in again: it goes on where it was."

WORDS: dict[Code, Told] = {
    Code.PASSED: Told("Card {serial_number} is ready for order {order}.", "Take it out."),
    Code.WRONG_CARD: Told(
        "This is card {serial_number}, but card {expected} was scanned.",
        "Take it out and plug in card {expected}.",
    ),
    Code.TWO_CARDS: Told(
        "Two cards were plugged in for order {order}: neither is bound to it.",
        "Take both cards out and scan OK. Each card goes in after its own order was scanned.",
    ),
    Code.TWO_ORDERS: Told(
        "Orders {orders} wait for a card at once, and nothing says which card {serial_number} is for.",
        "Take it out. Scan the card's number for its order, then plug it in.",
    ),
    Code.SAME_NUMBER: Told(
        "Two cards say that they are card {serial_number}: in slot {slot} and in slot {other_slot}.",
        "Take both out, keep them aside and call a supervisor: one may be a copy.",
    ),
    Code.NOT_IN_STOCK: Told(
        "Card {serial_number} is not in this station's stock.",
        "Put it aside; its delivery has to be received first. Take another card.",
    ),
    Code.CARD_BOUND: Told(
        "Card {serial_number} already serves order {order}.",
        "Put it with order {order}, and take a blank card.",
    ),
    Code.CARD_STATE: Told(
        "Card {serial_number} is {state}.",
        "Put it aside for the returns desk, and take a blank card.",
    ),
    Code.QUARANTINED: Told(
        "Card {serial_number} is in quarantine: {cause}.",
        "Put it on the quarantine shelf and call a supervisor. Take another card.",
    ),
    Code.NO_SUCH_ORDER: Told("There is no order {order}.", "Take the card out and scan an order."),
    Code.ORDER_CANCELLED: Told(
        "Order {order} was cancelled meanwhile.", "Take the card out and scan another order."
    ),
    Code.ORDER_SERVED: Told(
        "Order {order} is being served by card {bound}.",
        "Take this card out and plug in card {bound}. If that one is dead, a supervisor sets it aside.",
    ),
    Code.ORDER_STATE: Told("Order {order} is {state}.", "Take the card out and scan another order."),
    Code.PIN_REFUSED: Told(
        "The PIN of order {order} is not allowed.",
        "Take the card out and call a supervisor: the order is cancelled, and placed again with another PIN.",
    ),
    Code.BATCH_KEY_WRONG: Told(
        "The key of batch {batch} does not open card {serial_number}.",
        "Nothing was changed on it. Have the key's check value compared with the maker's letter.",
    ),
    Code.BATCH_KEY_MISSING: Told(
        "The key of batch {batch} is missing, so card {serial_number} cannot be opened.",
        "Take it out. A key custodian imports the key first.",
    ),
    Code.NOT_PERMITTED: Told("This may not be done now: {told}", "Take the card out and call a supervisor."),
    Code.REMOVED: Told("Card {serial_number} was taken out before it was done.", _AGAIN),
    Code.SWAPPED: Told(
        "Card {expected} was here, and now card {found} is.",
        "Take it out and plug card {expected} in again: it goes on where it was.",
    ),
    Code.LOST_CONTACT: Told(
        "Card {serial_number} stopped answering.",
        "Take it out and plug it in again: it goes on where it was.",
    ),
    Code.STOPPED: Told(
        "The station was stopped before card {serial_number} was done.",
        "It goes on when the station runs again.",
    ),
    Code.NO_ANSWER: Told(
        "What is in this slot does not answer.",
        "Take it out and plug it in firmly. If it stays so, put it aside and take another card.",
    ),
    Code.NOT_A_CARD: Told(
        "What is in this slot does not speak as a card does.", "Take it out and keep it aside."
    ),
    Code.PORT_HELD: Told(
        "Another program has this slot's port: {told}", "Close that program; then take the card out and in."
    ),
    Code.CARD_HELD: Told(
        "Another program works with card {serial_number}: {told}",
        "Wait for it; then take the card out and in.",
    ),
    Code.PORT_CLOSED: Told(
        "This slot's port cannot be opened: {told}",
        "Take the card out and in. If it stays so, call whoever looks after the station.",
    ),
    Code.RECORDS: Told(
        "The station's records could not be written: {told}", "Then take the card out and in."
    ),
    Code.REFUSED: Told("{told}", "Take the card out."),
    Code.MISTAKE: Told(
        "The station made a mistake ({kind}).",
        "Take the card out and call whoever looks after the station: its log says more.",
    ),
}


@dataclass(frozen=True)
class Outcome:
    """What happened, for people and programs. `facts`: serial number, order, evidence; no secret.

    `what` and `now` are `Words` where the station says them, so that a page translates them.
    """

    code: str
    what: str
    now: str
    facts: Mapping[str, str] = field(default_factory=dict)


def outcome(code: Code, **facts: object) -> Outcome:
    """The outcome of that code, its words filled in.

    Raises:
        KeyError: a fact is missing that the words name: a mistake of the caller.
    """
    told = {
        name: fact if isinstance(fact, str) else str(fact) for name, fact in facts.items() if fact is not None
    }
    return Outcome(code.value, words(WORDS[code].what, **told), words(WORDS[code].now, **told), told)


CALM = frozenset(
    code.value for code in (Code.PASSED, Code.REMOVED, Code.LOST_CONTACT, Code.NO_ANSWER, Code.STOPPED)
)
"""Outcomes that go by themselves: when the card is taken out, or when it is back, as they ask for."""


def alarms(found: Outcome, verdict: Verdict) -> bool:
    """Whether an outcome stays, as large as the tile, until somebody acknowledges it."""
    return verdict is not Verdict.PASS and found.code not in CALM


STEPS = tuple(state.value for state in RunState)
"""The steps of a personalisation, in order, as a slot tells them."""


def steps_of(profile: Profile) -> tuple[str, ...]:
    """The steps of a personalisation under this profile: a card of profile B keeps no PIN (R5)."""
    keeps_pin = CARD_PROFILE[profile] is CardProfile.CARD_PIN
    return tuple(step for step in STEPS if keeps_pin or step != RunState.PIN_SET)
