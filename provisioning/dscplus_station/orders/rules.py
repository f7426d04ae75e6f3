"""An order's life (domain: "States"), a table of transitions; and what a row of an orders file must be."""

from collections.abc import Collection, Container, Mapping
from dataclasses import dataclass
from enum import StrEnum

from dscplus_driver.sensitive import Pin
from dscplus_station.devices.rules import Profile
from dscplus_station.orders.pin_policy import pin_fault
from dscplus_station.stock.rules import serial_number_fault
from dscplus_station.users.rules import NAME


class OrderState(StrEnum):
    """How far an order has come."""

    DRAFT = "DRAFT"
    REVIEW = "REVIEW"
    PLACED = "PLACED"
    IN_PROVISIONING = "IN_PROVISIONING"
    SHIPPED = "SHIPPED"
    FULFILLED = "FULFILLED"
    CANCELLED = "CANCELLED"
    UNDELIVERED = "UNDELIVERED"


class OrderKind(StrEnum):
    """A first or further card, or one in place of another (R9, R10)."""

    NEW = "new"
    REPLACEMENT = "replacement"


S = OrderState
ORDER_TRANSITIONS: dict[OrderState, frozenset[OrderState]] = {
    S.DRAFT: frozenset({S.REVIEW, S.CANCELLED}),
    S.REVIEW: frozenset({S.DRAFT, S.PLACED, S.CANCELLED}),
    S.PLACED: frozenset({S.IN_PROVISIONING, S.CANCELLED}),
    S.IN_PROVISIONING: frozenset({S.PLACED, S.SHIPPED, S.CANCELLED}),  # PLACED: the card failed
    S.SHIPPED: frozenset({S.FULFILLED, S.UNDELIVERED, S.IN_PROVISIONING}),  # the latter: undone
    S.FULFILLED: frozenset(),
    S.CANCELLED: frozenset(),
    S.UNDELIVERED: frozenset(),
}

PIN_KEPT = frozenset({S.DRAFT, S.REVIEW, S.PLACED, S.IN_PROVISIONING})
"""Only in these states may an order still hold its sealed PIN."""

CLIENTS_DRAFT = frozenset({S.DRAFT, S.REVIEW})
"""The client is still at it."""

COLUMNS = (
    "order",
    "user",
    "kind",
    "replaces",
    "pin",
    "profile",
    "language",
    "name",
    "address",
    "country",
)
"""The columns of an orders file."""

LIMITS = {"order": 40, "user": 64, "name": 120, "address": 400}
"""Longest values, in characters."""

_PROFILES = {"": Profile.CARD_PIN, "a": Profile.CARD_PIN, "b": Profile.SERVER_PIN}
_PROFILES |= {"card-pin": Profile.CARD_PIN, "server-pin": Profile.SERVER_PIN}


@dataclass(frozen=True)
class OrderRequest:
    """A row of an orders file that can be understood. The PIN never shows itself."""

    order: str
    user: str
    kind: OrderKind
    replaces: str | None
    pin: Pin
    profile: Profile
    language: str
    name: str
    address: str
    country: str


def understand(
    values: Mapping[str, str], countries: Container[str], languages: Collection[str]
) -> OrderRequest | str:
    """Read a row by itself: the request, or why it is refused (never repeating the PIN).

    Args:
        values: stripped text by column (`COLUMNS`).
        countries: the ISO 3166-1 alpha-2 codes there are.
        languages: ISO 639-1 codes of those in which a holder can be written to.
    """
    if fault := text_fault(values):
        return fault
    kind, profile = values["kind"].lower(), values["profile"].lower()
    country, language = values["country"].upper(), values["language"].lower()
    if kind not in set(OrderKind):
        return f"unknown kind {values['kind']!r}: new or replacement"
    if kind == OrderKind.NEW and values["replaces"]:
        return "a new order replaces no card: is it a replacement?"
    if values["replaces"] and (fault := serial_number_fault(values["replaces"])):
        return f"replaces {values['replaces']!r}: {fault}"
    if profile not in _PROFILES:
        return f"unknown profile {values['profile']!r}: A (the card checks the PIN) or B (the server does)"
    if language not in languages:
        return f"unknown language {values['language']!r}: {', '.join(sorted(languages))}"
    if country not in countries:
        return f"unknown country {values['country']!r}: two letters of ISO 3166-1, such as US"
    if fault := pin_fault(values["pin"]):
        return f"refused PIN: {fault}"
    return OrderRequest(
        order=values["order"],
        user=values["user"],
        kind=OrderKind(kind),
        replaces=values["replaces"] or None,
        pin=Pin(values["pin"]),
        profile=_PROFILES[profile],
        language=language,
        name=values["name"],
        address=values["address"],
        country=country,
    )


def text_fault(values: Mapping[str, str]) -> str | None:
    """What is wrong with those of an order's texts (`LIMITS`) that are given, or None."""
    for column, limit in LIMITS.items():
        if column not in values:
            continue
        value = values[column]
        if not value:
            return f"{column} is empty"
        if len(value) > limit:
            return f"{column} is longer than {limit} characters"
        if not value.replace("\n", "" if column == "address" else "\n").isprintable():
            return f"{column} holds characters that cannot be printed"
    for column in {"order", "user"} & values.keys():
        if not NAME.fullmatch(values[column]):
            return f"{column} {values[column]!r} may hold letters, digits and . _ @ + - only"
    return None
